"""The temporary folders of this program: named after their process, so that those of killed runs can be told.

`remove_tree` removes what a project may have put there, folders that forbid writing included.
"""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from imageopt.errors import InputError
from imageopt.folders import cache_folder

_NAME = re.compile(r"imageopt-[a-z]+-(\d+)-.+")


def prefix(kind: str) -> str:
    """The beginning of a temporary folder's name; `kind` is one word."""
    return f"imageopt-{kind}-{os.getpid()}-"


def lives(process_id: int) -> bool:
    """Whether there is such a process, here and now."""
    try:
        os.kill(process_id, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def left_by_dead_runs() -> Iterator[Path]:
    """This user's temporary folders of this program whose process is gone, sorted."""
    places = [Path(tempfile.gettempdir())]
    with contextlib.suppress(InputError):
        places.append(cache_folder())
    for place in places:
        for path in sorted(place.glob("imageopt-*")):
            found = _NAME.fullmatch(path.name)
            if found is None or path.is_symlink() or lives(int(found[1])):
                continue
            with contextlib.suppress(OSError):
                if path.is_dir() and path.stat().st_uid == os.getuid():
                    yield path


def remove_tree(folder: Path) -> None:
    """Deletes a temporary folder, folders without write permission included; one that is gone already is fine."""
    for path, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(path).chmod(0o700)  # before the walk lists it, so that nothing below is missed
    shutil.rmtree(folder, ignore_errors=True)
