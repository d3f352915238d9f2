"""A project -> what it needs to work with imageopt: a configuration, a job, a hook. Nothing is written here.

What surprises: only files that are not there yet are planned, and our own `imageopt.toml`. YAML that somebody wrote is
never edited, since that would lose its comments and anchors: what it lacks is shown, to be put in by hand.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from imageopt.config import NAME, nearest
from imageopt.errors import InputError
from imageopt.init.configuration import first_configuration, with_budget
from imageopt.project.model import Project
from imageopt.rewrite.model import FileChange

Ci = Literal["gitlab", "github", "none"]
_GITLAB, _GITHUB, _HOOKS = ".gitlab-ci.yml", ".github/workflows/imageopt.yml", ".pre-commit-config.yaml"
_COMPONENT = """\
include:
  - component: $CI_SERVER_FQDN/group/imageopt/imageopt@1  # where your instance has it
    inputs:
      image: registry.example.org/tools/imageopt:1  # imageopt's own image, in your registry
"""
_WORKFLOW = """\
name: imageopt
on: [push, pull_request]
permissions:
  contents: read
  security-events: write
jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: pipx run imageopt lint --format terminal --format sarif=imageopt.sarif
      - uses: github/codeql-action/upload-sarif@v3
        if: always()
        with:
          sarif_file: imageopt.sarif
          category: imageopt
  gate:
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: pipx run imageopt gate . --build
"""
_HOOK = """\
repos:
  - repo: https://github.com/imageopt/imageopt
    rev: v0.1.0
    hooks:
      - id: imageopt-lint
"""


class Setup(Struct, frozen=True):
    """`files` would be written, `snippets` are for files that somebody else wrote: path and text, put in by hand."""

    files: tuple[FileChange, ...]
    snippets: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def plan(folder: Path, project: Project, measured: Mapping[str, Any] | None, ci: Ci | None, *, hook: bool) -> Setup:
    """What is missing in the folder.

    `measured` is the document of an analysis with an image, which the budget is taken from; None leaves the budget
    commented out. `ci` is found out for None. `hook` plans a file of hooks where there is none.
    """
    files: list[FileChange] = []
    snippets: list[tuple[str, str]] = []
    notes: list[str] = []
    own = _text(folder / NAME)
    after = first_configuration(project) if own is None else own
    if measured is not None:
        after = with_budget(after, measured)
    if after != own:
        files.append(_change(NAME, own, after))
    else:
        notes.append(f"{NAME} is there and says all that is known; --build or --image would measure a budget")
    kind = ci or ci_of(folder)
    path, text = {"gitlab": (_GITLAB, _COMPONENT), "github": (_GITHUB, _WORKFLOW), "none": ("", "")}[kind]
    if not path:
        notes.append("no CI was found; --ci gitlab or --ci github writes its job")
    else:
        _file_or_snippet(folder, path, text, files, snippets)
    if hook or (folder / _HOOKS).exists():
        _file_or_snippet(folder, _HOOKS, _HOOK, files, snippets)
    return Setup(tuple(files), tuple(snippets), tuple(notes))


def ci_of(folder: Path) -> Ci:
    """The CI that the repository has its jobs in, looked for from the folder upwards to the repository's top."""
    found = nearest(folder, _GITLAB, ".github/workflows")
    if found is None:
        return "none"
    return "gitlab" if found.name == _GITLAB else "github"


def _file_or_snippet(
    folder: Path, path: str, text: str, files: list[FileChange], snippets: list[tuple[str, str]]
) -> None:
    there = _text(folder / path)
    if there is None:
        files.append(_change(path, None, text))
    elif "imageopt" not in there:
        snippets.append((path, text))


def _change(path: str, before: str | None, after: str) -> FileChange:
    return FileChange(path, None if before is None else before.encode("utf-8"), after.encode("utf-8"))


def _text(path: Path) -> str | None:
    """The file's text, None where there is none. Raises InputError where it is none that can be read."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read", "see that it is a text file that you may read") from None
