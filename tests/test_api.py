"""The chain's functions where no command calls them alone."""

from pathlib import Path

from msgspec.structs import replace

from imageopt.api import analyze, policy_of, rungs

SAMPLES = Path(__file__).parents[1] / "sample_projects"


def test_the_rungs_are_made_for_evidence_that_came_later() -> None:
    """As that of a version that was built since: its findings are not yet known, so the rules have to be."""
    project = SAMPLES / "agent-brain"
    analysis = analyze(str(project))
    make = rungs(analysis, policy_of(None, project))
    offered = [rung.name for rung in make(replace(analysis.evidence)) if rung.rewrite is not None]
    assert {"multi-stage", "slim", "alpine"} <= set(offered)
