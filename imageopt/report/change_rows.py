"""A comparison's document -> the rows of its tables in words, the same in every format.

A number with a sign is a change, after without before; a list is cut at the document's `limit`, and its last row says
what was cut off.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from imageopt.report.words import UNKNOWN, category, command, layers_in_words, percent, place, size
from imageopt.units import format_bytes

Json = Mapping[str, Any]
_SIZES = (
    ("download_bytes", "download"),
    ("unpacked_bytes", "unpacked"),
    ("live_bytes", "live files"),
    ("wasted_bytes", "wasted"),
    ("own_unpacked_bytes", "without base image"),
    ("duplicate_content_bytes", "the same content twice"),
    ("overhead_bytes", "tar overhead"),
)
_FATES = {
    "same": "unchanged",
    "rebuilt": "same files",
    "changed": "changed",
    "added": "new",
    "removed": "gone",
}
CAUSES, LAYERS = "Why, by cause", "Layers that are not shared"
_FACTOR = 1000  # percent: past it a share says nothing
_TEXT = 120  # letters of an instruction


class Row(Struct, frozen=True):
    """One line: the change of bytes in words (`better`: it is less), what it is about, what happened, and where."""

    delta: str
    better: bool | None
    what: str
    how: str
    where: str = ""


def signed(delta: int | None) -> str:
    """`+1.20 MB`, `-856 MB`, `0 B`; unknown stays unknown."""
    return UNKNOWN if delta is None else f"+{format_bytes(delta)}" if delta > 0 else format_bytes(delta)


def sentences(document: Json) -> list[str]:
    """What came of it: the answer first, then what a pull costs."""
    unpacked, layers = document["sizes"]["unpacked_bytes"], document["layers"]
    if document["identical"]:
        return [
            f"the same image: {_number_of(len(document['after']['layers']), 'layer')} and the configuration are equal"
        ]
    total = document["paths"]["total"]
    if not layers["changes"]:
        return ["the same layers; the configuration alone differs"]
    lines = []
    if unpacked["delta"]:
        share = "" if unpacked["percent"] is None else f" ({percent(abs(unpacked['percent']))})"
        word = "bigger" if unpacked["delta"] > 0 else "smaller"
        lines.append(f"{size(abs(unpacked['delta']))} {word}{share} unpacked")
    elif not any(total[name] for name in ("added", "removed", "changed", "metadata", "unknown")):
        lines.append("the same files, but in layers of their own")
    else:
        lines.append("as big as before, unpacked")
    return [*lines, _pull(document)]


def _pull(document: Json) -> str:
    layers = document["layers"]
    verb = "is" if layers["shared"] == 1 else "are"
    shared = (
        f"{layers['shared']} of {len(document['after']['layers'])} layers {verb} shared"
        if layers["shared"]
        else "no layer is shared"
    )
    if layers["pull_bytes"] is None:
        return f"{shared}; the others hold {size(layers['new_unpacked_bytes'])} unpacked (download unknown)"
    whole = document["sizes"]["download_bytes"]["after"]
    text = f"{shared}; where the first image is there, a pull fetches {size(layers['pull_bytes'])}"
    text += f" of {size(whole)}" if whole != layers["pull_bytes"] else ""
    by_digest = layers["pull_by_digest_bytes"]
    return (
        text if by_digest in (None, layers["pull_bytes"]) else f"{text} ({size(by_digest)} with containerd or Podman)"
    )


def lists(document: Json) -> list[tuple[str, list[Row]]]:
    """The lists below the sizes, with their headings, empty ones left out."""
    found = [
        (CAUSES, cause_rows(document)),
        (f"Packages: {packages_in_words(document)}", package_rows(document)),
        ("Paths, the biggest change first", path_rows(document)),
        ("Only the owner or the mode differs", metadata_rows(document)),
        (LAYERS, layer_rows(document)),
    ]
    return [(heading, rows) for heading, rows in found if rows]


def size_rows(document: Json) -> list[tuple[str, str, str, str, bool | None]]:
    """Label, before, after, change, and whether it is less: the sizes, the files, the layers."""
    rows = []
    for name, label in _SIZES:
        change = document["sizes"][name]
        words = ""
        if change["delta"]:
            share = change["percent"]
            words = signed(change["delta"])
            words += "" if share is None or share >= _FACTOR else f"  {'+' if share > 0 else '-'}{percent(abs(share))}"
        better = change["delta"] < 0 if change["delta"] else None
        rows.append((label, size(change["before"]), size(change["after"]), words, better))
    counts = (
        ("files", document["file_count"]["before"], document["file_count"]["after"]),
        ("layers", len(document["before"]["layers"]), len(document["after"]["layers"])),
    )
    for label, old, new in counts:
        rows.append(
            (label, f"{old:,}", f"{new:,}", f"{new - old:+,}" if new != old else "", new < old if new != old else None)
        )
    return rows


def cause_rows(document: Json) -> list[Row]:
    """The categories in which something differs, with the lines (else the layers) it is billed to."""
    rows = []
    for cause in document["causes"]:
        old, new = cause["before"], cause["after"]
        how = cause["change"] if not old or not new else f"{size(old)} -> {size(new)}"
        if cause["change"] == "replaced":
            how = "as much, of other bytes" if cause["added"] or cause["removed"] else "none"
        rows.append(
            Row(
                signed(cause["delta"]), _less(cause["delta"]), category(cause["category"]), how, _where(document, cause)
            )
        )
    return _cut(rows, [cause["delta"] for cause in document["causes"]], document["limit"])


def _where(document: Json, cause: Json) -> str:
    """The places of what came, where the category grew; else of what went."""
    came = (cause["delta"] >= 0 and cause["added"]) or not cause["removed"]
    layers = document["after" if came else "before"]["layers"]
    made = [layers[part["layer"]] for part in (cause["added"] if came else cause["removed"])]
    lines = list(dict.fromkeys(text for layer in made if (text := place(layer["instruction"]))))
    numbers = layers_in_words(sorted({layer["index"] for layer in made}))
    told = ", ".join(lines[:2]) + (", …" if len(lines) > 2 else "") if lines else numbers
    return ("" if came or not told else "was ") + told


def _place(layer: Json) -> str:
    return place(layer["instruction"]) or f"layer {layer['index']}"


def package_rows(document: Json) -> list[Row]:
    """The packages, biggest change first."""
    rows = []
    for package in document["packages"]:
        old, new = _versions(package["before"]), _versions(package["after"])
        how = {
            "added": f"new: {new}",
            "removed": f"gone: {old}",
            "changed": f"{old} -> {new}",
            "resized": f"{size(package['before_bytes'])} -> {size(package['after_bytes'])}, still {new}",
        }[package["change"]]
        name = f"{package['manager']} {package['name']}"
        rows.append(Row(signed(package["delta"]), _less(package["delta"]), name, how))
    return _cut(rows, [package["delta"] for package in document["packages"]], document["limit"])


def packages_in_words(document: Json) -> str:
    """`3 new, 412 gone, 7 with another version`."""
    names = {"added": "new", "removed": "gone", "changed": "with another version", "resized": "of another size"}
    kinds = [package["change"] for package in document["packages"]]
    return ", ".join(f"{kinds.count(kind)} {words}" for kind, words in names.items() if kind in kinds)


def _versions(versions: Sequence[str]) -> str:
    """`4.17.21 (3 times)`: the same version in several places stands once."""
    counts = {version: versions.count(version) for version in versions}
    return ", ".join(version if count == 1 else f"{version} ({count} times)" for version, count in counts.items())


def path_rows(document: Json) -> list[Row]:
    """The folders and files that differ in content, biggest first."""
    rows = document["paths"]["contents"]
    return [
        Row(signed(row["counts"]["delta_bytes"]), _less(row["counts"]["delta_bytes"]), _named(row), _counted(row))
        for row in rows
    ]


def metadata_rows(document: Json) -> list[Row]:
    """The folders and files of which only owner or mode differ."""
    return [
        Row("", None, _named(row), ", ".join(text for text in (_how_many(row), row["detail"]) if text))
        for row in document["paths"]["metadata"]
    ]


def _how_many(row: Json) -> str:
    return _number_of(row["counts"]["metadata"], "file") if row["folder"] else ""


def _named(row: Json) -> str:
    path = row["path"] if not row["folder"] or row["path"] == "/" else f"{row['path']}/"
    return f"elsewhere in {path}" if row["rest"] else str(path)


def _counted(row: Json) -> str:
    counts = row["counts"]
    parts = [f"{counts[name]:,} {name}" for name in ("added", "removed", "changed", "unknown") if counts[name]]
    only = len(parts) == 1
    if only and (row["whole"] or not row["folder"]):
        kind = next(name for name in ("added", "removed", "changed", "unknown") if counts[name])
        word = {"added": "new", "removed": "gone", "changed": "changed", "unknown": "not known"}[kind]
        return f"{word}, {_number_of(counts[kind], 'file')}" if row["folder"] else word
    return ", ".join(parts)


def _number_of(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def layer_rows(document: Json) -> list[Row]:
    """The layers above the shared ones, base first; `where` is the line or the number in its own image."""
    rows = []
    for change in document["layers"]["changes"]:
        old = None if change["before"] is None else document["before"]["layers"][change["before"]]
        new = None if change["after"] is None else document["after"]["layers"][change["after"]]
        shown = new or old
        assert shown is not None
        delta = (new["unpacked_bytes"] if new else 0) - (old["unpacked_bytes"] if old else 0)
        where = _place(shown) if new else f"was {_place(shown)}"
        rows.append(Row(signed(delta), _less(delta), _said(shown), _FATES[change["change"]], where))
    return rows


def _said(layer: Json) -> str:
    text = layer["instruction"]["text"] if layer["instruction"] else layer["created_by"] or UNKNOWN
    return command(text, _TEXT)


def config_rows(document: Json) -> list[str]:
    """The keys of the configuration that differ."""
    return [
        f"{change['what']}: {_value(change['before'])} -> {_value(change['after'])}" for change in document["config"]
    ]


def _value(value: str | None) -> str:
    return "(none)" if value is None else value


def _cut(rows: list[Row], deltas: list[int], limit: int) -> list[Row]:
    if not limit or len(rows) <= limit:
        return rows
    rest = sum(deltas[limit:])
    return [*rows[:limit], Row(signed(rest), _less(rest), _number_of(len(rows) - limit, "smaller change"), "")]


def _less(delta: int) -> bool | None:
    return delta < 0 if delta else None
