"""What one transformation saves by itself, weighed by building the rewrites beside the proposed one."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from imageopt.build.snapshot import snapshot
from imageopt.evidence.model import Evidence
from imageopt.progress import Progress
from imageopt.rewrite.ladder import Candidate
from imageopt.rewrite.model import FileChange, Rewrite, Transformed
from imageopt.verify.bench import Version, open_bench
from imageopt.verify.builds import build_version
from imageopt.verify.isolated import AS_IT_STANDS
from imageopt.verify.measure import analyse
from imageopt.verify.neighbours import PROPOSED, as_rewritten, weigh_neighbours
from imageopt.verify.request import VerifyRequest

pytestmark = [pytest.mark.engine, pytest.mark.slow]

JUNK = " && head -c 2000000 /dev/urandom > junk"


def changed(text: str, predicted: int, *names: str) -> Rewrite:
    change = FileChange("Dockerfile", None, text.encode())
    made = tuple(Transformed(name, "verify", "", (), 1) for name in names)
    return Rewrite("proposed", (change,), made, (), predicted, "exact", ())


def test_neighbours_are_built_and_others_are_not(service: Path, after: str, engine: str) -> None:
    text = (service / "Dockerfile").read_text()
    proposed = changed(after, 2_000_500, "drop-deleted", "narrow-copies")
    offered = (
        Candidate("mended", "", changed(text.replace(JUNK, ""), 2_000_000, "drop-deleted")),
        Candidate("no neighbour", "", changed("FROM scratch\n", 1, "multi-stage")),
        Candidate("does not build", "", changed("FROM node:20-alpine\nRUN false\n", 1, "narrow-copies")),
        Candidate("not offered", "", None, "it cannot be"),
        Candidate("the same", "", replace(proposed, notes=("by the ladder",))),
    )
    seen: list[Evidence] = []

    def rungs(evidence: Evidence) -> Sequence[Candidate]:
        seen.append(evidence)
        return offered

    request = VerifyRequest(service, "Dockerfile", text.encode(), proposed)
    with open_bench(request, Progress()) as bench:
        with snapshot(service) as copy:
            built = build_version(bench, "before", copy, cold=False)
            old = analyse(bench, Version("before", copy, text.encode(), built, None, ())).evidence
        with as_rewritten(bench, "after", proposed) as version:
            new = analyse(bench, version).evidence
        assert old is not None
        found = weigh_neighbours(bench, old, new, proposed, rungs)
        assert weigh_neighbours(bench, None, new, proposed, rungs) == ()
    assert seen == [old]
    names = [(one.name, one.between, one.predicted_bytes) for one in found]
    assert names == [
        ("drop-deleted", (AS_IT_STANDS, "mended"), 2_000_000),
        ("narrow-copies", ("mended", PROPOSED), 500),
    ]
    assert [1_990_000 < found[0].measured_bytes < 2_010_000, 0 < found[1].measured_bytes < 10_000] == [True, True]
