"""How the service starts: from the Dockerfile's CMD or package.json's scripts to the bare `node …` behind it.

`npm start` as process 1 costs a process and swallows signals, so the exec form is wanted; but only where it means
exactly the same. Anything else (a chain, a pre script, a development runner) is kept and the reason said.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from imageopt.dockerfile.model import Dockerfile, Instruction
from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.app import running_folder
from imageopt.project.files import exists
from imageopt.project.lock_entries import manifest_path
from imageopt.project.member_calls import member_call
from imageopt.project.model import Manifest, StartCommand, Workspace
from imageopt.project.scripts import (
    DEV_RUNNERS,
    called_script,
    commands,
    is_plain,
    reachable_commands,
    script_call,
    split_assignments,
    with_arguments,
)

_NOT_EXACT = lazy_pattern(r"[$`]")


def start_command(
    root: Path,
    manifest: Manifest | None,
    dockerfile: Dockerfile | None,
    handles_sigterm: bool,
    workspace: Workspace | None = None,
) -> StartCommand | None:
    """The start command, or None where neither the Dockerfile nor package.json has one.

    In a workspace it may be a script of a member, by the folder that the image starts in or by the command's options.
    """
    declared = _declared(dockerfile)
    folder = running_folder(workspace, dockerfile)
    member = _member(workspace, folder)
    scripts = member.scripts if member else manifest.scripts if manifest else {}
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
    if workspace is not None and manifest is not None:
        words, folder = _launched(words, folder, manifest, workspace)
        member = _member(workspace, folder)
        scripts = member.scripts if member else manifest.scripts
    name, given = script_call(words) or (None, ())
    if name is None or (words[0] == "npm" and given[:1] not in ((), ("--",))):  # options of npm's own
        return _classify(line, words if isinstance(declared, tuple) else None, handles_sigterm, folder)
    if name == "start" and name not in scripts and exists(root, f"{folder}/server.js" if folder else "server.js"):
        return _classify("node server.js", None, handles_sigterm, folder)
    if name not in scripts:
        path = manifest_path(folder)
        return StartCommand(line, None, (), handles_sigterm, f"{path} has no script {name}", folder)
    script = with_arguments(scripts[name], given)
    around = [part for part in (f"pre{name}", f"post{name}") if part in scripts]
    if around:
        return StartCommand(script, None, (), handles_sigterm, f"{around[0]} runs with {name}", folder)
    return _classify(script, None, handles_sigterm, folder)


def start_lines(start: StartCommand, scripts: Mapping[str, str]) -> tuple[str, ...]:
    """The shell lines of a start: its command, and the scripts that it may stand for, with what runs around them."""
    return (start.script, *(f"npm run {name}" for name, script in scripts.items() if script == start.script))


def start_commands(start: StartCommand, scripts: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Every command that a start runs, through the scripts that it calls."""
    for line in start_lines(start, scripts):
        yield from reachable_commands(line, scripts)


def _member(workspace: Workspace | None, folder: str) -> Manifest | None:
    members = workspace.members if workspace else ()
    return next((member.manifest for member in members if member.folder == folder), None)


def _launched(
    words: tuple[str, ...], folder: str, manifest: Manifest, workspace: Workspace
) -> tuple[tuple[str, ...], str]:
    """The command without what selects a member, and the member's folder; through one script of the root, too."""
    call = member_call(words, folder, workspace.members)
    script = manifest.scripts.get(called_script(words) or "", "") if call is None and not folder else ""
    inner = commands(script) if script else None
    if inner and len(inner) == 1:
        call = member_call(split_assignments(inner[0])[1], "", workspace.members)
    if call is None or len(call.folders) != 1:
        return words, folder
    return call.words, call.folders[0]


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


def _classify(line: str, exact: tuple[str, ...] | None, handles_sigterm: bool, folder: str) -> StartCommand:
    """`exact` are the words where they come from an exec form and no shell ever sees them."""

    def refused(reason: str) -> StartCommand:
        return StartCommand(line, None, (), handles_sigterm, reason, folder)

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
    return StartCommand(line, words, environment, handles_sigterm, "it is one plain node command", folder)


def entry_of(argv: tuple[str, ...]) -> str | None:
    """The file that a `node …` command runs, without `./`, or None."""
    takes_value = {
        "-r",
        "--require",
        "--import",
        "--loader",
        "--experimental-loader",
        "--env-file",
        "--env-file-if-exists",
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
