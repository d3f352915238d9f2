"""How long work tells what it does. This one is silent; `cli` has one for terminals and one for CI logs."""

from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """Steps of long work, told as they begin, go on and end. The base class says nothing."""

    @contextmanager
    def step(self, text: str) -> Iterator[None]:  # noqa: ARG002
        """A step that lasts as long as the block; `text` is plain, such as `building before`."""
        yield

    def update(self, detail: str) -> None:
        """What the running step is at, one short line (a build log line, `120 MB read`)."""

    def note(self, text: str) -> None:
        """Something worth a line of its own that is no result."""
