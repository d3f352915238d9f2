"""A rewritten Dockerfile -> the same with those files of node_modules alone that a tracer sees the program load.

Only a tracer that the project has itself is used, in its build stage: none is fetched. What a program loads under a
computed name no tracer sees, so this is never proposed without a proof.
"""

import json
import posixpath

from imageopt.dockerfile.edit import apply
from imageopt.dockerfile.model import Dockerfile, Edit, Instruction, Stage
from imageopt.dockerfile.parser import parse
from imageopt.project.model import Project
from imageopt.project.start import entry_of
from imageopt.rewrite.model import Rewrite, Transformed, edited

NAME = "traced-files"
_TRACER = "@vercel/nft"
_PLACE = "/traced"
_PRUNES = ("npm prune", "pnpm prune", "yarn workspaces focus", "yarn install --production")
_SCRIPT = (
    "require('{tracer}').nodeFileTrace(['{entry}']).then(({{fileList}})=>{{"
    "for(const f of fileList)require('fs').cpSync(f,'{place}/'+f,{{verbatimSymlinks:true}})}})"
)


def traced(rewrite: Rewrite, dockerfile: str, project: Project) -> Rewrite | str:
    """The rewrite with traced packages, or why there is none. What it saves is not known before it is built."""
    tracer = next((one for one in project.lock.packages if one.name == _TRACER), None) if project.lock else None
    if tracer is None:
        return f"the project has no tracer such as {_TRACER} among its packages"
    entry = entry_of(project.start.argv) if project.start and project.start.argv else None
    if entry is None or "'" in entry or "\\" in entry:
        return "which file the program starts with is not known"
    change = next((change for change in rewrite.changes if change.path == dockerfile), None)
    tree = parse(change.after) if change is not None else None
    if change is None or tree is None:
        return "its Dockerfile stays as it is"
    shipped = _shipped(tree)
    if shipped is None:
        return "the packages do not come from a build stage on their own"
    item, build = shipped
    prune = next((one for one in build.instructions if one.keyword == "RUN" and _prunes(one)), None)
    if prune is None and tracer.dev:
        return f"{_TRACER} serves development only, and the build stage has production packages alone"
    text = _edited(tree, item, prune, build, posixpath.normpath(entry))
    done = Transformed(NAME, "verify", f"{_TRACER} lists what {entry} loads; the rest of node_modules stays", (), None)
    return edited(rewrite, change, text, done)


def _shipped(tree: Dockerfile) -> tuple[Instruction, Stage] | None:
    """The COPY that brings node_modules into the last stage, and the stage it takes them from."""
    for item in tree.stages[-1].instructions:
        build = tree.source_stage(item) if item.keyword == "COPY" else None
        if build is not None and len(item.words) == 2 and posixpath.basename(item.words[0].value) == "node_modules":
            return item, build
    return None


def _prunes(item: Instruction) -> bool:
    return any(command in item.arguments for command in _PRUNES)


def _edited(tree: Dockerfile, shipped: Instruction, prune: Instruction | None, build: Stage, entry: str) -> str:
    """The text that traces where it pruned, or at the end of the build stage, and ships what was traced."""
    script = _SCRIPT.format(tracer=_TRACER, entry=entry, place=_PLACE)
    trace = f"RUN {json.dumps(['node', '-e', script])}"
    if prune is not None:
        edit = Edit(prune.start, prune.start + len(tree.source(prune)), trace)
    else:
        end = build.instructions[-1].end
        edit = Edit(end, end, f"{trace}\n")
    source = shipped.words[0]
    return apply(tree.text, [edit, Edit(source.start, source.end, f"{_PLACE}/node_modules")])
