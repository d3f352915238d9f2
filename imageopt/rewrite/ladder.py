"""A project and its findings -> every rewrite that could be made of it, from the least change to the greatest.

Each candidate is a whole rewrite by itself, not a step on top of the one above. One that cannot be offered stays in
the list with the reason, so that nobody wonders why alpine was not tried.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from imageopt.evidence.model import Evidence
from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose
from imageopt.rules.model import Finding

_SUMMARIES = {
    "surgical": "findings mended where they stand",
    "multi-stage": "a build stage, and a running stage on the same base image",
    "slim": "the running stage on the slim image",
    "alpine": "the running stage on alpine",
    "no-package-managers": "the same on the Linux below the Node image, with Node alone",
    "framework-output": "only what the framework's build leaves to be served",
    "framework-output-alone": "the same without package managers",
}
_OUTPUTS = ("framework-output", "static-site")
_NO_OUTPUT = "no framework of the project is known to leave a server or a site that is complete in itself"
_NO_ENGINE = "the Node image is not at hand, so what lies below it is not known"
_STRIPPED = {
    "alpine": ("no-package-managers", ("multi-stage", "slim", "alpine")),
    "framework-output": ("framework-output-alone", ("framework-output",)),
}
_STAGES = "the Dockerfile has stages of its own, and they are kept"
_BASES = {"keep": 0, "slim": 1, "alpine": 2, "auto": 2}  # how far down a wished base lets the ladder go


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rung: `rewrite` is None where it cannot be offered, and `reason` says why; `summary` is what it is."""

    name: str
    summary: str
    rewrite: Rewrite | None
    reason: str = ""


def ladder(
    evidence: Evidence,
    findings: Sequence[Finding],
    mended: Rewrite,
    proposed: Rewrite,
    *,
    target: str = "auto",
    complete: Callable[[Rewrite], Rewrite] = lambda rewrite: rewrite,
    strip: Callable[[Rewrite], Rewrite | str] = lambda _: _NO_ENGINE,
) -> tuple[Candidate, ...]:
    """The candidates in the order they are tried.

    `mended` is what `fix` makes of the findings; `proposed` what `propose` makes of them for the base image that is
    wished for, `target`: the last rung, or the reason why there is none but the first. `complete` adds what only the
    caller knows, such as the size of a new base image; `strip` takes the package managers out of such a rewrite, or
    says why they stay. Nothing is built here.
    """
    made: list[Candidate] = []
    for name, rewrite, reason in _rungs(evidence, findings, mended, proposed, target):
        if not reason and rewrite is not None and rewrite.outcome != "proposed":
            reason = _why_not(rewrite)
        if not reason and rewrite is not None:
            same = next((other.name for other in made if other.rewrite and _same(other.rewrite, rewrite)), None)
            reason = f"it is the same as {same}" if same else ""
        offered = complete(rewrite) if rewrite is not None and not reason else None
        made.append(Candidate(name, _SUMMARIES[name], offered, reason))
        if name in _STRIPPED:
            made.append(_stripped(*_STRIPPED[name], made, strip))
    return tuple(made)


def _stripped(
    name: str, sources: tuple[str, ...], made: Sequence[Candidate], strip: Callable[[Rewrite], Rewrite | str]
) -> Candidate:
    """The candidate without package managers of the last one above it that is offered."""
    source = next((one for one in reversed(made) if one.rewrite and one.name in sources), None)
    if source is None or source.rewrite is None:
        return Candidate(name, _SUMMARIES[name], None, made[-1].reason)
    if any(done.name == "static-site" for done in source.rewrite.transformed):
        return Candidate(name, _SUMMARIES[name], None, "there is no package manager in it")
    stripped = strip(source.rewrite)
    if isinstance(stripped, str):
        return Candidate(name, _SUMMARIES[name], None, stripped)
    return Candidate(name, _SUMMARIES[name], stripped)


def _rungs(
    evidence: Evidence, findings: Sequence[Finding], mended: Rewrite, proposed: Rewrite, target: str
) -> Iterator[tuple[str, Rewrite | None, str]]:
    """Each rung with its rewrite, or with the reason why it is none."""
    if proposed.outcome != "proposed":  # what stands against it stands against any other
        yield "surgical", mended, ""
        yield from ((name, proposed, "") for name in ("multi-stage", "slim", "alpine", "framework-output"))
        return
    keep = propose(evidence, findings, target="keep", outputs=False)
    kept = _kept(keep)
    yield "surgical", keep if kept and keep.outcome == "proposed" else mended, ""
    staged = evidence.dockerfile is not None and len(evidence.dockerfile.stages) > 1
    why = _STAGES if staged else next(_said(keep, "multi-stage"), "")
    yield "multi-stage", keep, why if kept else ""
    for base in ("slim", "alpine"):
        if _BASES[base] > _BASES[target]:
            yield base, None, f"--base {target} was asked for"
            continue
        wish = "auto" if base == "alpine" else base  # auto takes alpine only where it is proven safe
        rewrite = propose(evidence, findings, target=wish, outputs=False)
        yield base, rewrite, next(_said(rewrite, "base-swap", f"{base}: "), "")
    known = any(done.name in _OUTPUTS for done in proposed.transformed)
    yield "framework-output", proposed, "" if known else next(_said(proposed, "static-site"), _NO_OUTPUT)


def _kept(rewrite: Rewrite) -> bool:
    """Whether the author's file is edited, and not made anew from a template."""
    return not any(done.name == "multi-stage" for done in rewrite.transformed)


def _said(rewrite: Rewrite, name: str, beginning: str = "") -> Iterator[str]:
    """What was said against a transformation, without the beginning that its reason must have."""
    for refusal in rewrite.refusals:
        if refusal.name == name and refusal.reason.startswith(beginning):
            yield refusal.reason.removeprefix(beginning)


def _why_not(rewrite: Rewrite) -> str:
    return next((refusal.reason for refusal in rewrite.refusals), next(iter(rewrite.notes), "there is nothing to do"))


def _same(one: Rewrite, other: Rewrite) -> bool:
    return [(change.path, change.after) for change in one.changes] == [
        (change.path, change.after) for change in other.changes
    ]
