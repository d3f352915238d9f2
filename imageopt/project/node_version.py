"""Which Node the project says it wants: every statement as a Fact, conflicts kept side by side, most binding first.

The Dockerfile comes first, because it is what runs today; a rewrite never moves the major version it names.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from imageopt.dockerfile.model import Dockerfile
from imageopt.project.files import read_text, top_names
from imageopt.project.jsonc import object_of, parse_object, text_of
from imageopt.project.model import Fact

_VERSION_FILES = (".nvmrc", ".node-version")
_CI_FILES = (".gitlab-ci.yml", ".gitlab-ci.yaml", ".circleci/config.yml", "azure-pipelines.yml", ".travis.yml")
_CI_IMAGE = re.compile(
    r"^\s*-?\s*(?:image|name)\s*:\s*['\"]?(?:[\w.:-]+/)*node:([\w.-]+)['\"]?\s*(?:#.*)?$", re.MULTILINE
)
_CI_SETUP = re.compile(r"^\s*-?\s*node-version\s*:\s*['\"]?([\w.*/-]+)['\"]?\s*(?:#.*)?$", re.MULTILINE)
_TOOL_VERSIONS = re.compile(r"^(?:nodejs|node)[ \t]+(\S+)", re.MULTILINE)
_IMAGE = re.compile(r"(?:[^\s@]*/)?node:([\w.-]+)(?:@\S+)?")


def node_versions(root: Path, dockerfile: Dockerfile | None, dockerfile_path: str) -> tuple[Fact, ...]:
    """All statements about the Node version, the Dockerfile's first."""
    return tuple(_facts(root, dockerfile, dockerfile_path))


def _facts(root: Path, dockerfile: Dockerfile | None, dockerfile_path: str) -> Iterator[Fact]:
    for stage in dockerfile.stages if dockerfile else ():
        image = _IMAGE.fullmatch(stage.base or "")
        if image and stage.parent is None:
            yield Fact(image[1], f"{dockerfile_path}:{stage.from_instruction.line}")
    manifest = parse_object(read_text(root, "package.json") or "") or {}
    for key in ("engines", "volta"):
        version = text_of(object_of(manifest.get(key)).get("node"))
        if version:
            yield Fact(version, f"package.json {key}.node")
    for path in _VERSION_FILES:
        lines = [line.partition("#")[0].strip() for line in (read_text(root, path) or "").splitlines()]
        named = next(filter(None, lines), None)
        if named:
            yield Fact(named.removeprefix("v"), path)
    tools = _TOOL_VERSIONS.search(read_text(root, ".tool-versions") or "")
    if tools:
        yield Fact(tools[1], ".tool-versions")
    for path in (*_CI_FILES, *_workflows(root)):
        text = read_text(root, path) or ""
        for pattern in (_CI_IMAGE, _CI_SETUP):
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start(1)) + 1
                yield Fact(match[1], f"{path}:{line}")


def _workflows(root: Path) -> tuple[str, ...]:
    folder = ".github/workflows"
    return tuple(f"{folder}/{name}" for name in top_names(root / folder) if name.endswith((".yml", ".yaml")))
