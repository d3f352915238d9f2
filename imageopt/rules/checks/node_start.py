"""Checks on what a Node image starts: a runner for development, a server for mere files, a bundle beside its packages.

What surprises: the start command often hides behind `npm start`, so package.json's scripts are followed as far as they
can be read.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from imageopt.dockerfile.model import Instruction
from imageopt.dockerfile.shell import run_commands
from imageopt.evidence.model import Evidence
from imageopt.evidence.variants import split_reference
from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.scripts import reachable_commands
from imageopt.rules.checks.held import held
from imageopt.rules.checks.match import shipped, shipped_stages
from imageopt.rules.checks.node_install import installs_of
from imageopt.rules.checks.steps import copies, for_development, steps
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule

_WATCHERS = frozenset(
    (
        "nodemon",
        "ts-node",
        "ts-node-dev",
        "tsnd",
        "babel-node",
        "webpack-dev-server",
        "ts-node-esm",
        "node-dev",
        "supervisor",
    )
)
_DEVELOPING = {  # programs that are there for more than developing, and the word that says which it is
    "next": ("dev",), "nuxt": ("dev",), "nuxi": ("dev",), "astro": ("dev",), "remix": ("dev",), "gatsby": ("develop",),
    "strapi": ("develop",), "ng": ("serve",), "react-scripts": ("start",), "vue-cli-service": ("serve",),
    "vite": ("", "dev", "serve"), "tsx": ("watch",), "svelte-kit": ("dev",),
}  # fmt: skip
_SERVERS = {"serve": None, "http-server": None, "lite-server": None, "live-server": None, "vite": ("preview",)}
_SCRIPT = lazy_pattern(r"(?:start:)?(?:dev|develop|watch)(?::[\w-]{1,40})?")
_MANAGERS = frozenset(("npm", "yarn", "pnpm", "bun"))
_RUNNERS = {
    "npx": (),
    "bunx": (),
    "pnpx": (),
    "npm": ("exec",),
    "pnpm": ("exec", "dlx"),
    "yarn": ("exec", "dlx"),
    "bun": ("x",),
}
_BUNDLES = (".output/server/", ".next/standalone/")


class _Start(NamedTuple):
    """A program that the container starts, with its arguments, and the instruction that says so."""

    instruction: Instruction
    program: str
    arguments: tuple[str, ...]


def dev_runner(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A start through what watches or compiles sources, directly or behind a script."""
    if for_development(evidence):
        return
    for start in _starts(evidence):
        name = _watcher(start)
        if name is not None:
            text = f"The container starts {name}, which is made for developing."
            yield stated(
                evidence, rule, start.instruction, message=text, at=next(iter(run_commands(start.instruction)), None)
            )
            return


def static_server(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A Node image that starts a server for files alone."""
    dockerfile = evidence.dockerfile
    numbers = shipped_stages(dockerfile, evidence.target) if dockerfile is not None else ()
    if dockerfile is None or not numbers or for_development(evidence):
        return
    if split_reference(dockerfile.stages[numbers[0]].base or "")[0].rpartition("/")[2] != "node":
        return
    for start in _starts(evidence):
        needed = _SERVERS.get(start.program, ())
        if needed is None or start.arguments[:1] in [(word,) for word in needed]:
            text = f"The container starts {start.program}, which only hands out files."
            yield stated(
                evidence, rule, start.instruction, message=text, at=next(iter(run_commands(start.instruction)), None)
            )
            return


def bundled(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """node_modules beside an output that carries its own packages."""
    if evidence.image is None:
        yield from _bundle_started(evidence, rule)
        return
    ends = tuple(f"{folder}{name}" for folder in _BUNDLES for name in ("index.mjs", "server.js"))
    outputs = [r.path for r in evidence.image.files if r.death is None and r.path.endswith(ends)]
    apps = {path[: path.find(folder)] for path in outputs for folder in _BUNDLES if folder in path}
    below = tuple(f"{app}node_modules/" for app in apps)
    if below:
        files = (i for i, r in evidence.own_files if r.path.startswith(below) and evidence.classes[i].cause is None)
        yield from held(evidence, rule, files)


def _bundle_started(evidence: Evidence, rule: Rule) -> Iterator[Finding]:
    """The start command runs such an output, and node_modules is installed or copied all the same."""
    if not any(folder in word for start in _starts(evidence) for word in start.arguments for folder in _BUNDLES):
        return
    for step in steps(evidence):
        for install in installs_of(step):
            yield stated(evidence, rule, step.instruction, at=install.tool.name)
    for copied in copies(evidence):
        if any(path.endswith("/node_modules") for path in copied.sources or ()):
            yield stated(evidence, rule, copied.instruction, at=copied.instruction.words[0])


def _starts(evidence: Evidence) -> Iterator[_Start]:
    """What the last ENTRYPOINT and CMD of the shipped stages run, through the project's scripts."""
    last: dict[str, Instruction] = {}
    for _, instruction in shipped(evidence.dockerfile, evidence.target) if evidence.dockerfile is not None else ():
        if instruction.keyword in ("CMD", "ENTRYPOINT"):
            last[instruction.keyword] = instruction
    manifest = evidence.project.manifest if evidence.project is not None else None
    scripts: Mapping[str, str] = manifest.scripts if manifest is not None else {}
    for instruction in last.values():
        line = instruction.arguments
        if instruction.json is not None:
            through_shell = instruction.json[1:2] == ("-c",) and len(instruction.json) > 2
            line = instruction.json[2] if through_shell else " ".join(instruction.json)
        for words in _commands(line, tuple(scripts.items())):
            names = _behind_runner(words)
            if names:
                yield _Start(instruction, names[0].rpartition("/")[2], names[1:])


@lru_cache(maxsize=64)  # three rules ask for the same line
def _commands(line: str, scripts: tuple[tuple[str, str], ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(reachable_commands(line, dict(scripts)))


def _behind_runner(words: tuple[str, ...]) -> tuple[str, ...]:
    """The command without `npx`, `pnpm exec` and their like in front."""
    if words and words[0] == "exec":
        words = words[1:]
    verbs = _RUNNERS.get(words[0]) if words else None
    if verbs is None or (verbs and words[1:2] not in [(verb,) for verb in verbs]):
        return words
    rest = words[2:] if verbs else words[1:]
    while rest and rest[0].startswith("-"):
        rest = rest[1:]
    return rest


def _watcher(start: _Start) -> str | None:
    """The name of the program for developing that the start runs or loads, or None."""
    program, words = start.program, start.arguments
    if program in _WATCHERS:
        return program
    if program in _DEVELOPING:
        verb = next((word for word in words if not word.startswith("-")), "")
        return f"{program} {verb}".strip() if verb in _DEVELOPING[program] else None
    if program == "node":
        options = [
            word for word in words if word.startswith(("--watch", "ts-node/", "--loader=ts-node", "--import=ts-node"))
        ]
        return f"node with {options[0]}" if options else None
    if program in _MANAGERS:
        named = [word for word in words if word not in ("run", "run-script") and not word.startswith("-")]
        return f"the script {named[0]}" if named and _SCRIPT.fullmatch(named[0]) else None
    return None
