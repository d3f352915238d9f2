"""Changes of files -> a patch that `git apply` takes, byte for byte.

Unlike the diff that is shown, it keeps every byte: line ends, missing ones, what is no UTF-8. Names are quoted as git
quotes them and count from the repository's root, for there git looks for them, wherever it is called.
"""

import difflib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from imageopt.errors import InputError
from imageopt.project.files import inside
from imageopt.rewrite.git import blob_id, repository
from imageopt.rewrite.model import Rewrite

_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}


class Patched(Struct, frozen=True):
    """One file of a patch: `path` from the repository's root; content before and after, None where it is not there."""

    path: str
    before: bytes | None
    after: bytes | None
    executable: bool = False


def rewrite_patch(root: Path, rewrite: Rewrite) -> bytes:
    """The patch that does what applying the rewrite would do; empty where nothing changes.

    Raises InputError for a path that leads out of the project.
    """
    if not rewrite.changes:
        return b""
    found = repository(root)
    top = found.top if found is not None else root.resolve()
    files = []
    for change in rewrite.changes:
        target = inside(root, change.path)  # where a link leads: git changes no link's target through the link
        if target is None or not target.is_relative_to(top):
            raise InputError(f"{change.path} leads out of the project", "replace the symlink by a file of the project")
        executable = target.exists() and bool(target.stat().st_mode & 0o100)
        files.append(Patched(target.relative_to(top).as_posix(), change.before, change.after, executable))
    return git_patch(files, found.hash_name if found is not None else "sha1")


def git_patch(files: Iterable[Patched], hash_name: str = "sha1") -> bytes:
    """The files as one patch, in their order; those that do not change are left out."""
    return b"".join(line for file in files for line in _file(file, hash_name))


def _file(file: Patched, hash_name: str) -> Iterator[bytes]:
    if file.before == file.after:
        return
    mode = b"100755" if file.executable else b"100644"
    old, new = _quoted("a/", file.path), _quoted("b/", file.path)
    yield b"diff --git %s %s\n" % (old, new)
    ids = b"%s..%s" % (_id(file.before, hash_name), _id(file.after, hash_name))
    if file.before is None:
        yield b"new file mode %s\nindex %s\n" % (mode, ids)
    elif file.after is None:
        yield b"deleted file mode %s\nindex %s\n" % (mode, ids)
    else:
        yield b"index %s %s\n" % (ids, mode)
    hunks = list(_hunks(file.before or b"", file.after or b""))
    if hunks:  # an empty file comes and goes without
        yield b"--- %s\n" % (b"/dev/null" if file.before is None else _named(old))
        yield b"+++ %s\n" % (b"/dev/null" if file.after is None else _named(new))
    yield from hunks


def _hunks(before: bytes, after: bytes) -> Iterator[bytes]:
    difference = difflib.unified_diff(_lines(before), _lines(after))
    for number, line in enumerate(difference):
        if number < 2:
            continue  # the names, which are written as git writes them
        data = line.encode("latin-1")
        yield data if data.endswith(b"\n") else data + b"\n\\ No newline at end of file\n"


def _lines(data: bytes) -> list[str]:
    """The lines with their ends, a letter for each byte; only a newline ends one."""
    *whole, last = data.decode("latin-1").split("\n")
    return [f"{line}\n" for line in whole] + ([last] if last else [])


def _id(content: bytes | None, hash_name: str) -> bytes:
    name = blob_id(content or b"", hash_name)
    return (name if content is not None else "0" * len(name)).encode("ascii")


def _quoted(prefix: str, path: str) -> bytes:
    """The name as git's core.quotePath writes it: in quotes where it holds more than plain letters and spaces."""
    name = os.fsencode(prefix + path)
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in name):
        return name
    letters = (
        f"\\{_ESCAPES[byte]}" if byte in _ESCAPES else chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"
        for byte in name
    )
    return f'"{"".join(letters)}"'.encode("ascii")


def _named(quoted: bytes) -> bytes:
    """The name with a tab at its end where it holds a space, so that no reader takes the rest for a date."""
    return quoted + b"\t" if b" " in quoted and not quoted.startswith(b'"') else quoted
