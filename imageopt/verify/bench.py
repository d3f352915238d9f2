"""What every step of a proof works with: the engine, what has to be cleaned up, and a version while it is measured.

A version that is not there, or does not build, is a value that the later steps pass on with the reason.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from imageopt.build.builders import cache_folder
from imageopt.build.cleaning import CleanUp, cleaning, new_run_id
from imageopt.build.model import BuildFailed, Built, Given
from imageopt.build.snapshot import Snapshot
from imageopt.build.temporary import remove_tree
from imageopt.errors import ToolFailed
from imageopt.evidence.model import Evidence
from imageopt.progress import Progress
from imageopt.rules.model import Finding
from imageopt.source.engine import connect, engine_info
from imageopt.source.unreachable import short
from imageopt.verify.cleanup import is_of_dead_run_here, remove_labelled
from imageopt.verify.journal import Journal, open_journal
from imageopt.verify.model import NotDone
from imageopt.verify.request import VerifyRequest

if TYPE_CHECKING:
    import docker

_AGAIN = "see that it runs, and go on with --resume; what this run left in it goes with the next"


class Bench(Struct, frozen=True):
    """What every step on a version needs. Everything that is started carries the bench's run id."""

    request: VerifyRequest
    client: "docker.DockerClient"
    cleanup: CleanUp
    progress: Progress
    journal: Journal


class Version(Struct, frozen=True):
    """A version while it is worked on; `name` is `before`, `after` or that of a candidate. `copy` is None where
    nothing is built.
    """

    name: str
    copy: Snapshot | None
    dockerfile: bytes
    build: Built | BuildFailed | Given | NotDone
    evidence: Evidence | None
    findings: tuple[Finding, ...]

    @property
    def image(self) -> str | NotDone:
        """The name of its image in the engine, or why there is none."""
        match self.build:
            case Built(tag=tag) | Given(tag=tag) if tag:
                return tag
            case Given():
                return NotDone("the image is not in the engine")
            case NotDone():
                return self.build
            case _:
                return NotDone("it was not built")


@contextlib.contextmanager
def open_bench(request: VerifyRequest, progress: Progress) -> Iterator[Bench]:
    """The bench for the length of the block; whatever is started on it is gone afterwards, on Ctrl-C too.

    What a run left here that was killed, or whose engine went away, goes first. Raises ToolMissing or ToolFailed
    without an engine.
    """
    client = connect()
    run_id = new_run_id()
    with cleaning(run_id) as cleanup:
        cleanup.add(client.close)
        cleanup.add(lambda: remove_tree(cache_folder(run_id)))
        cleanup.add(lambda: remove_labelled(client, lambda label: label == run_id))
        with reached(client):
            remove_labelled(client, is_of_dead_run_here)
            yield Bench(request, client, cleanup, progress, open_journal(request, run_id))


@contextlib.contextmanager
def reached(client: "docker.DockerClient") -> Iterator[None]:
    """What the block raises because the engine broke off is a ToolFailed that says so."""
    import requests

    try:
        yield
    except requests.exceptions.RequestException as error:
        see_that_it_answers(client)
        raise ToolFailed(f"the engine broke off: {short(error)}", _AGAIN) from None


def see_that_it_answers(client: "docker.DockerClient") -> None:
    """Raises ToolFailed where the engine does not: whatever just failed says nothing about an image then."""
    try:
        engine_info(client)
    except ToolFailed as error:
        raise ToolFailed(error.cause, _AGAIN) from None
