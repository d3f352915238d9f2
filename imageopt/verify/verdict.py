"""Two sides and their comparison -> one verdict, with its reasons: the first that matches of docs/architecture.md.

`verified` is said only of what was built and run and compared. A scan that was not made does not forbid it, but it is
named among the reasons and among what was not checked.
"""

from collections.abc import Callable, Iterator, Sequence

from imageopt.build.model import BuildFailed, Built
from imageopt.compare.production import Production
from imageopt.units import format_bytes
from imageopt.verify.behaviour import is_root
from imageopt.verify.model import Comparison, NotDone, RunRecord, ScanRecord, Side, Static, Verdict
from imageopt.verify.trivy_report import SEVERITIES
from imageopt.verify.unsettled import failing_alike, says_something, unsettled

_TOLERATED_BYTES = 64 * 1024
_TOLERATED_SHARE = 0.001
_NAMED = 5

_Judge = Callable[[Side, Side, Comparison], Iterator[str]]


def decide(before: Side, after: Side, comparison: Comparison) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict and the reasons for it, the weightiest first."""
    for verdict, judge in _JUDGES:
        reasons = tuple(judge(before, after, comparison))
        if reasons:
            return verdict, reasons
    return "verified", tuple(_proof(before, after, comparison))


def failure(side: Side) -> str | None:
    """Why the side does not build or start; None where it does, or where nobody could try to start it."""
    if isinstance(side.build, BuildFailed):
        step = f" in {side.build.step}" if side.build.step else ""
        why = f" ({side.build.explanation})" if side.build.explanation else ""
        return f"does not build{step}: {side.build.reason}{why}"
    if isinstance(side.run, RunRecord) and not side.run.started:
        return f"does not start: {side.run.reason}"
    return None


def grew_too_much(before: int, after: int) -> bool:
    """Whether a size grew by more than 64 KiB and more than a thousandth."""
    return after - before > max(_TOLERATED_BYTES, _TOLERATED_SHARE * before)


def _baseline_broken(before: Side, after: Side, _: Comparison) -> Iterator[str]:
    reason = failure(before)
    if reason is not None:
        yield f"before {reason}"
        yield _alone(after)


def _alone(after: Side) -> str:
    alone = "builds and starts" if isinstance(after.run, RunRecord) else "builds, and was not run"
    return f"after, judged alone, {failure(after) or alone}"


def _broken(before: Side, after: Side, _: Comparison) -> Iterator[str]:
    reason = failure(after)
    if reason is not None:
        yield f"after {reason}"
    for what, old, new in (
        ("a source file", before.rebuild, after.rebuild),
        ("the manifest", before.dependency_rebuild, after.dependency_rebuild),
    ):
        if isinstance(old, Built) and isinstance(new, BuildFailed):
            yield f"after does not build any more once {what} is changed, as before does: {new.reason}"


def _behaviour_changed(_: Side, __: Side, comparison: Comparison) -> Iterator[str]:
    for change in (*comparison.behaviour, *comparison.config):
        if not change.expected and change.what not in ("user", "User"):  # a user is a matter of security
            yield f"{change.what}: {change.reason} ({change.before} -> {change.after})"
    yield from _static(comparison.static)


def _static(static: Static | NotDone) -> Iterator[str]:
    """What will fail although nobody may have asked for it yet."""
    if isinstance(static, NotDone):
        return
    for path, reason in static.unloadable:
        yield f"{path} cannot be loaded any more: {reason}"
    for importer, name in static.missing_modules:
        yield f"{importer} loads {name}, which is not in the image"
    for importer, name in static.unmet_dependencies:
        yield f"the package {importer} needs {name}, which is not in the image"
    for package in static.production.wanted:
        yield f"the project asks for {package}, which is not in the image any more"
    if static.production.unannounced:
        yield f"production packages differ, and nothing announced it: {_first(static.production.unannounced)}"
    for lost in static.lost:
        if lost.named:
            yield f"{lost.kind} are gone that the code names: {', '.join(lost.named)}"


def _less_secure(before: Side, after: Side, comparison: Comparison) -> Iterator[str]:
    counted = SEVERITIES[: SEVERITIES.index(comparison.severity.upper()) + 1]
    for found in comparison.introduced:
        if found.severity in SEVERITIES and found.severity not in counted:
            continue
        yield f"{found.id} ({found.severity}) comes in with {found.package} {found.version}"
    for secret in comparison.secrets_introduced:
        yield f"a secret comes in: {secret}"
    for secret in comparison.static.secrets if isinstance(comparison.static, Static) else ():
        yield f"a secret comes in: {secret}"
    old, new = _users(before, after)
    if not is_root(old) and is_root(new):
        yield f"it runs as root, and ran as {old} before"


def _not_smaller(_: Side, __: Side, comparison: Comparison) -> Iterator[str]:
    for name in ("unpacked_bytes", "download_bytes"):
        size = comparison.sizes.get(name)
        if size is None or size.before is None or size.after is None:
            continue
        if grew_too_much(size.before, size.after):
            grown = format_bytes(size.after - size.before)
            yield f"{name.partition('_')[0]} size grew by {grown}, from {format_bytes(size.before)}"


def _built_not_run(before: Side, after: Side, comparison: Comparison) -> Iterator[str]:
    if isinstance(before.build, NotDone):
        yield f"{before.build.reason}: nothing could be compared"
        yield _alone(after)
        return
    if isinstance(before.run, NotDone) and before.run == after.run:
        yield f"neither version was run: {before.run.reason}"
    for name, side in (("before", before), ("after", after)):
        if isinstance(side.run, NotDone) and before.run != after.run:
            yield f"{name} was not run: {side.run.reason}"
        if side.evidence is None or side.evidence.image is None:
            yield f"the image of {name} could not be read"
    if isinstance(before.run, RunRecord) and not says_something(before.run):
        yield "nothing that the program answers could be compared"
    if isinstance(before.run, RunRecord) and isinstance(after.run, RunRecord):
        yield from unsettled(before.run, after.run)
    unpacked = comparison.sizes.get("unpacked_bytes")
    if unpacked is None or unpacked.saved is None:
        yield "the sizes could not be compared"


def _proof(before: Side, after: Side, comparison: Comparison) -> Iterator[str]:
    assert isinstance(before.run, RunRecord)
    count = len(before.run.responses)
    silent = len(set(before.run.unanswered))
    if before.run.port is None:
        yield "both versions built and ran to their end, with the same output"
    else:
        yield f"both versions built, started and gave the same answer to {count} request{'s' if count != 1 else ''}"
    if silent:
        yield f"{silent} request{'s' if silent != 1 else ''} had no answer, or not always, before"
    if isinstance(after.run, RunRecord) and (failing := failing_alike(before.run, after.run)):
        yield f"in both versions alike these fail: {', '.join(failing)}"
    unpacked = comparison.sizes.get("unpacked_bytes")
    if unpacked is not None and unpacked.saved is not None:
        grown = "smaller" if unpacked.saved >= 0 else "larger, within what is tolerated"
        yield f"the image is {format_bytes(abs(unpacked.saved))} {grown}"
    if isinstance(comparison.static, Static):
        yield from _production(comparison.static.production)
    if isinstance(before.scan, ScanRecord) and isinstance(after.scan, ScanRecord):
        lesser = len(comparison.introduced)  # of less than the severity that counts
        came = f"{lesser} vulnerabilities below {comparison.severity}" if lesser else "no vulnerability"
        yield f"{came} and no secret came in; {len(comparison.fixed)} vulnerabilities are gone"
    else:
        missing = before.scan if isinstance(before.scan, NotDone) else after.scan
        yield f"not scanned: {missing.reason if isinstance(missing, NotDone) else ''}"


def _production(found: Production) -> Iterator[str]:
    differing = (
        *found.changed,
        *(f"{name} is gone" for name in found.removed),
        *(f"{name} came" for name in found.added),
    )
    if differing:
        yield f"production packages differ: {_first(differing)}"
    elif found.kept:
        yield f"the {found.kept} production packages are the same"


def _first(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return f"{', '.join(texts[:_NAMED])}{more}"


def _users(before: Side, after: Side) -> tuple[str, str]:
    """Whom both programs run as: as seen if both ran, else as both are configured; never one against the other."""
    if isinstance(before.run, RunRecord) and isinstance(after.run, RunRecord):
        return before.run.user, after.run.user
    old, new = (side.evidence.image if side.evidence is not None else None for side in (before, after))
    return (old.config.user, new.config.user) if old is not None and new is not None else ("", "")


_JUDGES: tuple[tuple[Verdict, _Judge], ...] = (
    ("baseline-broken", _baseline_broken),
    ("broken", _broken),
    ("behaviour-changed", _behaviour_changed),
    ("less-secure", _less_secure),
    ("not-smaller", _not_smaller),
    ("built-not-run", _built_not_run),
)
