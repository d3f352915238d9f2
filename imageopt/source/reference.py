"""What a user types to name an image, to an `ImageRef`. Only the words are read here, and whether a path exists."""

from pathlib import Path
from typing import get_args

from imageopt.errors import UsageError
from imageopt.source.model import ImageRef, SourceKind

_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)


def parse_reference(text: str) -> ImageRef:
    """`docker:node:20`, `docker-archive:app.tar`, `oci:folder`; bare: an existing archive or layout, else a name.

    Raises UsageError for an empty name or one with characters that no image name has.
    """
    prefix, colon, rest = text.partition(":")
    for kind in _KINDS:
        if colon and prefix == kind:
            return ImageRef(kind, _checked(rest, text))
    path = Path(_checked(text, text))
    try:
        if path.is_file():
            return ImageRef(_archive_kind(path), text)
        if (path / "index.json").is_file() and (path / "oci-layout").is_file():
            return ImageRef("oci", text)
    except OSError:
        raise UsageError(f"{text[:80]}… is longer than a name may be", "check what you typed") from None
    return ImageRef(None, text)


def _checked(name: str, text: str) -> str:
    if not name or not name.isprintable() or name.startswith("-"):
        raise UsageError(
            f"{text!r} is not an image reference", "write for example docker:node:20 or docker-archive:app.tar"
        )
    return name


def _archive_kind(path: Path) -> SourceKind:
    return "oci-archive" if path.name.endswith(".oci.tar") else "docker-archive"
