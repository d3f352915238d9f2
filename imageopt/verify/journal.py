"""What a verification has built and scanned so far, written down, so that one that was broken off can go on.

Nothing of a run stays in the engine, its images least of all; what stays is the builder's cache. Going on, a version is
built from that cache, which takes a moment, and only if the very same layers come of it do the first build's times and
the scan still count. The journal is one JSON file in the user's state folder, named after all that is verified.
"""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from imageopt.build.model import Built, Step
from imageopt.errors import InputError
from imageopt.folders import state_folder
from imageopt.verify.model import ScanRecord, Vulnerability
from imageopt.verify.request import VerifyRequest

SCHEMA = "imageopt.journal/1"


class Journal:
    """The journal of one verification. What it cannot write, or cannot read any more, is no reason to fail."""

    def __init__(self, path: Path | None, run_id: str, old: Mapping[str, Any] | None = None) -> None:
        self._path = path
        self._old = old if old is not None and old.get("schema") == SCHEMA else {}
        self._now: dict[str, Any] = {"schema": SCHEMA, "namespace": self._old.get("namespace") or run_id}

    @property
    def namespace(self) -> str:
        """That of the cache mounts: going on, it is the one of the run that was broken off."""
        return str(self._now["namespace"])

    def built(self, name: str) -> tuple[Built, tuple[str, ...]] | None:
        """The first build of the version and the layers that came of it; None where it has to be built."""
        with contextlib.suppress(KeyError, TypeError, ValueError):
            found = self._old[name]
            fields = {**found["build"], "log_tail": tuple(found["build"]["log_tail"])}
            fields["done"] = tuple(Step(*step) for step in fields["done"])
            return Built(**fields), tuple(found["layers"])
        return None

    def note_built(self, name: str, built: Built, layers: tuple[str, ...]) -> None:
        """Writes down a build, and keeps the scan of it if its layers are those that were scanned."""
        old = self.built(name)
        kept = {"scan": self._old[name]["scan"]} if old and old[1] == layers and "scan" in self._old[name] else {}
        self._now[name] = {"build": to_builtins(built), "layers": list(layers), **kept}
        self._write()

    def scanned(self, name: str) -> ScanRecord | None:
        """What was found in the version's image, None where it has to be scanned."""
        with contextlib.suppress(KeyError, TypeError, ValueError):
            found = dict(self._now[name]["scan"])
            found["vulnerabilities"] = tuple(
                Vulnerability(**{**one, "aliases": tuple(one["aliases"])}) for one in found["vulnerabilities"]
            )
            for key in ("secrets", "licenses", "misconfigurations"):
                found[key] = tuple(found[key])
            return ScanRecord(**found)
        return None

    def note_scanned(self, name: str, record: ScanRecord) -> None:
        """Writes down a scan."""
        if name in self._now:
            self._now[name]["scan"] = {**to_builtins(record), "packages": dict(record.packages)}
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(self._now), encoding="ascii")
            fresh.replace(self._path)


def open_journal(request: VerifyRequest, run_id: str) -> Journal:
    """The journal of what the request verifies; with `resume` it holds what an earlier run did."""
    try:
        path = state_folder() / "verify" / f"{_key(request)}.json"
    except InputError:
        return Journal(None, run_id)
    old = None
    if request.resume:
        with contextlib.suppress(OSError, ValueError):
            old = json.loads(path.read_text(encoding="ascii"))
    return Journal(path, run_id, old if isinstance(old, dict) else None)


def _key(request: VerifyRequest) -> str:
    """Of all that decides what is built; whether the sources are the same, the layers will tell."""
    changes = request.rewrite.changes if request.rewrite is not None else ()
    parts = (
        str(request.root.resolve()),
        request.dockerfile,
        request.before,
        request.after,
        request.after_ignore,
        [(change.path, change.after) for change in changes],
        request.target,
        sorted(request.build_args.items()),
        request.platform,
        request.builder,
    )
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]
