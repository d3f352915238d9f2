"""`--baseline` and `[budget] baseline` -> what an image had before, and where what it has now is kept.

`history` is the last result that passed on this machine, a reference with its kind (`registry:…`, `docker:…`) is an
image, and everything else a file, beside the configuration where that names it.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from imageopt.build.options import BuildOptions
from imageopt.config import Config
from imageopt.errors import UsageError
from imageopt.gate.model import Baseline
from imageopt.progress import Progress

HISTORY = "history"
FIRST = "there is no earlier result to compare with: growth is judged from the next one on"


class Where(Struct, frozen=True):
    """Where the baseline is: in a file (`is_history`: the tool's own), else it is the image `reference`."""

    file: Path | None
    reference: str | None = None
    is_history: bool = False

    def read(self, options: BuildOptions, progress: Progress) -> Baseline | None:
        """The baseline; None where there is none yet. An image is read where it is; known layers are not asked for."""
        from imageopt.gate.baseline import read_baseline

        if self.file is not None:
            return read_baseline(self.file, "the last result" if self.is_history else None)
        from imageopt.api import image_sizes

        assert self.reference is not None
        return Baseline(self.reference, image_sizes(self.reference, options=options, progress=progress))

    def keep(self, old: Baseline | None, sizes: Mapping[str, int | None]) -> None:
        """Writes the sizes: lowered only in a file of the repository, as they are in the history."""
        from imageopt.cli.output import write_whole
        from imageopt.gate.baseline import dumped, lowered

        assert self.file is not None
        if self.is_history:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self.file, dumped(lowered(None if self.is_history else old, sizes)))


def find_baseline(said: str | None, config: Config, target: str, *, wanted: bool, update: bool) -> Where | None:
    """Where it is; None where none is named, `wanted` or to be updated.

    Raises UsageError where it should be updated and is no file.
    """
    from imageopt.gate.baseline import FILE, history_file
    from imageopt.targets import is_image

    text = said or config.budget.baseline
    home = config.path.parent if config.path is not None else Path(target) if Path(target).is_dir() else Path()
    if text is None:
        return Where(home / FILE) if wanted or update else None
    place = Path(text) if said else home / text
    names_image = text != HISTORY and not place.exists() and ":" in text and is_image(text)
    if update and (text == HISTORY or names_image):
        raise UsageError(f"the baseline {text} is no file that could be updated", "name a file with --baseline")
    if text == HISTORY:
        return Where(history_file(home, target if is_image(target) else None), is_history=True)
    return Where(None, text) if names_image else Where(place)
