"""What a name that is not there was likely meant to be; a few times for each file, since it takes long."""

from collections.abc import Iterable
from itertools import islice

from imageopt.dockerfile.model import Dockerfile

_MOST_NAMES, _MOST_QUESTIONS = 100, 50
_SHORTEST = 4  # characters: shorter names are all alike


def likely(dockerfile: Dockerfile, name: str, names: Iterable[str], cutoff: float) -> str:
    """The one of the names that is almost this one; empty if there is none, or if it was asked too often."""
    asked: dict[str, str] = dockerfile.memo.setdefault("likeness", {})
    if name not in asked:
        if len(asked) >= _MOST_QUESTIONS or len(name) < _SHORTEST:
            return ""
        import difflib  # only few files make a mistake

        found = difflib.get_close_matches(name, list(islice(names, _MOST_NAMES)), 1, cutoff)
        asked[name] = found[0] if found else ""
    return asked[name]
