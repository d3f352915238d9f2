"""A stage that copies a whole Turborepo and installs it -> the same on what `turbo prune` leaves of it for one app.

Only the plainest shape is changed: `COPY . .`, then one installation. What lies in the root beside the manifests is not
pruned along, so a root that holds more (a tsconfig.json that packages extend) is left to its author.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from imageopt.dockerfile.environment import stage_environment
from imageopt.dockerfile.model import Edit, Instruction, Stage
from imageopt.project.files import read_text, top_names
from imageopt.rewrite.asked.model import Asked, Change, Site
from imageopt.rewrite.commands import commands_of

_PRUNER = "pruner"
_PRUNED_ALONG = {"package.json", "turbo.json", "pnpm-workspace.yaml", "compose.yaml", "compose.yml"}
_CONFIGURES = re.compile(r"(?:^\.(?:npmrc|yarnrc)|\.(?:json|[cm]?[jt]s|ya?ml|toml)$)")


def _make(site: Site) -> Change | str:
    workspace, lock = site.project.workspace, site.project.lock
    turbo = next((one for one in lock.packages if one.name == "turbo"), None) if lock else None
    if workspace is None or "turbo" not in workspace.tools or turbo is None or lock is None:
        return "the project is no workspace that turbo of its lock file runs"
    app = next((m for m in workspace.members if workspace.app and m.folder == workspace.app.value), None)
    if app is None or not re.fullmatch(r"[\w@./-]+", app.manifest.name):
        return "which app of the workspace the Dockerfile builds is not known"
    left = next(_left_in_root(site, lock.path), None)
    if left is not None:
        return f"{left} in the root would not be pruned along"
    if any(stage.name == _PRUNER for stage in site.tree.stages):
        return f"there is a stage {_PRUNER} already"
    for stage in site.tree.stages:
        shape = _shape(site, stage)
        if shape is not None and re.search(r"(?:^|/)bun(?:[:@]|$)", stage.base or ""):
            return f"{site.line(stage.from_instruction)}: turbo is called with npx, which an image of Bun has not"
        if shape is not None:
            return _change(site, stage, *shape, f"turbo@{turbo.version} prune {app.manifest.name} --docker", lock.path)
    return "no stage copies the whole workspace and then installs it, with nothing in between"


def _left_in_root(site: Site, lock: str) -> Iterator[str]:
    for name in top_names(site.project.root):
        if (
            name not in (*_PRUNED_ALONG, lock)
            and _CONFIGURES.search(name)
            and not name.startswith((".gitlab", "docker"))
        ):
            yield name
    if "globalDependencies" in (read_text(site.project.root, "turbo.json") or ""):
        yield "what turbo.json names as globalDependencies"


def _shape(site: Site, stage: Stage) -> tuple[Instruction, Instruction, str] | None:
    """The COPY of everything, the RUN that installs, and the folder that they happen in."""
    manager = site.project.package_manager or "npm"
    steps = [item for item in stage.instructions if item.keyword in ("COPY", "ADD", "RUN")]
    for item, following in pairwise(steps):
        folder = stage_environment(site.tree, stage, at=item).workdir
        words = [word.value for word in item.words]
        whole = item.keyword == "COPY" and not item.flags and words in ([".", "."], [".", "./"], [".", folder])
        purposes = (
            [command.purpose for command in commands_of(following, manager)] if following.keyword == "RUN" else []
        )
        if whole and folder and "install" in purposes and "build" not in purposes:
            return item, following, folder
    return None


def _change(
    site: Site, stage: Stage, copy: Instruction, run: Instruction, folder: str, prune: str, lock: str
) -> Change:
    base, end = stage.from_instruction, site.newline
    lines = [f"FROM {base.words[0].raw} AS {_PRUNER}", f"WORKDIR {folder}", "COPY . .", f"RUN npx --yes {prune}"]
    above = base.comments[0].start if base.comments else base.start
    source = f"COPY --from={_PRUNER} {folder}/out"
    edits = (
        site.insertion(above, *lines, ""),
        Edit(copy.start, copy.end, f"{source}/json/ ./{end}{source}/{lock} ./{end}"),
        site.insertion(run.end, f"{source}/full/ ./"),
    )
    notes = ("turbo writes a lock file of its own for the app: where it does not fit, the installation ends the build",)
    return Change(edits, "turbo leaves the app and the packages that it needs", None, notes)


TURBO_PRUNE = Asked("turbo-prune", "of a Turborepo only what turbo prune leaves for the app", _make)
