"""The search with a real engine, on a service of a few lines: the baseline once, then each candidate, then nothing left."""

import os
import tempfile
from pathlib import Path

import pytest
from verify.test_verify import containers_of, images_of

from imageopt.evidence.model import Evidence
from imageopt.progress import Progress
from imageopt.rewrite.ladder import Candidate
from imageopt.rewrite.model import FileChange, Rewrite
from imageopt.verify.best import search
from imageopt.verify.request import VerifyRequest

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def candidate(name: str, before: bytes, after: str, predicted: int | None = None) -> Candidate:
    changes = (FileChange("Dockerfile", before, after.encode()),)
    return Candidate(name, name, Rewrite("proposed", changes, (), (), predicted, "exact", ()))


def test_the_smallest_that_works_is_kept(service: Path, after: str, engine: str) -> None:
    before = (service / "Dockerfile").read_bytes()
    seen: list[Evidence] = []

    def rungs(evidence: Evidence) -> tuple[Candidate, ...]:
        seen.append(evidence)
        return (
            candidate("dead", before, after.replace('"server.js"]', '"gone.js"]')),
            candidate("all", before, after),
        )

    request = VerifyRequest(service, "Dockerfile", before, skip_scan=True, run_timeout=20.0)
    found = search(request, rungs, progress=Progress())
    assert [evidence.image is not None for evidence in seen] == [True]
    verdicts = [one.verification.verdict if one.verification else None for one in found.tried]
    assert verdicts == ["broken", "verified"]
    assert found.best is found.tried[1]
    assert found.best.saved_bytes >= 2_000_000
    assert found.rewrite is found.best.candidate.rewrite
    assert (service / "Dockerfile").read_bytes() == before
    assert images_of(os.getpid()) == containers_of(os.getpid()) == []
    assert list(Path(tempfile.gettempdir()).glob(f"imageopt-*-{os.getpid()}-*")) == []


def test_what_does_not_build_as_it_stands_is_compared_with_nothing(service: Path, after: str, engine: str) -> None:
    before = b"FROM node:20-alpine\nRUN false\n"
    request = VerifyRequest(service, "Dockerfile", before, skip_scan=True)
    found = search(request, lambda _: (candidate("all", before, after),), progress=Progress())
    assert found.baseline_broken
    assert found.tried[0].verification is None
    assert found.stopped.startswith("the Dockerfile as it stands does not build")
