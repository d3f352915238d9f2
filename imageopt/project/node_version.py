"""Which Node the project says it wants: every statement as a Fact, conflicts kept side by side, most binding first.

The Dockerfile comes first, because it is what runs today; a rewrite never moves the major version it names.
"""

from collections.abc import Iterator
from pathlib import Path

from imageopt.dockerfile.model import Dockerfile
from imageopt.project.files import read_text
from imageopt.project.jsonc import object_of, parse_object, text_of
from imageopt.project.model import Fact
from imageopt.project.stated import (
    stated_in_dockerfile,
    stated_in_files,
    stated_in_json,
    stated_in_pipelines,
    stated_in_tool_versions,
)


def node_versions(root: Path, dockerfile: Dockerfile | None, dockerfile_path: str) -> tuple[Fact, ...]:
    """All statements about the Node version, the Dockerfile's first."""
    return (
        *stated_in_dockerfile("node", dockerfile, dockerfile_path),
        *_in_manifest(root),
        *stated_in_files(root, (".nvmrc", ".node-version")),
        *stated_in_tool_versions(root, "nodejs|node"),
        *stated_in_pipelines(root, "node"),
    )


def _in_manifest(root: Path) -> Iterator[Fact]:
    text = read_text(root, "package.json") or ""
    manifest = parse_object(text) or {}
    for key in ("engines", "volta"):
        version = text_of(object_of(manifest.get(key)).get("node"))
        if version:
            yield stated_in_json("package.json", text, version, key, "node")
