"""How many of an image's layers are its base image's, and how that is known: the surest way that gives an answer.

What surprises: labels are inherited, so `org.opencontainers.image.base.name` may be of the base's own base. It counts
only where it is of the image that FROM names, or where nothing says what FROM names.
"""

from collections.abc import Callable, Sequence

from imageopt.dockerfile.model import Dockerfile, Stage
from imageopt.evidence.model import BaseImage
from imageopt.evidence.origin import Alignment
from imageopt.evidence.provenance import Provenance
from imageopt.evidence.spelling import strip_nop
from imageopt.evidence.variants import split_reference
from imageopt.source.model import HistoryEntry, ImageConfig

LayersOf = Callable[[str], Sequence[str] | None]
"""The diff_ids of an image that is at hand, None for one that is not; it may ask an engine and never pulls."""

_NAME, _DIGEST = "org.opencontainers.image.base.name", "org.opencontainers.image.base.digest"


def root_stage(dockerfile: Dockerfile, stage: Stage) -> Stage:
    """The stage of the file that the given one goes back to: its FROM names the base image."""
    while stage.parent is not None:
        stage = dockerfile.stages[stage.parent]
    return stage


def decide_base(
    config: ImageConfig,
    alignment: Alignment | None,
    root: Stage | None,
    provenance: Provenance | None,
    layers_of: LayersOf | None,
) -> BaseImage:
    """The base image: by digest, by history, compared with the one that FROM names, guessed, or unknown.

    `alignment` and `root` are None without a Dockerfile, `layers_of` where there is nothing to compare with.
    """
    named = root.base if root is not None else None
    if named == "scratch":
        return BaseImage(0, "history", named)
    if provenance is not None and provenance.base_layers is not None:
        return BaseImage(provenance.base_layers, "digest", provenance.base or named)
    pinned = _labelled(config, named)
    if pinned is not None and (count := _beginning(config, pinned, layers_of)) is not None:
        return BaseImage(count, "digest", pinned)
    own = alignment.base_layers if alignment is not None else None
    if own is not None and not (alignment is not None and alignment.after_layer):
        return BaseImage(own, "history", named)
    compared = _beginning(config, named, layers_of) if named is not None else None
    if compared is not None and (own is None or compared < own):  # what lies between are triggers that left no word
        return BaseImage(compared, "compared", named)
    if own is not None:
        return BaseImage(own, "history", named)
    guess = _guess(config.history, len(config.diff_ids))
    if guess is None:
        return BaseImage(None, "unknown", named)
    first = min(alignment.layers, default=guess) if alignment is not None else guess
    return BaseImage(min(guess, first), "guessed", named)


def _labelled(config: ImageConfig, named: str | None) -> str | None:
    """The base as the image's labels give it, with its digest."""
    name, digest = config.labels.get(_NAME), config.labels.get(_DIGEST)
    if not name or not digest:
        return None
    repository = _repository(name)
    return f"{split_reference(name)[0]}@{digest}" if named is None or _repository(named) == repository else None


def _repository(reference: str) -> str:
    return split_reference(reference)[0].removeprefix("docker.io/").removeprefix("library/")


def _beginning(config: ImageConfig, reference: str, layers_of: LayersOf | None) -> int | None:
    """The number of the image's layers, None where it is not at hand or not what this image begins with."""
    layers = layers_of(reference) if layers_of is not None else None
    return len(layers) if layers and tuple(layers) == config.diff_ids[: len(layers)] else None


def _guess(history: Sequence[HistoryEntry], layers: int) -> int | None:
    """Everything up to the last CMD or ENTRYPOINT that still has layers after it."""
    if sum(1 for entry in history if not entry.empty_layer) != layers:
        return None
    seen = 0
    guess = None
    for entry in history:
        if not entry.empty_layer:
            seen += 1
        elif seen < layers and strip_nop(entry.created_by).split()[:1] in (["CMD"], ["ENTRYPOINT"]):
            guess = seen
    return guess
