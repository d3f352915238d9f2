"""What git says of a file: where its repository begins, and whether what the file holds was committed.

A repository is a stranger's: its configuration can name programs that git runs (fsmonitor, hooks, filters, transports).
So only commands are used that read the index and the trees, with these switched off; what a file holds is compared
here, for git would run the filters. Without git, or outside a repository, nothing is known, and that is no error.
"""

import hashlib
from pathlib import Path

from msgspec import Struct

from imageopt.errors import ImageoptError
from imageopt.process import find_program, run

_SECONDS = 10
_HARMLESS = (
    "--no-pager",
    "--no-optional-locks",
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
)  # fmt: skip
_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # a tree that is not there is not fetched: fetching runs what the repository names
}


class Repository(Struct, frozen=True):
    """Where the repository's files begin, and the hash that names its objects."""

    top: Path
    hash_name: str


def repository(folder: Path) -> Repository | None:
    """The repository that the folder lies in, or None where there is none, or no git to ask."""
    up = _git(folder, "rev-parse", "--show-cdup")  # `../` as often as needed: a path that has no strange letters
    if up is None:
        return None
    named = (_git(folder, "rev-parse", "--show-object-format") or "").strip()
    return Repository((folder / up.removesuffix("\n")).resolve(), "sha256" if named == "sha256" else "sha1")


def blob_id(data: bytes, hash_name: str) -> str:
    """The name that git gives to this content."""
    return hashlib.new(hash_name, b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def uncommitted(target: Path, content: bytes | None) -> str | None:
    """Why the file's content is in no commit, in words that follow its name; None where it is, or nobody can tell."""
    folder, name = target.parent, target.name
    staged = _git(folder, "--literal-pathspecs", "ls-files", "--stage", "-z", "--", name)
    if staged is None:
        return None
    in_head = _git(folder, "--literal-pathspecs", "ls-tree", "-z", "HEAD", "--", name)  # None before the first commit
    index = _column(staged, 1)
    committed = next(iter(_column(in_head or "", 2)), None)
    if not index and committed is None:
        if content is None or _git(folder, "check-ignore", "-q", "--", f"./{name}") is not None:
            return None  # it is none of git's business
        return "was never committed"
    if index != [committed] or content is None:
        return "has changes that are not committed"
    hash_name = "sha1" if len(committed or "") == 40 else "sha256"
    unix = content.replace(b"\r\n", b"\n")  # as core.autocrlf and the text attribute commit it
    if committed not in {blob_id(content, hash_name), blob_id(unix, hash_name)}:
        return "has changes that are not committed"
    return None


def _column(listing: str, number: int) -> list[str]:
    """One column of `MODE … ID …<tab>NAME` in each entry."""
    return [entry.split("\t")[0].split()[number] for entry in listing.split("\0") if entry]


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where it says no, is missing or hangs."""
    program = find_program("git")
    if program is None:
        return None
    try:
        completed = run([program, *_HARMLESS, *arguments], timeout=_SECONDS, environment=_ENVIRONMENT, folder=folder)
    except ImageoptError:
        return None
    return completed.stdout if completed.exit_code == 0 else None
