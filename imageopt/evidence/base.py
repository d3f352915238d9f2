"""How many of an image's layers are its base image's, and how that is known."""

from collections.abc import Sequence

from imageopt.dockerfile.model import Dockerfile, Stage
from imageopt.evidence.model import BaseImage
from imageopt.evidence.origin import Alignment
from imageopt.evidence.spelling import strip_nop
from imageopt.source.model import HistoryEntry

UNKNOWN = BaseImage(None, "unknown", None)


def root_stage(dockerfile: Dockerfile, stage: Stage) -> Stage:
    """The stage of the file that the given one goes back to: its FROM names the base image."""
    while stage.parent is not None:
        stage = dockerfile.stages[stage.parent]
    return stage


def base_by_history(alignment: Alignment, root: Stage) -> BaseImage:
    """What lies before the first instruction of the root stage."""
    if root.base == "scratch":
        return BaseImage(0, "history", "scratch")
    if alignment.base_layers is None:
        return BaseImage(None, "unknown", root.base)
    return BaseImage(alignment.base_layers, "history", root.base)


def base_by_guess(history: Sequence[HistoryEntry], layers: int) -> BaseImage:
    """Without a Dockerfile: everything up to the last CMD or ENTRYPOINT that still has layers after it."""
    if sum(1 for entry in history if not entry.empty_layer) != layers:
        return UNKNOWN
    seen = 0
    guess = None
    for entry in history:
        if not entry.empty_layer:
            seen += 1
        elif seen < layers and strip_nop(entry.created_by).split()[:1] in (
            ["CMD"],
            ["ENTRYPOINT"],
        ):
            guess = seen
    return UNKNOWN if guess is None else BaseImage(guess, "guessed", None)
