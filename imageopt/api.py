"""What the commands call: `analyze`, `rewrite` and `verify`, from a target in words to a result.

This is the one place where the packages meet; each function reads top to bottom as the chain runs.
"""

import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from imageopt.build.options import BuildOptions
from imageopt.config import Config
from imageopt.errors import UsageError
from imageopt.evidence.model import Evidence
from imageopt.progress import Progress
from imageopt.remembered import judgement
from imageopt.rules.model import Analysis, Target
from imageopt.rules.policy import Policy, make_policy
from imageopt.targets import (
    check_stage,
    has_no_dockerfile,
    image_target,
    is_image,
    load,
    place_of,
    project_target,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from imageopt.proposals import Proposals
    from imageopt.rewrite.ladder import Candidate
    from imageopt.rewrite.model import Rewrite
    from imageopt.verify.best import Search
    from imageopt.verify.model import Verification
    from imageopt.verify.request import VerifyRequest


def analyze(
    target: str = ".",
    *,
    image: str | None = None,
    build: bool = False,
    options: BuildOptions | None = None,
    progress: Progress | None = None,
    now: date | None = None,
    verify_digests: bool = False,
    config: Config | None = None,
    edits: bool = False,
) -> Analysis:
    """What is in the image, which line made it, what is avoidable and how much that would save.

    `target` is a folder, a Dockerfile or an image reference. `image` names the folder's image; `build` builds it.
    `verify_digests` reads every byte of the image, where otherwise an engine's records or a tar's headers would do.
    `config` says which rules count, and how much; without one a `.hadolint.yaml` is asked. `edits`: findings that a
    safe edit of the Dockerfile mends carry it.
    Raises the errors of `imageopt.errors`.
    """
    return _analysed(
        target,
        config,
        image=image,
        build=build,
        options=options,
        progress=progress,
        now=now,
        verify_digests=verify_digests,
        edits=edits,
    )[0]


def _analysed(
    target: str,
    config: Config | None,
    *,
    progress: Progress | None,
    now: date | None = None,
    edits: bool = False,
    **how: Any,
) -> tuple[Analysis, Policy]:
    """The analysis, and the policy that it was made by; `how` is for `gather`."""
    started = time.monotonic()
    gathered = gather(target, progress=progress, **how)
    policy = policy_of(config, gathered.folder)
    analysis = judged(gathered, policy, progress=progress, now=now, edits=edits)
    return replace(analysis, seconds=time.monotonic() - started), policy


def policy_of(config: Config | None, folder: Path) -> Policy:
    """The rules in force in a folder, as they are needed to judge."""
    return make_policy(config or Config(), folder, examples=False)


class Gathered(Struct, frozen=True):
    """What is known of a target before anybody has an opinion; `folder` is the one whose rules count."""

    target: Target
    evidence: Evidence
    notes: tuple[str, ...]
    folder: Path


def gather(
    target: str = ".",
    *,
    image: str | None = None,
    build: bool = False,
    options: BuildOptions | None = None,
    progress: Progress | None = None,
    verify_digests: bool = False,
) -> Gathered:
    """The first half of `analyze`: image, Dockerfile and project, joined. A gate that passes needs no more."""
    options = options or BuildOptions()
    progress = progress or Progress()
    notes: list[str] = []
    if is_image(target):
        found, evidence = image_target(target, options, progress, notes, verify_digests)
    else:
        found, evidence = project_target(target, image, build, options, progress, notes, verify_digests)
    return Gathered(found, evidence, tuple(notes), _folder(target, evidence))


def judged(
    gathered: Gathered,
    policy: Policy,
    *,
    progress: Progress | None = None,
    now: date | None = None,
    edits: bool = False,
) -> Analysis:
    """The second half of `analyze`: what the rules say of it, and what that sums up to."""
    with (progress or Progress()).step("checking the rules"):
        today = now or date.today()  # noqa: DTZ011 (a day in the user's own calendar)
        found = judgement(gathered.evidence, policy, today)
        evidence, findings = found.evidence, found.findings
        if edits:
            from imageopt.rewrite.offers import with_edits

            findings = with_edits(evidence, findings, policy.rules, waivers=policy.waivers, now=now)
    return Analysis(
        target=gathered.target,
        evidence=evidence,
        findings=findings,
        summary=found.summary,
        notes=(*gathered.notes, *policy.notes),
        seconds=0.0,
        day=today,
        suppressed=found.suppressed,
    )


def rewrite(
    target: str = ".",
    *,
    base: str = "auto",
    image: str | None = None,
    build: bool = False,
    options: BuildOptions | None = None,
    progress: Progress | None = None,
    config: Config | None = None,
    lockfile: bool = False,
    asked: Sequence[str] = (),
    now: date | None = None,
) -> "tuple[Analysis, Rewrite]":
    """The analysis of a folder, and the rewrite that its findings call for; nothing is written.

    `base` is the wished final base image: auto, alpine, slim, distroless or keep. `lockfile`: the lock file is checked,
    or made, in a container, and the rewrite rests on it. `asked` are the names of transformations that are made only
    when asked for. A folder without a Dockerfile is given its first.
    """
    from imageopt.proposals import Wish, first_dockerfile, proposals
    from imageopt.verify.history import expected, read_history

    _must_be_project(target, "a rewrite needs a project")
    wish = Wish.of(base, options, progress, lockfile=lockfile, asked=asked)
    if has_no_dockerfile(target, wish.options):
        return first_dockerfile(Path(target), policy_of(config, Path(target)), wish, now)
    analysis, policy = _analysed(target, config, image=image, build=build, options=options, progress=progress, now=now)
    with proposals(analysis, policy, wish) as who:
        return analysis, expected(who.rewrite(analysis.evidence), read_history(*_place(analysis)))


def candidates(
    target: str = ".",
    *,
    base: str = "auto",
    image: str | None = None,
    build: bool = False,
    options: BuildOptions | None = None,
    progress: Progress | None = None,
    config: Config | None = None,
    lockfile: bool = False,
    asked: Sequence[str] = (),
    request: "VerifyRequest | None" = None,
    now: date | None = None,
) -> "tuple[Analysis, Rewrite, Search]":
    """What `rewrite` gives, and every rewrite that could be made of the folder, from the least change to the greatest.

    With a `request`, which says how to build and run, they are built and verified down to the one that cannot pay, and
    the rewrite is the smallest that is verified. Without, none is tried.
    """
    from imageopt.proposals import Wish, first_dockerfile, proposals
    from imageopt.verify.best import not_begun, search
    from imageopt.verify.history import note

    _must_be_project(target, "a rewrite needs a project")
    wish = Wish.of(base, options, progress, lockfile=lockfile, asked=asked)
    if has_no_dockerfile(target, wish.options):
        if request is not None:
            raise UsageError("there is no Dockerfile to compare candidates with", "write a first one, without --best")
        return *first_dockerfile(Path(target), policy_of(config, Path(target)), wish, now), not_begun((), "")
    analysis, policy = _analysed(target, config, image=image, build=build, options=options, progress=progress, now=now)
    with proposals(analysis, policy, wish) as who:
        rungs = who.ladder(analysis.evidence)
        if request is None or not any(rung.rewrite for rung in rungs):
            return analysis, who.rewrite(analysis.evidence), not_begun(rungs, "")
        found = search(request, who.ladder, progress=wish.progress)
        saved = found.best.saved_bytes if found.best is not None else None
        note(*_place(analysis), found.rewrite, saved, found.isolated)
        return analysis, found.rewrite, found


def proposed(analysis: Analysis, *, base: str = "auto", options: BuildOptions | None = None) -> "Rewrite":
    """The rewrite that the findings of an analysis call for."""
    return _proposals(analysis, Policy(()), base, options).rewrite(analysis.evidence)


def rungs(
    analysis: Analysis, policy: Policy, *, base: str = "auto", options: BuildOptions | None = None
) -> "Callable[[Evidence], Sequence[Candidate]]":
    """What makes every rewrite that could be made of a project's evidence, such as that of an image built since.

    `policy` are the rules that this evidence is judged by.
    """
    return _proposals(analysis, policy, base, options).ladder


def _proposals(analysis: Analysis, policy: Policy, base: str, options: BuildOptions | None) -> "Proposals":
    from imageopt.proposals import Proposals, Wish

    return Proposals(analysis, policy, Wish.of(base, options), None)


def _place(analysis: Analysis) -> tuple[Path, str]:
    """The project's folder, and its Dockerfile in it."""
    evidence = analysis.evidence
    assert evidence.project is not None
    return evidence.project.root, evidence.dockerfile_path


def image_sizes(
    reference: str, *, options: BuildOptions | None = None, progress: Progress | None = None
) -> dict[str, int | None]:
    """The sizes of an image, wherever it is; layers that were read before are not read again."""
    from imageopt.source.reference import parse_reference

    sizes = load(parse_reference(reference), options or BuildOptions(), progress or Progress(), False).sizes
    return {
        "download_bytes": sizes.download_bytes,
        "unpacked_bytes": sizes.unpacked_bytes,
        "live_bytes": sizes.live_bytes,
        "wasted_bytes": sizes.wasted_bytes,
    }


def fix(
    target: str = ".",
    *,
    rules: Sequence[str] = (),
    image: str | None = None,
    build: bool = False,
    options: BuildOptions | None = None,
    progress: Progress | None = None,
    config: Config | None = None,
    now: date | None = None,
) -> "tuple[Analysis, Rewrite]":
    """The analysis of a folder, and the edits that close its findings one by one; nothing is written.

    `rules` are the names or codes of the only ones to mend, all for none. Raises UsageError for one there is not.
    """
    from imageopt.rewrite.fix import fix as mend
    from imageopt.rules.lookup import Names

    _must_be_project(target, "only a Dockerfile can be mended")
    analysis, policy = _analysed(target, config, image=image, build=build, options=options, progress=progress, now=now)
    names = Names(policy.rules)
    for name in rules:
        if name.lower() not in names.own:
            raise UsageError(f"there is no rule {name!r}", names.suggestion(name) or "see `imageopt rules`")
    wanted = {names.own[name.lower()].name for name in rules}
    findings = [finding for finding in analysis.findings if not rules or finding.rule in wanted]
    return analysis, mend(analysis.evidence, findings, policy.rules, waivers=policy.waivers, now=analysis.day)


def verify(request: "VerifyRequest", *, progress: Progress | None = None) -> "Verification":
    """Both versions built, run, scanned and compared, with a verdict. Everything it started is gone afterwards.

    What the rewrite saves is kept, for the next prediction of its kind.
    """
    from imageopt.verify.history import note
    from imageopt.verify.verify import verify as run

    found = run(request, progress=progress or Progress())
    if found.rewrite is not None:
        note(request.root, request.dockerfile, found.rewrite, found.measured_bytes, found.isolated)
    return found


def find_project(target: str, options: BuildOptions) -> tuple[Path, str, bytes]:
    """The folder, the Dockerfile's path relative to it and its bytes. Raises InputError where there is none."""
    place = place_of(target, options)
    check_stage(place, options)
    return place.root, place.dockerfile, place.text


def _must_be_project(target: str, why: str) -> None:
    if is_image(target):
        raise UsageError(f"{target!r} is an image, and {why}", "name the folder with the Dockerfile")


def _folder(target: str, evidence: Evidence) -> Path:
    """The folder whose rules are in force: the project's, that of the Dockerfile, or the current one."""
    if evidence.project is not None:
        return evidence.project.root
    return Path(target).parent if Path(target).is_file() and not is_image(target) else Path()
