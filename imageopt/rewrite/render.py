"""A plan's values put into a Dockerfile template, in Jinja's immutable sandbox.

Dockerfiles have no escaping that fits every place, so nothing is escaped by the template: each value is checked or
quoted for its place before it gets here, or it is a line that the project's own Dockerfile already had.
"""

import json
import re
from collections.abc import Iterable, Mapping

from imageopt.errors import InputError
from imageopt.resources import data_folder

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


def render(template: str, values: Mapping[str, object]) -> str:
    """The Dockerfile of a template such as `node-service`. Raises InputError where the template itself is wrong."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    folder = data_folder("dockerfile_templates")
    name = f"{template}.Dockerfile.j2"
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    try:
        return environment.get_template(name).render(values)
    except (OSError, jinja2.TemplateError) as error:
        raise InputError(f"the template {name} cannot be used: {error}", "reinstall imageopt") from None
