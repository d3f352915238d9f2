"""Projects and lock files in a few words."""

import json
from pathlib import Path
from typing import Any, Protocol

from imageopt.project.model import Project
from imageopt.project.read import read_project


class Write(Protocol):
    """Writes files and the fields of a package.json."""

    def __call__(self, files: dict[str, str] | None = None, **manifest: Any) -> Project: ...


def tiny(root: Path) -> Write:
    """What writes the project in that folder and reads it."""

    def write(files: dict[str, str] | None = None, **manifest: Any) -> Project:
        root.mkdir(exist_ok=True, parents=True)
        if manifest:
            (root / "package.json").write_text(json.dumps({"name": "tiny", "version": "1.0.0", **manifest}))
        for path, text in (files or {}).items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        return read_project(root)

    return write


def npm_lock(**versions: str) -> str:
    """A package-lock.json in which the root asks for exactly these packages."""
    packages: dict[str, Any] = {"": {"name": "tiny", "version": "1.0.0", "dependencies": versions}}
    packages |= {f"node_modules/{name}": {"version": version} for name, version in versions.items()}
    return json.dumps({"name": "tiny", "version": "1.0.0", "lockfileVersion": 3, "packages": packages}, indent=2) + "\n"
