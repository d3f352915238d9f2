"""What the running image is given, and how: the smallest set that is certain to be enough.

`narrow` copies the build outputs, the production packages and what the source reads; `whole` copies the built
folder, because something about the set is unknown; `plain` is for a project without a build, whose sources come
straight from the context so that a changed source does not touch the layer of packages. `output` is for a framework
whose build leaves a server that is complete in itself.
"""

import posixpath
import re
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from imageopt.project.files import exists, is_folder
from imageopt.project.model import Project
from imageopt.project.scripts import DEV_RUNNERS, reachable_commands
from imageopt.project.start import entry_of
from imageopt.rewrite.elsewhere import Start, files_in
from imageopt.rewrite.scheduled import has_crontab
from imageopt.rewrite.surveyed import Copy, Survey, short, within
from imageopt.rewrite.system import RuntimeSystem, used_by

_RUNS_MORE = re.compile(
    r"[^#]*(?<![\w./:-])(?:npx|npm|pnpm|yarn|bunx?|node|tsx|ts-node|prisma|knex|typeorm|sequelize(?:-cli)?)\s+[\w./@-]"
)
_LAUNCHERS = ("npm", "npx", "yarn", "pnpm", "bun", "bunx")
_CRON = "cron starts commands in it"
OWN_LAYOUT = {"next", "nuxt", "sveltekit", "gatsby", "astro", "remix", "adonis", "angular"}
"""Frameworks that decide by themselves what they read when they run."""


class Layout(Struct, frozen=True):
    """`paths` are relative to the application's folder (for `narrow`); `reason` says why this mode.

    For `output`: `moves` are what is copied and where to, `start` the command, `environment` what it must be told.
    """

    mode: Literal["narrow", "whole", "plain", "output"]
    paths: tuple[str, ...]
    reason: str
    moves: tuple[tuple[str, str], ...] = ()
    start: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


def layout(project: Project, survey: Survey, system: RuntimeSystem, *, prunes: bool) -> Layout:
    """The layout for the project; only `prunes` projects are narrowed, for the others run what their sources say."""
    doubt = (
        _doubt(project, survey, prunes=prunes)
        or _script_doubt(project, survey, system)
        or elsewhere_doubt(project, survey, system.elsewhere)
    )
    if not survey.builds and not survey.works and not survey.production_only:
        return Layout("plain", (), "there is no build: the sources are what runs")
    if not survey.builds and not survey.works:
        return Layout("plain", (), "there is no build, and only production packages are installed")
    if doubt:
        return Layout("whole", (), f"the built folder is copied as a whole: {doubt}")
    paths = (*project.build_outputs, *runtime_set(project, survey, project.build_outputs))
    return Layout("narrow", paths, f"it runs from {', '.join(project.build_outputs)} and reads only what is copied")


def rebuilt(project: Project, survey: Survey) -> tuple[str, ...]:
    """The build outputs that the Dockerfile itself makes; what it takes from the context is not among them."""
    manifest = project.manifest
    if manifest is None or project.build_script is None:
        return ()
    lines = [step.text or step.instruction.arguments for step in survey.build if step.instruction.keyword == "RUN"]
    lines += [line.partition(": ")[2] for line in project.lifecycle_scripts]
    done = {_without_npx(words) for line in lines for words in reachable_commands(_command(line), manifest.scripts)}
    asked = {_without_npx(words) for words in reachable_commands("npm run build", manifest.scripts)}
    return project.build_outputs if asked <= done else ()


def _command(line: str) -> str:
    return re.sub(r"^RUN\s+(?:--\S+\s+)*", "", line)


def _without_npx(words: tuple[str, ...]) -> tuple[str, ...]:
    return words[1:] if words[0] == "npx" else words


def _doubt(project: Project, survey: Survey, *, prunes: bool) -> str | None:
    """Why the runtime set is not certain, or None."""
    if has_crontab(survey):
        return _CRON
    if not prunes:
        return "it starts with a development package"
    if not project.build_outputs:
        return "where the build writes is not known"
    if not rebuilt(project, survey):
        return "it does not run the build of package.json"
    if project.start is None or project.start.argv is None:
        return "what the start command runs is not known"
    if project.framework in OWN_LAYOUT:
        return f"{project.framework} decides by itself what it reads"
    entry = posixpath.normpath(entry_of(project.start.argv) or "").removeprefix(f"{survey.folder}/")
    if not any(within(entry, folder) for folder in project.build_outputs):
        return f"{entry} is no output of the build"
    if unknown := unknown_read(project):
        return unknown
    moved = next((copy for copy in survey.copies if not _keeps_paths(copy, survey.folder)), None)
    if moved:
        return f"line {moved.instruction.line} copies files to another path"
    return None


def elsewhere_doubt(project: Project, survey: Survey, elsewhere: Iterable[Start]) -> str | None:
    """Whether anything else that runs in the image needs more of the project than its build writes, in words."""
    scripts = project.manifest.scripts if project.manifest else {}
    packages = project.lock.packages if project.lock else ()
    folder = project.start.folder if project.start else ""
    tools = {*_LAUNCHERS, *DEV_RUNNERS, *(package.name for package in packages)}
    for start in elsewhere:
        for words in reachable_commands(start.line, scripts):
            program = words[0].rpartition("/")[2]
            files = [entry_of(words) or ""] if program == "node" else files_in(project.root, " ".join(words))
            paths = (posixpath.normpath(posixpath.join(folder, path)) for path in files)
            written = (within(path, output) for path in paths for output in project.build_outputs)
            if program in tools or (any(files) and not any(written)):
                return f"{start.source} runs `{short(start.text)}` in it"
    return _CRON if has_crontab(survey) else None


def unknown_read(project: Project, folder: str = "") -> str | None:
    """What a source in the folder reads and nothing here tells where it lies, in words, or None."""
    doubts = [(fact, "reads a file whose name is not known") for fact in project.unresolved_reads]
    doubts += [(fact, f"reads {fact.value}, which is not in the folder") for fact in project.absent_reads]
    return next((f"{fact.source} {what}" for fact, what in doubts if fact.source.startswith(folder)), None)


def _script_doubt(project: Project, survey: Survey, system: RuntimeSystem) -> str | None:
    """Whether a script that is started uses more of the project than the command that it is given."""
    copied = (*project.build_outputs, "node_modules", "package.json")
    for path, text in system.scripts:
        if any(_RUNS_MORE.match(line) for line in text.splitlines()):
            return f"{path} runs more of the project than its start command"
        for used in used_by(path, text, survey.folder):
            if used != path and exists(project.root, used) and not any(within(used, folder) for folder in copied):
                return f"{path} uses {used}"
    return None


def _keeps_paths(copy: Copy, folder: str) -> bool:
    """Whether a COPY puts each file at the path it has in the project."""
    if copy.instruction.heredocs:
        return False
    for source in copy.sources:
        source = posixpath.normpath(source.lstrip("/")) if source.strip("/") else "."
        if source == ".":
            same = copy.target == folder
        elif "*" in source or len(copy.sources) > 1 or "." in posixpath.basename(source).lstrip("."):
            same = copy.target in (posixpath.normpath(f"{folder}/{posixpath.dirname(source)}"), f"{folder}/{source}")
        else:
            same = copy.target == f"{folder}/{source}"
        if not same:
            return False
    return bool(copy.sources)


def runtime_set(project: Project, survey: Survey, copied: tuple[str, ...]) -> tuple[str, ...]:
    """What is read beside what is `copied` anyway: folders whole, sorted; nothing that lies inside another."""
    root = project.root
    reads = {
        _folder_of(fact.value) if not is_folder(root, fact.value) else fact.value for fact in project.runtime_paths
    }
    for keyword in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        instruction = survey.last(keyword)
        words = instruction.json or re.split(r"[\s'\"]+", instruction.arguments) if instruction else ()
        for index, word in enumerate(words):
            if index == 0 and "/" not in word:
                continue  # looked up in PATH
            path = posixpath.normpath(word.removeprefix(f"{survey.folder}/"))
            if word and not path.startswith(("/", "..")) and path != "." and exists(root, path):
                reads.add(path)
    reads -= {"package.json", "."}
    wanted = sorted(reads - set(copied))
    return tuple(path for path in wanted if not any(path.startswith(f"{other}/") for other in (*copied, *wanted)))


def _folder_of(path: str) -> str:
    """The folder beside which the file was read may hold more of its kind; a file at the top stands alone."""
    return posixpath.dirname(path) or path
