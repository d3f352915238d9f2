"""The second stage: what the original declared, the files that run, their owner, the user, the start command.

Every instruction of the original that says something about the running container is kept as written, or changed on
purpose with a reason in the account.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator

from imageopt.dockerfile.model import Instruction
from imageopt.dockerfile.pairs import pairs, refers_to
from imageopt.project.model import Project, StartCommand
from imageopt.project.scripts import called_script
from imageopt.rewrite.certificates import PACKAGE, brings_certificates, lacks_updater
from imageopt.rewrite.development import chooses
from imageopt.rewrite.global_tools import installed_again
from imageopt.rewrite.ground import Account, Ground, comments_of
from imageopt.rewrite.health import needs_program, with_node
from imageopt.rewrite.ownership import owned, writable
from imageopt.rewrite.render import Unsafe, assignment, copy, exec_form, flags_of, with_flags, word
from imageopt.rewrite.runtime_base import made_for_openssl
from imageopt.rewrite.surveyed import Survey
from imageopt.rewrite.system import newly_installed
from imageopt.rewrite.workspace import member_words

_COMMAND = ("EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD")


def running_stage(ground: Ground, account: Account) -> dict[str, object]:
    """The template's values for the second stage."""
    found = ground.found
    final = found.folder if ground.layout.start and found.starts_at_root else found.final_folder
    locale = [f"RUN {' && '.join(found.locale)}"] if found.locale else []
    names_variable = any("$" in line for line in locale)
    head = [item for item in found.runtime if _is_head(ground, item)]
    system = [
        *(ground.kept(item) for item in found.outside if _is_early(ground, item)),
        *_installs(ground),
        *_zones(ground),
        *_openssl(ground),
        *_certificates(ground),
        *([] if names_variable else locale),
        *(_with_cache(ground, line) for line in installed_again(ground)),
        *([f"RUN {' && '.join(found.accounts)}"] if found.accounts else []),
    ]
    copies = _copies(ground, account)
    tail = [
        *(ground.kept(item) for item in found.outside if not _is_early(ground, item)),
        *([f"RUN {' && '.join(found.modes)}"] if found.modes else []),
        *(ground.kept(item) for item in found.runtime if _is_tail(ground, item)),
        *(f"RUN crontab {word(path)}" for path in found.crontabs),
        *(locale if names_variable else []),
        *([f"RUN {' && '.join(found.clock)}"] if found.clock else []),  # after the variable that it may name
    ]
    command = _command(ground, account)
    return {
        "image": ground.bases.runtime,
        "name": ground.stage.name or "",
        "head": with_arguments(ground, head, (*system, *copies, *tail, *command)),
        "sets_node_env": "NODE_ENV" not in env_names(ground) and ground.runner is None and not chooses(ground.project),
        "system": system,
        "writable": " ".join(map(word, writable(ground.project, found))),
        "owned": " ".join(map(word, owned(ground.project, found, ground.user))),
        "owner": ground.owner,
        "folder_mode": found.folder_mode,
        "copies": copies,
        "final_folder": word(final) if final != found.folder else "",
        "tail": tail,
        "user": ground.user,
        "above_user": comments_of(ground.tree, found.user_set) if found.user_set else "",
        "command": command,
    }


def _installs(ground: Ground) -> Iterator[str]:
    """The system's packages, each line under the comments of the one that it stands for."""
    above = None
    for run, line in ground.system.installs:
        yield ground.commented(run, line) if run is not above else line
        above = run


def _zones(ground: Ground) -> Iterator[str]:
    """What brings the time zones to another image than the original's, where one is set: a few megabytes at most."""
    swapped = ground.bases.runtime != ground.stage.from_instruction.words[0].raw
    if ground.found.clock and swapped and "tzdata" not in ground.system.packages:
        yield newly_installed(ground.bases.kind, "tzdata")


def _openssl(ground: Ground) -> Iterator[str]:
    """The OpenSSL that an engine was chosen by in the full image."""
    swapped = ground.bases.runtime != ground.stage.from_instruction.words[0].raw
    if swapped and made_for_openssl(ground.project) and "openssl" not in ground.system.packages:
        yield newly_installed(ground.bases.kind, "openssl")


def _certificates(ground: Ground) -> Iterator[str]:
    """What adds to the certificates that the system trusts, and its program where the image lacks it."""
    found = ground.found
    if found.certificates and lacks_updater(ground.bases.kind) and PACKAGE not in ground.system.packages:
        yield newly_installed(ground.bases.kind, PACKAGE)
    yield from (f"RUN {line}" for line in found.certificates)


def _is_early(ground: Ground, item: Instruction) -> bool:
    """Whether a COPY brings a certificate that what is installed below it may need."""
    return bool(ground.found.certificates) and brings_certificates(item)


def _with_cache(ground: Ground, line: str) -> str:
    """The RUN for an installation by npm whose downloads do not stay in the image."""
    if ground.builders.mounts:
        return f"RUN --mount=type=cache,target=/root/.npm {line}"
    return f"RUN {line} && npm cache clean --force"


def env_names(ground: Ground) -> set[str]:
    """The variables that the original sets."""
    return {pair.name for item in ground.found.runtime if item.keyword == "ENV" for pair in pairs(item)}


def with_arguments(ground: Ground, head: Iterable[Instruction], below: Iterable[str]) -> list[str]:
    """The head of the running image, with the ARGs that it and the lines below it name: no stage knows another's.

    An ARG may name another in its turn, or an ENV, that stands above it.
    """
    kept = list(head)
    naming = " ".join((*(item.arguments for item in kept), *below))
    for item in reversed(ground.found.arguments):
        if refers_to(naming, item):
            kept.append(item)
            naming += f" {item.arguments}"
    return [ground.kept(item) for item in sorted(kept, key=lambda item: item.start)]


def _is_head(ground: Ground, item: Instruction) -> bool:
    first = min((copied.instruction.start for copied in ground.found.copies), default=0)
    return item.start < first and item.keyword not in (*_COMMAND, "VOLUME")


def _is_tail(ground: Ground, item: Instruction) -> bool:
    return not _is_head(ground, item) and item.keyword not in _COMMAND


def _copies(ground: Ground, account: Account) -> list[str]:
    folder, stage = ground.found.folder, f"--from={ground.build_name}"
    chown = [f"--chown={ground.owner}"] if ground.owner else []
    if ground.owner:
        account.done["copy-chown"] = "files get their owner while they are copied, not in a second copy of them"
    if ground.layout.mode == "whole":
        return [copy([folder], "./", stage, *chown)]
    if ground.layout.mode == "output":
        return [copy([f"{folder}/{source}"], target, stage, *chown) for source, target in ground.layout.moves]
    lock = ground.project.lock
    lines = []
    if lock and any(ground.runner or not package.dev for package in lock.packages):
        lines.append(copy([f"{folder}/node_modules"], "./node_modules", stage, *chown))
    if ground.layout.mode == "narrow":
        lines.append(copy([f"{folder}/package.json"], "./", stage, *chown))
        return lines + [copy([f"{folder}/{path}"], f"./{path}", stage, *chown) for path in ground.layout.paths]
    if not any(_brings_manifest(copied.sources) for copied in ground.found.copies):
        lines.append(copy(["package.json"], "./", *chown))
    return lines + [_owned_copy(ground, copied.instruction) for copied in ground.found.copies]


def _brings_manifest(sources: tuple[str, ...]) -> bool:
    return any(posixpath.normpath(source) in (".", "package.json", "package*.json") for source in sources)


def _owned_copy(ground: Ground, instruction: Instruction) -> str:
    """The COPY as written, with an owner where it has none."""
    text = ground.kept(instruction)
    if not ground.owner or instruction.flag("chown") is not None:
        return text
    return with_flags(instruction, text, f"--chown={ground.owner}")


def _command(ground: Ground, account: Account) -> list[str]:
    """EXPOSE, HEALTHCHECK, ENTRYPOINT and CMD in the order they had."""
    lines: list[str] = []
    for item in ground.found.runtime:
        if item.keyword == "EXPOSE":
            lines.append(ground.kept(item))
        elif item.keyword in _COMMAND and item is ground.found.last(item.keyword):
            lines += _start(ground, account, item) if item.keyword == "CMD" else [_probe(ground, account, item)]
    return lines


def _probe(ground: Ground, account: Account, item: Instruction) -> str:
    """The ENTRYPOINT as it is; a HEALTHCHECK that calls what the new image lacks, asked with Node."""
    program = needs_program(item) if item.keyword == "HEALTHCHECK" else None
    translated = with_node(item) if program else None
    if translated is None or ground.bases.kind == "full" or program in ground.system.packages:
        return ground.kept(item)
    account.notes.append(f"the HEALTHCHECK asks with Node now, for the image no longer holds {program}")
    flags = flags_of(item)
    return ground.commented(item, f"HEALTHCHECK {flags}{translated}")


def bare_start(project: Project, found: Survey, scripts: Iterable[tuple[str, str]]) -> StartCommand | str:
    """The plain node command that CMD stands for, or why it must stay; `scripts` are those that the image starts."""
    start, entrypoint = project.start, found.last("ENTRYPOINT")
    if entrypoint and not _passes_on(entrypoint, scripts):
        return "the ENTRYPOINT decides what it means"
    if start is None or start.argv is None:
        return start.reason if start else "there is no start command"
    if not start.handles_sigterm:
        return "the service has no handler for SIGTERM, and as process 1 it would not stop when asked"
    return start


def changed_folder(found: Survey, start: StartCommand) -> tuple[str, ...]:
    """The WORKDIR in which the bare command must be started, where its launcher changed the folder."""
    where = posixpath.normpath(posixpath.join(found.folder, start.folder))
    stands = where == found.final_folder or found.final_folder.endswith(f"/{start.folder}")
    return (f"WORKDIR {word(where)}",) if start.folder and not stands else ()


def start_reason(cmd: Instruction) -> str:
    """Why the bare command means the same as this CMD."""
    return f"`{' '.join(cmd.json or (cmd.arguments,))}` is one plain node command, and it handles SIGTERM itself"


def is_bare(cmd: Instruction) -> bool:
    """Whether CMD is a list that begins with node."""
    return cmd.json is not None and cmd.json[:1] != () and cmd.json[0].rpartition("/")[2] == "node"


def _passes_on(entrypoint: Instruction, scripts: Iterable[tuple[str, str]]) -> bool:
    """Whether the ENTRYPOINT runs any CMD as it is given: the script of the Node image, or one that ends as it does."""
    script = next((text for path, text in scripts if entrypoint.json and path in entrypoint.json[0]), None)
    if script is None:
        return entrypoint.json == ("docker-entrypoint.sh",)
    return re.search(r'^exec "\$@"\s*\Z', script, re.MULTILINE) is not None and not re.search(r"\$1|npm", script)


def _started(ground: Ground, account: Account, item: Instruction) -> list[str]:
    """The framework's own server in the place of its launcher."""
    account.done["exec-form-start"] = f"`{' '.join(ground.layout.start)}` is what the framework's build leaves to start"
    given = [assignment(name, value) for name, value in ground.layout.environment]
    command = ground.commented(item, f"CMD {exec_form(ground.layout.start)}")
    return [f"ENV {' '.join(given)}", command] if given else [command]


def _start(ground: Ground, account: Account, item: Instruction) -> list[str]:
    """CMD: in exec form with the bare command where that means the same, else as it is."""
    if ground.layout.start:
        return _started(ground, account, item)
    if is_bare(item):
        return [ground.kept(item)]
    start = bare_start(ground.project, ground.found, ground.system.scripts)
    if isinstance(start, str):
        account.refuse("exec-form-start", start)
        return _launched(ground, account, item)
    account.done["exec-form-start"] = start_reason(item)
    sets = {pair.name: pair.value for item in ground.found.runtime if item.keyword == "ENV" for pair in pairs(item)}
    sets.setdefault("NODE_ENV", "production" if ground.runner is None else None)  # by the template
    given = [assignment(name, value) for name, value in start.environment if sets.get(name) != value]
    command = ground.commented(item, f"CMD {exec_form(start.argv or ())}")
    return [*changed_folder(ground.found, start), *([f"ENV {' '.join(given)}"] if given else []), command]


def _launched(ground: Ground, account: Account, item: Instruction) -> list[str]:
    """CMD with the launcher it had; npm runs the script in the place of a manager that only the first stage has.

    Raises Unsafe where the command is no script that npm could run.
    """
    words = item.json or tuple(item.arguments.split())
    tool = ground.manager
    if not tool.setup or not words or words[0].rpartition("/")[2] not in (tool.name, f"{tool.name}x"):
        return [ground.kept(item)]
    start = ground.project.start
    called = called_script(member_words(words, start.folder if start else "", ground.part) if ground.part else words)
    if start is None or called is None:
        raise Unsafe(f"the service is started with {tool.name}, which only the first stage would have")
    account.notes.append(f"npm runs the script {called} now, for the image no longer holds {tool.name}")
    command = ground.commented(item, f"CMD {exec_form(('npm', 'run', called))}")
    return [*changed_folder(ground.found, start), command]
