"""The compose file of a project -> its services, as far as they are needed to run one of them by itself.

Values of variables are read too, unlike in `compose.py`, because the program needs them; they may be secrets, and
nothing that is shown is made of them. What stands in the environment of whoever runs imageopt is not taken in.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from imageopt.errors import InputError
from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.compose import dockerfile_of
from imageopt.project.files import read_text
from imageopt.project.yaml_tree import Node, parse_yaml

_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_VARIABLE = lazy_pattern(r"\$(?:\{(\w+)(?::?([-?])([^}]*))?\}|(\w+)|(\$))")
_HOST_PATH = (".", "/", "~", "$", "\\")


class Service(Struct, frozen=True):
    """One service. `dockerfile` is "" where it runs a foreign `image`; a command is None where the image's stands.

    `health` is as an image's HEALTHCHECK (`CMD` or `CMD-SHELL` first). `volumes` are where named volumes lie.
    """

    name: str
    source: str
    image: str
    dockerfile: str
    environment: Mapping[str, str]
    command: tuple[str, ...] | None
    entrypoint: tuple[str, ...] | None
    health: tuple[str, ...]
    needs: tuple[str, ...]
    volumes: tuple[str, ...]
    publishes: bool


def read_services(root: Path) -> tuple[Service, ...]:
    """The services of the project's compose file, in the order written; none without one that can be read."""
    for name in _FILES:
        text = read_text(root, name)
        if text is None:
            continue
        try:
            documents = parse_yaml(text, name)
        except InputError:
            return ()  # the project's own problems tell of it
        return tuple(_services(root, documents[0] if documents else Node("", 1), name))
    return ()


def _services(root: Path, document: Node, path: str) -> Iterator[Service]:
    defaults = _assignments(read_text(root, ".env") or "")
    for name, node in document.at("services").pairs.items():
        yield Service(
            name=name,
            source=f"{path}:{node.line}",
            image=_filled(node.at("image").text, defaults),
            dockerfile=dockerfile_of(node, path),
            environment=_environment(root, node, defaults),
            command=_words(node.at("command"), defaults),
            entrypoint=_words(node.at("entrypoint"), defaults),
            health=_health(node.at("healthcheck", "test")),
            needs=_names(node.at("depends_on")) or _names(node.at("links")),
            volumes=tuple(_volumes(node.at("volumes"))),
            publishes=bool(node.at("ports").items or node.at("expose").items),
        )


def _environment(root: Path, node: Node, defaults: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    listed = node.at("env_file")
    for item in listed.items or (listed,):
        name = item.at("path").text or item.text
        if name and not name.startswith(("/", "..")):
            found |= _assignments(read_text(root, posixpath.normpath(name)) or "")
    variables = node.at("environment")
    for item in variables.items:
        name, equals, value = item.text.partition("=")
        if equals:
            found[name] = _filled(value, defaults)
    found |= {name: _filled(value.text, defaults) for name, value in variables.pairs.items() if value.text}
    return found


def _assignments(text: str) -> dict[str, str]:
    lines = (line.strip().removeprefix("export ") for line in text.splitlines())
    pairs = (line.partition("=")[::2] for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


def _filled(text: str, defaults: Mapping[str, str]) -> str:
    """With its variables replaced by the values of `.env`, else by their defaults, else by nothing."""

    def value(found: re.Match[str]) -> str:
        if found[5]:
            return "$"
        return defaults.get(found[1] or found[4], found[3] or "" if found[2] == "-" else "")

    return _VARIABLE.sub(value, text)


def _words(node: Node, defaults: Mapping[str, str]) -> tuple[str, ...] | None:
    import shlex

    if node.items:
        return tuple(_filled(item.text, defaults) for item in node.items)
    if not node.text:
        return None
    try:
        return tuple(shlex.split(_filled(node.text, defaults)))
    except ValueError:  # a quote that is not closed
        return None


def _health(test: Node) -> tuple[str, ...]:
    return tuple(item.text for item in test.items) or (("CMD-SHELL", test.text) if test.text else ())


def _names(node: Node) -> tuple[str, ...]:
    return tuple(item.text.partition(":")[0] for item in node.items) or tuple(node.pairs)


def _volumes(node: Node) -> Iterator[str]:
    for volume in node.items:
        if volume.pairs:
            source, target = volume.at("source").text, volume.at("target").text
            named = volume.at("type").text in ("", "volume")
        else:
            source, _, target = volume.text.partition(":")
            target, named = target.partition(":")[0], not source.startswith(_HOST_PATH)
        if named and source and target.startswith("/"):
            yield target
