"""The whole proof: both versions built cold, read, run, scanned, built again after a change, compared, judged.

The order is fixed, and a side that fails does not keep the other from being looked at. A first Dockerfile has no
before: it is judged alone, and never called verified.
"""

import contextlib

from msgspec.structs import replace

from imageopt.progress import Progress
from imageopt.verify.bench import Bench, Version, open_bench
from imageopt.verify.builds import build_cold, pull_bases, rebuild, rebuild_dependencies
from imageopt.verify.code import read_modules
from imageopt.verify.comparison import compare_sides
from imageopt.verify.given import read_given
from imageopt.verify.hazards import hazards
from imageopt.verify.measure import analyse, run_version, scanning, side
from imageopt.verify.model import NotDone, RunRecord, Side, Verification
from imageopt.verify.neighbours import weigh_neighbours
from imageopt.verify.plan import kept_volumes, plan_run
from imageopt.verify.prediction import with_prediction
from imageopt.verify.request import VerifyRequest
from imageopt.verify.rounds import make_volumes, run_both
from imageopt.verify.verdict import decide
from imageopt.verify.workspace import Workspace, file_to_change, workspace

_TRACED = ("framework-output", "static-site", "traced-files")  # they keep what is loaded, whatever manifests ask for


def verify(request: VerifyRequest, *, progress: Progress) -> Verification:
    """The proof and its verdict. Raises ToolMissing or ToolFailed without an engine, UsageError without a proposal.

    Ctrl-C and SIGTERM raise KeyboardInterrupt after everything that was started is gone.
    """
    with contextlib.ExitStack() as stack:
        bench = stack.enter_context(open_bench(request, progress))
        if request.images is not None:
            work, versions = None, read_given(bench, request.images)
        else:
            work = stack.enter_context(workspace(request))
            versions = _built(bench, work)
        with scanning(bench, versions) as found:
            versions = [analyse(bench, version) for version in versions]
            modules = [read_modules(bench, version) for version in versions]
            runs = _run_both(bench, versions)
            scans = found()  # nothing else is at work while a build is timed
        rebuilds = [
            rebuild(
                bench,
                version,
                lambda project: None if work is None else file_to_change(work, request.dockerfile, project),
            )
            for version in versions
        ]
        dependencies = [rebuild_dependencies(bench, version) for version in versions]
        measured = zip(versions, runs, scans, rebuilds, modules, dependencies, strict=True)
        before, after = (side(*one) for one in measured)
        return _with_isolated(bench, judge(request, before, after))


def _built(bench: Bench, work: Workspace) -> list[Version]:
    """Both versions, not yet read. Both are built before either is: one failure must not hide the other."""
    pull_bases(bench, [text for text in (work.before_dockerfile, work.after_dockerfile) if text is not None])
    return [
        Version(name, copy, b"", NotDone("there was no Dockerfile before"), None, ())
        if text is None
        else Version(name, copy, text, build_cold(bench, name, copy), None, ())
        for name, copy, text in (
            ("before", work.before, work.before_dockerfile),
            ("after", work.after, work.after_dockerfile),
        )
    ]


def judge(request: VerifyRequest, before: Side, after: Side) -> Verification:
    """The verification of two sides that were measured."""
    done = {item.name for item in request.rewrite.transformed} if request.rewrite is not None else set()
    comparison, not_checked = compare_sides(before, after, request.severity, traced=not done.isdisjoint(_TRACED))
    verdict, reasons = decide(before, after, comparison)
    unpacked = comparison.sizes.get("unpacked_bytes")
    rewrite = with_prediction(request.rewrite, before, after) if request.rewrite is not None else None
    return Verification(
        reference=request.reference,
        before=before,
        after=after,
        rewrite=rewrite,
        comparison=comparison,
        predicted_bytes=rewrite.predicted_bytes if rewrite is not None else None,
        measured_bytes=unpacked.saved if unpacked is not None else None,
        verdict=verdict,
        reasons=reasons,
        not_checked=not_checked,
        hazards=hazards(before, after, comparison),
    )


def _with_isolated(bench: Bench, found: Verification) -> Verification:
    request = bench.request
    if not request.thorough or request.rungs is None:
        return found
    before, after = found.before.evidence, found.after.evidence
    return replace(found, isolated=weigh_neighbours(bench, before, after, found.rewrite, request.rungs))


def _run_both(bench: Bench, versions: list[Version]) -> tuple[RunRecord | NotDone, RunRecord | NotDone]:
    sides = [version.evidence for version in versions]
    before, after = versions
    return run_both(
        plan_run(bench.request, sides),
        lambda plan: run_version(bench, before, plan),
        lambda plan: run_version(bench, after, plan),
        lambda: make_volumes(bench.client, bench.cleanup, kept_volumes(bench.request, sides)),
    )
