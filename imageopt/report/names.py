"""Text from images and files -> text that is valid Unicode, or harmless on a screen.

Two different things: `readable` mends names that are not UTF-8 and is for documents, which keep control characters
(JSON escapes them); `harmless` spells control characters out and is for everything that a person looks at.
"""

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # Unicode categories that print nothing or move what is printed


def readable(text: str) -> str:
    """The text with each byte that was not UTF-8 as `\\xNN`."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def path_fields(path: str) -> dict[str, str]:
    """The `path` of a JSON row, and `path_raw`, its exact bytes in base64, where `readable` had to change it."""
    shown = readable(path)
    if shown == path:
        return {"path": shown}
    import base64

    return {"path": shown, "path_raw": base64.b64encode(path.encode("utf-8", "surrogateescape")).decode("ascii")}


def harmless(text: str) -> str:
    """The text on one line, with control characters, line ends and direction marks as `\\xNN` or `\\uNNNN`."""
    if text.isprintable():
        return text
    import unicodedata

    return "".join(_spelled(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def _spelled(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
