"""Two image references -> what a change made of an image, each told with the Dockerfile that fits it.

What surprises: the contents of an image are read only where checksums alone do not tell whether the two are the same.
"""

import time

from msgspec.structs import replace

from imageopt.build.options import BuildOptions
from imageopt.compare.base import on_one_base
from imageopt.compare.difference import compare as difference
from imageopt.compare.difference import contents_wanted
from imageopt.compare.layers import shared_layers
from imageopt.compare.model import Compared
from imageopt.errors import InputError, ToolFailed, ToolMissing, UsageError
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.image.model import Image
from imageopt.progress import Progress
from imageopt.source.reference import parse_reference
from imageopt.targets import described, image_evidence, is_image, load


def compare(
    before: str,
    after: str,
    *,
    options: BuildOptions | None = None,
    before_file: str | None = None,
    limit: int = 10,
    progress: Progress | None = None,
) -> Compared:
    """What a change made of an image: two image references, by cause, package, path and layer.

    `before_file` is the first image's Dockerfile where it has another than the second; paths are told in at most
    `limit` rows (0: as many as it takes). Raises the errors of `imageopt.errors`.
    """

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
