"""Kubernetes manifests and Helm charts -> facts about containers, found by their fields wherever these stand.

Looking for the fields and not for `kind` covers CronJobs, custom resources, patches and a chart's values alike. A Helm
template is no YAML before it is rendered, and nothing is rendered here: what the template computes is taken out, and if
the rest is no YAML still, its lines are read one by one.
"""

import re
from collections.abc import Iterator, Mapping

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.model import DeploymentFact, DeploymentKind
from imageopt.project.yaml_tree import Node

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_PLAIN: Mapping[str, DeploymentKind] = {
    "runAsUser": "user", "runAsNonRoot": "user", "readOnlyRootFilesystem": "read-only", "mountPath": "volume",
    "containerPort": "port", "workingDir": "working-dir",
}  # fmt: skip
_LISTS: Mapping[str, DeploymentKind] = {"command": "entrypoint", "args": "command"}  # as Docker calls them
_ACTION = lazy_pattern(r"\{\{(?:.*?\}\}|.*)")  # to the end of its line where it is not closed: each is met once
_ACTION_ALONE = lazy_pattern(r"^[ \t]*(?:-[ \t]+)?\{\{(?:(?!\}\}).)*\}\}[ \t]*$", re.MULTILINE)
_NOTE = lazy_pattern(r"\{\{-?\s*/\*(?:.*?\*/\s*-?\}\}|.*)", re.DOTALL)
_LINE = lazy_pattern(r"^[ \t]*(?:-[ \t]+)?(\w+):[ \t]*(\[.*\]|[^\s#{\[][^#\n]*?)?[ \t]*(?:#.*)?$")
_LINE_LIMIT = 1_000
_COMPUTED = "computed-by-the-chart"


def kubernetes_facts(document: Node, path: str) -> Iterator[DeploymentFact]:
    """The facts of a document, in the order written; `service` is the nearest name above."""
    yield from _walk(document, path, "", inside="")


def without_actions(text: str) -> str:
    """A Helm template with its actions taken out, line for line; a value that it computes is one marked word."""
    text = _NOTE.sub(lambda match: "\n" * match[0].count("\n"), text)
    return _ACTION.sub(_COMPUTED, _ACTION_ALONE.sub("", text))


def line_facts(text: str, path: str) -> Iterator[DeploymentFact]:
    """The facts that single lines of a template state."""
    before = ""
    for number, line in enumerate(text.split("\n"), 1):
        match = _LINE.match(line) if len(line) < _LINE_LIMIT else None
        key, value = (match[1], (match[2] or "").strip("\"'")) if match else ("", "")
        kind = _PLAIN.get(key) or _LISTS.get(key)
        if kind and value and "{{" not in value:
            words = tuple(word.strip(" \"'") for word in value.strip("[]").split(",")) if value[0] == "[" else ()
            if words:  # below `exec:` it is a probe's or a hook's
                yield DeploymentFact(
                    "probe" if before == "exec" else kind, " ".join(words), f"{path}:{number}", "", words
                )
            elif key in _PLAIN:
                yield _fact(kind, key, value, (), f"{path}:{number}", "")
        before = key or before


def _walk(node: Node, path: str, name: str, inside: str) -> Iterator[DeploymentFact]:
    for item in node.items:
        yield from _walk(item, path, name, inside)
    name = node.at("name").text or node.at("metadata", "name").text or name
    for key, value in node.pairs.items():
        place = f"{path}:{value.line}"
        words = tuple(item.text for item in value.items)
        if key in _PROBES:
            yield from _probe(value, path, name)
            continue
        if key in ("preStop", "postStart"):
            hook = value.at("exec", "command")
            if hook.items:
                words = tuple(item.text for item in hook.items)
                yield DeploymentFact("hook", " ".join(words), f"{path}:{hook.line}", name, words)
            continue
        if key in _LISTS and words:
            yield _fact(_LISTS[key], key, " ".join(words), words, place, name)
        elif key in _PLAIN and value.text and value.text != _COMPUTED:
            yield _fact(_PLAIN[key], key, value.text, (), place, name)
        elif key == "image" and value.text and _COMPUTED not in value.text:
            yield DeploymentFact("image", value.text, place, name)
        yield from _walk(value, path, name, key)


def _fact(kind: DeploymentKind, key: str, value: str, words: tuple[str, ...], source: str, name: str) -> DeploymentFact:
    shown = "not root" if key == "runAsNonRoot" and value == "true" else value
    return DeploymentFact(kind, shown, source, name, words)


def _probe(probe: Node, path: str, name: str) -> Iterator[DeploymentFact]:
    """A command runs in the container and needs its program there; the others come from outside."""
    command = probe.at("exec", "command")
    if command.items:
        words = tuple(item.text for item in command.items)
        yield DeploymentFact("probe", " ".join(words), f"{path}:{command.line}", name, words)
    get = probe.at("httpGet")
    if get.pairs:
        yield DeploymentFact(
            "probe", f"GET :{get.at('port').text}{get.at('path').text or '/'}", f"{path}:{get.line}", name
        )
    socket = probe.at("tcpSocket", "port")
    if socket.text:
        yield DeploymentFact("probe", f"TCP :{socket.text}", f"{path}:{socket.line}", name)
