"""Survey, project and target -> the values of the two-stage template, and what was done and refused on the way.

Everything about the new Dockerfile is decided here; the template only orders it. What a value says was either in the old
file, or is a checked word from the project.
"""

import posixpath
import re
from dataclasses import dataclass

from imageopt.dockerfile.model import Dockerfile, Instruction, Stage
from imageopt.dockerfile.pairs import pairs
from imageopt.project.files import exists, read_text
from imageopt.project.model import Project
from imageopt.project.scripts import reachable_commands
from imageopt.project.start import DEV_RUNNERS
from imageopt.rewrite.base_image import BaseImage
from imageopt.rewrite.health import needs_program, with_node
from imageopt.rewrite.layout import Layout, layout
from imageopt.rewrite.lifecycle import install_inputs
from imageopt.rewrite.model import Refused
from imageopt.rewrite.render import assignment, copy, exec_form, owner, word
from imageopt.rewrite.runtime_base import Bases, choose
from imageopt.rewrite.survey import Step, Survey
from imageopt.rewrite.system import RuntimeSystem, runtime_system

_PROTECTED = ("/etc", "/usr", "/bin", "/sbin", "/lib", "/proc", "/sys", "/dev", "/boot", "/root")
_COMMAND = ("EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD")


@dataclass(frozen=True, slots=True)
class Plan:
    """`values` for the template, `done` as transform -> reason, `needed` paths of the context, notes for the user."""

    values: dict[str, object]
    done: dict[str, str]
    refusals: tuple[Refused, ...]
    needed: tuple[str, ...]
    notes: tuple[str, ...]


def make_plan(project: Project, tree: Dockerfile, stage: Stage, base: BaseImage, found: Survey, target: str) -> Plan:
    """The plan for a Dockerfile that the survey has no objection to. Raises Unsafe for values without a safe spelling."""
    return _Planner(project, tree, stage, base, found, target).plan()


class _Planner:
    def __init__(
        self, project: Project, tree: Dockerfile, stage: Stage, base: BaseImage, found: Survey, target: str
    ) -> None:
        self.project, self.tree, self.stage, self.found = project, tree, stage, found
        self.done: dict[str, str] = {}
        self.refusals: list[Refused] = []
        self.notes: list[str] = []
        self.system: RuntimeSystem = runtime_system(project, found)
        self.bases: Bases = choose(base, project, found, self.system, target)
        self.runner = _development_tool(project)
        self.layout: Layout = layout(project, found, prunes=self.runner is None)
        self.name = next(n for n in ("build", "builder", "compile") if n != (stage.name or "").lower())
        self.user = self._user()
        self.owner = "node:node" if self.user == "node" else self.user
        self.inputs = install_inputs(project)
        lock = project.lock
        self.lock_path = lock.path if lock else "package-lock.json"

    def plan(self) -> Plan:
        self.refusals += self.bases.refusals
        self._explain()
        platform = f"--platform={self.stage.platform} " if self.stage.platform else ""
        start = self.found.build.index(self._first_copy()) if self.inputs.everything and self.found.copies else 0
        values: dict[str, object] = {
            "header": _lines(self.tree.text[: self.stage.from_instruction.start]),
            "build": {
                "platform": platform,
                "image": self.bases.build,
                "name": self.name,
                "toolchain": self.bases.toolchain,
                "before_install": [*self._build_system(), *map(self._step, self.found.before_install)],
                "sources_first": [self._step(step) for step in self._sources_first(start)],
                "manifests": " ".join(map(word, self._manifests())),
                "inputs": [copy([path], f"./{path}") for path in self.inputs.paths],
                "mounts": self._mounts(),
                "install_flags": self._install_flags(),
                "steps": [self._step(step) for step in self._steps(start)],
                "prunes": self._prunes(),
                "prune_flags": self._prune_flags(),
            },
            "runtime": {
                "platform": platform,
                "image": self.bases.runtime,
                "name": self.stage.name or "",
                "head": self._head(),
                "sets_node_env": not self._env_names() & {"NODE_ENV"} and self.runner is None,
                "system": [*self.system.installs, *self._accounts()],
                "writable": " ".join(map(word, self._writable())),
                "owned": " ".join(map(word, self._owned())),
                "owner": self.owner,
                "copies": self._copies(),
                "final_folder": self.found.final_folder if self.found.final_folder != self.found.folder else "",
                "tail": [self._kept(item) for item in self._tail() if item.keyword not in _COMMAND],
                "user": self.user,
                "command": self._command(),
            },
            "folder": word(self.found.folder),
        }
        return Plan(values, self.done, tuple(self.refusals), self._needed(), tuple(self.notes))

    # ---- the build stage

    def _build_system(self) -> list[str]:
        """The system packages of the original, and global tools that a build command uses."""
        lines = []
        if self.bases.keeps_system:
            lines += [self._kept(item) for item in dict.fromkeys(run for run, _ in self.found.system)]
        for run, command in self.found.globals:
            if self._uses_global(command.words):
                lines.append(f"RUN {command.text}")
                self.done.setdefault("drop-global-tools", f"line {run.line}'s tools serve the build only")
        return lines

    def _uses_global(self, words: tuple[str, ...]) -> bool:
        """Whether the build calls a program of these packages that the lock file does not bring."""
        named = {re.sub(r"(?<=.)@.*", "", item) for item in words[1:] if not item.startswith("-")} - {
            "install",
            "i",
            "add",
        }
        if "npm" in named:
            return True
        programs = {program: package for program, package in DEV_RUNNERS.items() if package in named}
        programs |= {name.rpartition("/")[2]: name for name in named}
        manifest = self.project.manifest
        scripts = manifest.scripts if manifest else {}
        locked = {package.name for package in self.project.lock.packages} if self.project.lock else set()
        for step in self.found.build:
            if step.instruction.keyword != "RUN":
                continue
            for called in reachable_commands(step.text or step.instruction.arguments, scripts):
                name = called[1] if called[0] == "npx" and len(called) > 1 else called[0]
                if name in programs and programs[name] not in locked:
                    return True
        return False

    def _first_copy(self) -> Step:
        return next(step for step in self.found.build if step.instruction is self.found.copies[0].instruction)

    def _sources_first(self, start: int) -> list[Step]:
        """With a lifecycle script that may need any source, all COPYs come before the install."""
        if not self.inputs.everything:
            return []
        return [step for step in self.found.build[start:] if step.instruction.keyword in ("COPY", "ADD")]

    def _steps(self, start: int) -> list[Step]:
        """After the install: sources and what works on them, up to the last RUN; nothing where nothing is built."""
        if self.layout.mode == "plain":
            return []
        first = set(map(id, self._sources_first(start)))
        steps = [step for step in self.found.build if id(step) not in first]
        if self.layout.mode == "narrow":
            steps = [step for step in steps if not step.removes or self._removes_kept(step)]
        while steps and steps[-1].instruction.keyword in ("ENV", "ARG", "SHELL", "WORKDIR"):
            steps.pop()
        return steps

    def _removes_kept(self, step: Step) -> bool:
        kept = [f"{self.found.folder}/{path}" for path in self.layout.paths]
        return any(path.startswith(f"{folder}/") or path == folder for path in step.removes for folder in kept)

    def _manifests(self) -> list[str]:
        names = ["package.json", self.lock_path]
        return [*names, ".npmrc"] if exists(self.project.root, ".npmrc") else names

    def _mounts(self) -> str:
        install = self.found.install
        assert install is not None
        given = " ".join(f"--{flag.name}={flag.value}" for flag in install.flags)
        if "type=cache" in given:
            return f"{given} "
        cache = self._cache_folder()
        self.done["drop-caches"] = f"npm's cache in {cache} is mounted while it installs, and is in no layer"
        return f"--mount=type=cache,target={word(cache)} {given}{' ' if given else ''}"

    def _cache_folder(self) -> str:
        for item in self.found.runtime:
            for pair in pairs(item) if item.keyword == "ENV" else ():
                if pair.name.lower() == "npm_config_cache" and pair.value and re.fullmatch(r"/[\w./-]+", pair.value):
                    return pair.value
        return "/root/.npm"

    def _install_flags(self) -> str:
        flags = [word(flag) for flag in self.found.install_flags]
        if self._installs_production():
            flags.append("--omit=dev")
        elif re.search(r"^\s*(?:omit\s*=\s*dev|production\s*=\s*true)", self._npmrc(), re.MULTILINE):
            flags.append("--include=dev")
        return "".join(f" {flag}" for flag in flags)

    def _npmrc(self) -> str:
        return read_text(self.project.root, ".npmrc") or ""

    def _installs_production(self) -> bool:
        """Without a build and without scripts of its own, the development packages need not even be fetched."""
        return self.layout.mode == "plain" and self.runner is None and not self.project.lifecycle_scripts

    def _prunes(self) -> bool:
        return self.runner is None and not self._installs_production()

    def _prune_flags(self) -> str:
        kept = [flag for flag in self.found.install_flags if flag in ("--legacy-peer-deps", "--force", "-f")]
        return "".join(f" {flag}" for flag in kept)

    # ---- the running stage

    def _env_names(self) -> set[str]:
        return {pair.name for item in self.found.runtime if item.keyword == "ENV" for pair in pairs(item)}

    def _head(self) -> list[str]:
        """Arguments that kept instructions refer to, then what stood before the first COPY of the original."""
        kept = " ".join(item.arguments for item in self.found.runtime)
        lines = [
            self._kept(item)
            for item in self.found.arguments
            if any(re.search(rf"\$\{{?{re.escape(pair.name)}\b", kept) for pair in pairs(item))
        ]
        return lines + [self._kept(item) for item in self.found.runtime if self._is_head(item)]

    def _is_head(self, item: Instruction) -> bool:
        first = min((copied.instruction.start for copied in self.found.copies), default=0)
        return item.start < first and item.keyword not in (*_COMMAND, "VOLUME")

    def _tail(self) -> list[Instruction]:
        return [item for item in self.found.runtime if not self._is_head(item)]

    def _accounts(self) -> list[str]:
        return [f"RUN {' && '.join(self.found.accounts)}"] if self.found.accounts else []

    def _user(self) -> str:
        """Whom the service runs as: the original's user, else node; empty where it must stay root."""
        if self.found.user and self.found.user.split(":")[0] not in ("root", "0"):
            return owner(self.found.user)
        exposed = [text for item in self.found.runtime if item.keyword == "EXPOSE" for text in item.arguments.split()]
        ports = [fact.value for fact in self.project.ports] + exposed
        low = next((port for port in ports if re.match(r"\d+", port) and int(re.findall(r"\d+", port)[0]) < 1024), None)
        protected = next((fact for fact in self.project.writable_paths if fact.value.startswith(_PROTECTED)), None)
        if low:
            self.refusals.append(Refused("run-as-node", f"it listens on port {low}, which only root may everywhere"))
        elif protected:
            self.refusals.append(Refused("run-as-node", f"it writes to {protected.value} ({protected.source})"))
        elif self.found.accounts:
            self.refusals.append(
                Refused("run-as-node", "the Dockerfile makes an account of its own and does not use it")
            )
        else:
            where = ", ".join(fact.value for fact in self.project.writable_paths)
            writes = f"writes only to {where}" if where else "writes to no folder that is known"
            self.done["run-as-node"] = f"it needs no privilege: it listens above 1023 and {writes}"
            return "node"
        return ""

    def _writable(self) -> list[str]:
        """Folders to make: what the service writes to, what the original made; parents first."""
        paths = {
            self._relative(fact.value) for fact in self.project.writable_paths if not fact.value.startswith(_PROTECTED)
        }
        paths |= {self._relative(path) for path in self.found.folders}
        paths |= {self._relative(path) for path in self._volumes()}
        made = {path for path in paths if path not in (".", "/") and not path.startswith("..")}
        made |= {parent for path in made for parent in _parents(path)}
        return sorted(made)

    def _owned(self) -> list[str]:
        """What the service's user may write to; the whole folder only where what it writes is not known."""
        whole = bool(self.project.unresolved_writes) or self._writes_to_folder()
        whole = whole or (self.found.owned_all and self.user == self.found.user)  # it could write anywhere before
        return [".", *self._writable()] if whole else self._writable()

    def _writes_to_folder(self) -> bool:
        return any(self._relative(fact.value) == "." for fact in self.project.writable_paths)

    def _volumes(self) -> list[str]:
        found = []
        for item in self.found.runtime:
            if item.keyword == "VOLUME":
                found += [path for path in item.json or item.arguments.split() if "$" not in path]
        return found

    def _relative(self, path: str) -> str:
        return posixpath.normpath(path.removeprefix(f"{self.found.folder}/") if path != self.found.folder else ".")

    def _copies(self) -> list[str]:
        chown = [f"--chown={self.owner}"] if self.user else []
        stage = f"--from={self.name}"
        folder = self.found.folder
        if self.user:
            self.done["copy-chown"] = "files get their owner while they are copied, not in a second copy of them"
        modules = []
        if self.project.lock and any(not package.dev or self.runner for package in self.project.lock.packages):
            modules = [copy([f"{folder}/node_modules"], "./node_modules", stage, *chown)]
        if self.layout.mode == "whole":
            return [copy([folder], "./", stage, *chown)]
        if self.layout.mode == "narrow":
            lines = [*modules, copy([f"{folder}/package.json"], "./", stage, *chown)]
            return lines + [copy([f"{folder}/{path}"], f"./{path}", stage, *chown) for path in self.layout.paths]
        lines = modules
        if not any(self._brings_manifest(copied.sources) for copied in self.found.copies):
            lines = [*modules, copy(["package.json"], "./", *chown)]
        return lines + [self._owned_copy(copied.instruction) for copied in self.found.copies]

    def _brings_manifest(self, sources: tuple[str, ...]) -> bool:
        return any(
            posixpath.normpath(source) in (".", "package.json") or source == "package*.json" for source in sources
        )

    def _owned_copy(self, instruction: Instruction) -> str:
        """The COPY as written, with an owner where it has none."""
        text = self._kept(instruction)
        if not self.user or instruction.flag("chown") is not None:
            return text
        return re.sub(rf"(?m)^({instruction.raw_keyword})(?=\s)", rf"\1 --chown={self.owner}", text, count=1)

    def _command(self) -> list[str]:
        lines = [self._kept(item) for item in self.found.outside]
        for item in self._tail() + [item for item in self.found.runtime if self._is_head(item)]:
            if item.keyword not in _COMMAND or item is not self._effective(item):
                continue
            lines += self._start(item) if item.keyword == "CMD" else [self._probe(item)]
        return lines

    def _effective(self, item: Instruction) -> Instruction | None:
        """EXPOSE adds up; of the others the last one counts."""
        return item if item.keyword == "EXPOSE" else self.found.last(item.keyword)

    def _probe(self, item: Instruction) -> str:
        if item.keyword != "HEALTHCHECK" or self.bases.kind == "full" or not needs_program(item):
            return self._kept(item)
        translated = with_node(item)
        if translated is None or needs_program(item) in self.system.packages:
            return self._kept(item)
        flags = "".join(f"--{flag.name}={flag.value} " for flag in item.flags)
        self.notes.append(f"the HEALTHCHECK asks with Node now, for the image no longer holds {needs_program(item)}")
        return self._commented(item, f"HEALTHCHECK {flags}{translated}")

    def _start(self, item: Instruction) -> list[str]:
        start = self.project.start
        words = item.json or tuple(item.arguments.split())
        if words and words[0] == "node" and item.json:
            return [self._kept(item)]
        if start is None or start.argv is None:
            reason = start.reason if start else "there is no start command"
        elif self.found.last("ENTRYPOINT") and (self.found.last("ENTRYPOINT") or item).json != (
            "docker-entrypoint.sh",
        ):
            reason = "the ENTRYPOINT decides what it means"
        elif not start.handles_sigterm:
            reason = "the service has no handler for SIGTERM, and as process 1 it would not stop when asked"
        else:
            self.done["exec-form-start"] = (
                f"`{' '.join(words)}` is one plain node command, and it handles SIGTERM itself"
            )
            given = [assignment(name, value) for name, value in start.environment]
            lines = [f"ENV {' '.join(given)}"] if given else []
            return [*lines, self._commented(item, f"CMD {exec_form(start.argv)}")]
        self.refusals.append(Refused("exec-form-start", reason))
        return [self._kept(item)]

    # ---- words for the user, and lines as they were

    def _explain(self) -> None:
        lock = self.project.lock
        self.done["multi-stage"] = f"what builds stays in its own stage; {self.layout.reason}"
        if self.bases.runtime != self.bases.build or self.bases.runtime != self.stage.from_instruction.words[0].raw:
            self.done["base-swap"] = f"{self.bases.runtime}: {self.bases.reason}"
        if lock:
            self.done["npm-ci"] = f"{lock.path} fits package.json, so exactly what it pins is installed"
            count = sum(package.dev for package in lock.packages)
            if self.runner is None and count:
                self.done["prune-dev-deps"] = f"{count} of {len(lock.packages)} locked packages serve development only"
        if self.runner is not None:
            self.refusals.append(Refused("prune-dev-deps", f"the service starts with {self.runner}"))
        if self.inputs.everything:
            self.refusals.append(Refused("order-copies", self.inputs.reason))
        else:
            self.done["order-copies"] = (
                "package.json and the lock file are copied before the sources, so packages stay cached"
            )
        if self.found.globals and not any(self._uses_global(command.words) for _, command in self.found.globals):
            self.done["drop-global-tools"] = "nothing that builds or runs the service calls them"
        if "NODE_ENV" not in self._env_names() and self.runner is None:
            self.done["node-env"] = "set in the running image only; the build still installs its tools"
        if self.user == "node" and self.project.writable_paths:
            self.notes.append("volumes that exist already belong to root: chown them to 1000:1000 once")

    def _needed(self) -> tuple[str, ...]:
        """What of the context the new Dockerfile names."""
        named = {*self._manifests(), *self.inputs.paths, *self.layout.paths}
        for copied in self.found.copies:
            named |= {posixpath.normpath(source.lstrip("/") or ".") for source in copied.sources if "*" not in source}
        for item in self.found.outside:
            named |= {entry.value.lstrip("/") for entry in item.words[:-1]}
        return tuple(sorted(named - {"."} - set(self.project.build_outputs)))

    def _step(self, step: Step) -> str:
        return self._kept(step.instruction) if step.text is None else self._commented(step.instruction, step.text)

    def _kept(self, item: Instruction) -> str:
        return self._commented(item, self.tree.source(item))

    def _commented(self, item: Instruction, text: str) -> str:
        above = "".join(self.tree.text[comment.start : comment.end] for comment in item.comments)
        return _lines(above) + _lines(text)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _parents(path: str) -> list[str]:
    """The folders above a path that `mkdir -p` would make too; top-level folders of the system are there already."""
    parts = path.split("/")
    least = 3 if path.startswith("/") else 1
    return ["/".join(parts[:count]) for count in range(least, len(parts))]


def _development_tool(project: Project) -> str | None:
    """The development package that the service is started with, or None."""
    start, manifest, lock = project.start, project.manifest, project.lock
    if start is None or start.argv is not None or manifest is None:
        return None
    dev = {package.name for package in lock.packages if package.dev} if lock else set()
    dev |= set(manifest.dev_dependencies) - set(manifest.dependencies)
    for words in (
        *reachable_commands(start.script, manifest.scripts),
        *reachable_commands("npm start", manifest.scripts),
    ):
        for item in words:
            package = DEV_RUNNERS.get(item.rpartition("/")[2], item.rpartition("/")[2])
            if package in dev:
                return package
    return None
