"""Fixes that give files their owner while they are copied, instead of storing them a second time.

What surprises: `chown -R` also changes what RUNs wrote into the folder, and the folder itself. So the fix is made only
where COPY alone fills the folder, and a `chown` of the folder, which costs nothing, stays behind.
"""

import posixpath
import re
from collections.abc import Iterator

from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.model import Command, Edit, Instruction
from imageopt.dockerfile.shell import run_commands
from imageopt.dockerfile.tools import Call, call
from imageopt.evidence.variants import split_reference
from imageopt.rewrite.fixes.model import Outcome, Refusal, Site, calls
from imageopt.rewrite.fixes.syntax import keyword_start

_OWNER = re.compile(r"([\w.-]+):([\w.-]+)")
_MODE = re.compile(r"0?[0-7]{3}")
_RECURSIVE = frozenset(("-R", "--recursive"))
_OWN_FOLDER = re.compile(
    r"/(?:app|srv|code|workspace|service|src|data|site|web)(?:/|$)|/opt/.|/usr/src/.|/home/[^/]+/."
)
_BASE_FILES = re.compile(r"/opt/yarn|/usr/src/php")
_OF_BASES = {  # users that official images have
    "node": {"node", "www-data", "nobody"},
    "php": {"www-data", "nobody"},
    "httpd": {"www-data", "nobody"},
    "nginx": {"nginx", "nobody"},
    "debian": {"www-data", "nobody"},
    "ubuntu": {"www-data", "nobody"},
}
_HARMLESS = frozenset(("chown", "chmod", "chgrp", "useradd", "adduser", "groupadd", "addgroup", "apt-get", "apk"))
_MAKE_USERS = ("useradd", "adduser", "groupadd", "addgroup")


def copy_with_owner(site: Site) -> Outcome:
    """`COPY --chown` (or `--chmod`) for what a recursive chown or chmod of the folder did afterwards."""
    commands = site.flat_commands()
    if isinstance(commands, Refusal):
        return commands
    found = [(item, read) for item, read in calls(commands, "chown", "chmod") if read.has("--recursive")]
    if not found:
        return Refusal("nothing is changed recursively here; set the owner and the mode while copying")
    first = commands.index(found[0][0])
    if any((read := call(item)) is None or read.tool not in _HARMLESS for item in commands[:first]):
        return Refusal("an earlier command of this RUN may write there as root")
    edits: list[Edit] = []
    for command, read in found:
        outcome = _one(site, command, read)
        if isinstance(outcome, Refusal):
            return outcome
        edits += outcome
    return tuple(edits)


def chown_for_user(site: Site) -> Outcome:
    """`--chown` with the user that the stage has here."""
    state = site.environment
    user = state.user if state is not None else None
    if site.instruction.keyword != "COPY" or not user or not re.fullmatch(r"[\w.-]+(?::[\w.-]+)?", user):
        return Refusal("the user is not known")
    name = user.partition(":")[0]
    if ":" not in user and not name.isdecimal() and name in _known_users(site, site.instruction, groups=True):
        user = f"{name}:{name}"
    return (_flag(site, site.instruction, f"--chown={user}"),)


def _one(site: Site, command: Command, read: Call) -> tuple[Edit, ...] | Refusal:
    """The edits for one recursive command."""
    state = site.environment
    assert state is not None
    if len(read.operands) != 2 or read.prefixes or read.options.keys() > {"--recursive"}:
        return Refusal("it is more than an owner or a mode for one folder")
    value, folder = read.operands[0].value, _resolved(state, read.operands[1].value)
    word = next((word for word in command.words if word.raw in _RECURSIVE), None)
    if folder is None or word is None:
        return Refusal("the folder is not known")
    wanted = _wanted(site, read.tool, value)
    if isinstance(wanted, Refusal):
        return wanted
    copies = _copies_alone(site, folder)
    if isinstance(copies, Refusal):
        return copies
    if read.tool == "chown":
        unknown = {*value.split(":")} - _known_users(site, copies[0], groups=True)
        if any(not name.isdecimal() for name in unknown):
            return Refusal(f"{min(unknown)} may not be there yet when the files are copied")
    following = command.words[command.words.index(word) + 1]
    flags = tuple(_flag(site, copy, wanted) for copy in copies)
    return (*flags, Edit(word.start, following.start, ""))


def _wanted(site: Site, tool: str, value: str) -> str | Refusal:
    """The flag of COPY that stands for the command's first operand."""
    if tool == "chown":
        return f"--chown={value}" if _OWNER.fullmatch(value) else Refusal("it names no user with a group")
    if not site.dockerfile.directives.get("syntax", "").startswith("docker/dockerfile:1"):
        return Refusal("--chmod needs BuildKit; say so with `# syntax=docker/dockerfile:1`")
    return f"--chmod={value}" if _MODE.fullmatch(value) else Refusal("the mode depends on the one there is")


def _copies_alone(site: Site, folder: str) -> list[Instruction] | Refusal:
    """The COPYs that fill the folder; a refusal where anything else may have put files there."""
    if not _OWN_FOLDER.match(folder) or _BASE_FILES.match(folder):
        return Refusal(f"the base image may have files in {folder}")
    if _in_base(site, folder):
        return Refusal(f"the base image has files in {folder}")
    found: list[Instruction] = []
    for instruction, state in _before(site):
        if instruction.keyword == "RUN":
            within = state.workdir is not None and _below(state.workdir, folder)
            if within or folder in instruction.arguments or any(folder in body.body for body in instruction.heredocs):
                return Refusal(f"line {instruction.line} may write there too, and its files would keep their owner")
        elif instruction.keyword in ("COPY", "ADD") and instruction.words:
            target = _resolved(state, instruction.words[-1].value)
            if target is None or (target != folder and _below(folder, target)):
                return Refusal(f"where line {instruction.line} copies to is not known, or is above {folder}")
            if _below(target, folder):
                if instruction.keyword == "ADD" or {"chown", "chmod"} & {flag.name for flag in instruction.flags}:
                    return Refusal(f"line {instruction.line} sets owners itself, or may unpack an archive")
                found.append(instruction)
    return found or Refusal(f"no COPY fills {folder} in this file")


def _before(site: Site) -> Iterator[tuple[Instruction, Environment]]:
    """The instructions above the finding's, of its stage and those it is built on, with what they meet."""
    assert site.stage is not None
    chain = [site.stage]
    while chain[0].parent is not None:
        chain.insert(0, site.dockerfile.stages[chain[0].parent])
    for stage in chain:
        for instruction, state in zip(stage.instructions, environments(site.dockerfile, stage), strict=False):
            if instruction is site.instruction:
                return
            yield instruction, state


def _known_users(site: Site, instruction: Instruction, *, groups: bool) -> set[str]:
    """The names of users, and of groups, that are there when the instruction runs."""
    assert site.stage is not None
    root = site.stage
    while root.parent is not None:
        root = site.dockerfile.stages[root.parent]
    base = split_reference(root.base or "")[0].removeprefix("docker.io/").removeprefix("library/")
    found = {"root", *_OF_BASES.get(base, ())} - ({"nobody"} if groups else set())
    for above, _ in _before(site):
        if above.start < instruction.start and above.keyword == "RUN":
            for _, read in calls(run_commands(above), *_MAKE_USERS):
                found |= {word.value for word in read.operands}
    return found


def _in_base(site: Site, folder: str) -> bool:
    image, layers = site.evidence.image, site.evidence.base.layers
    if image is None or layers is None:
        return False
    prefix = f"{folder.strip('/')}/"
    return any(record.birth < layers and record.path.startswith(prefix) for record in image.files)


def _flag(site: Site, instruction: Instruction, flag: str) -> Edit:
    place = keyword_start(site.dockerfile, instruction) + len(instruction.raw_keyword)
    return Edit(place, place, f" {flag}")


def _resolved(state: Environment, path: str) -> str | None:
    """The absolute path; None where a variable, a pattern or an unknown WORKDIR is in it."""
    if re.search(r"[$*?\[~]", path) or (not path.startswith("/") and state.workdir is None):
        return None
    return "/" + posixpath.normpath(posixpath.join(state.workdir or "/", path)).lstrip("/")


def _below(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")
