"""Where a version of Node or PHP is stated outside of its own manifest: FROM, a version file, the pipeline.

Each statement is a Fact whose source is `path:line`; nothing is decided here, and conflicts stay side by side.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from imageopt.dockerfile.model import Dockerfile
from imageopt.project.files import read_text, top_names
from imageopt.project.model import Fact

_CI_FILES = (".gitlab-ci.yml", ".gitlab-ci.yaml", ".circleci/config.yml", "azure-pipelines.yml", ".travis.yml")


def stated_in_dockerfile(product: str, dockerfile: Dockerfile | None, path: str) -> Iterator[Fact]:
    """The tags of the product's official images that stages begin with, or copy from (each once in a stage)."""
    named: list[tuple[str, int]] = []
    for stage in dockerfile.stages if dockerfile else ():
        if stage.parent is None:
            named.append((stage.base or "", stage.from_instruction.line))
        copied = [(item.flag("from") or "", item.line) for item in stage.instructions if item.keyword == "COPY"]
        named += list({reference: (reference, line) for reference, line in reversed(copied)}.values())[::-1]
    for reference, line in named:
        image = re.fullmatch(rf"(?:[^\s@]*/)?{product}:([\w.-]+)(?:@\S+)?", reference)
        if image:
            yield Fact(image[1], f"{path}:{line}")


def stated_in_files(root: Path, paths: Iterable[str]) -> Iterator[Fact]:
    """The first line that says something, of each file such as `.nvmrc`."""
    for path in paths:
        lines = [line.partition("#")[0].strip() for line in (read_text(root, path) or "").splitlines()]
        named = next(((number, line) for number, line in enumerate(lines, 1) if line), None)
        if named:
            yield Fact(named[1].removeprefix("v"), f"{path}:{named[0]}")


def stated_in_tool_versions(root: Path, names: str) -> Iterator[Fact]:
    """What `.tool-versions` says of the tool; `names` are alternatives of a pattern."""
    text = read_text(root, ".tool-versions") or ""
    tools = re.search(rf"^(?:{names})[ \t]+(\S+)", text, re.MULTILINE)
    if tools:
        yield Fact(tools[1], f".tool-versions:{_line(text, tools.start(1))}")


def stated_in_pipelines(root: Path, product: str) -> Iterator[Fact]:
    """The images of the product that jobs run in, and the versions that GitHub's actions set up."""
    image = rf"^\s*-?\s*(?:image|name)\s*:\s*['\"]?(?:[\w.:-]+/)*{product}:([\w.-]+)['\"]?\s*(?:#.*)?$"
    setup = rf"^\s*-?\s*{product}-version\s*:\s*['\"]?([\w.*/-]+)['\"]?\s*(?:#.*)?$"
    for path in (*_CI_FILES, *_workflows(root)):
        text = read_text(root, path) or ""
        for pattern in (image, setup):
            for match in re.finditer(pattern, text, re.MULTILINE):
                yield Fact(match[1], f"{path}:{_line(text, match.start(1))}")


def stated_in_json(path: str, text: str, value: str, *keys: str) -> Fact:
    """A value of a JSON file, with the line where its keys stand one below the other."""
    position = 0
    for key in keys[:-1]:
        found = re.compile(rf'"{re.escape(key)}"\s*:').search(text, position)
        position = found.end() if found else position
    last = re.compile(rf'"{re.escape(keys[-1])}"\s*:\s*"{re.escape(value)}"').search(text, position)
    line = f":{_line(text, last.start())}" if last else ""
    return Fact(value, f"{path}{line} {'.'.join(keys)}")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _workflows(root: Path) -> tuple[str, ...]:
    folder = ".github/workflows"
    return tuple(f"{folder}/{name}" for name in top_names(root / folder) if name.endswith((".yml", ".yaml")))
