"""Progress on stderr: a line that lives on a terminal, a plain line per step elsewhere, nothing with --quiet."""

import os
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
_WORTH_TELLING = 0.1  # seconds: a person has not seen what was over sooner
_SILENCE = 30  # seconds after which a log should say that something still happens


def make_progress(*, quiet: bool, verbose: bool) -> Progress:
    """The progress that fits where stderr goes."""
    if quiet:
        return Progress()
    if sys.stderr.isatty():
        return LiveProgress(verbose=verbose)
    return LineProgress(sys.stderr, verbose=verbose)


class LineProgress(Progress):
    """One line when a step ends, with how long it took, and a sign of life from a long one: what a CI log wants."""

    def __init__(self, out: TextIO, *, verbose: bool) -> None:
        self._out = out
        self._verbose = verbose
        self._text = ""
        self._started = 0.0
        self._said = 0.0

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        outer = (self._text, self._started)
        self._text, self._started = text, (started := time.monotonic())
        self._said = started
        if self._verbose:
            self._say(f"{text} …")
        try:
            yield
        except BaseException:
            self._say(f"{text}: failed after {format_seconds(time.monotonic() - started)}")
            raise
        finally:
            self._text, self._started = outer
        self._say(f"{text}: {format_seconds(time.monotonic() - started)}")

    def update(self, detail: str) -> None:
        now = time.monotonic()
        if self._text and detail.strip() and now - self._said >= _SILENCE:
            self._said = now
            self._say(f"{self._text}: {format_seconds(now - self._started)} so far, {detail.strip()[:_WIDEST]}")

    def note(self, text: str) -> None:
        if self._verbose:
            self._say(text)

    def _say(self, text: str) -> None:
        self._out.write(f"imageopt: {printable(text)}\n")
        self._out.flush()


class LiveProgress(Progress):
    """The running step with a spinner, its elapsed time and what it is at; what took a moment stays as a line."""

    def __init__(self, *, verbose: bool) -> None:
        from rich.console import Console

        plain = bool(os.environ.get("NO_COLOR"))
        self._console = Console(stderr=True, highlight=False, color_system=None if plain else "auto")
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
            if (seconds := time.monotonic() - self._started) >= _WORTH_TELLING:
                self._console.print(f"[dim]{self._text}  {format_seconds(seconds)}[/]")
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
