"""A target in words -> the evidence about it: an image, a folder or a Dockerfile, joined with what belongs to it.

The Dockerfile of an image is the one named, else the one imageopt built it from, else the current folder's if the
image's history shows that it was built from it; a wrong one would give wrong lines. `notes` tell what was chosen.
"""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from imageopt.build.options import BuildOptions
from imageopt.build.record import PROJECT_LABEL, BuildRecord, project_key, recall, remember
from imageopt.dockerfile import parse
from imageopt.dockerfile.model import Dockerfile
from imageopt.dockerfile.read import read_dockerfile
from imageopt.errors import InputError, ToolFailed, ToolMissing, UsageError
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.evidence.provenance import Provenance, read_provenance
from imageopt.image.model import Image
from imageopt.instant import parse_instant
from imageopt.lazy_pattern import lazy_pattern
from imageopt.progress import Progress
from imageopt.project.model import Project
from imageopt.rules.model import Target
from imageopt.source.at_hand import layers_at_hand
from imageopt.source.model import ImageRef

_BUILD_SECONDS = 3600
_UNTAGGED = "<none>:<none>"  # an engine's word for an image without a tag
_FILE = lazy_pattern(r"\.(?:tar|json)$|(?:^|/)(?:Dockerfile|Containerfile)$")  # no image is called so
_DOCKERFILES = ("Dockerfile*", "*.Dockerfile", "Containerfile*")


class Place(Struct, frozen=True):
    """A project on disk: its folder, the Dockerfile's path relative to it, and the Dockerfile's bytes."""

    root: Path
    dockerfile: str
    text: bytes


def is_image(target: str) -> bool:
    """Whether the words name an image and no folder or Dockerfile of this machine."""
    from imageopt.source.reference import parse_reference

    if not target:
        raise InputError("the target is an empty text", "name a folder, a Dockerfile or an image; . is this folder")
    path = Path(target)
    if path.is_dir():
        return (path / "oci-layout").is_file()
    if path.is_file():
        return looks_like_archive(path)
    if target.startswith(("/", "./", "../", "~")) or (_FILE.search(target) and ":" not in target):
        raise InputError(f"{target!r} does not exist", "name a folder, a Dockerfile or an image")
    return parse_reference(target) is not None


def looks_like_archive(path: Path) -> bool:
    """Whether the file begins as a tar or a gzip does, or is called so. Raises InputError where it cannot be read."""
    try:
        with path.open("rb") as stream:
            head = stream.read(262)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", "check its permissions") from None
    return head[257:262] == b"ustar" or head[:2] == b"\x1f\x8b" or path.suffix == ".tar"  # a failed save leaves less


def image_target(
    target: str, options: BuildOptions, progress: Progress, notes: list[str], verify_digests: bool
) -> tuple[Target, Evidence]:
    from imageopt.source.reference import parse_reference

    image = load(parse_reference(target), options, progress, verify_digests)
    return described(image), image_evidence(image, options, notes)


def described(image: Image) -> Target:
    return Target("image", image.reference, image.source, image.digest, image.config.platform)


def image_evidence(image: Image, options: BuildOptions, notes: list[str]) -> Evidence:
    """The image with its Dockerfile: the one named, else the one it was built from, else the one here if it fits."""
    record = recall(image.digest) if image.digest is not None else None
    if options.file is not None or options.context is not None:
        place = place_of(str(options.context or "."), options)
        check_stage(place, options)
        evidence = _join(image, place, options)
    elif record is not None:
        evidence = _join(image, Place(record.root, record.dockerfile, record.text), options, record.target)
        notes.append(f"the lines are those of the {record.dockerfile} that imageopt built this image from")
    elif (stated := _provenance(image)) is not None and stated.dockerfile is not None:
        place = Place(Path(), stated.file_name, stated.dockerfile)
        evidence = _join(image, place, replace(options, build_args=stated.build_args), stated.target, project=False)
        notes.append(f"the lines are those of the {stated.file_name} that the image's provenance holds")
    elif (evidence_here := _dockerfile_here(image, options)) is not None:
        evidence = evidence_here
        notes.append(f"the lines are those of ./{evidence.dockerfile_path}: it fits the image's history")
    else:
        evidence = join(image, None, None, provenance=stated, layers_of=layers_at_hand)
        notes.append("no Dockerfile: name it with --file to learn which line made which bytes")
    _note_problems(image, notes)
    return evidence


def load(ref: ImageRef, options: BuildOptions, progress: Progress, verify_digests: bool) -> Image:
    from imageopt.image.cache import user_cache
    from imageopt.image.load import load_image

    return load_image(
        ref, platform=options.platform, progress=progress, cache=user_cache(), verify_digests=verify_digests
    )


def _dockerfile_here(image: Image, options: BuildOptions) -> Evidence | None:
    """The evidence with the current folder's Dockerfile, if the image's history shows that it was built from it."""
    if not Path("Dockerfile").is_file():
        return None
    place = place_of(".", options)
    origins = _join(image, place, options, project=False).origins  # a folder may be big, and be another image's
    ours = [origin for origin in origins if origin is not None and not origin.base]
    return _join(image, place, options) if ours and None not in origins else None


def project_target(
    target: str,
    image_name: str | None,
    build: bool,
    options: BuildOptions,
    progress: Progress,
    notes: list[str],
    verify_digests: bool,
) -> tuple[Target, Evidence]:
    place = place_of(target, options)
    check_stage(place, options)
    image: Image | None = None
    ref = _image_of(place, image_name, build, options, progress, notes)
    if ref is not None:
        image = load(ref, options, progress, verify_digests)
        if not build:  # what was just built is as old as its cached steps, and still no older than the Dockerfile
            _note_age(image, place, notes)
        _note_problems(image, notes)
    evidence = _join(image, place, options)
    if evidence.project is not None:
        notes.extend(evidence.project.problems)
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
            _from_here(place.root),
        ),
        evidence,
    )


def _from_here(folder: Path) -> str | None:
    """The folder relative to the current one; None where it is elsewhere: no report holds paths of this machine."""
    here, there = Path.cwd(), folder.resolve()
    return str(there.relative_to(here)) if there.is_relative_to(here) else None


def place_of(target: str, options: BuildOptions) -> Place:
    path = Path(target)
    if path.is_file():
        root, name = path.parent, path.name
    else:
        root, name = path, options.file or "Dockerfile"
    file = root / name
    try:
        text = read_dockerfile(file)
    except FileNotFoundError:
        raise InputError(f"there is no {name} in {root}", _where_one_is(root)) from None
    return Place(root, name, text)


def check_stage(place: Place, options: BuildOptions) -> None:
    """Raises UsageError where the stage that is asked for is none of the Dockerfile's."""
    if options.target is None:
        return
    tree = parse(place.text)
    if tree.stages and tree.target(options.target) is None:
        names = ", ".join(stage.name or str(number) for number, stage in enumerate(tree.stages))
        raise UsageError(f"there is no stage {options.target!r} in {place.dockerfile}", f"its stages are {names}")


def has_no_dockerfile(target: str, options: BuildOptions) -> bool:
    """Whether the folder holds a Node project and no Dockerfile under any usual name, so that it could have a first."""
    root = Path(target)
    if options.file is not None or not (root / "package.json").is_file():
        return False
    return not any(next(root.glob(pattern), None) for name in _DOCKERFILES for pattern in (name, f"*/{name}"))


def _join(
    image: Image | None, place: Place, options: BuildOptions, target: str | None = None, *, project: bool = True
) -> Evidence:
    tree: Dockerfile = parse(place.text)
    found: Project | None = None
    if project and place.root.is_dir():
        from imageopt.project.read import read_project  # forty modules, which an image alone does without

        found = read_project(place.root, dockerfile=place.dockerfile)
    return join(
        image,
        tree,
        found,
        dockerfile_path=place.dockerfile,
        target=target or options.target,
        build_args=options.build_args,
        provenance=_provenance(image) if image is not None else None,
        layers_of=layers_at_hand,
    )


def _provenance(image: Image) -> Provenance | None:
    """What the image's builder says of it, None where it came without a word."""
    if image.statement is None:
        return None
    return read_provenance(image.statement, [layer.digest for layer in image.layers])


def _build(place: Place, options: BuildOptions, progress: Progress) -> str:
    """Builds the project's image and keeps it, labelled with the folder's key; gives its name."""
    from imageopt.build.build import build
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
                builder=options.builder,
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


def _image_of(
    place: Place, named: str | None, build: bool, options: BuildOptions, progress: Progress, notes: list[str]
) -> ImageRef | None:
    """The folder's image: built now, else the one that the user named, from any source, else one in the engine."""
    from imageopt.source.reference import parse_reference

    if not build and named is not None:
        return parse_reference(named)
    name = _build(place, options, progress) if build else _local_image(place, notes)
    return ImageRef("docker", name) if name is not None else None


def _local_image(place: Place, notes: list[str]) -> str | None:
    """The image that compose builds from this Dockerfile, else the newest that imageopt built for this folder."""
    from imageopt.project.composed import composed_images
    from imageopt.source.asking import Engine

    try:
        with closing(Engine()) as engine:
            for composed in composed_images(place.root, place.dockerfile):
                if engine.image(composed.name) is not None:
                    notes.append(f"the image is {composed.name}: {composed.source} builds it from this Dockerfile")
                    return composed.name
            found = engine.labelled(f"{PROJECT_LABEL}={project_key(place.root)}")
    except (ToolMissing, ToolFailed) as error:
        notes.append(f"no image was read: {error.cause}; what follows is from the Dockerfile alone")
        return None
    if not found:
        notes.append("this folder has no image yet, so no size is known: add --build, or name one with --image")
        return None
    newest = max(found, key=lambda image: int(image["Created"]))
    tags = [tag for tag in newest.get("RepoTags") or () if tag != _UNTAGGED]
    return str(tags[0] if tags else newest["Id"])


def _note_age(image: Image, place: Place, notes: list[str]) -> None:
    try:
        changed = datetime.fromtimestamp((place.root / place.dockerfile).stat().st_mtime, UTC)
    except OSError:
        return
    created = parse_instant(image.config.created)
    if created is not None and changed > created:
        notes.append(f"the image is older than {place.dockerfile}: build it again with --build")


def _note_problems(image: Image, notes: list[str]) -> None:
    if image.problems:
        count = len(image.problems)
        what = "entry was" if count == 1 else "entries were"
        notes.append(f"{count} damaged or unsafe {what} left out, such as: {image.problems[0]}")


def _where_one_is(root: Path) -> str:
    """What to do in a folder without a Dockerfile: in a repository of several services it is one further down."""
    below = sorted(path.parent for path in root.glob("*/Dockerfile"))
    return f"name it with --file, or its folder, such as {below[0]}" if below else "name it with --file"
