"""What the commands call: `analyze`, `rewrite`, `verify` and `compare`, from a target in words to a result.

This is the one place where the packages meet; each function reads top to bottom as the chain runs.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imageopt.build.options import BuildOptions
from imageopt.config import Config
from imageopt.errors import InputError, ToolFailed, ToolMissing, UsageError
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.image.model import Image
from imageopt.progress import Progress
from imageopt.rules.check import judge
from imageopt.rules.model import Analysis, Target
from imageopt.rules.policy import Policy, make_policy
from imageopt.rules.summary import summarise
from imageopt.targets import (
    described,
    has_no_dockerfile,
    image_evidence,
    image_target,
    is_image,
    load,
    place_of,
    project_target,
)

if TYPE_CHECKING:
    from imageopt.compare.model import Compared
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


@dataclass(frozen=True, slots=True)
class Gathered:
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
    evidence = gathered.evidence
    with (progress or Progress()).step("checking the rules"):
        found = judge(evidence, policy.rules, waivers=policy.waivers, now=now)
        findings = found.findings
        if edits:
            from imageopt.rewrite.offers import with_edits

            findings = with_edits(evidence, findings, policy.rules, waivers=policy.waivers, now=now)
    return Analysis(
        target=gathered.target,
        evidence=evidence,
        findings=findings,
        summary=summarise(evidence, findings, len(found.suppressed)),
        notes=(*gathered.notes, *policy.notes),
        seconds=0.0,
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
) -> "tuple[Analysis, Rewrite]":
    """The analysis of a folder, and the rewrite that its findings call for; nothing is written.

    `base` is the wished final base image: auto, alpine, slim or keep. `lockfile`: the lock file is checked, or made,
    in a container, and the rewrite rests on it. A folder without a Dockerfile is given its first.
    """
    from imageopt.proposals import Wish, first_dockerfile, proposals

    _must_be_project(target, "a rewrite needs a project")
    wish = Wish(base, lockfile, options or BuildOptions(), progress or Progress())
    if has_no_dockerfile(target, wish.options):
        return first_dockerfile(Path(target), policy_of(config, Path(target)), wish)
    analysis, policy = _analysed(target, config, image=image, build=build, options=options, progress=progress)
    with proposals(analysis, policy, wish) as who:
        return analysis, who.rewrite(analysis.evidence)


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
    request: "VerifyRequest | None" = None,
) -> "tuple[Analysis, Rewrite, Search]":
    """What `rewrite` gives, and every rewrite that could be made of the folder, from the least change to the greatest.

    With a `request`, which says how to build and run, they are built and verified down to the one that cannot pay, and
    the rewrite is the smallest that is verified. Without, none is tried.
    """
    from imageopt.proposals import Wish, first_dockerfile, proposals
    from imageopt.verify.best import not_begun, search

    _must_be_project(target, "a rewrite needs a project")
    wish = Wish(base, lockfile, options or BuildOptions(), progress or Progress())
    if has_no_dockerfile(target, wish.options):
        if request is not None:
            raise UsageError("there is no Dockerfile to compare candidates with", "write a first one, without --best")
        return *first_dockerfile(Path(target), policy_of(config, Path(target)), wish), not_begun((), "")
    analysis, policy = _analysed(target, config, image=image, build=build, options=options, progress=progress)
    with proposals(analysis, policy, wish) as who:
        rungs = who.ladder(analysis.evidence)
        if request is None or not any(rung.rewrite for rung in rungs):
            return analysis, who.rewrite(analysis.evidence), not_begun(rungs, "")
        found = search(request, who.ladder, progress=wish.progress)
        return analysis, found.rewrite, found


def proposed(analysis: Analysis, *, base: str = "auto", options: BuildOptions | None = None) -> "Rewrite":
    """The rewrite that the findings of an analysis call for."""
    from imageopt.proposals import Proposals, Wish

    wish = Wish(base, False, options or BuildOptions(), Progress())
    return Proposals(analysis, Policy(()), wish, None).rewrite(analysis.evidence)


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
) -> "tuple[Analysis, Rewrite]":
    """The analysis of a folder, and the edits that close its findings one by one; nothing is written.

    `rules` are the names or codes of the only ones to mend, all for none. Raises UsageError for one there is not.
    """
    from imageopt.rewrite.fix import fix as mend
    from imageopt.rules.lookup import Names

    _must_be_project(target, "only a Dockerfile can be mended")
    analysis, policy = _analysed(target, config, image=image, build=build, options=options, progress=progress)
    names = Names(policy.rules)
    for name in rules:
        if name.lower() not in names.own:
            raise UsageError(f"there is no rule {name!r}", names.suggestion(name) or "see `imageopt rules`")
    wanted = {names.own[name.lower()].name for name in rules}
    findings = [finding for finding in analysis.findings if not rules or finding.rule in wanted]
    return analysis, mend(analysis.evidence, findings, policy.rules, waivers=policy.waivers)


def verify(request: "VerifyRequest", *, progress: Progress | None = None) -> "Verification":
    """Both versions built, run, scanned and compared, with a verdict. Everything it started is gone afterwards."""
    from imageopt.verify.verify import verify as run

    return run(request, progress=progress or Progress())


def compare(
    before: str,
    after: str,
    *,
    options: BuildOptions | None = None,
    before_file: str | None = None,
    limit: int = 10,
    progress: Progress | None = None,
) -> "Compared":
    """What a change made of an image: two image references, by cause, package, path and layer.

    `before_file` is the first image's Dockerfile where it has another than the second; paths are told in at most
    `limit` rows (0: as many as it takes). Raises the errors of `imageopt.errors`.
    """
    from imageopt.compare.base import on_one_base
    from imageopt.compare.difference import compare as difference
    from imageopt.compare.layers import shared_layers
    from imageopt.compare.model import Compared

    started = time.monotonic()
    options = options or BuildOptions()
    progress = progress or Progress()
    notes: list[str] = []
    old, new = _comparable(before, after, options, progress, notes)
    with progress.step("comparing"):
        first, second = _both_evidences(old, new, options, before_file, notes)
        first, second = on_one_base(first, second, shared_layers(old, new))
        found = difference(first, second, limit=limit)
    return Compared(
        before=described(old),
        after=described(new),
        before_evidence=first,
        after_evidence=second,
        difference=found,
        limit=limit,
        notes=(*notes, *found.notes),
        seconds=time.monotonic() - started,
    )


def _comparable(
    before: str, after: str, options: BuildOptions, progress: Progress, notes: list[str]
) -> tuple[Image, Image]:
    """Both images, their contents read where nothing less tells whether they are the same."""
    from imageopt.compare.difference import contents_wanted
    from imageopt.source.reference import parse_reference

    for target in (before, after):
        if not is_image(target):
            raise UsageError(
                f"{target!r} is no image", "name two images, such as docker:app:1 or docker-archive:app.tar"
            )
    references = (parse_reference(before), parse_reference(after))
    images = [load(reference, options, progress, verify_digests=False) for reference in references]
    for side, wanted in enumerate(contents_wanted(*images)):
        if wanted:
            progress.note(f"reading the contents of {references[side]}: checksums alone do not tell what changed")
            try:
                images[side] = load(references[side], options, progress, verify_digests=True)
            except (InputError, ToolMissing, ToolFailed) as error:
                notes.append(f"the contents of {references[side]} could not be read: {error.cause}")
    return images[0], images[1]


def _both_evidences(
    old: Image, new: Image, options: BuildOptions, before_file: str | None, notes: list[str]
) -> tuple[Evidence, Evidence]:
    """Each image with its Dockerfile. One without takes the other's: what stands in both has the same cause then."""
    after_notes: list[str] = []
    before_notes: list[str] = []
    second = image_evidence(new, options, after_notes)
    own = replace(options, file=before_file) if before_file is not None else options
    first = image_evidence(old, own, before_notes)
    if first.dockerfile is None and second.dockerfile is not None:
        first = _with_dockerfile_of(second, old, options)
        before_notes = ["no Dockerfile fits; a line is told where AFTER's has the same instruction"]
    elif second.dockerfile is None and first.dockerfile is not None:
        second = _with_dockerfile_of(first, new, options)
        after_notes = ["no Dockerfile fits; a line is told where BEFORE's has the same instruction"]
    if before_notes == after_notes:
        notes += after_notes
    else:
        notes += [*(f"BEFORE: {note}" for note in before_notes), *(f"AFTER: {note}" for note in after_notes)]
    return first, second


def _with_dockerfile_of(other: Evidence, image: Image, options: BuildOptions) -> Evidence:
    return join(
        image,
        other.dockerfile,
        other.project,
        dockerfile_path=other.dockerfile_path,
        target=other.target,
        build_args=options.build_args,
    )


def find_project(target: str, options: BuildOptions) -> tuple[Path, str, bytes]:
    """The folder, the Dockerfile's path relative to it and its bytes. Raises InputError where there is none."""
    place = place_of(target, options)
    return place.root, place.dockerfile, place.text


def _must_be_project(target: str, why: str) -> None:
    if is_image(target):
        raise UsageError(f"{target!r} is an image, and {why}", "name the folder with the Dockerfile")


def _folder(target: str, evidence: Evidence) -> Path:
    """The folder whose rules are in force: the project's, that of the Dockerfile, or the current one."""
    if evidence.project is not None:
        return evidence.project.root
    return Path(target).parent if Path(target).is_file() and not is_image(target) else Path()
