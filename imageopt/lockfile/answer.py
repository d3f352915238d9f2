"""What a package manager said -> in sync, drifted with the names, or why it could not be told.

Only the manager's own code for "the lock file does not fit" is a drift. A registry that does not answer says nothing
about the lock file, and must never make one.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

_NETWORK = re.compile(
    r"\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT"
    r"|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|DEPTH_ZERO_SELF_SIGNED_CERT|ERR_PNPM_META_FETCH_FAIL"
    r"|RequestError|E5\d\d|E429)\b|network (?:timeout|connectivity)|trouble with your network"
)
_LOGIN = re.compile(r"\b(?:E401|E403|ENEEDAUTH|ERR_PNPM_FETCH_40[13]|YN0041|YN0033)\b")
_DRIFT = re.compile(
    r"code EUSAGE|ERR_PNPM_(?:OUTDATED_LOCKFILE|FROZEN_LOCKFILE\w*|LOCKFILE_(?:CONFIG_MISMATCH|MISSING_DEPENDENCY))"
    r"|lockfile needs to be updated|lockfile would have been (?:modified|created)"
)
_NAMED = (
    re.compile(r"(?:Missing|Extraneous): (?P<name>(?:@[^@\s/]+/)?[^@\s]+)@\S+ (?:from|in) lock file"),
    re.compile(r"Invalid: lock file's (?P<name>(?:@[^@\s/]+/)?[^@\s]+)@\S+ does not satisfy "),
)
_NOISE = re.compile(
    r"^(?:npm (?:error|ERR!|notice|warn|WARN)(?: code)?|error|warning|info|➤ YN\d{4}: [·│┌└]?)\s*|\bA complete log .*$"
)
_TELLING = re.compile(r"^(?:npm (?:error|ERR!)|error |ERR_PNPM|\s*ERR_PNPM|➤ YN0(?!000|013|019|085|073|007|002))")
_LONGEST = 200


class Answer(Struct, frozen=True):
    """`kind` of what was said, and why in one line; `names` are the packages that do not fit, sorted."""

    kind: Literal["network", "login", "drift", "other"]
    reason: str
    names: tuple[str, ...] = ()


def answer(log: Sequence[str]) -> Answer:
    """What the lines of a command that failed say."""
    text = "\n".join(log)
    if _DRIFT.search(text):
        # Yarn shows all that differs before it says so
        said = [line for line in log if _DRIFT.search(line) and "EUSAGE" not in line]
        return Answer("drift", _reason(said or log), tuple(sorted(set(_names(log)))))
    if _LOGIN.search(text):
        return Answer("login", _reason(log))
    return Answer("network" if _NETWORK.search(text) else "other", _reason(log))


def _names(log: Sequence[str]) -> Iterator[str]:
    for line in log:
        for pattern in _NAMED:
            found = pattern.search(line)
            if found:
                yield found["name"]


def _reason(log: Sequence[str]) -> str:
    """The line that says most: the first of an error that is more than a code; else the last one."""
    telling = [line for line in log if _TELLING.search(line)]
    words = [_NOISE.sub("", line).strip() for line in telling] or [line.strip() for line in log[-1:]]
    long = [line for line in words if " " in line]
    return (long or [line for line in words if line] or ["it said nothing"])[0][:_LONGEST]
