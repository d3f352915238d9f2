"""A project -> its lock file looked after by the package manager: checked, made, or neither with a reason.

Whatever is made is checked by the manager again before it leaves the container, and by the project's own reader after:
nothing that an installation would refuse leaves this package.
"""

import contextlib
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from imageopt.build.cleaning import CleanUp, cleaning, new_run_id
from imageopt.build.log import plain_line
from imageopt.dockerfile.model import Dockerfile
from imageopt.errors import ToolFailed
from imageopt.lockfile.answer import Answer, answer
from imageopt.lockfile.check import accepted
from imageopt.lockfile.container import AUTHORITIES, HOME, Ran, run, run_words
from imageopt.lockfile.inputs import inputs
from imageopt.lockfile.model import Kept, LockOutcome, Made, NotDone
from imageopt.lockfile.node_image import image_for
from imageopt.lockfile.settings import Settings, user_settings
from imageopt.lockfile.summary import summary
from imageopt.lockfile.tool import Tool, tool_for
from imageopt.progress import Progress
from imageopt.project.model import Lock, Project
from imageopt.source.engine import connect, inspect_image

if TYPE_CHECKING:
    import docker

_SECONDS = 600
_OUT_OF_MEMORY = 137
_AFRESH = ("rm", "-rf", "node_modules")  # Yarn 1 has installed what it locks, and would look no further
_BY_HAND = {"npm": "npm install --package-lock-only", "pnpm": "pnpm install --lockfile-only", "yarn": "yarn install"}


class _Bench(Struct, frozen=True):
    """What each container of one run is made from."""

    client: "docker.DockerClient"
    image: str
    tool: Tool
    settings: Settings
    cleanup: CleanUp

    def ran(self, commands: Sequence[tuple[str, ...]], files: Mapping[str, bytes], step: str) -> Ran:
        """The commands in a fresh container; running out of memory is an error."""
        environment = {**self.settings.environment, **self.tool.environment}
        sent = dict(files)
        if self.settings.npmrc:
            sent[f"{HOME}/.npmrc"] = self.settings.npmrc.encode()
        if self.settings.authorities:
            sent[AUTHORITIES] = self.settings.authorities
            environment["NODE_EXTRA_CA_CERTS"] = AUTHORITIES
        done = run(
            self.client,
            self.image,
            run_words((self.tool.setup, *commands)),
            sent,
            environment=environment,
            cleanup=self.cleanup,
            name=f"imageopt-{self.cleanup.run_id}-{step}",
            take=self.tool.lock,
            hidden=self.settings.hidden,
            timeout=_SECONDS,
        )
        if done.out_of_memory or done.exit_code == _OUT_OF_MEMORY:
            raise ToolFailed(f"{self.tool.manager} needs more than the 2 GB it is given", _by_hand(self.tool))
        return done


def look_after(project: Project, tree: Dockerfile | None, *, progress: Progress) -> LockOutcome:
    """The lock file checked, or made where it is missing or has drifted. The project's folder is only read.

    Raises ToolMissing and ToolFailed where no engine, image or registry answers.
    """
    tool = tool_for(project, tree)
    if isinstance(tool, str):
        return NotDone(tool, project.lock)
    if project.lock is not None and project.lock.state == "unknown":
        return NotDone(f"{project.lock.reason}: mend or delete {project.lock.path} first", project.lock)
    image = image_for(project, tree)
    if image is None:
        return NotDone("nothing says which Node it runs on: add `engines.node` to package.json", project.lock)
    files = inputs(project, tool)
    with contextlib.closing(connect()) as client, cleaning(new_run_id()) as cleanup:
        _have(client, image, progress)
        bench = _Bench(client, image, tool, user_settings(), cleanup)
        lock = project.lock
        if lock is not None and lock.state == "in-sync":
            with progress.step(f"checking {lock.path} in {image}"):
                said = _check(bench, files)
            if said is None:
                return Kept(lock.path, f"`{shlex.join(_shown(tool.check))}` in {image}")
            names = said.names or lock.drifted
            lock = replace(lock, state="drifted", reason=_drifted(lock, said, names), drifted=names)
        with progress.step(f"making {tool.lock} in {image}"):
            return _make(bench, files, lock)


def _make(bench: _Bench, files: Mapping[str, bytes], lock: Lock | None) -> Made | NotDone:
    tool = bench.tool
    done = bench.ran((tool.make, _AFRESH, tool.check), files, "make")
    if done.exit_code != 0:
        said = answer(done.log)
        _raise_if_elsewhere(said, tool)
        if said.kind == "drift":
            return NotDone(f"{tool.manager} refuses the {tool.lock} that it made: {said.reason}", lock)
        return NotDone(f"{tool.manager} could not make {tool.lock}: {said.reason}", lock)
    if done.taken is None:
        return NotDone(f"{tool.manager} made no {tool.lock}; see whether its settings forbid it", lock)
    new = accepted(done.taken, files, tool, bench.settings.hidden)
    if isinstance(new, str):
        return NotDone(new, lock)
    old = files.get(tool.lock)
    drifted = lock is not None and lock.state == "drifted"
    return Made(
        path=tool.lock,
        before=old,
        after=done.taken,
        lock=new,
        reason=lock.reason if lock is not None and drifted else f"there was no {tool.lock}",
        drifted=lock.drifted if lock is not None else (),
        summary=summary(lock if drifted else None, new, old or b"", done.taken),
        how=f"`{shlex.join(_shown(tool.make))}` in {bench.image}",
    )


def _check(bench: _Bench, files: Mapping[str, bytes]) -> Answer | None:
    """How the lock file drifted, None where it fits. Raises ToolFailed where the manager could not tell."""
    done = bench.ran((bench.tool.check,), files, "check")
    if done.exit_code == 0:
        return None
    said = answer(done.log)
    if said.kind != "drift":
        _raise_if_elsewhere(said, bench.tool)
        raise ToolFailed(f"{bench.tool.manager} could not check {bench.tool.lock}: {said.reason}", _by_hand(bench.tool))
    return said


def _raise_if_elsewhere(said: Answer, tool: Tool) -> None:
    """An error for what lies neither with the manifests nor with the lock file."""
    if said.kind == "network":
        raise ToolFailed(
            f"{tool.manager} cannot reach its registry from a container: {said.reason}",
            "set HTTPS_PROXY or npm_config_registry to what the engine's containers can reach",
        )
    if said.kind == "login":
        raise ToolFailed(f"the registry wants a login, which imageopt does not hand on: {said.reason}", _by_hand(tool))


def _by_hand(tool: Tool) -> str:
    return f"run `{_BY_HAND[tool.manager]}` in the project and commit {tool.lock}"


def _drifted(lock: Lock, said: Answer, names: tuple[str, ...]) -> str:
    listed = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return f"{lock.manager} says that {lock.path} does not fit: {listed or said.reason}"


def _shown(words: tuple[str, ...]) -> tuple[str, ...]:
    """The command as somebody would type it."""
    return (words[0].rpartition("/")[2], *(word for word in words[1:] if word not in ("--no-audit", "--no-fund")))


def _have(client: "docker.DockerClient", image: str, progress: Progress) -> None:
    """Sees that the engine has the image; pulls it as a build would. Raises ToolFailed where it cannot be had."""
    if inspect_image(client, image) is not None:
        return
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    with progress.step(f"pulling {image}"):
        try:
            client.images.pull(image)
        except (DockerException, RequestException) as error:
            reason = plain_line(str(getattr(error, "explanation", None) or error))
            raise ToolFailed(f"{image} cannot be pulled: {reason}", f"pull it with `docker pull {image}`") from None
