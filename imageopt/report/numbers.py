"""A document -> the plain numbers in it, by a name that stays: for the formats that other programs compare.

What is not known has no number: a missing one says so, a 0 would be a claim. Of a verification it is the `after`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

Json = Mapping[str, Any]
_SIZES = ("download_bytes", "unpacked_bytes", "live_bytes", "wasted_bytes")


class Number(Struct, frozen=True):
    """One number: `labels` tell it from others of its name; `help` says what it is."""

    name: str
    value: float
    help: str
    labels: tuple[tuple[str, str], ...] = ()


def subject(document: Json) -> str:
    """What the document is about, without the tag or digest of an image: the same from one commit to the next."""
    text: str = document["target"]["reference"] if "target" in document else document["reference"]
    name = text.partition("@")[0]
    head, _, tag = name.rpartition(":")
    return head if head and re.fullmatch(r"[\w.-]+", tag) else name


def numbers(document: Json) -> list[Number]:
    """The numbers of an analysis, a verification, a rewrite or a gate, those of one name together."""
    match document["schema"]:
        case "imageopt.analysis/1":
            return [*_image(document["image"]), *_findings(document)]
        case "imageopt.verification/1":
            after = document["after"]
            return [*_image(after["image"]), *_scan(after["scan"]), *_times(document), *_saved(document)]
        case "imageopt.rewrite/1":
            saved = document["prediction"]["bytes"]
            return [] if saved is None else [Number("imageopt_predicted_bytes", saved, "What the rewrite should save.")]
        case _:
            return [*_sizes(document.get("sizes") or {}), *_gate(document)]


def _image(image: Json | None) -> Iterator[Number]:
    if image is not None:
        yield from _sizes(image["sizes"])
        yield Number("image_layers", len(image["layers"]), "Layers, those of the base image included.")
        yield Number("image_files", image["file_count"], "Files that are visible in the end.")


def _sizes(sizes: Json) -> Iterator[Number]:
    words = {
        "download_bytes": "What a pull transfers.",
        "unpacked_bytes": "All files of all layers.",
        "live_bytes": "The files that are visible in the end.",
        "wasted_bytes": "Stored, but overwritten or deleted.",
    }
    for name in _SIZES:
        if sizes.get(name) is not None:
            yield Number(f"image_{name}", sizes[name], words[name])


def _findings(document: Json) -> Iterator[Number]:
    for severity in ("error", "warning", "info", "style"):
        count = document["summary"]["findings"].get(severity, 0)
        yield Number("imageopt_findings", count, "Findings by severity.", (("severity", severity),))
    saving = document["summary"]["saving_bytes"]
    yield Number("imageopt_saving_bytes", saving, "What the findings could save, each byte once.")


def _scan(scan: Json) -> Iterator[Number]:
    if scan["result"] == "scanned" and scan["has_database"]:
        for severity, count in scan["vulnerabilities"]["by_severity"].items():
            yield Number("image_vulnerabilities", count, "Vulnerabilities by severity.", (("severity", severity),))
    if scan["result"] == "scanned":
        yield Number("image_secrets", len(scan["secrets"]), "Secrets that the scanner found.")


def _times(document: Json) -> Iterator[Number]:
    for name, words in (("build_seconds", "without a cache"), ("rebuild_seconds", "after a change of one file")):
        seconds = (document["timing"].get(name) or {}).get("after")
        if seconds is not None:
            yield Number(f"image_{name}", seconds, f"Time of a build {words}.")


def _saved(document: Json) -> Iterator[Number]:
    saved = document["comparison"]["unpacked_bytes"]["saved"]
    if saved is not None:
        yield Number("imageopt_saved_bytes", saved, "Unpacked bytes that the rewrite saves, measured.")
    yield Number("imageopt_verified", int(document["verdict"] == "verified"), "1 if the verdict is verified.")


def _gate(document: Json) -> Iterator[Number]:
    yield Number("imageopt_gate_passed", int(document["passed"]), "1 if every limit holds.")
    for name in ("limit", "value"):
        for check in document["checks"]:
            if check[name] is not None:
                labels = (("budget", check["name"]),)
                yield Number(f"imageopt_budget_{name}", check[name], f"The {name} of each budget.", labels)
