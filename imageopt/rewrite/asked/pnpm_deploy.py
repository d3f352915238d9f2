"""A final stage that is given a pnpm workspace in parts or whole -> the same given what `pnpm deploy` makes of its app.

Only where the versions of the shared lock file hold: before pnpm 10, and with its `--legacy`, deploying resolves anew.
The app keeps its path in the image, so that its start and what it reads stay true; the rest of the workspace is not
there any more, and whatever may need that speaks against it.
"""

import posixpath
import re
from collections.abc import Iterator

from imageopt.dockerfile.environment import stage_environment
from imageopt.dockerfile.model import Edit, Instruction
from imageopt.dockerfile.shell import is_posix_shell
from imageopt.project.files import exists, source_files
from imageopt.project.manifest import LIFECYCLE
from imageopt.project.model import Member
from imageopt.rewrite.asked.deployed import left_out
from imageopt.rewrite.asked.model import Asked, Change, Site
from imageopt.rewrite.asked.pnpm_settings import against_deploying
from imageopt.rewrite.asked.shipped import takes
from imageopt.rewrite.asked.workspace_copies import Copies, workspace_copies
from imageopt.rewrite.commands import commands_of, split_commands
from imageopt.rewrite.render import Unsafe, word
from imageopt.rewrite.surveyed import within
from imageopt.rewrite.workspace import Part, part_of

_DEPLOYED = "/deployed"
_NEEDS_WORKSPACE = ("npm", "npx", "pnpm", "pnpx", "yarn", "corepack", "turbo", "nx", "lerna")
_FINE_IN_FINAL = {"nothing", "system-install", "owner", "folder", "account", "global-install"}
_PRUNES = re.compile(r"(?:CI=\S+ )?pnpm (?:install|i|prune)\b.* (?:--prod|-P)\b.*")
_FILE = re.compile(r"\.(?:[cm]?js|json|sh)$")


def _make(site: Site) -> Change | str:
    part = part_of(site.project) if site.project.package_manager == "pnpm" else None
    if part is None:
        return "the project is no workspace of pnpm"
    if isinstance(part, str):
        return part
    if not part.app.folder or not part.app.manifest.name:
        return "the app is the workspace's root, or has no name to deploy it by"
    copies = workspace_copies(site, part)
    if isinstance(copies, str):
        return copies
    reason = against_deploying(site, copies) or next(_against(site, part, copies), None)
    if reason:
        return reason
    try:
        return _change(site, part, copies)
    except Unsafe as fault:
        return str(fault)


def _against(site: Site, part: Part, copies: Copies) -> Iterator[str]:
    project, app = site.project, part.app.folder
    yield from _against_stage(site, copies)
    running = {member.folder for member in part.running}
    for member in part.members:
        if member.folder not in running and any(within(path, member.folder) for path in copies.paths):
            yield f"{member.folder} is copied as well, and is no production package of {app}"
    if project.manifest is not None and project.manifest.dependencies:
        yield f"package.json: {next(iter(project.manifest.dependencies))} of the workspace's root would not be deployed"
    for member in part.running:
        script = next((name for name in LIFECYCLE if name in member.manifest.scripts), None)
        if script:
            yield f"{member.folder}/package.json: {script} would run again while it is deployed, or not at all"
    for fact in (*project.runtime_paths, *project.writable_paths):
        if not within(fact.value, app) and not fact.value.startswith("/"):
            yield f"{fact.source}: {fact.value} lies outside of {app}, which alone is deployed"
    for fact in (*project.unresolved_reads, *project.unresolved_writes):
        if copies.whole and any(within(fact.source.partition(":")[0], member.folder) for member in part.running):
            yield f"{fact.source}: whether what it opens lies in {app}, which alone is deployed, is not known"
    for member in part.running:
        yield from _left_out(site, part, member, copies)
    yield from _against_final(site, app, copies)
    yield from _against_deployment(site, app, copies)


def _against_stage(site: Site, copies: Copies) -> Iterator[str]:
    """What speaks against deploying in the stage that the workspace is copied from."""
    state = stage_environment(site.tree, copies.stage)
    runs = [item for item in copies.stage.instructions if item.keyword == "RUN"]
    deploys = next((run for run in runs if re.search(r"\bpnpm\b[^&;|]*\bdeploy\b", run.arguments)), None)
    if deploys:
        yield f"{site.line(deploys)} deploys already"
    if not any(re.search(r"\bpnpm\b", run.arguments) for run in runs):
        yield f"{site.line(copies.stage.from_instruction)}: whether this stage has pnpm is not known"
    if state.user not in (None, "root", "0") or not is_posix_shell(state.shell[0]):
        yield f"{site.line(copies.stage.from_instruction)}: this stage ends with a user of its own, or another shell"
    if site.is_built_on:
        yield "another stage is built on the final one"


def _left_out(site: Site, part: Part, member: Member, copies: Copies) -> Iterator[str]:
    """What of a package that runs would be missing."""
    project, folder, manifest = site.project, member.folder, member.manifest
    outputs = part.outputs[folder]
    if "build" in manifest.scripts and not outputs:
        yield f"where the build of {folder} writes is not known, so neither is whether that is deployed"
    loaded = [path for path in (manifest.main, *manifest.exports) if path and "*" not in path]
    needed = [
        *(outputs or source_files(project.root, start=folder)),
        *(posixpath.normpath(f"{folder}/{path}") for path in loaded),
        *(fact.value for fact in (*project.runtime_paths, *project.writable_paths)),
        *(path for path in copies.paths if posixpath.basename(path) not in ("package.json", "node_modules")),
    ]
    inside = [path for path in needed if within(path, folder) and path != folder]
    reason = left_out(project.root, folder, [path for path in inside if path in outputs or _there(site, path, outputs)])
    if reason:
        yield reason


def _there(site: Site, path: str, outputs: tuple[str, ...]) -> bool:
    """Whether it is there before the service starts: a folder that is made then need not be deployed."""
    return any(within(path, output) for output in outputs) or exists(site.project.root, path)


def _against_final(site: Site, app: str, copies: Copies) -> Iterator[str]:
    """What the final stage starts or names that is not in the app's folder."""
    workdir = stage_environment(site.tree, site.final).workdir or "/"
    started: list[str] = []
    for item in site.final.instructions:
        if item.keyword == "RUN":
            found = [c.text for c in commands_of(item, "pnpm") if c.purpose not in _FINE_IN_FINAL]
            if found:
                yield f"{site.line(item)}: whether {found[0]} needs the workspace is not known"
        elif item.keyword == "ENV" and "node_modules" in item.arguments:
            yield f"{site.line(item)}: it names node_modules of the workspace"
        elif item.keyword in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
            started += [item.arguments] if item.keyword != "HEALTHCHECK" else []
            for reason in _outside(item.arguments, workdir, app, copies):
                yield f"{site.line(item)}: {reason}"
    if not started:
        yield "the final stage has no command of its own, so what it starts is not known"
    else:
        paths = [workdir, *(path for _, path in _paths(" ".join(started), workdir))]
        if not any(within(path, f"{copies.target}/{app}") for path in paths):
            yield f"what the final stage starts in {workdir} is no file of {app}"


def _against_deployment(site: Site, app: str, copies: Copies) -> Iterator[str]:
    """What is said to start in the container that is not in the app's folder."""
    workdir = stage_environment(site.tree, site.final).workdir or "/"
    for fact in site.deployment.of("command", "entrypoint", "probe", "hook", "run", dockerfile=site.path):
        for reason in _outside(" ".join(fact.words) or fact.value, workdir, app, copies):
            yield f"{fact.source}: {reason}"
    for fact in site.deployment.of("working-dir", dockerfile=site.path):
        if not within(fact.value, f"{copies.target}/{app}"):
            yield f"{fact.source}: the service runs in {fact.value}, which is not the folder of {app}"


def _outside(text: str, workdir: str, app: str, copies: Copies) -> Iterator[str]:
    caller = next((part for part in _words(text) if posixpath.basename(part) in _NEEDS_WORKSPACE), None)
    if caller:
        yield f"{caller} is called, and may look for the workspace: start the app with node"
    for part, path in _paths(text, workdir):
        if within(path, copies.target) and not within(path, f"{copies.target}/{app}"):
            yield f"{part} lies outside of {app}, which alone is deployed"


def _words(text: str) -> list[str]:
    return re.findall(r"[^\s\"'\[\],;&|()=]+", text)


def _paths(text: str, workdir: str) -> Iterator[tuple[str, str]]:
    """The words of a command that name files, each with its path in the image; Node's own entry point is in PATH."""
    for part in _words(text):
        if "/" in part or (_FILE.search(part) and part != "docker-entrypoint.sh"):
            yield part, posixpath.normpath(posixpath.join(workdir, part))


def _change(site: Site, part: Part, copies: Copies) -> Change:
    stage, tree, app = copies.stage, site.tree, part.app
    target = f"{copies.target}/{word(app.folder)}".replace("//", "/")
    runs = [item for item in stage.instructions if item.keyword == "RUN"]
    install = next((run for run in reversed(runs) if re.search(r"\bpnpm (?:install|i|ci)\b", run.arguments)), None)
    mounts = [flag for flag in install.flags if "type=bind" not in flag.value] if install else []
    flags = "".join(f"{tree.text[flag.start : flag.end]} " for flag in mounts)
    deploy = f"RUN {flags}pnpm --filter {word(app.manifest.name)} --prod deploy {_DEPLOYED}"
    last = stage.instructions[-1]
    others = any(takes(site, other, stage) for other in tree.stages if other.index != site.final.index)
    if _only_prunes(last) and not others:
        edits = [Edit(last.start, last.end, f"{deploy}{site.newline}")]
    else:
        edits = [site.insertion(last.end, deploy)]
    first = copies.instructions[0]
    kept = "".join(f"{tree.text[flag.start : flag.end]} " for flag in first.flags)
    edits += [Edit(item.start, item.end, "") for item in copies.instructions[1:]]
    edits.append(Edit(first.start, first.end, f"COPY {kept}{_DEPLOYED} {target}{site.newline}"))
    names = ", ".join(member.folder for member in part.running[:-1])
    within_it = f", with {names} among its packages" if names else ""
    note = f"of the workspace only {app.folder} is in the image{within_it}: nothing else can be started from it"
    reason = "pnpm deploy takes the app and its production packages out of the workspace, as the lock file pins them"
    return Change(tuple(sorted(edits, key=lambda edit: edit.start)), reason, None, (note,))


def _only_prunes(item: Instruction) -> bool:
    """Whether a RUN does nothing but leave production packages in the workspace, which deploying does by itself."""
    parts = split_commands(item) if item.keyword == "RUN" else None
    removes = [text for text, words in parts or () if words[:1] == ("rm",) and words[-1].endswith("node_modules")]
    prunes = [text for text, _ in parts or () if _PRUNES.fullmatch(text)]
    return bool(prunes) and len(prunes) + len(removes) == len(parts or ())


PNPM_DEPLOY = Asked("pnpm-deploy", "of a pnpm workspace only what pnpm deploy takes out for the app", _make)
