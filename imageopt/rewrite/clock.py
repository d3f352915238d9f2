"""The time zone that a Dockerfile sets for the whole system: which commands do it, and what they need to be there.

They name files of `tzdata`, which some base images hold and smaller ones may not: so they are run again in the stage
that is shipped, and another base image gets that package first.
"""

import re
from collections.abc import Sequence

_ZONES = "/usr/share/zoneinfo/"
_NOTED = re.compile(r"(?:echo|printf)\s+[\"']?[\w/+${}-]+[\"']?\s*>\s*/etc/timezone")


def sets_clock(words: Sequence[str], text: str) -> bool:
    """Whether the command sets the system's time zone, and does nothing else."""
    if _NOTED.fullmatch(text):
        return True
    if re.search(r"[>|`]|\$\(", text):
        return False
    plain = [word for word in words[1:] if not word.startswith("-")]
    match words[0]:
        case "ln" | "cp":
            return len(plain) == 2 and plain[0].startswith(_ZONES) and plain[1] == "/etc/localtime"
        case "dpkg-reconfigure":
            return [word for word in plain if word != "noninteractive"] == ["tzdata"]
    return False
