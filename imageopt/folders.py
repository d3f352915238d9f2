"""The user's own folders for what imageopt keeps, and those above a project.

State that undo needs lies in one, temporary files beside the home in another.

Only absolute paths in the XDG variables count, as their specification asks: a relative one would put files into
whatever folder a command is started in.
"""

import os
from pathlib import Path

from imageopt.errors import InputError


def state_folder() -> Path:
    """Where records are kept; nothing is made. Raises InputError where the user has no home."""
    return _folder("XDG_STATE_HOME", ".local/state")


def cache_folder() -> Path:
    """Where temporary files go that must lie on the file system of the home. Raises InputError where there is none."""
    return _folder("XDG_CACHE_HOME", ".cache")


def upwards(start: Path) -> list[Path]:
    """The folder, and those above it up to its repository's root; outside of a repository it alone."""
    folder = start.resolve()
    above = [folder, *folder.parents]
    root = next((index for index, place in enumerate(above) if (place / ".git").exists()), 0)
    return above[: root + 1]


def _folder(variable: str, usual: str) -> Path:
    named = Path(os.environ.get(variable, ""))
    try:
        return (named if named.is_absolute() else Path.home() / usual) / "imageopt"
    except RuntimeError:  # no HOME, and a user that no list knows: usual in containers
        raise InputError(
            "this user has no home folder", f"set HOME or {variable} to a folder that can be written"
        ) from None
