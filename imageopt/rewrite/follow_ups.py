"""A rewrite -> what must follow it outside of its files: a probe that calls a program which the new base lacks.

A Dockerfile's own HEALTHCHECK is translated by the rewrite; that of a compose file, or a cluster's probe, is a file of
somebody else. The edit is offered only where the compose file, read again with it, differs in that probe alone.
"""

import json
import re
from pathlib import Path

from imageopt.dockerfile.model import Dockerfile
from imageopt.dockerfile.parser import parse
from imageopt.errors import InputError
from imageopt.project.compose import compose_facts
from imageopt.project.deployment import read_deployment
from imageopt.project.files import inside
from imageopt.project.model import DeploymentFact
from imageopt.project.yaml_tree import parse_yaml
from imageopt.rewrite.base_image import node_image
from imageopt.rewrite.health import with_node
from imageopt.rewrite.model import FileChange, FollowUp, Rewrite

_LACKS = {"full": frozenset[str](), "slim": frozenset({"curl", "wget"}), "alpine": frozenset({"curl", "bash"})}
_TEST = re.compile(r"(?P<key>\s*(?:-\s+)?test:[ \t]+)(?P<value>[^\s#|>&*!].*?)(?P<rest>[ \t]+#.*|\s*)")


def follow_ups(root: Path, rewrite: Rewrite, dockerfile: str) -> tuple[FollowUp, ...]:
    """What must follow, in the order of the files; empty where the base keeps what there was."""
    change = next((change for change in rewrite.changes if change.path == dockerfile), None)
    if change is None or change.before is None:
        return ()
    after = parse(change.after)
    gone = _lacking(after) - _lacking(parse(change.before))
    if not gone:
        return ()
    found = []
    for fact in read_deployment(root).of("probe", "command", "entrypoint", dockerfile=dockerfile):
        path, _, line = fact.source.rpartition(":")
        if not fact.dockerfile and (fact.kind != "probe" or not fact.words or _is_compose(path)):
            continue  # of somebody else's image, or a request from outside
        program = _called(fact, gone)
        if program is None:
            continue
        what = "the probe" if fact.kind == "probe" else f"the {fact.kind}"
        whose = "" if fact.dockerfile else ", if it runs this image"
        reason = f"line {line}: {what} of {fact.service} calls {program}, which the new base image lacks{whose}"
        found.append(FollowUp(path, reason, _edit(root, path, int(line), fact)))
    return tuple(found)


def _lacking(tree: Dockerfile) -> frozenset[str]:
    """The programs that the last stage of a Node image neither brings nor installs; none where that is not known."""
    if not tree.stages:
        return frozenset()
    lines = [tree.stages[-1]]
    while (parent := lines[-1].parent) is not None:
        lines.append(tree.stages[parent])
    base = node_image(lines[-1].from_instruction.words[0].raw, lines[-1].base)
    if base is None:
        return frozenset()
    runs = [item.arguments for stage in lines for item in stage.instructions if item.keyword == "RUN"]
    return frozenset(
        program
        for program in _LACKS[base.kind]
        if not any(re.search(rf"\b(?:install|add)\b.*(?<![\w-]){program}(?![\w-])", run, re.DOTALL) for run in runs)
    )


def _called(fact: DeploymentFact, programs: frozenset[str]) -> str | None:
    words = fact.words or (fact.value,)
    calls = re.compile(rf"(?<![\w.-])({'|'.join(sorted(programs))})(?![\w.-])")
    match = calls.search(" ".join(words))
    return match[1] if match else None


def _is_compose(path: str) -> bool:
    return "compose" in path.rpartition("/")[2]


def _edit(root: Path, path: str, number: int, fact: DeploymentFact) -> FileChange | None:
    """The compose file with the probe in words that need only Node; None where a person has to write it."""
    target = inside(root, path)
    test = _with_node(fact)
    if target is None or test is None or not _is_compose(path):
        return None
    try:
        before = target.read_bytes()
        lines = before.decode("utf-8").split("\n")
        match = _TEST.fullmatch(lines[number - 1])
        if match is None:
            return None
        lines[number - 1] = f"{match['key']}{json.dumps(test)}{match['rest']}"
        after = "\n".join(lines).encode()
        old, new = _facts(before, path), _facts(after, path)
    except (OSError, UnicodeDecodeError, InputError):
        return None
    differing = [pair for pair in zip(old, new, strict=False) if pair[0] != pair[1]]
    is_alone = len(old) == len(new) and len(differing) == 1 and list(differing[0][1].words) == test
    return FileChange(path, before, after) if is_alone else None


def _facts(data: bytes, path: str) -> list[DeploymentFact]:
    return [fact for document in parse_yaml(data.decode("utf-8"), path) for fact in compose_facts(document, path)]


def _with_node(fact: DeploymentFact) -> list[str] | None:
    """The test's words with Node's fetch; None for more than a plain HTTP probe, and for one with a variable."""
    kind, *words = fact.words or ("CMD-SHELL", fact.value)
    if kind not in ("CMD", "CMD-SHELL") or "$" in fact.value or "\n" in fact.value:
        return None
    said = json.dumps(words) if kind == "CMD" else " ".join(words)
    health = parse(f"FROM x\nHEALTHCHECK CMD {said}\n".encode()).instructions[-1]
    made = with_node(health)
    return None if made is None else ["CMD", *json.loads(made.removeprefix("CMD "))]
