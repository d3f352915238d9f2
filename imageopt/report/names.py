"""Text from images and files -> text that is valid Unicode, or harmless on a screen.

Two different things: `readable` mends names that are not UTF-8 and is for documents, which keep control characters
(JSON escapes them); `harmless` spells control characters out and is for everything that a person looks at.
"""

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # Unicode categories that print nothing or move what is printed


def readable(text: str) -> str:
    """The text with each byte that was not UTF-8 as `\\xNN`."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def raw_name(text: str) -> str | None:
    """The exact bytes of the name in base64 where `readable` had to change it, else None."""
    if readable(text) == text:
        return None
    import base64

    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def harmless(text: str) -> str:
    """The text on one line, with control characters, line ends and direction marks as `\\xNN` or `\\uNNNN`."""
    if text.isprintable():
        return text
    import unicodedata

    return "".join(_spelled(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def _spelled(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
