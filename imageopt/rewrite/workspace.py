"""A workspace -> the part of it that one image is made of, and what the package manager is told to install for it.

Installing and building the app's members alone is worth it only where every build command is known to need no other;
`everything` says that this is not so, and then only the packages that run are chosen.
"""

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from imageopt.project.app import app_of, built_for_app, run_with_app
from imageopt.project.builds import read_build
from imageopt.project.member_calls import MemberCall, member_call
from imageopt.project.model import Lock, Manifest, Member, Project
from imageopt.project.scripts import called_script, commands, split_assignments
from imageopt.rewrite.managers import Manager
from imageopt.rewrite.render import Unsafe, word

_HARMLESS = {"echo", "ls", "cat", "test", "true", "cp", "mv", "rm", "mkdir", "touch", "find", "printf"}
_DEEPEST = 8


class Part(Struct, frozen=True):
    """`built` are the app and what it needs, `running` those of them that run, dependencies first and the app last.

    `scripts` are the root's; `outputs` are the folders that the build of each of `built` writes, by member.
    """

    members: tuple[Member, ...]
    built: tuple[Member, ...]
    running: tuple[Member, ...]
    scripts: Mapping[str, str]
    outputs: Mapping[str, tuple[str, ...]]

    @property
    def app(self) -> Member:
        """The member that the image is for."""
        return self.running[-1]


class Built(Struct, frozen=True):
    """A build command: the members whose `build` it runs, and its text for these members alone, where it has one.

    `everything`: it may need any member.
    """

    folders: frozenset[str]
    everything: bool
    text: str | None = None


def part_of(project: Project) -> Part | str | None:
    """The part, None for a single package, or the reason why it cannot be told."""
    space = project.workspace
    if space is None or not space.members:
        return None
    if app_of(space) is None:
        named = ", ".join(member.folder for member in space.members[:3])
        more = f" and {len(space.members) - 3} more" if len(space.members) > 3 else ""
        return (
            f"nothing says which package of the workspace the image is for ({named}{more}): start it by its path, "
            'such as CMD ["node", "apps/web/dist/main.js"]'
        )
    scripts = project.manifest.scripts if project.manifest else {}
    built = built_for_app(space)
    outputs = {member.folder: read_build(project.root, member.manifest, member.folder).outputs for member in built}
    return Part(space.members, built, run_with_app(space), scripts, outputs)


def only_app(project: Project, part: Part) -> Project:
    """The project with the locked packages that the part leads to, each for development where only that leads to it.

    Packages are followed by name: where a name is locked twice, both stay.
    """
    lock = project.lock
    if lock is None or project.manifest is None:
        return project
    running = _named(lock, [project.manifest, *(member.manifest for member in part.running)], development=False)
    built = _named(lock, [project.manifest, *(member.manifest for member in part.built)], development=True)
    folders = tuple(f"{member.folder}/" for member in part.members if member not in part.built)
    packages = tuple(
        replace(package, dev=package.name not in running)
        for package in lock.packages
        if package.name in built and not package.path.startswith(folders)
    )
    needs = tuple(need for need in project.libc if need.package in running)
    return replace(project, lock=replace(lock, packages=packages), libc=needs)


def _named(lock: Lock, manifests: Iterable[Manifest], *, development: bool) -> set[str]:
    leads: dict[str, set[str]] = {}
    for package in lock.packages:
        leads.setdefault(package.name, set()).update(package.dependencies)
    found: set[str] = set()
    waiting = [name for item in manifests for name in item.dependencies]
    waiting += [name for item in manifests for name in item.dev_dependencies if development]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += leads.get(name, ())
    return found


def member_words(words: tuple[str, ...], here: str, part: Part) -> tuple[str, ...]:
    """A command's words without what selects members: `npm ci -w web` installs as `npm ci` does."""
    call = member_call(words, here, part.members)
    return call.words if call else words


def built_by(words: tuple[str, ...], here: str, part: Part, depth: int = 0) -> Built:
    """What a build command that is run in the folder `here` builds, through the root's scripts too."""
    call = member_call(words, here, part.members)
    if call is not None:
        mine = {member.folder for member in part.built}
        folders = frozenset(call.folders) - {""} if call.script == "build" else frozenset()
        text = _narrowed(words[0], call, part) if call.everywhere else None
        if text:
            return Built(folders & mine, False, text)
        return Built(folders, call.everywhere or not set(call.folders) <= {*mine, ""})
    script = part.scripts.get(called_script(words) or "") if not here else None
    inner = commands(script) if script and depth < _DEEPEST else None
    if not inner:
        return Built(frozenset(), not words or words[0].rpartition("/")[2] not in _HARMLESS)
    each = [built_by(split_assignments(command)[1], "", part, depth + 1) for command in inner]
    around = {f"pre{called_script(words)}", f"post{called_script(words)}"} & set(part.scripts)
    everything = (
        bool(around) or any(found.everything for found in each) or (len(each) > 1 and any(f.text for f in each))
    )
    return Built(
        frozenset().union(*(found.folders for found in each)), everything, None if everything else each[0].text
    )


def _narrowed(program: str, call: MemberCall, part: Part) -> str | None:
    """The command for the part's members alone; None for a tool whose selection would say something else."""
    script = call.script
    having = [member for member in part.built if script in member.manifest.scripts]
    rest = [item for item in call.words[1:] if item not in ("run", "run-script", script)]
    if script is None or not having or any(not re.fullmatch(r"--[\w-]+", item) for item in rest):
        return None
    try:
        if program == "npm":
            selected = " ".join(f"-w {word(member.folder)}" for member in having)
            return " ".join(["npm run", word(script), selected, *rest])
        if program == "pnpm":
            return " ".join(["pnpm --filter", word(f"{_name(part.app)}..."), "run", word(script), *rest])
    except Unsafe:
        pass
    return None


def _name(member: Member) -> str:
    """How a manager is told of the member: by its name, else by its folder."""
    return member.manifest.name or f"./{member.folder}"


def scoped(manager: Manager, part: Part, project: Project, *, everything: bool) -> Manager | str:
    """The manager's commands for the part, or why it has none. Raises Unsafe for a name without a safe spelling."""
    app = word(_name(part.app))
    if manager.name == "npm":
        chosen = f"-w {word(part.app.folder)} --include-workspace-root"
        if not everything:
            return replace(manager, install=f"npm ci {chosen}", prune=f"npm prune --omit=dev {chosen}")
        if project.lifecycle_scripts:  # installing again would run them without the tools that they call
            return manager
        return replace(manager, prune=f"npm ci --omit=dev {chosen}", prunes_from_cache=True)
    if manager.name == "pnpm":
        return _scoped_pnpm(manager, part, project, everything=everything)
    if manager.name == "yarn" and "focus" in manager.prune:
        root = project.manifest
        names = [word(root.name)] if root and root.name and root.dependencies else []
        return replace(manager, prune=" ".join(["yarn workspaces focus", *names, app, "--production"]))
    return manager


def _scoped_pnpm(manager: Manager, part: Part, project: Project, *, everything: bool) -> Manager | str:
    """pnpm's own `prune` drops the links between members, and `deploy` holds to the lock file under conditions only.

    So the packages that run are installed afresh, from the store that the first install has filled.
    """
    chosen = f"--filter {word(f'{_name(part.app)}...')}"
    flags = ""
    if project.lifecycle_scripts:
        lock = project.lock
        script = project.lifecycle_scripts[0].partition(":")[0]
        off = f"pnpm installs what runs afresh, and without the project's own {script} no package's script is run"
        if lock is None or not lock.tells_scripts:
            return f"{off}: list the packages that have one as onlyBuiltDependencies"
        compiled = next((item.name for item in lock.packages if item.has_install_script and not item.dev), None)
        if compiled:
            return f"{off}; {compiled} needs its own"
        flags = " --ignore-scripts"
    folders = " ".join(word(f"{member.folder}/node_modules") for member in part.built)
    fresh = f"CI=true {manager.install} --prod --prefer-offline{flags} {chosen}"
    return replace(
        manager,
        install=manager.install if everything else f"{manager.install} {chosen}",
        prune=f"rm -rf node_modules {folders} && {fresh}",
        prunes_from_cache=True,
    )
