"""What every step of a proof works with: the engine, what has to be cleaned up, and a version while it is measured.

A version that is not there, or does not build, is a value that the later steps pass on with the reason.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imageopt.build.builders import cache_folder
from imageopt.build.cleaning import CleanUp, cleaning, new_run_id
from imageopt.build.model import BuildFailed, Built, Given
from imageopt.build.snapshot import Snapshot
from imageopt.build.temporary import remove_tree
from imageopt.evidence.model import Evidence
from imageopt.progress import Progress
from imageopt.rules.model import Finding
from imageopt.source.engine import connect
from imageopt.verify.cleanup import remove_labelled
from imageopt.verify.journal import Journal, open_journal
from imageopt.verify.model import NotDone
from imageopt.verify.request import VerifyRequest

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True, slots=True)
class Bench:
    """What every step on a version needs. Everything that is started carries the bench's run id."""

    request: VerifyRequest
    client: "docker.DockerClient"
    cleanup: CleanUp
    progress: Progress
    journal: Journal


@dataclass(frozen=True, slots=True)
class Version:
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

    Raises ToolMissing or ToolFailed without an engine.
    """
    client = connect()
    run_id = new_run_id()
    with cleaning(run_id) as cleanup:
        cleanup.add(client.close)
        cleanup.add(lambda: remove_tree(cache_folder(run_id)))
        cleanup.add(lambda: remove_labelled(client, lambda label: label == run_id))
        yield Bench(request, client, cleanup, progress, open_journal(request, run_id))
