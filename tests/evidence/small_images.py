"""Images by hand: a history, the files each layer holds, what the package databases say."""

from collections.abc import Mapping, Sequence

from imageopt.image.model import (
    WASTE_KINDS,
    DiveNumbers,
    Fate,
    FileRecord,
    Image,
    ImageSizes,
    Layer,
    NpmPackage,
    Packages,
    SystemPackage,
)
from imageopt.source.model import HistoryEntry, ImageConfig


def record(path: str, size: int, birth: int, fate: Fate = "live", death: int | None = None) -> FileRecord:
    return FileRecord(path, size, birth, fate, death, b"", 0o644, 0, 0)


def image(
    history: Sequence[str | None],
    files: Sequence[FileRecord] = (),
    *,
    workdir: str = "/app",
    command: tuple[str, ...] = ("node", "main.js"),
    user: str = "",
    links: Mapping[str, str] | None = None,
    npm: tuple[NpmPackage, ...] = (),
    system: tuple[SystemPackage, ...] = (),
    owners: Mapping[str, str] | None = None,
    comments: Mapping[int, str] | None = None,
    shell: tuple[str, ...] = (),
    env: tuple[str, ...] = (),
    labels: Mapping[str, str] | None = None,
    layer_count: int | None = None,
) -> Image:
    """An image with one layer for each text of the history; a text that begins with `empty:` makes none.

    `comments` are of history entries, by index; `layer_count` is for a history that does not fit the layers.
    """
    entries = tuple(
        HistoryEntry(
            (text or "").removeprefix("empty:"), (text or "").startswith("empty:"), (comments or {}).get(number, "")
        )
        for number, text in enumerate(history)
    )
    made = [text for text in history if text is None or not text.startswith("empty:")]
    if layer_count is not None:
        made = [None] * layer_count
    waste: dict[str, int] = {kind: sum(file.size for file in files if file.fate == kind) for kind in WASTE_KINDS}
    live = sum(file.size for file in files if file.fate == "live")
    layers = tuple(
        Layer(index, f"sha256:{index:064}", None, text, None, *_sizes(files, index), 0, _hid(files, index), 0)
        for index, text in enumerate(made)
    )
    config = ImageConfig(
        "linux", "amd64", "", user, env, (), command, workdir, (), (), labels or {}, None, (), shell, None, entries,
        tuple(layer.diff_id for layer in layers),
    )  # fmt: skip
    return Image(
        source="docker",
        reference="small",
        digest=None,
        config=config,
        sizes=ImageSizes(None, live + sum(waste.values()), live, sum(waste.values()), 0),
        waste=waste,
        layers=layers,
        files=tuple(files),
        links=links or {},
        contents={},
        packages=Packages(npm, system, owners or {}),
        duplicate_content_bytes=0,
        file_count=len(files),
        dive=DiveNumbers(1.0, 0, None),
        problems=(),
    )


def _hid(files: Sequence[FileRecord], layer: int) -> int:
    return sum(file.size for file in files if file.death == layer)


def _sizes(files: Sequence[FileRecord], layer: int) -> tuple[int, int, int]:
    born = [file for file in files if file.birth == layer]
    live = sum(file.size for file in born if file.fate == "live")
    total = sum(file.size for file in born)
    return total, live, total - live
