"""A project and its findings -> every rewrite that could be made of it, from the least change to the greatest.

Each candidate is a whole rewrite by itself, not a step on top of the one above. One that cannot be offered stays in
the list with the reason, so that nobody wonders why alpine was not tried.
"""

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from imageopt.evidence.model import Evidence
from imageopt.rewrite.model import Rewrite, same_changes
from imageopt.rewrite.propose import propose
from imageopt.rewrite.traced import traced
from imageopt.rules.model import Finding

_SUMMARIES = {
    "surgical": "findings mended where they stand",
    "multi-stage": "a build stage, and a running stage on the same base image",
    "slim": "the running stage on the slim image",
    "alpine": "the running stage on alpine",
    "no-package-managers": "the same on the Linux below the Node image, with Node alone",
    "framework-output": "only what the framework's build leaves to be served",
    "framework-output-alone": "the same without package managers",
    "traced-files": "of node_modules only what a tracer sees the program load",
}
_OUTPUTS = ("framework-output", "static-site")
_NO_OUTPUT = "no framework of the project is known to leave a server or a site that is complete in itself"
_NO_ENGINE = "the Node image is not at hand, so what lies below it is not known"
_SERVICE = ("multi-stage", "slim", "alpine")
_SOURCES = {  # a derived rung, and those that it can be made of
    "no-package-managers": _SERVICE,
    "framework-output-alone": ("framework-output",),
    "traced-files": (*_SERVICE, "no-package-managers"),
}
_STAGES = "the Dockerfile has stages of its own, and they are kept"
_BASES = {"keep": 0, "slim": 1, "alpine": 2, "auto": 2}  # how far down a wished base lets the ladder go


class Candidate(Struct, frozen=True):
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
            same = next((other.name for other in made if other.rewrite and same_changes(other.rewrite, rewrite)), None)
            reason = f"it is the same as {same}" if same else ""
        offered = complete(rewrite) if rewrite is not None and not reason else None
        made.append(Candidate(name, _SUMMARIES[name], offered, reason))
        if name == "alpine":
            made.append(_derived("no-package-managers", made, strip))
    made.append(_derived("framework-output-alone", made, strip))
    made.append(_derived("traced-files", made, lambda rewrite: _traced(evidence, rewrite, made)))
    return tuple(made)


def _derived(name: str, made: Sequence[Candidate], derive: Callable[[Rewrite], Rewrite | str]) -> Candidate:
    """The candidate that is made of the last one above it that is offered, or not for the same reason as that."""
    sources = [one for one in made if one.name in _SOURCES[name]]
    source = next((one.rewrite for one in reversed(sources) if one.rewrite), None)
    derived = derive(source) if source is not None else sources[-1].reason
    if isinstance(derived, str):
        return Candidate(name, _SUMMARIES[name], None, derived)
    return Candidate(name, _SUMMARIES[name], derived)


def _traced(evidence: Evidence, rewrite: Rewrite, made: Sequence[Candidate]) -> Rewrite | str:
    if any(one.name == "framework-output" and one.rewrite for one in made):
        return "the framework's build leaves no more than is loaded"
    assert evidence.project is not None
    return traced(rewrite, evidence.dockerfile_path, evidence.project)


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
    return next(
        (refusal.reason for refusal in rewrite.refusals), next(iter(rewrite.notes), "there is nothing worth doing")
    )
