"""Whom the service runs as, and which folders it must own: those it writes to, and no more.

Without its folders a service that leaves root behind fails with EACCES at the first write, so an unknown write gives
it the whole application folder (the folder itself, which costs no bytes).
"""

import posixpath
import re
from collections.abc import Iterator

from imageopt.project.app import app_manifest
from imageopt.project.model import Project
from imageopt.project.start import start_commands
from imageopt.rewrite.development import starts_what_writes
from imageopt.rewrite.downloads import browsers
from imageopt.rewrite.ground import Account
from imageopt.rewrite.moves import moved_to
from imageopt.rewrite.render import owner
from imageopt.rewrite.scheduled import has_crontab
from imageopt.rewrite.surveyed import Survey
from imageopt.rewrite.system import RuntimeSystem, programs_in

_CHANGES_USER = re.compile(r"\b(?:gosu|su-exec|setpriv|chown|runuser|su)\b")
_WRITES = re.compile(
    r"""(?<![=<>-])>>?\s*(?!/dev/|/tmp/|/proc/)["']?[\w./$]|\bsed\s+-\w*i|\b(?:mkdir|touch|cp|mv|ln|tee|install)\s"""
)
_BEGIN_AS_ROOT = {"cron", "crond", "supervisord", "s6-svscan", "runsvdir", "sshd", "nginx", "dockerd", "init"}
_STANDARD = {f"/var/{name}" for name in ("cache", "lib", "local", "log", "mail", "opt", "run", "spool", "tmp", "www")}
_PROTECTED = ("/etc", "/usr", "/bin", "/sbin", "/lib", "/proc", "/sys", "/dev", "/boot", "/root")


def service_user(project: Project, found: Survey, account: Account, system: RuntimeSystem) -> str:
    """The user: the original's own, else `node`; empty where it must stay root. Raises Unsafe for an odd name."""
    if found.user and found.user.split(":")[0] not in ("root", "0"):
        return owner(found.user)
    exposed = [port for item in found.runtime if item.keyword == "EXPOSE" for port in item.arguments.split()]
    numbers = [re.match(r"\d+", port) for port in (*(fact.value for fact in project.ports), *exposed)]
    low = next((number[0] for number in numbers if number and int(number[0]) < 1024), None)
    protected = next((fact for fact in project.writable_paths if fact.value.startswith(_PROTECTED)), None)
    changing = next((path for path, text in system.scripts if _CHANGES_USER.search(text)), None)
    writing = next((path for path, text in system.scripts if _WRITES.search(re.sub(r"(?m)^\s*#.*", "", text))), None)
    starting = any(_WRITES.search(line) for line in _start_lines(project))
    begins = min(_begun(found) & _BEGIN_AS_ROOT, default="")
    if changing:
        account.refuse("run-as-node", f"{changing} begins as root on purpose")
    elif writing:
        account.refuse("run-as-node", f"{writing} writes files when the container starts")
    elif starting:
        account.refuse("run-as-node", "its start command writes files")
    elif begins:
        account.refuse("run-as-node", f"it starts {begins}, which begins as root")
    elif has_crontab(found):
        account.refuse("run-as-node", "cron, which it gives jobs to, begins as root")
    elif low:
        account.refuse("run-as-node", f"it listens on port {low}, which outside of Docker only root may")
    elif protected:
        account.refuse("run-as-node", f"it writes to {protected.value} ({protected.source})")
    elif found.starts_at_root and not _goes_to_its_folder(found) and writes_where_it_starts(project):
        account.refuse("run-as-node", f"it is started in {found.final_folder}, and may write there")
    elif browser := next(browsers(project, found), None):
        account.refuse("run-as-node", browser)
    elif found.accounts:
        account.refuse("run-as-node", "the Dockerfile makes an account of its own and does not use it")
    else:
        where = ", ".join("its folder" if fact.value == "." else fact.value for fact in project.writable_paths)
        writes = f"writes only to {where}" if where else "writes to no folder that is known"
        listens = "listens above port 1023" if any(numbers) else "listens on no port that is known"
        account.done["run-as-node"] = f"it needs no privilege: it {listens} and {writes}"
        return "node"
    return ""


def writes_where_it_starts(project: Project) -> bool:
    """Whether it may write to the folder that it is started in: `./out.txt` is a file of that one."""
    return bool(project.unresolved_writes) or any(not fact.value.startswith("/") for fact in project.writable_paths)


def _goes_to_its_folder(found: Survey) -> bool:
    """Whether the command that the image starts goes to the application's folder first."""
    item = found.last("CMD")
    words = (item.json or tuple(item.arguments.split())) if item else ()
    line = " ".join(words[2:] if words[1:2] == ("-c",) else words)
    return moved_to(words) == found.folder or re.match(rf"cd {re.escape(found.folder)}/?\s*(?:&&|;)", line) is not None


def owner_of(user: str, found: Survey, known: str) -> str:
    """Whom the files belong to, with the group that they had: OpenShift starts any user, but always in the group 0.

    `known` is the user of the base image, whose group has its name.
    """
    if not user or ":" in user:
        return user
    last = found.groups.get("", "")
    shared = next((group for group in (last, *found.groups.values()) if group in ("0", "root")), "")
    group = shared or found.groups.get(user) or last or (user if user == known else "")
    return owner(f"{user}:{group}" if group else user)


def _start_lines(project: Project) -> Iterator[str]:
    """What the start command runs, through package.json's scripts, each command as a line."""
    manifest = app_manifest(project)
    scripts = manifest.scripts if manifest else {}
    yield from map(" ".join, start_commands(project.start, scripts) if project.start else ())


def _begun(found: Survey) -> set[str]:
    """The programs in ENTRYPOINT and CMD."""
    items = (found.last(keyword) for keyword in ("ENTRYPOINT", "CMD"))
    return set().union(*(programs_in(" ".join(item.json or (item.arguments,))) for item in items if item))


def writable(project: Project, found: Survey) -> list[str]:
    """Folders to make, relative to the application's folder or absolute, parents first."""
    paths = {fact.value for fact in project.writable_paths if not fact.value.startswith(_PROTECTED)}
    paths |= {*found.folders, *_volumes(found)}
    relative = {_relative(found, path) for path in paths}
    made = {path for path in relative if path not in (".", "/") and not path.startswith("..")}
    return sorted(made | {parent for path in made for parent in _parents(path)})


def owned(project: Project, found: Survey, user: str) -> list[str]:
    """What the service's user may write to; the whole folder only where it may write anywhere in it."""
    if not user:
        return []
    anywhere = bool(project.unresolved_writes)
    anywhere = anywhere or any(_relative(found, fact.value) == "." for fact in project.writable_paths)
    anywhere = anywhere or starts_what_writes(project)
    anywhere = anywhere or (found.owned_all and user == found.user)  # as it could before
    return [".", *writable(project, found)] if anywhere else writable(project, found)


def _volumes(found: Survey) -> list[str]:
    items = [item for item in found.runtime if item.keyword == "VOLUME"]
    return [path for item in items for path in item.json or item.arguments.split() if "$" not in path]


def _relative(found: Survey, path: str) -> str:
    folder = found.folder
    return posixpath.normpath("." if path == folder else path.removeprefix(f"{folder}/"))


def _parents(path: str) -> list[str]:
    """The folders above it that `mkdir -p` would make too; those at the top of the system are there already."""
    parts = path.split("/")
    least = 3 if path.startswith("/") else 1
    return [path for count in range(least, len(parts)) if (path := "/".join(parts[:count])) not in _STANDARD]
