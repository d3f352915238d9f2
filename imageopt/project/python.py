"""pyproject.toml, lock files and requirements -> Python: who installs what, as far as a plain Dockerfile needs it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.files import exists, read_text
from imageopt.project.jsonc import Json, list_of, object_of, text_of
from imageopt.project.model import Fact, Python

_FRAMEWORKS: tuple[Literal["django", "fastapi", "flask"], ...] = ("django", "fastapi", "flask")
_REQUIREMENTS = ("requirements.txt", "requirements/production.txt", "requirements/prod.txt", "requirements/base.txt")
_NAME = lazy_pattern(r"^([A-Za-z0-9][\w.-]*)", re.MULTILINE)


def read_python(root: Path) -> Python | None:
    """The facts; None where nothing says that it is a Python project, or only a pyproject.toml of tools' settings."""
    project, pipfile = _toml(root, "pyproject.toml"), _toml(root, "Pipfile")
    poetry = object_of(object_of(project.get("tool")).get("poetry"))
    own = object_of(project.get("project"))
    listed = next((path for path in _REQUIREMENTS if exists(root, path)), "")
    manager, requirements, lock = _manager(root, own, poetry, pipfile, listed)
    if not requirements:
        return None
    names = set(_dependencies(root, own, poetry, pipfile, listed))
    return Python(
        name=text_of(own.get("name")) or text_of(poetry.get("name")),
        manager=manager,
        requirements=requirements,
        lock=lock if lock and exists(root, lock) else "",
        versions=tuple(_versions(root, own, poetry, pipfile)),
        framework=next((name for name in _FRAMEWORKS if name in names), ""),
    )


def _manager(
    root: Path, own: Json, poetry: Json, pipfile: Json, listed: str
) -> tuple[Literal["uv", "poetry", "pipenv", "pip"], str, str]:
    """The manager, the file that it reads, and its lock file."""
    if exists(root, "uv.lock") and own:
        return "uv", "pyproject.toml", "uv.lock"
    if poetry or (own and exists(root, "poetry.lock")):
        return "poetry", "pyproject.toml", "poetry.lock"
    if pipfile:
        return "pipenv", "Pipfile", "Pipfile.lock"
    return "pip", listed or ("pyproject.toml" if own else ""), ""


def _dependencies(root: Path, own: Json, poetry: Json, pipfile: Json, listed: str) -> Iterator[str]:
    lines = [
        *list_of(own.get("dependencies")),
        *object_of(poetry.get("dependencies")),
        *object_of(pipfile.get("packages")),
    ]
    for line in [*lines, *(read_text(root, listed) or "").splitlines()] if listed else lines:
        match = _NAME.match(line.strip())
        if match:
            yield re.sub(r"[-_.]+", "-", match[1]).lower()


def _versions(root: Path, own: Json, poetry: Json, pipfile: Json) -> Iterator[Fact]:
    pinned = (read_text(root, ".python-version") or "").strip().splitlines()
    if pinned:
        yield Fact(pinned[0], ".python-version")
    for value, source in (
        (own.get("requires-python"), "pyproject.toml project.requires-python"),
        (object_of(poetry.get("dependencies")).get("python"), "pyproject.toml tool.poetry.dependencies.python"),
        (object_of(pipfile.get("requires")).get("python_version"), "Pipfile requires.python_version"),
        ((read_text(root, "runtime.txt") or "").strip().removeprefix("python-"), "runtime.txt"),
    ):
        if text_of(value):
            yield Fact(text_of(value), source)


def _toml(root: Path, path: str) -> Json:
    text = read_text(root, path)
    if text is None:
        return {}
    import tomli

    try:
        return tomli.loads(text)
    except (tomli.TOMLDecodeError, RecursionError):
        return {}
