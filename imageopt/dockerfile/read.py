"""A path -> the bytes of the Dockerfile there, or a reason why there is none; never an endless read.

A stranger's project may hold a pipe, a device or gigabytes under that name. What the user names may be a pipe, as a
shell's `<(command)` is one.
"""

import os
import stat
from pathlib import Path

from imageopt.errors import InputError

LIMIT_BYTES = 1_000_000  # a hundred times the longest that people write; the time for a longer one is not bounded


def read_dockerfile(path: Path, *, streams: bool = False) -> bytes:
    """The bytes of the file; with `streams`, a pipe or a device is read too.

    Raises FileNotFoundError where there is nothing, InputError for what cannot be read or is larger than 1 MB.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | (0 if streams else os.O_NONBLOCK))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "check the path and its permissions") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode) or not (streams or stat.S_ISREG(mode)):
            what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
            raise InputError(f"{path} cannot be read: it is {what}", "name a Dockerfile")
        with open(descriptor, "rb", closefd=False) as stream:
            data = stream.read(LIMIT_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > LIMIT_BYTES:
        raise InputError(f"{path} is larger than 1 MB", "name a Dockerfile; what is that long was not written by hand")
    return data
