"""Image, Dockerfile and project to `Evidence`: each layer gets its instruction, each byte its class."""

from collections.abc import Mapping

from imageopt.dockerfile.model import Dockerfile
from imageopt.evidence.base import UNKNOWN, base_by_guess, base_by_history, root_stage
from imageopt.evidence.classify import classify
from imageopt.evidence.composition import compose
from imageopt.evidence.model import BaseImage, Evidence, Origin
from imageopt.evidence.origin import align
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
) -> Evidence:
    """What the three together show; any may be absent. `target` is the stage that was built, the last for None."""
    origins: tuple[Origin | None, ...] = ()
    base = UNKNOWN
    if image is not None:
        origins, base = _origins(image, dockerfile, target, build_args or {})
    classes = classify(image, origins, base, project) if image is not None else ()
    return Evidence(
        image=image,
        dockerfile=dockerfile,
        dockerfile_path=dockerfile_path,
        project=project,
        base=base,
        origins=origins,
        classes=classes,
        composition=compose(image, classes) if image is not None else (),
        target=target,
    )


def _origins(
    image: Image, dockerfile: Dockerfile | None, target: str | None, build_args: Mapping[str, str]
) -> tuple[tuple[Origin | None, ...], BaseImage]:
    count = len(image.layers)
    stage = dockerfile.target(target) if dockerfile is not None else None
    if dockerfile is None or stage is None:
        return (None,) * count, base_by_guess(image.config.history, count)
    alignment = align(image.config, dockerfile, stage, build_args)
    root = root_stage(dockerfile, stage)
    base = base_by_history(alignment, root)
    if base.layers is None:  # the image was built from another version of the file
        guess = base_by_guess(image.config.history, count)
        if guess.layers is not None:
            own = min(alignment.layers, default=count)
            base = BaseImage(min(guess.layers, own), "guessed", root.base)
    found: list[Origin | None] = []
    for index in range(count):
        if base.layers is not None and index < base.layers and base.decided_by == "history":
            found.append(Origin(root.from_instruction, base=True))
        else:
            instruction = alignment.layers.get(index)
            found.append(Origin(instruction, base=False) if instruction is not None else None)
    return tuple(found), base
