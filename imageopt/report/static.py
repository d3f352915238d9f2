"""What two images differ in without being run -> its parts of the document `imageopt.verification/1`."""

from collections.abc import Iterable
from typing import Any

from imageopt.compare.lost import Lost
from imageopt.compare.modules import Missing, ModuleGraph
from imageopt.compare.production import Production
from imageopt.report.names import readable
from imageopt.verify.model import NotDone, Static

Json = dict[str, Any]


def modules_section(graph: ModuleGraph) -> Json:
    """How far the modules of a program were followed."""
    return {"result": "followed", "entry": readable(graph.entry), "files": len(graph.files), "whole": not graph.cut}


def production_section(static: Static | NotDone) -> Json:
    """The packages that the program runs on, as far as they differ."""
    found = static.production if isinstance(static, Static) else Production()
    return {
        "removed": _texts(found.removed),
        "added": _texts(found.added),
        "changed": _texts(found.changed),
        "kept": found.kept,
        "unannounced": _texts(found.unannounced),
    }


def lost_section(static: Static | NotDone) -> list[Json]:
    """Lost files, by class."""
    return [_lost(found) for found in static.lost] if isinstance(static, Static) else []


def loading_section(static: Static | NotDone) -> Json:
    """What can no longer be loaded, or found by what loads it."""
    if isinstance(static, NotDone):
        return {"refused": [], "missing_modules": [], "unmet_dependencies": []}
    return {
        "refused": [{"path": readable(found.path), "reason": readable(found.reason)} for found in static.unloadable],
        "missing_modules": [_missing(found) for found in static.missing_modules],
        "unmet_dependencies": [_missing(found) for found in static.unmet_dependencies],
    }


def _lost(lost: Lost) -> Json:
    return {
        "kind": lost.kind,
        "files": lost.files,
        "bytes": lost.bytes,
        "examples": _texts(lost.examples),
        "named": _texts(lost.named),
    }


def _missing(found: Missing) -> Json:
    return {"importer": readable(found.importer), "name": readable(found.name)}


def _texts(texts: Iterable[str]) -> list[str]:
    return [readable(text) for text in texts]
