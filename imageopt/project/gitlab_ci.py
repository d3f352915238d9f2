""".gitlab-ci.yml -> which builder the pipeline uses, with which options, and what it runs in the image.

The builder decides which Dockerfile syntax is allowed: kaniko knows no cache mounts, Docker without BuildKit no
`--mount` at all. Hidden jobs (`.build`) are read like the others, for something extends them.
"""

import re
from collections.abc import Iterator

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.model import DeploymentFact, DeploymentKind
from imageopt.project.scripts import commands, split_assignments
from imageopt.project.yaml_tree import Node

_KEYWORDS = {"variables", "stages", "include", "workflow", "default", "image", "services", "cache", "pages:deploy"}
_BUILD = ("build", "bud")
_GLOBAL_WITH_VALUE = {"--context", "-c", "--host", "-H", "--config", "--log-level", "-l", "-p", "--project-name"}
_OPTIONS: dict[str, DeploymentKind] = {
    "--target": "target", "--build-arg": "build-arg", "--secret": "secret", "-f": "dockerfile", "--file": "dockerfile",
    "--dockerfile": "dockerfile", "--platform": "platform", "--custom-platform": "platform",
    "--customPlatform": "platform",
}  # fmt: skip
_OPT = lazy_pattern(r"(target|filename|platform|build-arg:(\w+))(?:=(.*))?")  # buildctl --opt
_OPTS: dict[str, DeploymentKind] = {"target": "target", "filename": "dockerfile", "platform": "platform"}
_LONGEST = 20_000


def gitlab_facts(document: Node, path: str) -> Iterator[DeploymentFact]:
    """The facts, job by job, in the order written."""
    shared = document.at("variables")
    for name, job in document.pairs.items():
        if name in _KEYWORDS and name != "default":
            continue
        legacy = (job.at("variables", "DOCKER_BUILDKIT").text or shared.at("DOCKER_BUILDKIT").text) == "0"
        for key in ("before_script", "script", "after_script"):
            for line, text in _lines(job.at(key)):
                yield from _command_facts(text, f"{path}:{line}", name, legacy)


def included(document: Node) -> tuple[str, ...]:
    """The local files that the pipeline includes, relative to the project."""
    include = document.at("include")
    entries = include.items or (include,)
    found = (entry.text or entry.at("local").text for entry in entries)
    return tuple(path.lstrip("/") for path in found if path and "://" not in path and "*" not in path)


def _lines(script: Node) -> Iterator[tuple[int, str]]:
    """Each command line with its line; continued lines are joined. `!reference` names another job, read by itself."""
    if script.tag == "!reference":
        return
    for item in script.items:
        yield from _lines(item)
    text = script.text[:_LONGEST]
    yield from ((script.line, line) for line in re.sub(r"\\\n[ \t]*", " ", text).split("\n") if line.strip())


def _command_facts(text: str, source: str, job: str, legacy: bool) -> Iterator[DeploymentFact]:
    for raw in commands(text) or ():
        assigned, words = split_assignments(raw)
        builder, rest = _builder(words, legacy or ("DOCKER_BUILDKIT", "0") in assigned)
        if builder:
            options = tuple(_build_options(builder, rest))
            dockerfile = next((value for kind, value in options if kind == "dockerfile"), "")
            yield DeploymentFact("builder", builder, source, job, words, dockerfile)
            yield from (DeploymentFact(kind, value, source, job, (), dockerfile) for kind, value in options)
        elif words[:2] in (("docker", "run"), ("podman", "run"), ("docker", "exec")):
            shown = tuple(_without_value(before, word) for before, word in zip(("", *words), words, strict=False))
            yield DeploymentFact("run", " ".join(shown), source, job, shown)


def _without_value(before: str, word: str) -> str:
    """A word that sets a variable, by the option before it or in it, without the value, which may be a secret."""
    if before in ("-e", "--env"):
        return word.partition("=")[0]
    return "=".join(word.split("=")[:2]) if word.startswith("--env=") else word


def _builder(words: tuple[str, ...], legacy: bool) -> tuple[str, tuple[str, ...]]:
    """The builder that a command starts, and its options; "" for another command."""
    program = words[0].rpartition("/")[2] if words else ""
    rest = _after_options(words[1:])
    if program == "executor" or (program == "kaniko"):
        return "kaniko", words[1:]
    if program in ("buildctl", "buildctl-daemonless.sh") and "build" in words:
        return "buildkit", words[1:]
    if program in ("buildah", "podman") and rest[:1] and rest[0] in _BUILD:
        return program, rest[1:]
    if program == "docker-compose" or (program == "docker" and rest[:1] == ("compose",)):
        after = rest if program == "docker-compose" else _after_options(rest[1:])
        return ("docker-legacy" if legacy else "docker", ()) if "build" in after or "--build" in after else ("", ())
    if program == "docker":
        if rest[:2] in (("buildx", "build"), ("buildx", "bake")):
            return "buildx", rest[2:]
        if rest[:1] == ("build",) or rest[:2] in (("image", "build"), ("builder", "build")):
            return "docker-legacy" if legacy else "docker", rest[1:]
    return "", ()


def _after_options(words: tuple[str, ...]) -> tuple[str, ...]:
    position = 0
    while position < len(words) and words[position].startswith("-"):
        position += 2 if words[position] in _GLOBAL_WITH_VALUE else 1
    return words[position:]


def _build_options(builder: str, words: tuple[str, ...]) -> Iterator[tuple[DeploymentKind, str]]:
    for index, word in enumerate(words):
        option, equals, value = word.partition("=")
        value = value if equals else (words[index + 1] if index + 1 < len(words) else "")
        if builder == "buildkit" and option == "--opt":
            match = _OPT.match(value)
            if match:
                kind = _OPTS.get(match[1], "build-arg")
                yield kind, match[2] or match[3] or ""
            continue
        kind_of = _OPTIONS.get(option)
        if kind_of == "build-arg":
            yield kind_of, value.partition("=")[0]  # its value may be a secret
        elif kind_of == "dockerfile":
            yield kind_of, re.sub(r"^\$\{?CI_PROJECT_DIR\}?/|^\./", "", value)
        elif kind_of:
            yield kind_of, value
