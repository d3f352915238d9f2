"""Survey, project and target -> the values of a two-stage template, and the account of what is done and refused.

Everything about the new Dockerfile is decided here and in the two stages; the template only orders it.
"""

import posixpath
from collections.abc import Mapping

from msgspec.structs import replace

from imageopt.dockerfile.ignore import parse_ignore
from imageopt.dockerfile.model import Dockerfile, Stage
from imageopt.image.elf import ElfFacts
from imageopt.project.model import Project
from imageopt.rewrite.base_image import BaseImage
from imageopt.rewrite.build_stage import (
    build_stage,
    member_manifests,
    npmrc_over_another,
)
from imageopt.rewrite.builders import Builders
from imageopt.rewrite.development import built_start, called_by, chooses, started_with, who_starts
from imageopt.rewrite.elsewhere import Start
from imageopt.rewrite.framework_output import framework_output
from imageopt.rewrite.global_tools import installed_again, started_globals, uses_global
from imageopt.rewrite.ground import Account, Ground, Plan
from imageopt.rewrite.layout import Layout, elsewhere_doubt, layout, rebuilt
from imageopt.rewrite.lifecycle import install_inputs
from imageopt.rewrite.managers import Manager, manifest_names
from imageopt.rewrite.ownership import owner_of, service_user
from imageopt.rewrite.render import word
from imageopt.rewrite.running_stage import env_names, running_stage
from imageopt.rewrite.runtime_base import choose
from imageopt.rewrite.static_site import SERVER, Site, site_values, static_site
from imageopt.rewrite.surveyed import Survey
from imageopt.rewrite.system import RuntimeSystem, files_of_scripts, runtime_system
from imageopt.rewrite.tokens import sent
from imageopt.rewrite.workspace import Part
from imageopt.rewrite.workspace_layout import gathered, members_layout, members_rebuilt

_BUILD_NAMES = ("build", "builder")


def make_plan(
    project: Project,
    manager: Manager,
    tree: Dockerfile,
    stage: Stage,
    base: BaseImage,
    found: Survey,
    target: str,
    elf: Mapping[str, ElfFacts] | None,
    builds_with: Builders,
    elsewhere: tuple[Start, ...] = (),
    *,
    outputs: bool = True,
    part: Part | None = None,
) -> Plan | tuple[str, ...]:
    """The plan for a survey without objections, or why the project can only be edited.

    `elf` are the binaries of the image as it is, if there is one; `elsewhere` what else starts the image.
    `outputs`: where a framework's build leaves all that is served, only that is shipped; `part` is that of a workspace.
    Raises Unsafe for a value without a safe spelling.
    """
    account = Account()
    built = built_start(project) if rebuilt(project, found) else None
    if built:
        project = replace(project, start=built[0])
    other = elsewhere_doubt(project, found, elsewhere)
    site = static_site(project, found) if outputs and target in ("auto", "alpine") else None
    site = other or site if site else None
    if isinstance(site, str):
        account.refuse("static-site", site)
        site = None
    system = runtime_system(project, found, elsewhere)
    bases = choose(base, project, found, system, target, elf, processors=builds_with.processors)
    account.refusals += bases.refusals
    whole = not outputs or other is not None or site is not None or found.last("ENTRYPOINT") is not None
    output = None if whole else framework_output(project, found)
    started = () if site or output else started_globals(project, found, system)
    objections = (*started, *npmrc_over_another(project, found))
    if objections:
        return objections
    runner = None if site or output else started_with(project) or called_by(project, system.lines)
    runner = runner or next((tool for start in elsewhere if (tool := called_by(project, (start.line,)))), None)
    user = "" if site else service_user(project, found, account, system)
    user = base.product if user == "node" else user
    ground = Ground(
        project=project,
        manager=manager,
        tree=tree,
        stage=stage,
        found=found,
        system=system,
        bases=bases,
        builders=builds_with,
        layout=output or _layout(project, found, system, part, prunes=runner is None),
        part=part,
        inputs=install_inputs(project),
        runner=runner,
        build_name=next(name for name in _BUILD_NAMES if name != (stage.name or "").lower()),
        user=user,
        owner=owner_of(user, found, base.product),
    )
    if built and not output:
        ground = replace(ground, layout=replace(ground.layout, start=built[1]))
    values: dict[str, object] = {
        "header": tree.text[: stage.from_instruction.start].replace("\r\n", "\n"),
        "platform": f"--platform={word(stage.platform)} " if stage.platform else "",
        "folder": word(found.folder),
    }
    made = members_rebuilt(part, found) if part else rebuilt(project, found)
    if site:
        _explain_site(ground, site, account)
        values |= site_values(ground, site, account)
        return Plan("static-site", values, account, _needed(ground, made), made)
    _explain(ground, account)
    values |= {"build": build_stage(ground, account), "runtime": running_stage(ground, account)}
    ignored = gathered(part, made) if part else made
    return Plan("node-service", values, account, _needed(ground, made), ignored)


def _layout(project: Project, found: Survey, system: RuntimeSystem, part: Part | None, *, prunes: bool) -> Layout:
    if part:
        doubt = elsewhere_doubt(project, found, system.elsewhere)
        return members_layout(project, part, found, doubt, prunes=prunes)
    chosen = layout(project, found, system, prunes=prunes)
    tokens = sent(project, project.dockerignore or "") if chosen.mode == "plain" else ()
    if tokens:
        return Layout("whole", (), f"the folder is copied from there, for the token in {tokens[0]} must stay behind")
    return chosen


def _explain_site(ground: Ground, site: Site, account: Account) -> None:
    done = account.done
    done["multi-stage"] = f"what builds stays in its own stage; only {site.folder} is served"
    done["base-swap"] = f"{SERVER}: the site is files, and needs no Node to be served"
    done["prune-dev-deps"] = "no package is in the running image"
    done["run-as-node"] = f"the web server runs as its own user, and {site.port} is no port of root's"
    done["node-env"] = "no Node runs there"
    _explain_install(ground, account)
    if ground.found.globals:
        done["drop-global-tools"] = "they are not in the running image"


def _explain(ground: Ground, account: Account) -> None:
    """The reasons for what the template does in any case."""
    done, lock = account.done, ground.project.lock
    assert lock is not None
    done["multi-stage"] = f"what builds stays in its own stage; {ground.layout.reason}"
    if ground.bases.runtime != ground.stage.from_instruction.words[0].raw:
        done["base-swap"] = f"{ground.bases.runtime}: {ground.bases.reason}"
    _explain_install(ground, account)
    count = sum(package.dev for package in lock.packages)
    if ground.layout.mode == "output":
        done["framework-output"] = "node_modules stays behind: the output has what its server loads"
        done["prune-dev-deps"] = "only packages that the server loads are in the output"
    elif ground.runner is not None:
        calling = (start for start in ground.system.elsewhere if called_by(ground.project, (start.line,)))
        other = None if started_with(ground.project) else next(calling, None)
        who = f"{other.source} starts" if other else who_starts(ground.project)
        account.refuse("prune-dev-deps", f"{who} {ground.runner}, a development dependency")
    elif count:
        done["prune-dev-deps"] = f"{count} of {len(lock.packages)} locked packages serve development only"
    tools = [command for _, command in ground.found.globals]
    again = next(installed_again(ground), None)
    if tools and again is None and not any(uses_global(ground, command.words) for command in tools):
        done["drop-global-tools"] = "nothing that builds or runs the service calls them"
    if "NODE_ENV" not in env_names(ground):
        if ground.runner is None and (reason := chooses(ground.project)):
            account.refuse("node-env", reason)
        elif ground.runner is None:
            done["node-env"] = "set in the running image only; the build still installs its tools"
        else:
            account.refuse("node-env", f"{ground.runner} is there for development")
    read = {fact.value for fact in ground.project.runtime_paths if posixpath.basename(fact.value).startswith(".env")}
    ignored = parse_ignore(ground.project.dockerignore or "")
    kept = sorted(path for path in read if ground.layout.mode != "output" and not ignored.excludes(path))
    if kept:
        names = " and ".join(kept)
        account.notes.append(
            f"{names} is in the image, for the service reads it: better give its variables at the start"
        )
    if tokens := sent(ground.project, ground.project.dockerignore or ""):
        account.notes.append(
            f"the token in {' and '.join(tokens)} stays in the first stage; better revoke it, and name a variable there"
        )
    if ground.user in ("node", "bun") and ground.project.writable_paths:
        account.notes.append("volumes that exist already belong to root: chown them to 1000:1000 once")


def _explain_install(ground: Ground, account: Account) -> None:
    lock = ground.project.lock
    assert lock is not None
    account.done[ground.manager.frozen] = f"{lock.path} fits package.json, so exactly what it pins is installed"
    if ground.inputs.everything:
        account.refuse("order-copies", ground.inputs.reason)
    else:
        reason = "package.json and the lock file come before the sources, so packages stay cached"
        account.done["order-copies"] = reason


def _needed(ground: Ground, made: tuple[str, ...]) -> tuple[str, ...]:
    """What of the context the new Dockerfile names."""
    named = {*manifest_names(ground.project, ground.manager), *member_manifests(ground)}
    named |= {*ground.inputs.paths, *ground.layout.paths}
    named |= files_of_scripts(ground.project, ground.system, ground.found.folder)
    for copied in ground.found.copies:
        named |= {posixpath.normpath(source.lstrip("/") or ".") for source in copied.sources if "*" not in source}
    for item in ground.found.outside:
        named |= {name.value.lstrip("/") for name in item.words[:-1]}
    return tuple(sorted(path for path in named - {".", *made} if not path.endswith("node_modules")))
