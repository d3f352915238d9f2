"""One container, from its creation to its end: labelled, limited, published on this machine only.

It runs a stranger's program, so it gets no privileges, host paths or host network, whatever a compose file may ask for.
"""

import contextlib
import re
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from imageopt.build.log import plain_line
from imageopt.errors import ToolFailed
from imageopt.instant import parse_instant
from imageopt.process import paused
from imageopt.verify.limits import Limits
from imageopt.verify.network import NO_NAME_SERVER, engine_host

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container as EngineContainer

STOP_GRACE_SECONDS = 10
_LOG_LINES = 2000
_LOG_BYTES = 4 << 20
_OUTPUT_BYTES = 1 << 20
SEARCH_DOMAIN = "imageopt.internal"
_NOT_WRITTEN = re.compile(
    r"/(?:tmp|var/tmp|proc|run|var/run|dev|sys)(?:/|$)|/etc/(?:hosts|hostname|resolv\.conf|mtab)$|/\.dockerenv$"
    r"|/(?:\.npm|\.cache|\.yarn|\.pnpm-store|\.node-gyp|node_modules/\.cache|\.v8-compile-cache)(?:/|$)"
    r"|/node_modules/\.pnpm-task-run-state-v\d+(?:/|$)"  # pnpm 12, of each script that it starts
    r"|/\.(?:update-notifier|config/configstore)|/core(?:\.\d+)?$|/\.imageopt-"
)


class Executed(Struct, frozen=True):
    """A command that was run inside. `exit_code` is None where it did not end in time; `output` is cut at 1 MiB."""

    exit_code: int | None
    output: bytes


class Setting(Struct, frozen=True):
    """How a container is set up. Empty and None: as the image says. `volumes`: name of a volume -> where it is."""

    name: str
    labels: Mapping[str, str]
    network: str | None = None  # None: none at all
    port: int | None = None
    aliases: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    volumes: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    hardened: bool = False  # a file system that cannot be written, and no capabilities
    limits: Limits = field(default_factory=Limits)


class Container:
    """A container that was created. Every method asks the engine; an engine that breaks off is a ToolFailed."""

    def __init__(self, engine: "EngineContainer", port: int | None) -> None:
        self._engine = engine
        self._port = port

    @property
    def _api(self) -> "docker.APIClient":
        client = self._engine.client
        assert client is not None  # docker-py gives it to every container that it makes
        return client.api

    @property
    def id(self) -> str:
        """The engine's name for it."""
        return str(self._engine.id)

    def start(self) -> str:
        """Starts it; the engine's reason where it does not start, else an empty text."""
        from docker.errors import APIError

        try:
            self._engine.start()
        except APIError as error:
            return plain_line(str(error.explanation or error))
        return ""

    def runs(self) -> bool:
        """Whether its program still runs."""
        self._engine.reload()
        return bool(self._engine.status == "running")

    @property
    def exit_code(self) -> int | None:
        """The exit code of a program that ended, as of the last look; None while it runs."""
        state = self._engine.attrs["State"]
        return None if state.get("Running") else int(state["ExitCode"])

    @property
    def was_killed_for_memory(self) -> bool:
        """Whether it ended because it asked for more memory than it is given here."""
        return bool(self._engine.attrs["State"].get("OOMKilled"))

    def address(self) -> tuple[str, int] | None:
        """Where its port is reached from here; None once it has ended. Raises ToolFailed where it was not published."""
        self._engine.reload()
        published = self._engine.ports.get(f"{self._port}/tcp")
        if not published:
            if not self.runs():
                return None
            raise ToolFailed(f"the engine did not publish port {self._port}", "look at the engine's log")
        return engine_host()[0], int(published[0]["HostPort"])

    def user(self) -> str:
        """`uid:gid` of its first process; what the configuration says where the engine cannot tell."""
        from docker.errors import APIError

        try:
            top = self._engine.top(ps_args="-eo pid,uid,gid")
            columns = [title.upper() for title in top["Titles"]]
            first = min(top["Processes"], key=lambda row: int(row[columns.index("PID")]))
            return f"{first[columns.index('UID')]}:{first[columns.index('GID')]}"
        except (APIError, KeyError, ValueError, TypeError):
            return str(self._engine.attrs["Config"].get("User") or "0:0")

    def log(self) -> bytes:
        """What it wrote to stdout and stderr, the last 2000 lines and of these the last 4 MiB."""
        return bytes(self._engine.logs(tail=_LOG_LINES))[-_LOG_BYTES:]

    def written_paths(self) -> tuple[str, ...]:
        """The files it added or changed, sorted; temporary folders, caches and the engine's own files left out."""
        changes = self._engine.diff() or []
        paths = {str(change["Path"]) for change in changes if change["Kind"] in (0, 1)}
        parents = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
        return tuple(sorted(path for path in paths - parents if not _NOT_WRITTEN.search(path)))

    def health_command(self) -> tuple[str, ...]:
        """The image's own HEALTHCHECK as the engine would run it; empty where there is none."""
        config = self._engine.attrs["Config"]
        return health_command((config.get("Healthcheck") or {}).get("Test") or (), config.get("Shell") or ())

    def execute(self, words: Sequence[str], *, seconds: float) -> Executed:
        """Runs a command inside, as its own user. What outlasts the time is left to end with the container."""
        import requests
        from docker.errors import APIError

        api = self._api
        output = bytearray()

        def read() -> None:
            with contextlib.suppress(APIError, requests.exceptions.RequestException, OSError):
                for piece in api.exec_start(made, stream=True):
                    output.extend(piece[: _OUTPUT_BYTES - len(output)])

        try:
            made = api.exec_create(self.id, list(words))["Id"]
            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            reader.join(seconds)
            code = None if reader.is_alive() else api.exec_inspect(made)["ExitCode"]
        except (APIError, requests.exceptions.RequestException) as error:
            return Executed(None, str(error).encode())
        return Executed(code, bytes(output))

    def memory_bytes(self) -> int | None:
        """What it holds in memory now, file caches that can be dropped aside; None where the engine does not say."""
        from docker.errors import APIError

        try:
            memory = self._api.stats(self.id, stream=False, one_shot=True)["memory_stats"]
            return int(memory["usage"]) - int(memory["stats"].get("inactive_file", 0))
        except (APIError, KeyError, ValueError):
            return None

    def stop(self) -> tuple[float, int | None]:
        """Asks it to end; the seconds that took and its exit code (137: it had to be killed after ten seconds).

        The engine answers later than the program ends: it unmounts the container first, which writes to the disk
        whatever is not there yet, of builds too. So the end is the one that the engine noted, by its own clock.
        """
        with paused():  # nothing else is at work while an end is timed
            ahead = self._clock_ahead()
            asked, start = time.time() + ahead, time.monotonic()
            self._engine.stop(timeout=STOP_GRACE_SECONDS)
            answered = time.monotonic() - start
        self._engine.reload()
        finished = _instant(self._engine.attrs["State"].get("FinishedAt"))
        return answered if finished is None else min(answered, max(0.0, finished - asked)), self.exit_code

    def _clock_ahead(self) -> float:
        """The seconds that the engine's clock is ahead of this machine's; it may be another machine's."""
        begin = time.time()
        told = _instant(self._api.info().get("SystemTime"))
        return 0.0 if told is None else told - (begin + time.time()) / 2

    def remove(self) -> None:
        """Removes it with its anonymous volumes, running or not."""
        self._engine.remove(force=True, v=True)


def _instant(text: str | None) -> float | None:
    """An engine's time in seconds since 1970; None for none, and for the year 1, by which Go says so."""
    instant = parse_instant(text)
    return instant.timestamp() if instant is not None and instant.year > 1 else None


def create(client: "docker.DockerClient", image: str, setting: Setting) -> Container:
    """A container of the image, not yet started. Raises ToolFailed where the engine refuses."""
    from docker.errors import APIError

    try:
        made = client.containers.create(image, **_options(client, setting))
    except APIError as error:
        raise ToolFailed(f"the engine refused the container: {error.explanation}", "look at the engine's log") from None
    return Container(made, setting.port)


def health_command(test: Sequence[str], shell: Sequence[str] = ()) -> tuple[str, ...]:
    """The words that the engine runs for a HEALTHCHECK as a configuration holds it; empty for none."""
    match list(test):
        case ["CMD", *words]:
            return tuple(words)
        case ["CMD-SHELL", text]:
            return (*(shell or ("/bin/sh", "-c")), text)
        case _:
            return ()


def remove_by_name(client: "docker.DockerClient", name: str) -> None:
    """Removes the container of that name, if there is one."""
    from docker.errors import NotFound

    try:
        client.containers.get(name).remove(force=True, v=True)
    except NotFound:
        return


def _options(client: "docker.DockerClient", setting: Setting) -> dict[str, Any]:
    options: dict[str, Any] = {
        "name": setting.name,
        "labels": dict(setting.labels),
        "hostname": "imageopt",  # the same in every container: programs show it in their answers
        "environment": dict(setting.environment),
        "security_opt": ["no-new-privileges"],
        **setting.limits.options(),
    }
    if setting.network is None:
        options["network_mode"] = "none"
    else:
        endpoint = client.api.create_endpoint_config(aliases=list(setting.aliases))
        options |= {"network": setting.network, "networking_config": {setting.network: endpoint}}
        options |= {"dns": [NO_NAME_SERVER], "dns_opt": ["ndots:5"], "dns_search": [SEARCH_DOMAIN]}
    if setting.port is not None:
        options["ports"] = {f"{setting.port}/tcp": (engine_host()[1], None)}
    if setting.entrypoint is not None:
        options["entrypoint"] = list(setting.entrypoint)
    if setting.command is not None:
        options["command"] = list(setting.command)
    if setting.volumes:
        options["volumes"] = {name: {"bind": place, "mode": "rw"} for name, place in setting.volumes.items()}
    if setting.user:
        options["user"] = setting.user
    if setting.hardened:
        options |= {"read_only": True, "cap_drop": ["ALL"], "tmpfs": {"/tmp": ""}}  # noqa: S108 (its own, in memory)
    return options
