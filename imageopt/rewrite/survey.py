"""A single-stage Node Dockerfile -> what each instruction is for, in an order that two stages can be made from.

Every instruction ends up in one place: kept for the build, kept for the running image, or dropped with a reason.
One that cannot be placed makes an objection, and with an objection there is no rewrite.
"""

import posixpath
import re
from collections.abc import Iterator
from itertools import dropwhile

from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.dockerfile.pairs import pairs, refers_to
from imageopt.project.app import member_at
from imageopt.rewrite.certificates import brings_certificates, has_certificates
from imageopt.rewrite.commands import (
    Command,
    commands_of,
    install_flags,
    installs_production_only,
    purpose,
    writes_npmrc,
)
from imageopt.rewrite.managers import Manager
from imageopt.rewrite.moves import MANIFESTS, folder_without_workdir, placed, without_moves
from imageopt.rewrite.render import flags_of
from imageopt.rewrite.surveyed import Copy, Step, Survey, short, within
from imageopt.rewrite.workspace import Part, built_by, member_words

_SHIPPED = ("LABEL", "MAINTAINER", "EXPOSE", "STOPSIGNAL", "VOLUME", "HEALTHCHECK", "ENTRYPOINT", "CMD", "ENV", "SHELL")

_ONLY_SAY = ("echo", "ls", "cat", "test", "true")
_HARMLESS = ("/tmp", "/dev/null", "/root/.npm", "/root/.cache", "/usr/bin/env")  # noqa: S108

_SHARES = re.compile(  # modes with which others than the owner may write
    r"[0-7]?[0-7](?:[2367][0-7]|[0-7][2367])|(?=\S*(?:[+=][rxX]*w|=u))(?:[ugoa]*[+=][rwxXstug]+,?)+"
)


def survey(tree: Dockerfile, stage: Stage, manager: Manager, part: Part | None = None) -> Survey:
    """The survey of a stage in a project of that package manager; look at `objections` first.

    `part` is the part of a workspace that the image is for.
    """
    found = Survey()
    implied = folder_without_workdir(tree, stage, manager) if part is None else ""
    for instruction, state in zip((*stage.instructions, None), environments(tree, stage), strict=True):
        if instruction is None:
            found.final_folder = posixpath.normpath(state.workdir or "/")
            found.unnamed = implied != ""
            found.starts_at_root = found.unnamed and found.final_folder == "/"
            found.user = state.user or ""
        else:
            _Reader(found, instruction, state, manager, part, implied).read()
    if found.install is None:
        found.objections.append(f"no RUN of it installs packages with {manager.name}")
    elif found.folder in ("", "/"):
        found.objections.append("it has no WORKDIR: the application would lie in the root folder")
    elif not within(found.final_folder, found.folder) and not found.starts_at_root:
        found.objections.append(f"it installs in {found.folder} and starts in {found.final_folder}")
    else:
        found.objections += _misplaced(found)
    return found


def _misplaced(found: Survey) -> Iterator[str]:
    """What WORKDIR sent to another folder than the application's: the stages have one for all, where it would land."""
    for copied in found.copies:
        line = f"line {copied.instruction.line}"
        if not within(copied.target, found.folder):
            yield f"{line}: it copies to {copied.target}, and the application is in {found.folder}"
        elif copied.counts_from not in ("", found.folder):
            yield f"{line}: its target counts from {copied.counts_from}, not from {found.folder}"


class _Reader:
    """Places one instruction; `implied` is the application's folder where no WORKDIR names one."""

    def __init__(
        self,
        found: Survey,
        instruction: Instruction,
        state: Environment,
        manager: Manager,
        part: Part | None,
        implied: str,
    ) -> None:
        self.found, self.instruction, self.state, self.manager, self.part = found, instruction, state, manager, part
        self.here = posixpath.normpath(state.workdir or "/")
        self.implied = implied
        self.workdir = self.here if self.here != "/" else implied or "/"  # what the stages have for it

    def read(self) -> None:
        match self.instruction.keyword:
            case "ARG":
                self.found.arguments.append(self.instruction)
                self._to_build(Step(self.instruction))
            case "ENV":
                self.found.runtime.append(self.instruction)
                self._environment()
            case "SHELL":
                self.found.runtime.append(self.instruction)
                self._to_build(Step(self.instruction))
            case "WORKDIR":
                self._workdir()
            case "COPY" | "ADD":
                self._copy()
            case "RUN":
                self._run()
            case "USER":
                self.found.user_set = self.instruction  # what it says is in `user`; the build runs as root
                if any(refers_to(self.instruction.arguments, given) for given in self.found.arguments):
                    self._object("its user rests on a build argument")
            case keyword if keyword in _SHIPPED:
                self.found.runtime.append(self.instruction)
            case keyword:
                self._object(f"{keyword} is not understood here")

    def _workdir(self) -> None:
        """Back in the root folder, where each command goes to the application's, the first stage is there already."""
        target = self.state.known(self.instruction.words[0].raw) if self.instruction.words else None
        if not self.implied or target is None or posixpath.normpath(posixpath.join(self.here, target)) != "/":
            self._to_build(Step(self.instruction))
        elif self.here != "/":
            self._to_build(Step(self.instruction, f"WORKDIR {self.implied}"))

    @property
    def _install_folders(self) -> set[str]:
        return {*self.manager.folders, *(posixpath.dirname(name) for name in self.manager.folders if "/" in name)}

    def _object(self, reason: str) -> None:
        self.found.objections.append(f"line {self.instruction.line}: {reason}")

    def _to_build(self, step: Step) -> None:
        (self.found.before_install if self.found.install is None else self.found.build).append(step)

    def _environment(self) -> None:
        """NODE_ENV must not reach the install, or the compiler would not be installed; the build may see it."""
        given = pairs(self.instruction)
        if not any(pair.name == "NODE_ENV" for pair in given):
            self._to_build(Step(self.instruction))
            return
        others = [f"{pair.name}={pair.value}" for pair in given if pair.name != "NODE_ENV" and pair.value is not None]
        if others:
            self._to_build(Step(self.instruction, f"ENV {' '.join(others)}"))
        value = next(pair.value for pair in given if pair.name == "NODE_ENV")
        self.found.build.append(Step(self.instruction, f"ENV NODE_ENV={value}"))

    def _copy(self) -> None:
        instruction = self.instruction
        words = instruction.values
        if instruction.flag("from") is not None:
            self._object("it copies from another image; imageopt cannot tell which C library those files need")
            return
        self._note_group(instruction.flag("chown") or "")
        if len(words) < 2 and not instruction.heredocs:
            self._object("it names no target")
            return
        target = self.state.known(words[-1])
        if target is None:
            self._object("its target rests on a build argument")
            return
        place = posixpath.normpath(posixpath.join(self.here, target))
        if target.endswith("/") or target in (".", "./"):
            place = place.rstrip("/") or "/"
        sources = tuple(words[:-1])
        if any(posixpath.basename(posixpath.normpath(source)) == "node_modules" for source in sources):
            self._object("it copies node_modules from outside of the image")
        if sources and all(posixpath.normpath(source) in self._install_folders for source in sources):
            self.found.manifests.append(instruction)
            return
        if self.workdir != "/" and within(place, self.workdir):
            if self._are_manifests(sources, place):
                self.found.manifests.append(instruction)
                return
            self.found.copies.append(Copy(instruction, sources, place, "" if target.startswith("/") else self.here))
            self.found.build.append(Step(instruction))
        elif place == "/" or (self.here == "/" and not target.startswith("/")):
            self.found.folder = self.found.folder or "/"
            self._object("it copies into the root folder")
        elif not target.startswith("/"):
            self._object(f"its target counts from {self.here}, and lies outside of it")
        else:
            self.found.outside.append(instruction)
            if brings_certificates(instruction):  # an installation may be told to trust them, too
                self._to_build(Step(instruction))

    def _are_manifests(self, sources: tuple[str, ...], place: str) -> bool:
        if self.part is not None and self.found.install is None:
            sources = tuple(posixpath.basename(source) for source in sources)
            place = self.workdir
        return bool(sources) and all(MANIFESTS.fullmatch(source) for source in sources) and place == self.workdir

    def _run(self) -> None:
        commands = commands_of(self.instruction, self.manager.name)
        told = tuple(self._of_members(commands, self.part)) if self.part else commands
        if self.found.install is None:
            told = self._set(told)
        kept = [(command, here) for command, here in self._placed(told) if self._keeps(command, here)]
        if self.here != self.workdir:  # the stages have a WORKDIR for it
            kept = list(dropwhile(lambda each: _only_moves(each[0]) and each[1] == self.workdir, kept))
        while kept and _only_moves(kept[-1][0]):
            kept.pop()
        if not kept:
            return
        self.found.works = True
        flags = flags_of(self.instruction)
        lines = [command.text for command, _ in kept]
        text = None if lines == [command.text for command in commands] else f"RUN {flags}{' && '.join(lines)}"
        only_removes = all(command.purpose == "remove" for command, _ in kept)
        removed = tuple(path for each in kept for path in self._paths(*each)) if only_removes else ()
        self.found.build.append(Step(self.instruction, text, removed))

    def _placed(self, commands: tuple[Command, ...]) -> Iterator[tuple[Command, str]]:
        return placed(commands, self.here, self.state.known)

    def _set(self, commands: tuple[Command, ...]) -> tuple[Command, ...]:
        """Lets what is set for the installation stand before it; what is left of the RUN."""
        settings = [command.text for command in commands if command.purpose == "setting"]
        for command, here in self._placed(commands):
            if command.purpose == "setting" and writes_npmrc(command.text) and here != self.workdir:
                self._object(f"`{short(command.text)}` is run in {here}, where no package is installed")
        if settings:
            text = f"RUN {flags_of(self.instruction)}{' && '.join(settings)}"
            whole = len(settings) == len(commands)
            self.found.before_install.append(Step(self.instruction, None if whole else text))
        return tuple(command for command in commands if command.purpose != "setting")

    def _of_members(self, commands: tuple[Command, ...], part: Part) -> Iterator[Command]:
        """The commands as the workspace's members mean them, those that build all of them narrowed to the part."""
        found = self.found
        inside = posixpath.relpath(self.workdir, found.folder).removeprefix(".") if found.folder else None
        here = member_at(self.workdir, part.members) if inside is None else inside
        for command in commands:
            if command.words[:1] == ("cd",):
                here = posixpath.normpath(posixpath.join(here, *command.words[1:])).removeprefix(f"{found.folder}/")
                yield command
                continue
            own = member_words(command.words, here, part)
            aim = purpose(own, command.text, self.manager.name)
            if aim == "install" and here:
                self._object(f"`{short(command.text)}` installs in the folder of one package of the workspace")
            text = command.text
            if aim == "build":
                built = built_by(command.words, here, part)
                found.members_built |= built.folders
                found.everything = found.everything or built.everything
                if built.text and text.startswith(command.words[0]):  # no variable is set for it
                    text = built.text
            yield Command(text, own, aim)

    def _keeps(self, command: Command, here: str) -> bool:  # noqa: C901 (one case for each purpose)
        """Whether the command goes to the build stage as it is; what it is for is noted in the survey."""
        found = self.found
        beside = self.part is None and here != (found.folder if found.install else self.workdir)
        match command.purpose:
            case "install" if beside and found.install is None:
                self._object(f"`{short(command.text)}` installs in {here} first")
            case "install" | "prune" if beside:
                found.beside.append(command.text)
                return True  # another package's, such as a client's that is built here
            case "install":
                self._install(command, here)
            case "system-install":
                found.system.append((self.instruction, command))
            case "global-install":
                found.globals.append((self.instruction, command))
            case "certificates" if has_certificates(found, self.instruction):
                line = f"{flags_of(self.instruction)}{command.text}"
                found.certificates.append(line)
                self._to_build(Step(self.instruction, f"RUN {line}"))
            case "certificates":
                pass
            case "setting":
                return True
            case "account":
                found.accounts.append(command.text)
            case "clock":
                found.clock.append(command.text)
            case "crontab":
                found.crontabs.append(posixpath.normpath(posixpath.join(here, command.words[1])))
            case "locale":
                found.locale.append(command.text)
            case "folder":
                found.folders += self._paths(command, here)
                made = [path for path in self._paths(command, here) if path != self.workdir]
                return bool(made) and all(self._inside(path) for path in made)
            case "owner":
                return self._owner(command, here)
            case "remove":
                return all(self._inside(path) for path in self._paths(command, here))
            case "build" if _only_moves(command):
                return True
            case "build":
                works = command.words[0] not in _ONLY_SAY
                found.builds = found.builds or (works and bool(found.copies or found.outside))
                if not found.copies and found.install is None and command.words[0] != "echo":
                    self._object(f"it runs `{short(command.text)}` before the sources are there")
                elif outside := self._outside(command):
                    self._object(f"`{short(command.text)}` changes {outside}, outside of the application's folder")
                elif works and not self._inside(here) and not here.startswith(_HARMLESS):
                    self._object(f"`{short(command.text)}` is run in {here}, outside of the application's folder")
                elif found.install is None and (">" in command.text or works):
                    self._object(f"`{short(command.text)}` may make what the installation reads")
                else:
                    return True
            case "foreign-manager":
                self._object(f"it uses {command.words[0]}, and the project {self.manager.name}")
            case "package-change":
                found.builds = found.builds or self._may_build(command)
                self._object(f"`{short(command.text)}` installs something that no lock file pins")
            case "unknown":
                found.builds = found.builds or self._may_build(command)
                self._object(
                    f"imageopt cannot tell whether the running service needs what `{short(command.text)}` does"
                )
            case "prune" | "nothing":
                pass
        return False

    def _may_build(self, command: Command) -> bool:
        """Whether lines of shell that cannot be taken apart may build the application too."""
        body = "\n".join((command.text, *(heredoc.body for heredoc in self.instruction.heredocs)))
        return not command.words and re.search(r"\b(?:run|build|tsc|compile)\b", body) is not None

    def _install(self, command: Command, here: str) -> None:
        found = self.found
        if found.install is not None:  # a second one, such as `npm install --production` after the build
            return
        found.install = self.instruction
        found.folder = self.workdir
        found.install_flags = install_flags(command)
        if here == self.workdir:
            found.install_flags = without_moves(found.install_flags)
        found.production_only = installs_production_only(command)
        if "$" in command.text:
            self._object("it installs with a variable")

    def _owner(self, command: Command, here: str) -> bool:
        """chown of the application becomes `COPY --chown`; chmod inside it is kept, the mode travels with the file."""
        paths = self._paths(command, here)[1:]  # the first is the owner or the mode
        inside = [path for path in paths if self._inside(path)]
        given = next((word for word in command.words[1:] if not word.startswith("-")), "")
        if command.words[0].endswith("chmod"):
            if self.workdir in paths and _SHARES.fullmatch(given):
                self.found.folder_mode = given
            if not inside:
                self.found.modes.append(command.text)
            elif len(inside) != len(paths):
                self._object(f"`{short(command.text)}` is for files in and outside of the application's folder")
            return bool(inside)
        self._note_group(f":{given}" if command.words[0].endswith("chgrp") else given)
        self.found.owned_all = self.found.owned_all or any(within(self.workdir, path) for path in paths if path != "/")
        self.found.folders += [path for path in paths if path not in inside and path != "/"]
        self.found.folders += [path for path in inside if path != self.workdir]
        return False

    def _note_group(self, owner: str) -> None:
        user, colon, group = (self.state.known(owner) or "").partition(":")
        if colon and group:
            self.found.groups[user] = group

    def _outside(self, command: Command) -> str | None:
        words = [word for word in command.words[1:] if re.match(r"/(?!/)", word)]  # `//` begins an address
        words += re.findall(r">>?\s*(/[^\s;&]+)", command.text)
        return next((word for word in words if not self._inside(word) and not word.startswith(_HARMLESS)), None)

    def _inside(self, path: str) -> bool:
        """Whether it lies in the application's folder; before the first WORKDIR there is none."""
        return self.workdir != "/" and within(path, self.workdir)

    def _paths(self, command: Command, here: str) -> list[str]:
        words = [word for word in command.words[1:] if not word.startswith("-")]
        return [posixpath.normpath(posixpath.join(here, word)) for word in words]


def _only_moves(command: Command) -> bool:
    return command.words[:1] == ("cd",) and len(command.words) < 3  # `cd a || b` runs `b`
