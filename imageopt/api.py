"""What the commands call: `analyze`, `rewrite` and `verify`, from a target in words to a result.

This is the one place where the packages meet; each function reads top to bottom as the chain runs.
"""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from imageopt.build.options import BuildOptions
from imageopt.build.record import PROJECT_LABEL, BuildRecord, project_key, recall, remember
from imageopt.dockerfile import parse
from imageopt.dockerfile.model import Dockerfile
from imageopt.errors import InputError, ToolFailed, ToolMissing, UsageError
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.image.model import Image
from imageopt.progress import Progress
from imageopt.project.model import Project
from imageopt.rules.check import check
from imageopt.rules.load import load_rules
from imageopt.rules.model import Analysis, Target
from imageopt.rules.summary import summarise
from imageopt.source.model import ImageRef

if TYPE_CHECKING:
    from imageopt.rewrite.model import Rewrite
    from imageopt.verify.model import Verification
    from imageopt.verify.request import VerifyRequest

_BUILD_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class _Place:
    """A project on disk: its folder, the Dockerfile's path relative to it, and the Dockerfile's bytes."""

    root: Path
    dockerfile: str
    text: bytes


def analyze(
    target: str = ".",
    *,
    image: str | None = None,
    build: bool = False,
    options: BuildOptions | None = None,
    progress: Progress | None = None,
    now: date | None = None,
    verify_digests: bool = False,
) -> Analysis:
    """What is in the image, which line made it, what is avoidable and how much that would save.

    `target` is a folder, a Dockerfile or an image reference. `image` names the folder's image; `build` builds it.
    `verify_digests` reads every byte of the image, where otherwise an engine's records or a tar's headers would do.
    Raises the errors of `imageopt.errors`.
    """
    started = time.monotonic()
    options = options or BuildOptions()
    progress = progress or Progress()
    notes: list[str] = []
    if _is_image(target):
        analysed = _image_target(target, options, progress, notes, verify_digests)
    else:
        analysed = _project_target(target, image, build, options, progress, notes, verify_digests)
    found, evidence = analysed
    with progress.step("checking the rules"):
        rules = load_rules(_team_rules(evidence))
        findings = check(evidence, rules, now=now)
    return Analysis(
        target=found,
        evidence=evidence,
        findings=findings,
        summary=summarise(evidence, findings),
        notes=tuple(notes),
        seconds=time.monotonic() - started,
    )


def rewrite(
    target: str = ".",
    *,
    base: str = "auto",
    image: str | None = None,
    build: bool = False,
    options: BuildOptions | None = None,
    progress: Progress | None = None,
) -> "tuple[Analysis, Rewrite]":
    """The analysis of a folder, and the rewrite that its findings call for; nothing is written.

    `base` is the wished final base image: auto, alpine, slim or keep.
    """
    from imageopt.rewrite.propose import propose

    if _is_image(target):
        raise UsageError(
            f"{target!r} is an image, and a rewrite needs a project", "name the folder with the Dockerfile"
        )
    analysis = analyze(target, image=image, build=build, options=options, progress=progress)
    return analysis, propose(analysis.evidence, analysis.findings, target=base)


def verify(request: "VerifyRequest", *, progress: Progress | None = None) -> "Verification":
    """Both versions built, run, scanned and compared, with a verdict. Everything it started is gone afterwards."""
    from imageopt.verify.verify import verify as run

    return run(request, progress=progress or Progress())


def find_project(target: str, options: BuildOptions) -> tuple[Path, str, bytes]:
    """The folder, the Dockerfile's path relative to it and its bytes. Raises InputError where there is none."""
    place = _place(target, options)
    return place.root, place.dockerfile, place.text


def _is_image(target: str) -> bool:
    """Whether the words name an image and no folder or Dockerfile of this machine."""
    from imageopt.source.reference import parse_reference

    path = Path(target)
    if path.is_dir():
        return (path / "oci-layout").is_file()
    if path.is_file():
        return _looks_like_archive(path)
    if target in ("", ".", "..") or target.startswith(("/", "./", "../", "~")):
        raise InputError(f"{target!r} does not exist", "name a folder, a Dockerfile or an image")
    return parse_reference(target) is not None


def _looks_like_archive(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            head = stream.read(262)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "check its permissions") from None
    return head[257:262] == b"ustar" or head[:2] == b"\x1f\x8b"


def _image_target(
    target: str, options: BuildOptions, progress: Progress, notes: list[str], verify_digests: bool
) -> tuple[Target, Evidence]:
    from imageopt.source.reference import parse_reference

    image = _load(parse_reference(target), options, progress, verify_digests)
    record = recall(image.digest) if image.digest is not None else None
    if options.file is not None or options.context is not None:
        place = _place(str(options.context or "."), options)
        evidence = _join(image, place, options)
    elif record is not None:
        evidence = _join(image, _Place(record.root, record.dockerfile, record.text), options, record.target)
        notes.append(f"the lines are those of the {record.dockerfile} that imageopt built this image from")
    elif (evidence_here := _dockerfile_here(image, options)) is not None:
        evidence = evidence_here
        notes.append(f"the lines are those of ./{evidence.dockerfile_path}: it fits the image's history")
    else:
        evidence = join(image, None, None)
        notes.append("no Dockerfile: name it with --file to learn which line made which bytes")
    _note_problems(image, notes)
    return Target("image", image.reference, image.source, image.digest, image.config.platform), evidence


def _load(ref: ImageRef, options: BuildOptions, progress: Progress, verify_digests: bool) -> Image:
    from imageopt.image.cache import user_cache
    from imageopt.image.load import load_image

    return load_image(
        ref, platform=options.platform, progress=progress, cache=user_cache(), verify_digests=verify_digests
    )


def _dockerfile_here(image: Image, options: BuildOptions) -> Evidence | None:
    """The evidence with the current folder's Dockerfile, if the image's history shows that it was built from it."""
    if not Path("Dockerfile").is_file():
        return None
    evidence = _join(image, _place(".", options), options)
    ours = [origin for origin in evidence.origins if origin is not None and not origin.base]
    return evidence if evidence.base.layers is not None and ours else None


def _project_target(
    target: str,
    image_name: str | None,
    build: bool,
    options: BuildOptions,
    progress: Progress,
    notes: list[str],
    verify_digests: bool,
) -> tuple[Target, Evidence]:
    place = _place(target, options)
    image: Image | None = None
    name = _build(place, options, progress) if build else image_name
    if name is None:
        name = _labelled_image(place.root, notes)
    if name is not None:
        image = _load(ImageRef("docker", name), options, progress, verify_digests)
        if not build:  # what was just built is as old as its cached steps, and still no older than the Dockerfile
            _note_age(image, place, notes)
        _note_problems(image, notes)
    evidence = _join(image, place, options)
    if image is not None and None in evidence.origins:
        notes.append("the image was not built from this Dockerfile as it stands: some lines are unknown")
    kind = "dockerfile" if Path(target).is_file() else "project"
    return (
        Target(
            "dockerfile" if kind == "dockerfile" else "project",
            place.root.resolve().name if kind == "project" else place.dockerfile,
            image.source if image is not None else None,
            image.digest if image is not None else None,
            image.config.platform if image is not None else None,
        ),
        evidence,
    )


def _place(target: str, options: BuildOptions) -> _Place:
    path = Path(target)
    if path.is_file():
        root, name = path.parent, path.name
    else:
        root, name = path, options.file or "Dockerfile"
    file = root / name
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        raise InputError(f"there is no {name} in {root}", "name it with --file, or name an image instead") from None
    except (PermissionError, IsADirectoryError) as error:
        raise InputError(f"{file} cannot be read: {error.strerror}", "check the path and its permissions") from None
    return _Place(root, name, text)


def _join(image: Image | None, place: _Place, options: BuildOptions, target: str | None = None) -> Evidence:
    from imageopt.project.read import read_project

    tree: Dockerfile = parse(place.text)
    project: Project | None = read_project(place.root, dockerfile=place.dockerfile) if place.root.is_dir() else None
    return join(
        image,
        tree,
        project,
        dockerfile_path=place.dockerfile,
        target=target or options.target,
        build_args=options.build_args,
    )


def _build(place: _Place, options: BuildOptions, progress: Progress) -> str:
    """Builds the project's image and keeps it, labelled with the folder's key; gives its name."""
    from imageopt.build.buildx import build
    from imageopt.build.model import BuildRequest, Built

    key = project_key(place.root)
    with progress.step(f"building {place.root.resolve().name}"):
        result = build(
            BuildRequest(
                context=options.context or place.root,
                dockerfile=place.root / place.dockerfile,
                tag=f"imageopt/{_tag_name(place.root)}:latest",
                labels={PROJECT_LABEL: key},
                target=options.target,
                build_args=options.build_args,
                secrets=options.secrets,
                ssh=options.ssh,
                platform=options.platform,
            ),
            progress=progress,
            timeout=_BUILD_SECONDS,
        )
    if not isinstance(result, Built):
        raise ToolFailed(f"the image does not build: {result.reason}", "see the build's log with `docker build`")
    remember(result.image_id, BuildRecord(place.root, place.dockerfile, place.text, options.target))
    return result.tag


def _tag_name(root: Path) -> str:
    """The folder's name in the letters that a repository name may have."""
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in root.resolve().name.lower())
    return "-".join(part for part in name.split("-") if part) or "project"


def _labelled_image(root: Path, notes: list[str]) -> str | None:
    """The newest local image that imageopt built for this folder; without an engine there is none."""
    from imageopt.source.engine import connect

    try:
        client = connect()
    except (ToolMissing, ToolFailed) as error:
        notes.append(f"no image was read: {error.cause}; what follows is from the Dockerfile alone")
        return None
    try:
        found = client.images.list(filters={"label": f"{PROJECT_LABEL}={project_key(root)}"})
    finally:
        client.close()
    if not found:
        notes.append("this folder has no image yet, so no size is known: add --build, or name one with --image")
        return None
    newest = max(found, key=lambda image: str(image.attrs.get("Created", "")))
    return str(newest.tags[0] if newest.tags else newest.id)


def _note_age(image: Image, place: _Place, notes: list[str]) -> None:
    try:
        created = datetime.fromisoformat(image.config.created or "")
        changed = datetime.fromtimestamp((place.root / place.dockerfile).stat().st_mtime, UTC)
    except (ValueError, OSError):
        return
    if created.tzinfo is not None and changed > created:
        notes.append(f"the image is older than {place.dockerfile}: build it again with --build")


def _note_problems(image: Image, notes: list[str]) -> None:
    if image.problems:
        notes.append(f"{len(image.problems)} damaged or unsafe entries were left out, such as: {image.problems[0]}")


def _team_rules(evidence: Evidence) -> Path | None:
    return evidence.project.root / ".imageopt" / "rules" if evidence.project is not None else None
