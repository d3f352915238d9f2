"""Image, Dockerfile and project to `Evidence`: each layer gets its instruction, each byte its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from imageopt.dockerfile.stages import with_build_args
from imageopt.evidence.model import BaseImage, CompositionRow, Evidence, FileClass, Origin
from imageopt.later import LaterSequence

if TYPE_CHECKING:
    from imageopt.dockerfile.model import Dockerfile, Instruction
    from imageopt.evidence.base import LayersOf
    from imageopt.evidence.provenance import Provenance
    from imageopt.image.model import Image
    from imageopt.project.model import Project


def join(
    image: Image | None,
    dockerfile: Dockerfile | None,
    project: Project | None,
    *,
    dockerfile_path: str = "Dockerfile",
    target: str | None = None,
    build_args: Mapping[str, str] | None = None,
    provenance: Provenance | None = None,
    layers_of: LayersOf | None = None,
) -> Evidence:
    """What the three together show; any may be absent. `target` is the stage that was built, the last for None.

    `provenance` is BuildKit's statement about the image, `layers_of` knows the layers of images at hand. Classes and
    composition are worked out when somebody looks at them.
    """
    if target is not None and dockerfile is not None and dockerfile.target(target) is None:
        target = None  # a builder's statement is a stranger's word; who names a stage was told that there is none
    origins: tuple[Origin | None, ...] = ()
    base = BaseImage(None, "unknown", None)
    classes: Sequence[FileClass] = ()
    composition: Sequence[CompositionRow] = ()
    if image is not None:
        origins, base = _origins(image, dockerfile, target, build_args or {}, provenance, layers_of)
        classes = LaterSequence(lambda: _classes(image, origins, base, project))
        composition = LaterSequence(lambda: _composition(image, classes))
    return Evidence(
        image=image,
        dockerfile=dockerfile,
        dockerfile_path=dockerfile_path,
        project=project,
        base=base,
        origins=origins,
        classes=classes,
        composition=composition,
        target=target,
    )


def _classes(
    image: Image, origins: Sequence[Origin | None], base: BaseImage, project: Project | None
) -> Sequence[FileClass]:
    from imageopt.evidence.classify import classify  # which a budget on sizes needs as little as a Dockerfile alone

    return classify(image, origins, base, project)


def _composition(image: Image, classes: Sequence[FileClass]) -> Sequence[CompositionRow]:
    from imageopt.evidence.composition import compose

    return compose(image, classes)


def _origins(
    image: Image,
    dockerfile: Dockerfile | None,
    target: str | None,
    build_args: Mapping[str, str],
    provenance: Provenance | None,
    layers_of: LayersOf | None,
) -> tuple[tuple[Origin | None, ...], BaseImage]:
    from imageopt.evidence.base import decide_base, root_stage
    from imageopt.evidence.origin import align

    tree = with_build_args(dockerfile, build_args) if dockerfile is not None else None
    stage = tree.target(target) if tree is not None else None
    if tree is None or stage is None:
        return (None,) * len(image.layers), decide_base(image.config, None, None, provenance, layers_of)
    alignment = align(image.config, tree, stage, build_args)
    root = root_stage(tree, stage)
    base = decide_base(image.config, alignment, root, provenance, layers_of)
    made = {**alignment.layers, **_stated(tree, provenance)}
    known = base.layers if base.layers is not None and base.decided_by != "guessed" else 0
    found: list[Origin | None] = []
    for index in range(len(image.layers)):
        if index < known:
            found.append(Origin(root.from_instruction, base=True))
        elif index in made:
            found.append(Origin(made[index], base=False))
        elif index < (alignment.base_layers or 0):  # a trigger of the base: FROM set it off
            found.append(Origin(root.from_instruction, base=False))
        else:
            found.append(None)
    return tuple(found), base


def _stated(dockerfile: Dockerfile, provenance: Provenance | None) -> dict[int, Instruction]:
    """The instructions that the builder itself names, if this is the file it built from."""
    if provenance is None or provenance.dockerfile != dockerfile.render():
        return {}
    begun = {instruction.line: instruction for instruction in dockerfile.instructions}
    return {layer: begun[line] for layer, line in provenance.lines.items() if line in begun}
