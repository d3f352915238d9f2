"""How the service starts: from the Dockerfile's CMD or package.json's scripts to the bare `node …` behind it.

`npm start` as process 1 costs a process and swallows signals, so the exec form is wanted; but only where it means
exactly the same. Anything else (a chain, a pre script, a development runner) is kept and the reason said.
"""

import re
from pathlib import Path

from imageopt.dockerfile.model import Dockerfile, Instruction
from imageopt.project.files import exists
from imageopt.project.model import Manifest, StartCommand
from imageopt.project.scripts import DEV_RUNNERS, called_script, commands, is_plain, split_assignments

_NOT_EXACT = re.compile(r"[$`]")


def start_command(
    root: Path, manifest: Manifest | None, dockerfile: Dockerfile | None, handles_sigterm: bool
) -> StartCommand | None:
    """The start command, or None where neither the Dockerfile nor package.json has one."""
    declared = _declared(dockerfile)
    scripts = manifest.scripts if manifest else {}
    if isinstance(declared, tuple):
        words, line = declared, " ".join(declared)
    elif declared is not None:
        found = commands(declared)
        words, line = (found[0] if found and len(found) == 1 else ()), declared
    elif "start" in scripts:
        words, line = ("npm", "start"), "npm start"
    elif exists(root, "server.js") and manifest is not None:
        words, line = ("node", "server.js"), "node server.js"  # what `npm start` does without a script
    else:
        return None
    name = called_script(words)
    if name is None:
        return _classify(line, words if isinstance(declared, tuple) else None, handles_sigterm)
    if name == "start" and name not in scripts and exists(root, "server.js"):
        return _classify("node server.js", None, handles_sigterm)
    if name not in scripts:
        return StartCommand(line, None, (), handles_sigterm, f"package.json has no script {name}")
    around = [part for part in (f"pre{name}", f"post{name}") if part in scripts]
    if around:
        return StartCommand(scripts[name], None, (), handles_sigterm, f"{around[0]} runs with {name}")
    return _classify(scripts[name], None, handles_sigterm)


def _declared(dockerfile: Dockerfile | None) -> tuple[str, ...] | str | None:
    """CMD of the last stage, or ENTRYPOINT where there is no CMD: a list for the exec form, else a line."""
    if dockerfile is None or not dockerfile.stages:
        return None
    last: dict[str, Instruction] = {}
    for instruction in dockerfile.stages[-1].instructions:
        last[instruction.keyword] = instruction
    chosen = last.get("CMD") or last.get("ENTRYPOINT")
    if chosen is None:
        return None
    if chosen.json is None:
        return chosen.arguments.strip()
    entrypoint = last.get("ENTRYPOINT")
    if chosen.keyword == "CMD" and entrypoint and entrypoint.json and entrypoint.json[-1] in ("node", "npm"):
        return (entrypoint.json[-1], *chosen.json)
    return chosen.json


def _classify(line: str, exact: tuple[str, ...] | None, handles_sigterm: bool) -> StartCommand:
    """`exact` are the words where they come from an exec form and no shell ever sees them."""

    def refused(reason: str) -> StartCommand:
        return StartCommand(line, None, (), handles_sigterm, reason)

    if exact is None and not is_plain(line):
        return refused("it needs a shell: it joins commands or expands variables")
    environment, words = split_assignments(exact or (commands(line) or ((),))[0])
    if words and words[0] == "exec":
        words = words[1:]
    if not words:
        return refused("it is empty")
    program = words[0].rpartition("/")[2]
    if program != "node":
        package = DEV_RUNNERS.get(program)
        return refused(
            f"it starts {program}, which comes with the package {package}" if package else f"it starts {program}"
        )
    loaded = next((word for word in words[1:] if word in DEV_RUNNERS or word.startswith(("ts-node/", "tsx/"))), None)
    if loaded:
        return refused(f"it loads {loaded} into node")
    if entry_of(words) is None:
        return refused("it names no file to run")
    if any(_NOT_EXACT.search(value) for _, value in environment):
        return refused("it sets a variable from another one")
    return StartCommand(line, words, environment, handles_sigterm, "it is one plain node command")


def entry_of(argv: tuple[str, ...]) -> str | None:
    """The file that a `node …` command runs, without `./`, or None."""
    takes_value = {
        "-r",
        "--require",
        "--import",
        "--loader",
        "--experimental-loader",
        "--env-file",
        "-C",
        "--conditions",
    }
    position = 1
    while position < len(argv):
        word = argv[position]
        if word in ("-e", "--eval", "-p", "--print", "-"):
            return None
        if not word.startswith("-"):
            return word.removeprefix("./")
        position += 2 if word in takes_value else 1
    return None
