"""composer.json -> Composer. Anything of the wrong type in it is read as if it were not there."""

from pathlib import Path

from imageopt.project.jsonc import object_of, read_object, texts_of
from imageopt.project.model import Composer

_CLASS_MAPS = ("optimize-autoloader", "classmap-authoritative", "apcu-autoloader")


def read_composer(root: Path) -> Composer | None:
    """The manifest of the folder; None where there is none, or where it is no JSON object."""
    data = read_object(root, "composer.json")
    if data is None:
        return None
    config = object_of(data.get("config"))
    return Composer(
        require=tuple(texts_of(data.get("require"))),
        require_dev=tuple(texts_of(data.get("require-dev"))),
        optimizes_autoloader=any(config.get(name) is True for name in _CLASS_MAPS),
    )
