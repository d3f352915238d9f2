"""Answers of two builds -> which hashed file of the one is which of the other.

A bundler names its files after their content or their build (`app-1b2c3d4e.js`), and pages name them so. The same page
with another hash is the same page, as long as the file is there and is the same too. Files name each other, in circles
as well: one stamp of the time in one module gives all that load it another name. Whatever is paired here is only called
alike afterwards and then compared, so that a wrong pair can hide nothing.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from imageopt.verify.exchange import Exchange
from imageopt.verify.mask import without_dates

_HASH = r"(?=[^/.]*\d|[^/.]*[a-z][^/.]*[A-Z]|[^/.]*[A-Z][^/.]*[a-z])[0-9A-Za-z_-]{8,64}"
# where there is nothing but a hash it may not be a plain number: pictures of things with a number are so called
_HASHED = re.compile(rf"^(.*/(?:[^/?]*?[.-]|(?!\d+\.)))({_HASH})((?:\.[0-9A-Za-z]{{1,7}})*\.[0-9A-Za-z]+)(?:\?.*)?$")
_RUN = re.compile(rb"[0-9A-Za-z_-]{8,}")
_RUN_SO_FAR = re.compile(r"[0-9A-Za-z_-]*$")
_OK = 200


def is_hashed(path: str) -> bool:
    """Whether the file's name looks as if a bundler had put a hash into it."""
    return _HASHED.match(path) is not None


def without_hash(path: str) -> str:
    """The path with nothing in the place of the hash."""
    match = _HASHED.match(path)
    return match[1] + match[3] if match else path


def new_names(before: Iterable[Exchange], after: Iterable[Exchange]) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The files with hashed names that only one side has, by path, with what they hold.

    Some servers give their start page for every name: what is of another type is not the file.
    """
    old, new = (
        {one.path: one for one in side if one.status == _OK and is_hashed(one.path)} for side in (before, after)
    )
    types = {path: answer.content_type for path, answer in new.items()}
    gone = {path: one.body for path, one in sorted(old.items()) if types.get(path) != one.content_type}
    come = {path: one.body for path, one in sorted(new.items()) if path not in old}
    return gone, come


def same_files(gone: Mapping[str, bytes], come: Mapping[str, bytes]) -> dict[str, str]:
    """Path in `come` -> path in `gone`: named alike but for the hash.

    Where several are named alike, those of the same content belong together, whatever hashes are in it, as long as the
    files that these stand for belong together too; the others belong to none.
    """
    kinds = _kinds({**gone, **come})
    found = {}
    theirs, ours = _grouped(gone, without_hash), _grouped(come, without_hash)
    for stem, paths in theirs.items():
        candidates = ours.get(stem, [])
        if len(paths) == len(candidates) == 1:
            found[candidates[0]] = paths[0]
            continue
        alike = _grouped(candidates, kinds.__getitem__)
        for kind, those in _grouped(paths, kinds.__getitem__).items():
            if len(alike.get(kind, ())) == len(those):
                found |= dict(zip(alike[kind], those, strict=True))
    return found


def spelled(path: str) -> tuple[bytes, ...]:
    """What stands for the file wherever it is named: `app-1b2c3d4e` of `/a/app-1b2c3d4e.js`, and the hash alone.

    React Router writes the hash of its manifest into every page. A plain number alone may stand for anything.
    """
    match = _HASHED.match(path)
    assert match
    so_far = _RUN_SO_FAR.search(match[1])
    words = (f"{so_far[0] if so_far else ''}{match[2]}", match[2])
    return tuple(word.encode() for word in (words[:1] if match[2].isdecimal() else words))


def other_words(files: Mapping[str, str]) -> dict[bytes, bytes]:
    """What is spelled for the one file -> what is for the other; of words for several files only what fits them all."""
    found: dict[bytes, set[bytes]] = defaultdict(set)
    for path, other in files.items():
        for word, theirs in zip(spelled(path), spelled(other), strict=False):
            found[word].add(theirs)
    return {word: theirs.pop() for word, theirs in found.items() if len(theirs) == 1}


def respelled(body: bytes, names: Mapping[bytes, bytes]) -> bytes:
    """The text with other names in it, all at once."""

    def other(found: re.Match[bytes]) -> bytes:
        return names.get(found[0], found[0])

    return _RUN.sub(other, body) if names else body


def _kinds(files: Mapping[str, bytes]) -> dict[str, str]:
    """What tells files apart: their text without the names of any of them, then what the named ones are, and so on.

    As a deterministic automaton is made minimal: it ends where another round tells no more of them apart.
    """
    paths = {word: path for path in files for word in spelled(path)}
    blank = dict.fromkeys(paths, b"~")
    named = {path: [paths[run] for run in _RUN.findall(body) if run in paths] for path, body in files.items()}
    kinds = {
        path: _digest(without_hash(path).encode(), without_dates(respelled(body, blank)))
        for path, body in files.items()
    }
    count = 0
    while len(set(kinds.values())) > count:
        count = len(set(kinds.values()))
        kinds = {path: _digest(*(kinds[one].encode() for one in (path, *named[path]))) for path in files}
    return kinds


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _grouped(paths: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(paths):
        found[key(path)].append(path)
    return found
