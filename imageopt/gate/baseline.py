"""What an image had before: a file of the repository, the last result that passed here, or any earlier result.

What surprises: a ratchet only turns one way. A new baseline has the smaller of the old and the new size, of each, so
that what was won stays won.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imageopt.errors import InputError
from imageopt.folders import state_folder
from imageopt.gate.check import judged, sizes_of
from imageopt.gate.model import SIZES, Baseline
from imageopt.source.reference import parse_reference

SCHEMA = "imageopt.baseline/1"
FILE = "imageopt-baseline.json"


def read_baseline(path: Path, name: str | None = None) -> Baseline | None:
    """The baseline in the file, which may as well be a result of analyze or verify; None where there is no file.

    `name` is how it is told of. Raises InputError for a file that is neither.
    """
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}", "see that it is a file that you may read"
        ) from None
    except (ValueError, RecursionError):
        document = None
    try:
        return Baseline(name or path.name, _sizes(document))
    except (KeyError, TypeError, AttributeError):
        raise InputError(
            f"{path} is no baseline", "write one with `imageopt gate --update-baseline`, or name a stored result"
        ) from None


def lowered(old: Baseline | None, sizes: Mapping[str, int | None]) -> dict[str, Any]:
    """The document of the new baseline: of each size the smaller one, and the one that is known."""
    before = old.sizes if old is not None else {}
    pairs = {name: [size for size in (before.get(name), sizes.get(name)) if size is not None] for name in SIZES}
    return {"schema": SCHEMA, "sizes": {name: min(known, default=None) for name, known in pairs.items()}}


def dumped(document: Mapping[str, Any]) -> str:
    """The baseline as the text of its file."""
    return json.dumps(document, indent=2) + "\n"


def history_file(folder: Path, image: str | None) -> Path:
    """Where the last result that passed is kept, for this folder and, where one was named, this image of any tag."""
    subject = f"{folder.resolve()}\n{_untagged(image) if image is not None else ''}"
    return (
        state_folder() / "gate" / f"{hashlib.sha256(subject.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.json"
    )


def _untagged(image: str) -> str:
    """The name of an image without its kind, tag and digest; an archive's is its path."""
    reference = parse_reference(image)
    name = reference.name.partition("@")[0]
    head, _, tag = name.rpartition(":")
    return head if head and "/" not in tag else name


def _sizes(document: Any) -> dict[str, int | None]:
    found = document["sizes"] if document["schema"] == SCHEMA else sizes_of(judged(document).image)
    sizes = {name: found.get(name) for name in SIZES}
    if not all(size is None or (type(size) is int and size >= 0) for size in sizes.values()):
        raise TypeError("a size is a number of bytes")
    return sizes
