"""stdout and stderr as a command wants them: whatever they are, writing to them changes no exit code by accident.

A reader that went away is no error, and the command still gives its answer; a full disk behind stdout is one, and a
line of progress that cannot be shown is none. Letters that the stream's encoding lacks become a question mark.
"""

import io
import os
import shutil
import sys
from collections.abc import Callable
from typing import TextIO

from imageopt.errors import InputError


def prepare() -> None:
    """Puts such streams in the place of `sys.stdout` and `sys.stderr`; closed ones lead nowhere."""
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # where one of the three was closed, the next file opened would be taken for it
    os.close(spare)
    sys.stdout = _stream(sys.stdout, 1, _refuse)
    sys.stderr = _stream(sys.stderr, 2, _ignore)


def is_terminal() -> bool:
    """Whether results are read by a person at a terminal."""
    return sys.stdout.isatty()


def columns() -> int | None:
    """The columns of the terminal that results are read at; None where there is none."""
    return shutil.get_terminal_size().columns if is_terminal() else None


class _Outlet(io.FileIO):
    """A descriptor that is written to until that fails; from then on it leads nowhere."""

    def __init__(self, descriptor: int, judge: Callable[[OSError], None]) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._judge = judge

    def write(self, data: "bytes | memoryview[int]", /) -> int:  # type: ignore[override]
        try:
            return super().write(data) or 0
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            self._judge(error)
            return len(data)


def _refuse(error: OSError) -> None:
    if not isinstance(error, BrokenPipeError):
        raise InputError(
            f"the result cannot be written to standard output: {error.strerror}", "send it to another place"
        ) from None


def _ignore(error: OSError) -> None:
    pass


def _stream(known: TextIO | None, descriptor: int, judge: Callable[[OSError], None]) -> TextIO:
    encoding = getattr(known, "encoding", None) or "utf-8"
    lines = descriptor == 2 or os.isatty(descriptor)
    outlet: io.RawIOBase = _Outlet(descriptor, judge)
    return io.TextIOWrapper(io.BufferedWriter(outlet), encoding=encoding, errors="replace", line_buffering=lines)
