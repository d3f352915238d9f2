"""A plan's values put into a Dockerfile template, in Jinja's immutable sandbox.

Dockerfiles have no escaping that fits every place, so nothing is escaped by the template: each value is checked or
quoted for its place before it gets here, or it is a line that the project's own Dockerfile already had.
"""

import json
import os
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imageopt.dockerfile.model import Instruction
from imageopt.errors import InputError, UsageError, one_line
from imageopt.project.files import read_text
from imageopt.resources import data_folder

if TYPE_CHECKING:
    from jinja2 import BaseLoader

SUFFIX = ".Dockerfile.j2"
_LONGEST = 1_000_000  # characters of a Dockerfile that is still made from a template

_WORD = re.compile(r"[\w./@:+=,~-]+", re.ASCII)
_OWNER = re.compile(r"[A-Za-z0-9_][\w.-]*(?::[A-Za-z0-9_][\w.-]*)?", re.ASCII)


class Unsafe(Exception):
    """A value that has no safe spelling where it would have to stand."""


def word(value: str) -> str:
    """A path or name as one word of an instruction. Raises Unsafe where it would need quotes."""
    if not _WORD.fullmatch(value):
        raise Unsafe(f"{value!r} cannot be written safely in a Dockerfile")
    return value


def owner(value: str) -> str:
    """A user, or user and group, as `--chown` and USER take it. Raises Unsafe for anything else."""
    if not _OWNER.fullmatch(value):
        raise Unsafe(f"the user {value!r} cannot be told")
    return value


def copy(sources: Iterable[str], target: str, *flags: str) -> str:
    """A COPY instruction; names with spaces go into the exec form."""
    names = [*sources, target]
    prefix = " ".join(["COPY", *flags])
    if all(_WORD.fullmatch(name) for name in names):
        return f"{prefix} {' '.join(names)}"
    if any(re.search(r"[$\\\x00-\x1f\x7f]", name) for name in names):
        raise Unsafe(f"{names[0]!r} cannot be written safely in a Dockerfile")
    return f"{prefix} {json.dumps(names, ensure_ascii=False)}"


def flags_of(item: Instruction, *without: str) -> str:
    """The instruction's flags as written, all but those named `without`, each with a space behind it."""
    kept = (flag for flag in item.flags if flag.name not in without)
    return "".join(f"--{flag.name}={flag.value} " if flag.value else f"--{flag.name} " for flag in kept)


def with_flags(item: Instruction, text: str, *flags: str) -> str:
    """A COPY or ADD, of which `text` is the source with or without its comments, with these flags as its first."""
    return re.sub(rf"(?m)^(\s*{item.raw_keyword})(?=\s)", rf"\1 {' '.join(flags)}", text, count=1)


def exec_form(argv: Iterable[str]) -> str:
    """The JSON list of an exec form. Raises Unsafe for control characters."""
    words = list(argv)
    if any(re.search(r"[\x00-\x1f\x7f]", item) for item in words):
        raise Unsafe("the start command holds a control character")
    return json.dumps(words, ensure_ascii=False)


def assignment(name: str, value: str) -> str:
    """`NAME="value"` as ENV takes it, with what it would expand escaped."""
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or re.search(r"[\x00-\x1f\x7f]", value):
        raise Unsafe(f"the variable {name!r} cannot be written safely in a Dockerfile")
    if _WORD.fullmatch(value):
        return f"{name}={value}"
    quoted = re.sub(r'([$"\\])', r"\\\1", value)
    return f'{name}="{quoted}"'


def render(template: str, values: Mapping[str, object], team: Path | None = None) -> str:
    """The Dockerfile of a template such as `node-service`; a file of that name in the team's folder goes first.

    A team's template reaches the one it replaces as `imageopt/NAME`, to extend it. Raises UsageError naming file and
    line where a team's template is wrong, InputError where one of ours is.
    """
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    ours = jinja2.FileSystemLoader(data_folder("dockerfile_templates"))
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.ChoiceLoader([*_team_loader(team), ours, jinja2.PrefixLoader({"imageopt": ours})]),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.intercepted_binops = frozenset(("*", "**", "%"))  # `"x" * 10**9` would fill the memory
    environment.binop_table = {**environment.binop_table, **dict.fromkeys(("*", "**", "%"), _refused_product)}
    name = f"{template}{SUFFIX}"
    try:
        return _joined(environment.get_template(name).generate(values))
    except (
        OSError,
        ArithmeticError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        ValueError,
        jinja2.TemplateError,
    ) as error:
        place = _team_place(error, team, name)
        if place is not None:
            raise UsageError(f"{place}: {one_line(_message(error))}", "correct the template") from None
        raise InputError(f"the template {name} cannot be used: {_message(error)}", "reinstall imageopt") from None


def check_team(team: Path) -> None:
    """Raises UsageError for a template in the team's folder that takes the place of none of ours."""
    known = sorted(path.name for path in data_folder("dockerfile_templates").glob(f"*{SUFFIX}"))
    for name in sorted(path.name for path in team.glob(f"*{SUFFIX}")):
        if name not in known:
            names = ", ".join(each.removesuffix(SUFFIX) for each in known)
            raise UsageError(f"{team / name}: there is no template of that name", f"use one of {names}")


def _team_loader(team: Path | None) -> "list[BaseLoader]":
    """Reads the team's files, none that a link leads to from outside of the folder."""
    import jinja2

    def load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
        text = read_text(team, name) if team is not None and not name.startswith("imageopt/") else None
        return None if text is None else (text, str(team / name if team else name), lambda: True)

    if team is None:
        return []
    check_team(team)
    return [jinja2.FunctionLoader(load)]


def _joined(parts: Iterable[str]) -> str:
    found: list[str] = []
    length = 0
    for part in parts:
        length += len(part)
        if length > _LONGEST:
            raise ValueError(f"it makes more than {_LONGEST} characters")
        found.append(part)
    return "".join(found)


def _refused_product(*_: object) -> object:
    raise ValueError("a template neither multiplies nor formats")


def _message(error: Exception) -> str:
    """What is wrong, in words; Jinja's own exceptions say it themselves."""
    return str(error) or type(error).__name__


def _team_place(error: Exception, team: Path | None, template: str) -> str | None:
    """File and line of the team's template that an error comes from, None for one of ours."""
    if team is None:
        return None
    name, number = getattr(error, "filename", None), getattr(error, "lineno", None)
    if isinstance(name, str) and name.startswith(str(team)):
        return f"{name}:{number}"
    frames = reversed(traceback.extract_tb(error.__traceback__))
    frame = next((frame for frame in frames if frame.filename.startswith(f"{team}{os.sep}")), None)
    if frame is not None:
        return f"{frame.filename}:{frame.lineno}"
    return f"{team / template}:1" if (team / template).exists() else None
