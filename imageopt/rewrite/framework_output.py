"""What a framework's own build leaves to be run, where that is complete in itself: Next's standalone folder, Nuxt's.

The build has traced every file that its server loads, so `node_modules` stays behind. Only the framework's usual start
is replaced by its own server; the port it was given goes along.
"""

import posixpath
import re

from imageopt.project.files import is_folder
from imageopt.project.model import Project
from imageopt.project.scripts import commands, split_assignments
from imageopt.rewrite.layout import Layout, rebuilt
from imageopt.rewrite.surveyed import Survey, within

_PORT = re.compile(r"\d{1,5}")
_EVERYWHERE = "0.0.0.0"  # noqa: S104 (the container's own network)


def framework_output(project: Project, found: Survey) -> Layout | None:
    """The layout that copies the framework's output alone; None where it is not complete, or started otherwise."""
    built_on = project.built_on
    if built_on is None or built_on.renders != "server" or not built_on.start or "node_modules" in built_on.needs:
        return None
    made = rebuilt(project, found)
    if not all(any(within(output, folder) for folder in made) for output in built_on.outputs):
        return None
    environment = _environment(project, built_on.name, built_on.start)
    if environment is None:
        return None
    root = built_on.serve_from
    copied = [(output, _place(output, root)) for output in built_on.outputs]
    copied += [(need, f"./{need}") for need in built_on.needs if is_folder(project.root, need)]
    reason = f"{built_on.name} lists in its output all that its server loads ({built_on.source}: {built_on.reason})"
    return Layout("output", tuple(need for need in built_on.needs), reason, tuple(copied), built_on.start, environment)


def _place(output: str, root: str) -> str:
    """Where an output goes, for a server that is started in its folder `root`."""
    return "./" if root and output == root else f"./{output}"


def _environment(project: Project, name: str, start: tuple[str, ...]) -> tuple[tuple[str, str], ...] | None:
    """What the framework's own server must be told; None where the start command is not the framework's usual one."""
    if project.start is None:
        return None
    if project.start.argv is not None:
        own = tuple(posixpath.normpath(word) for word in project.start.argv) == start
        return project.start.environment if own else None
    found = commands(project.start.script)
    given, words = split_assignments(found[0]) if found and len(found) == 1 else ((), ())
    words = words[1:] if words[:1] == ("npx",) else words
    if name != "next" or words[:2] != ("next", "start") or "$" in project.start.script:
        return None
    # the engine sets HOSTNAME to the container's name, and the server would listen there alone
    told = {**dict(given), "HOSTNAME": _EVERYWHERE}
    rest = list(words[2:])
    while rest:
        flag, _, value = rest.pop(0).partition("=")
        if flag in ("-p", "--port", "-H", "--hostname") and (value or rest):
            value = value or rest.pop(0)
            if flag in ("-p", "--port"):
                if not _PORT.fullmatch(value):
                    return None
                told["PORT"] = value
            elif value != _EVERYWHERE:
                return None
        else:
            return None
    return tuple(told.items())
