"""A compose file -> facts about each service: what it builds, and what it sets in place of what the image says.

Paths are relative to the file's own folder. A service without `build` runs somebody else's image, unless an override
file speaks of the same one; it is listed all the same, and `dockerfile` is "".
"""

import posixpath
from collections.abc import Iterator

from imageopt.project.model import DeploymentFact, DeploymentKind
from imageopt.project.yaml_tree import Node

_FIELDS: dict[str, DeploymentKind] = {
    "image": "image", "user": "user", "working_dir": "working-dir", "stop_signal": "stop-signal",
    "command": "command", "entrypoint": "entrypoint",
}  # fmt: skip
_Found = tuple[DeploymentKind, Node, str]  # with the value where it is not the text itself


def compose_facts(document: Node, path: str) -> Iterator[DeploymentFact]:
    """The facts, service by service, in the order written."""
    for name, service in document.at("services").pairs.items():
        dockerfile = dockerfile_of(service, path)
        for kind, node, value in (*_build_facts(service, path), *_run_facts(service)):
            words = tuple(item.text for item in node.items)
            shown = value or node.text or " ".join(words)
            yield DeploymentFact(kind, shown, f"{path}:{node.line}", name, words, dockerfile)


def dockerfile_of(service: Node, path: str) -> str:
    """The Dockerfile that a service builds, relative to the project; "" where it builds none, or one written inline."""
    build = service.at("build")
    if (not build.text and not build.pairs) or "dockerfile_inline" in build.pairs:
        return ""
    return posixpath.normpath(posixpath.join(_context(service, path), build.at("dockerfile").text or "Dockerfile"))


def _build_facts(service: Node, path: str) -> Iterator[_Found]:
    build = service.at("build")
    dockerfile = dockerfile_of(service, path)
    if dockerfile:
        yield "dockerfile", build, dockerfile
        yield "context", build, _context(service, path)
    if build.at("target").text:
        yield "target", build.at("target"), ""
    arguments = build.at("args")
    for argument in (*arguments.items, *(Node(name, value.line) for name, value in arguments.pairs.items())):
        yield "build-arg", argument, argument.text.partition("=")[0]


def _run_facts(service: Node) -> Iterator[_Found]:
    for key, kind in _FIELDS.items():
        if key in service.pairs:
            yield kind, service.at(key), ""
    test = service.at("healthcheck", "test")
    if test.text or test.items:
        yield "probe", test, ""
    if service.at("read_only").text == "true":
        yield "read-only", service.at("read_only"), ""
    for volume in service.at("volumes").items:
        yield "volume", volume, _target(volume)
    for mount in service.at("tmpfs").items or (service.at("tmpfs"),):
        if mount.text:
            yield "volume", mount, mount.text.partition(":")[0]
    for port in (*service.at("ports").items, *service.at("expose").items):
        yield "port", port, _port(port)


def _context(service: Node, path: str) -> str:
    build = service.at("build")
    context = build.text or build.at("context").text or "."
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), context))


def _target(volume: Node) -> str:
    """Where it is mounted: `source:target:mode`, or a target alone."""
    if volume.pairs:
        return volume.at("target").text
    parts = volume.text.split(":")
    return parts[1] if len(parts) > 1 and parts[1] not in ("ro", "rw") else parts[0]


def _port(port: Node) -> str:
    """The port inside of the container."""
    return port.at("target").text if port.pairs else port.text.partition("/")[0].rpartition(":")[2]
