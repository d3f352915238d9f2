"""Answers of two builds -> which hashed file of the one is which of the other.

A bundler names its files after their content or their build (`app-1b2c3d4e.js`), and pages name them so. The same page
with another hash is the same page, as long as the file is there and is the same too.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from imageopt.verify.exchange import Exchange

_HASHED = re.compile(r"^(.*/[^/?]*?[.-])(?=[^/.]*\d)([0-9A-Za-z_-]{8,64})(\.[0-9A-Za-z.]+)(?:\?.*)?$")
_OK = 200


def is_hashed(path: str) -> bool:
    """Whether the file's name looks as if a bundler had put a hash into it."""
    return _HASHED.match(path) is not None


def same_files(before: Iterable[Exchange], after: Iterable[Exchange]) -> dict[str, str]:
    """Path in `after` -> path in `before`: files that only one side has, named alike but for the hash.

    Where several are named alike, those of the same content belong together; the others belong to none.
    """
    old = {answer.path: answer for answer in before if answer.status == _OK}
    new = {answer.path: answer for answer in after if answer.status == _OK}
    gone, come = (_by_stem(old.keys() - new.keys()), _by_stem(new.keys() - old.keys()))
    found = {}
    for stem, paths in gone.items():
        candidates = come.get(stem, [])
        if len(paths) == len(candidates) == 1:
            found[candidates[0]] = paths[0]
            continue
        for path in paths:
            alike = [other for other in candidates if new[other].body == old[path].body]
            if len(alike) == 1:
                found[alike[0]] = path
    return found


def _by_stem(paths: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in sorted(paths):
        match = _HASHED.match(path)
        if match:
            found[match[1], match[3]].append(path)
    return found
