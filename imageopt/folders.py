"""The user's own folders for what imageopt keeps: state that undo needs, and temporary files beside the home.

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


def _folder(variable: str, usual: str) -> Path:
    named = Path(os.environ.get(variable, ""))
    try:
        return (named if named.is_absolute() else Path.home() / usual) / "imageopt"
    except RuntimeError:  # no HOME, and a user that no list knows: usual in containers
        raise InputError(
            "this user has no home folder", f"set HOME or {variable} to a folder that can be written"
        ) from None
