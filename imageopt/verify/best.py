"""A ladder of candidates -> the smallest image that verifies: each built, run, compared, until none can pay.

The version as it stands is built and measured once, before the candidates are even made, so that their predictions
come from its own layers. All builds share the builder's cache: sizes do not depend on it, build times would.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from imageopt.build.snapshot import snapshot
from imageopt.compare.modules import ModuleGraph
from imageopt.evidence.model import Evidence
from imageopt.progress import Progress
from imageopt.rewrite.ladder import Candidate
from imageopt.rewrite.model import Refused, Rewrite
from imageopt.units import format_bytes
from imageopt.verify.bench import Bench, Version, open_bench
from imageopt.verify.builds import build_version
from imageopt.verify.code import read_modules
from imageopt.verify.isolated import Isolated, isolated, measured
from imageopt.verify.measure import analyse, run_version, scanning, side
from imageopt.verify.model import NotDone, RunRecord, ScanRecord, Side, Verification
from imageopt.verify.neighbours import as_rewritten
from imageopt.verify.plan import kept_volumes, plan_run
from imageopt.verify.request import VerifyRequest
from imageopt.verify.rounds import Baseline, alone, make_volumes, run_against, run_baseline
from imageopt.verify.verdict import failure
from imageopt.verify.verify import judge

_LEAST_BYTES = 1_000_000
_LEAST_SHARE = 100  # one part in a hundred of the smallest image so far
_NO_REBUILD = NotDone("a search does not time rebuilds; `imageopt verify` does")


class Tried(Struct, frozen=True):
    """A candidate and what came of it: `verification` is None where it was not built, and `reason` says why."""

    candidate: Candidate
    verification: Verification | None
    reason: str = ""

    @property
    def saved_bytes(self) -> int:
        """Unpacked bytes that a verified candidate saves, 0 for any other."""
        found = self.verification
        return found.measured_bytes or 0 if found is not None and found.verdict == "verified" else 0


class Search(Struct, frozen=True):
    """All candidates in their order, the smallest that verified, and why the search ended where it did."""

    tried: tuple[Tried, ...]
    best: Tried | None
    stopped: str
    baseline_broken: bool = False

    @property
    def isolated(self) -> tuple[Isolated, ...]:
        """What single transformations saved, where two candidates differ in just one."""
        return isolated([
            measured(one.candidate.name, one.candidate.rewrite, one.verification.measured_bytes)
            for one in self.tried
            if one.candidate.rewrite and one.verification and one.verification.measured_bytes is not None
        ])  # fmt: skip

    @property
    def rewrite(self) -> Rewrite:
        """The smallest that verified, or the refusal to propose one that did not."""
        if self.best is not None and self.best.candidate.rewrite is not None:
            return self.best.candidate.rewrite
        return Rewrite("refused", (), (), (Refused("best", self.stopped),), None, "unknown", ())


class _Baseline(Struct, frozen=True):
    """The version as it stands, and what its container was asked and did."""

    version: Version
    ran: Baseline
    scan: ScanRecord | NotDone
    modules: ModuleGraph | NotDone

    def side(self, run: RunRecord | NotDone) -> Side:
        """As it is compared, its run beside that of one candidate."""
        return side(self.version, run, self.scan, _NO_REBUILD, self.modules)


def search(request: VerifyRequest, rungs: Callable[[Evidence], Sequence[Candidate]], *, progress: Progress) -> Search:
    """The search among the candidates that `rungs` makes from the evidence of the version as it stands, now built.

    Raises ToolMissing or ToolFailed without an engine. Ctrl-C and SIGTERM raise KeyboardInterrupt after everything
    that was started is gone.
    """
    assert request.before is not None
    with open_bench(request, progress) as bench, snapshot(request.root) as copy:
        copy.put(request.dockerfile, request.before)
        built = build_version(bench, "before", copy, cold=False)
        unread = Version("before", copy, request.before, built, None, ())
        with scanning(bench, [unread]) as found:
            version = analyse(bench, unread)
            ran = run_baseline(
                plan_run(request, [version.evidence]),
                lambda plan: run_version(bench, version, plan),
                lambda: make_volumes(bench.client, bench.cleanup, kept_volumes(request, [version.evidence])),
            )
            baseline = _Baseline(version, ran, found()[0], read_modules(bench, version))
        assert version.evidence is not None
        candidates = rungs(version.evidence)
        broken = failure(baseline.side(alone(ran)))
        if broken is not None:
            reason = f"the Dockerfile as it stands {broken}"
            return replace(not_begun(candidates, reason), baseline_broken=True)
        image = version.evidence.image
        total = image.sizes.unpacked_bytes if image is not None else None
        return climb(candidates, lambda *one: _prove(bench, baseline, *one), total)


def climb(
    candidates: Sequence[Candidate], prove: Callable[[Candidate, Rewrite], Verification], total: int | None
) -> Search:
    """The candidates proven one after the other. `total`: unpacked bytes of the version as it stands, if known.

    One that is predicted to save hardly more than the best so far is left out; predictions are compared with one
    another, because what they get wrong they get wrong alike.
    """
    tried: list[Tried] = []
    best: Tried | None = None
    for candidate in candidates:
        reason = candidate.reason or _too_little(candidate, best, total)
        if reason or candidate.rewrite is None:
            tried.append(Tried(candidate, None, reason))
            continue
        this = Tried(candidate, prove(candidate, candidate.rewrite))
        tried.append(this)
        if this.saved_bytes > (best.saved_bytes if best is not None else 0):
            best = this
    return Search(tuple(tried), best, _why_stopped(tried, best))


def not_begun(candidates: Sequence[Candidate], reason: str) -> Search:
    """The search that there is no sense in, for the reason where there is one."""
    untried = "nothing was built to compare with it" if reason else ""
    return Search(tuple(Tried(one, None, one.reason or untried) for one in candidates), None, reason)


def _too_little(candidate: Candidate, best: Tried | None, total: int | None) -> str:
    """Why the candidate cannot pay; empty where it may."""
    predicted = candidate.rewrite.predicted_bytes if candidate.rewrite is not None else None
    known = best.candidate.rewrite.predicted_bytes if best is not None and best.candidate.rewrite is not None else 0
    if predicted is None or known is None:
        return ""
    more = predicted - known
    least = max(_LEAST_BYTES, ((total or 0) - (best.saved_bytes if best is not None else 0)) // _LEAST_SHARE)
    if more >= least:
        return ""
    than = f" more than {best.candidate.name}" if best is not None else ""
    saves = f"save {format_bytes(more)}{than}" if more > 0 else f"save no{than}" if than else "save nothing"
    return f"it is predicted to {saves}; less than {format_bytes(least)} is not worth a build"


def _why_stopped(tried: Sequence[Tried], best: Tried | None) -> str:
    built = [one for one in tried if one.verification is not None]
    if not built:
        return "no candidate could be offered" if all(one.candidate.reason for one in tried) else "none can pay"
    left = tried[tried.index(built[-1]) + 1 :]
    unpaid = [one.candidate.name for one in left if not one.candidate.reason]
    end = f"{' and '.join(unpaid)} cannot pay" if unpaid else "every candidate that could be offered was tried"
    return end if best is not None else f"{end}, and none is verified to be smaller"


def _prove(bench: Bench, baseline: _Baseline, candidate: Candidate, rewrite: Rewrite) -> Verification:
    """The verification of one candidate against what was measured of the version as it stands."""
    request = bench.request
    step = bench.progress.step(f"candidate {candidate.name}")
    with step, as_rewritten(bench, candidate.name, rewrite) as unread, scanning(bench, [unread]) as found:
        version = analyse(bench, unread)
        ran = run_against(baseline.ran, lambda plan: run_version(bench, version, plan))
        after = side(version, ran[1], found()[0], _NO_REBUILD, read_modules(bench, version))
    return judge(replace(request, rewrite=rewrite), baseline.side(ran[0]), after)
