"""What the running service needs of the operating system: packages, programs, shells.

A package is left to the discarded stage only if it is a compiler, a header or a tool for people, and neither the
source nor a script that the image starts calls it. Everything else comes along.
"""

import posixpath
import re
from collections.abc import Collection, Sequence

from msgspec import Struct

from imageopt.dockerfile.ignore import parse_ignore
from imageopt.dockerfile.model import Instruction
from imageopt.project.files import exists, read_text
from imageopt.project.model import Project
from imageopt.rewrite.commands import system_packages
from imageopt.rewrite.elsewhere import Start
from imageopt.rewrite.process_manager import managed_lines
from imageopt.rewrite.surveyed import Survey

_FOR_BUILDING = re.compile(
    r"build-essential|build-base|(?:gcc|g\+\+|clang|llvm|cpp)(?:[-\d.].*)?|c?make|autoconf|automake|libtool|pkg-?config|pkgconf"
    r"|python[\d.]*(?:-.*)?|py3-.*|git(?:-.*)?|gdb|valgrind|strace|ltrace|vim.*|nano|emacs.*|less|htop|tree|jq|man-db|curl|wget"
    r"|unzip|zip|bzip2|xz-utils|rsync|openssh-client|net-tools|iputils-ping|iproute2|telnet|dnsutils|bind-tools|netcat.*|nmap"
    r"|tcpdump|lsof|procps|psmisc|screen|tmux|sudo|gnupg\d?|lsb-release|software-properties-common|apt-transport-https|apt-utils"
    r"|dialog|clang-format|postgresql-client.*|(?:default-)?mysql-client|mariadb-client|redis-tools|ca-certificates|linux-headers"
    r"|.*-(?:doc|dbg)"
)
_PROGRAMS = {
    "postgresql-client": ("psql", "pg_dump", "pg_restore", "pg_isready"),
    "default-mysql-client": ("mysql", "mysqldump", "mysqladmin"),
    "mariadb-client": ("mysql", "mysqldump", "mariadb"),
    "redis-tools": ("redis-cli",),
    "openssh-client": ("ssh", "scp"),
    "procps": ("ps", "pgrep", "pkill", "free"),
    "iputils-ping": ("ping",),
    "dnsutils": ("dig", "nslookup"),
    "python3-pip": ("pip3", "pip"),
    "gnupg": ("gpg",),
    "xz-utils": ("xz",),
    "ca-certificates": ("update-ca-certificates",),
    "netcat-openbsd": ("nc",),
}
_BASH = re.compile(
    r"^#!.*\bbash\b|\[\[|^\s*(?:source|declare|shopt|mapfile)\s|=\(|<<<|^function\s|\$\{\w+(?:\^|,,|//)", re.MULTILINE
)
_STARTS = ("ENTRYPOINT", "CMD", "HEALTHCHECK")
_PATH = re.compile(r"[\w.@-]*[./][\w./@-]+")
_IN_BIN = re.compile(r"(?<![\w.$-])(?:/usr)?(?:/local)?/s?bin/([\w.+-]+)")
_WORD = re.compile(r"(?<![\w./$-])([a-z][\w+.-]*)(?![\w-])")


class RuntimeSystem(Struct, frozen=True):
    """`packages` the running image must have, `programs` that it starts.

    `installs` are the RUN lines for the packages, each with the instruction that it stands for.
    """

    packages: tuple[str, ...]
    installs: tuple[tuple[Instruction, str], ...]
    programs: frozenset[str]
    scripts: tuple[tuple[str, str], ...]  # path and text of the shell scripts that the image starts
    bash_scripts: tuple[str, ...]
    lines: tuple[str, ...] = ()  # of those scripts, comments left out, and what a process manager's file starts
    elsewhere: tuple[Start, ...] = ()  # what compose files and manifests start in the image


def runtime_system(project: Project, survey: Survey, elsewhere: tuple[Start, ...] = ()) -> RuntimeSystem:
    """What of the system the running service needs, and what is started `elsewhere` in its image."""
    scripts = _scripts(project, survey)
    programs = {fact.value.rpartition("/")[2] for fact in project.programs}
    started = (project.start.script,) if project.start and project.start.argv is None else ()
    texts = (
        *scripts.values(),
        *_command_lines(survey),
        *started,
        *(start.text for start in elsewhere if not start.probes),
    )
    for text in texts:
        programs |= programs_in(text)
    needed = programs | ({"update-ca-certificates"} if survey.certificates else set())
    packages: list[str] = []
    installs: list[tuple[Instruction, str]] = []
    for run, command in survey.system:
        kept = [name for name in system_packages(command) if at_run_time(name, needed)]
        if kept:
            packages += kept
            installs.append((run, install_line(command.words, kept)))
    bash = tuple(name for name, text in sorted(scripts.items()) if _BASH.search(text))
    lines = tuple(
        line for text in scripts.values() for line in map(str.strip, text.splitlines()) if line and line[0] != "#"
    )
    managed = managed_lines(project, (line for text in texts for line in text.splitlines()), survey.folder)
    return RuntimeSystem(
        tuple(sorted(set(packages))),
        tuple(installs),
        frozenset(programs),
        tuple(scripts.items()),
        bash,
        (*lines, *managed),
        elsewhere,
    )


def programs_in(text: str) -> set[str]:
    """The words of a command line or script that may be programs."""
    return {*_WORD.findall(text), *_IN_BIN.findall(text)}


def at_run_time(package: str, programs: Collection[str]) -> bool:
    """Whether a service that starts these programs needs the package: all but what only builds or helps people."""
    if not _FOR_BUILDING.fullmatch(package):
        return True
    named = {package, *_PROGRAMS.get(package, ()), re.sub(r"[\d.]+$", "", package)}
    return any(name in programs for name in named)


def install_line(command: Sequence[str], kept: Collection[str]) -> str:
    """The RUN that installs the kept packages, recommended ones as the original had it, and leaves no list behind."""
    words = [word for word in command[1:] if re.split(r"[=<>~/]", word)[0] in kept]
    if command[0].endswith("apk"):
        return f"RUN apk add --no-cache {' '.join(words)}"
    flag = "--no-install-recommends " if "--no-install-recommends" in command else ""
    return f"RUN apt-get update && apt-get install -y {flag}{' '.join(words)} && rm -rf /var/lib/apt/lists/*"


def newly_installed(kind: str, package: str) -> str:
    """The RUN that installs a package, of one name on both, on an image of this kind."""
    installs = ("apk", "add") if kind == "alpine" else ("apt-get", "--no-install-recommends")
    return install_line((*installs, package), (package,))


def _scripts(project: Project, survey: Survey) -> dict[str, str]:
    """The shell scripts that the image starts or copies outside of the application, and those that they call: texts."""
    start = project.start
    lines = [" ".join(item.values[:-1]) for item in survey.outside]
    lines += [" ".join(item.values) for keyword in _STARTS if (item := survey.last(keyword))]
    lines += [start.script] if start and start.argv is None else []
    waiting = dict.fromkeys(path for line in lines for path in paths_in(line, survey.folder))
    found: dict[str, str] = {}
    while waiting:
        path = waiting.popitem()[0]
        text = read_text(project.root, path) if path not in found else None
        if text and (text.startswith("#!") or path.endswith(".sh")) and "node" not in text.partition("\n")[0]:
            found[path] = text
            waiting |= dict.fromkeys(used_by(path, text, survey.folder))
    return dict(sorted(found.items()))


def files_of_scripts(project: Project, system: RuntimeSystem, folder: str) -> set[str]:
    """The files of the build context that the started scripts name."""
    ignored = parse_ignore(project.dockerignore or "")
    named = {used for path, text in system.scripts for used in used_by(path, text, folder)}
    return {path for path in named if exists(project.root, path) and not ignored.excludes(path)}


def used_by(script: str, text: str, folder: str) -> tuple[str, ...]:
    """What may be a file of the project in a script: by its path, or beside the script (`$(dirname "$0")/env.sh`)."""
    named = paths_in(text, folder)
    beside = posixpath.dirname(script)
    return tuple(dict.fromkeys((*named, *(posixpath.join(beside, posixpath.basename(path)) for path in named))))


def paths_in(text: str, folder: str) -> tuple[str, ...]:
    """The words that may be paths, relative to the project, which lies in `folder`."""
    found = (word.removeprefix(f"{folder}/").lstrip("/") for word in _PATH.findall(text))
    paths = map(posixpath.normpath, found)
    return tuple(path for path in paths if not path.startswith(".") or path.startswith(".env"))


def _command_lines(survey: Survey) -> tuple[str, ...]:
    """ENTRYPOINT and CMD as text; a HEALTHCHECK is judged on its own."""
    found = (survey.last(keyword) for keyword in ("ENTRYPOINT", "CMD"))
    return tuple(" ".join(item.values) for item in found if item)
