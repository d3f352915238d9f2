"""The languages that a Dockerfile makes for the whole system: which commands make them.

They are Debian's own and come from its package `locales`; what they make is run again in the stage that is shipped.
"""

import re
from collections.abc import Sequence

_FILES = r"/etc/(?:locale\.gen|default/locale|locale\.conf)"
_NOTED = re.compile(rf"(?:echo|printf)\s+(?:'[^']*'|\"[^\"`]*\"|[\w.@ {{}}$-]+?)\s*>>?\s*{_FILES}")


def makes_locale(words: Sequence[str], text: str) -> bool:
    """Whether the command makes or chooses a language of the system, and does nothing else."""
    if "$(" in text:
        return False
    if _NOTED.fullmatch(text):
        return True
    program = words[0].rpartition("/")[2]
    plain = [word for word in words[1:] if not word.startswith("-")]
    if program == "sed":
        named = [word for word in plain if word.startswith("/") and re.fullmatch(r"/[\w.-]+(?:/[\w.-]+)*", word)]
        return words[1:2] == ("-i",) and len(named) == 1 and plain[-1] == named[0] and _is_list(named[0])
    if re.search(r"[>|`]", text):
        return False
    if program == "dpkg-reconfigure":
        return [word for word in plain if word != "noninteractive"] == ["locales"]
    return program in ("locale-gen", "localedef", "update-locale")


def _is_list(path: str) -> bool:
    return re.fullmatch(_FILES, path) is not None
