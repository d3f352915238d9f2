"""Base images that are published in a slimmer variant too, by the names that Docker Hub's official images have."""

from imageopt.lazy_pattern import lazy_pattern

_WITH_SLIM = {"node", "python", "ruby", "perl", "php", "golang", "rust", "openjdk", "eclipse-temurin", "debian"}
_SLIM = lazy_pattern(r"(?:^|[-.])(?:slim|alpine|distroless|minimal|scratch)(?:$|[-.\d])")
_WITHOUT = lazy_pattern(r"(?:^|-)(?:apache|windowsservercore|nanoserver)(?:$|-)")  # PHP with Apache is Debian's alone


def has_slimmer_variant(reference: str | None) -> bool:
    """Whether the image is the full variant of one that has a slim or alpine variant; False where nobody knows."""
    if reference is None:
        return False
    name, tag = split_reference(reference)
    return name.rpartition("/")[2] in _WITH_SLIM and not (_SLIM.search(tag) or _WITHOUT.search(tag))


def split_reference(reference: str) -> tuple[str, str]:
    """`registry:5000/node:20@sha256:…` to (`registry:5000/node`, `20`); the tag is empty where there is none."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{head}{slash}{last}", tag
