"""Progress on stderr: a line that lives on a terminal, a plain line per step elsewhere, nothing with --quiet."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from imageopt.masking import masked
from imageopt.progress import Progress
from imageopt.units import format_seconds

if TYPE_CHECKING:
    from rich.status import Status

_WIDEST = 100


def make_progress(*, quiet: bool, verbose: bool) -> Progress:
    """The progress that fits where stderr goes."""
    if quiet:
        return Progress()
    if sys.stderr.isatty():
        return LiveProgress(verbose=verbose)
    return LineProgress(sys.stderr, verbose=verbose)


class LineProgress(Progress):
    """One line when a step ends, with how long it took: what a CI log wants."""

    def __init__(self, out: TextIO, *, verbose: bool) -> None:
        self._out = out
        self._verbose = verbose

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        started = time.monotonic()
        if self._verbose:
            self._say(f"{text} …")
        try:
            yield
        except BaseException:
            self._say(f"{text}: failed after {format_seconds(time.monotonic() - started)}")
            raise
        self._say(f"{text}: {format_seconds(time.monotonic() - started)}")

    def note(self, text: str) -> None:
        if self._verbose:
            self._say(text)

    def _say(self, text: str) -> None:
        self._out.write(f"imageopt: {printable(text)}\n")
        self._out.flush()


class LiveProgress(Progress):
    """The running step with a spinner, its elapsed time and what it is at; steps that ended stay as a line."""

    def __init__(self, *, verbose: bool) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._verbose = verbose
        self._spinner = "dots" if self._console.encoding.startswith("utf") else "line"
        self._status: Status | None = None
        self._text = ""
        self._started = 0.0

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        from rich.markup import escape

        outer = (self._status, self._text, self._started)
        if outer[0] is not None:
            outer[0].stop()
        self._text, self._started = escape(printable(text)), time.monotonic()
        self._status = self._console.status(self._text, spinner=self._spinner)
        self._status.start()
        try:
            yield
        finally:
            self._status.stop()
            self._console.print(f"[dim]{self._text}  {format_seconds(time.monotonic() - self._started)}[/]")
            self._status, self._text, self._started = outer
            if self._status is not None:
                self._status.start()

    def update(self, detail: str) -> None:
        from rich.markup import escape

        if self._status is not None:
            elapsed = format_seconds(time.monotonic() - self._started)
            room = max(20, min(self._console.width, _WIDEST) - len(self._text) - len(elapsed) - 8)
            self._status.update(f"{self._text}  [dim]{elapsed}  {escape(printable(detail)[:room])}[/]")

    def note(self, text: str) -> None:
        from rich.markup import escape

        if self._verbose:
            self._console.print(f"[dim]{escape(printable(text))}[/]")


def printable(text: str) -> str:
    """The text on one line, without secrets and anything that a terminal would obey."""
    return masked("".join(letter if letter.isprintable() else " " for letter in text))
