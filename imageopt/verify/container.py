"""One container, from its creation to its end: labelled, limited, published on this machine only.

It runs a stranger's program, so it gets no privileges, host paths or host network, whatever a compose file may ask for.
"""

import re
import time
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from imageopt.build.log import plain_line
from imageopt.errors import ToolFailed
from imageopt.source.engine import engine_address

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container as EngineContainer

STOP_GRACE_SECONDS = 10
_MEMORY = "2g"
_PROCESSES = 1024
_LOG_LINES = 2000
_NOT_WRITTEN = re.compile(
    r"/(?:tmp|var/tmp|proc|run|var/run|dev|sys)(?:/|$)|/etc/(?:hosts|hostname|resolv\.conf|mtab)$|/\.dockerenv$"
    r"|/(?:\.npm|\.cache|\.yarn|\.pnpm-store|\.node-gyp|node_modules/\.cache|\.v8-compile-cache)(?:/|$)"
    r"|/\.(?:update-notifier|config/configstore)|/core(?:\.\d+)?$"
)


class Container:
    """A container that was created. Every method asks the engine; an engine that breaks off is a ToolFailed."""

    def __init__(self, engine: "EngineContainer", port: int | None) -> None:
        self._engine = engine
        self._port = port

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

    def address(self) -> tuple[str, int]:
        """Where its port is reached from here. Raises ToolFailed where the engine did not publish it."""
        self._engine.reload()
        published = self._engine.ports.get(f"{self._port}/tcp")
        if not published:
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
        """What it wrote to stdout and stderr, the last 2000 lines."""
        return bytes(self._engine.logs(tail=_LOG_LINES))

    def written_paths(self) -> tuple[str, ...]:
        """The files it added or changed, sorted; temporary folders, caches and the engine's own files left out."""
        changes = self._engine.diff() or []
        paths = {str(change["Path"]) for change in changes if change["Kind"] in (0, 1)}
        parents = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
        return tuple(sorted(path for path in paths - parents if not _NOT_WRITTEN.search(path)))

    def check_health(self) -> int | None:
        """The exit code of the image's own HEALTHCHECK, run now and inside; None where there is none or it hangs."""
        import requests
        from docker.errors import APIError

        test = (self._engine.attrs["Config"].get("Healthcheck") or {}).get("Test") or []
        shell = self._engine.attrs["Config"].get("Shell") or ["/bin/sh", "-c"]
        match test:
            case ["CMD", *words] if words:
                command = words
            case ["CMD-SHELL", text]:
                command = [*shell, text]
            case _:
                return None
        try:
            code: int | None = self._engine.exec_run(command).exit_code
        except (APIError, requests.exceptions.RequestException):
            return None
        return code

    def stop(self) -> tuple[float, int | None]:
        """Asks it to end; the seconds that took and its exit code (137: it had to be killed after ten seconds)."""
        start = time.monotonic()
        self._engine.stop(timeout=STOP_GRACE_SECONDS)
        seconds = time.monotonic() - start
        self._engine.reload()
        return seconds, self.exit_code

    def remove(self) -> None:
        """Removes it with its anonymous volumes, running or not."""
        self._engine.remove(force=True, v=True)


def create(
    client: "docker.DockerClient", image: str, *, name: str, labels: Mapping[str, str], port: int | None
) -> Container:
    """A container of the image, not yet started. Raises ToolFailed where the engine refuses."""
    from docker.errors import APIError

    ports: Any = {f"{port}/tcp": (engine_host()[1], None)} if port else None
    try:
        made = client.containers.create(
            image,
            name=name,
            labels=dict(labels),
            hostname="imageopt",  # the same in every container: programs show it in their answers
            ports=ports,
            mem_limit=_MEMORY,
            pids_limit=_PROCESSES,
            security_opt=["no-new-privileges"],
        )
    except APIError as error:
        raise ToolFailed(f"the engine refused the container: {error.explanation}", "look at the engine's log") from None
    return Container(made, port)


def remove_by_name(client: "docker.DockerClient", name: str) -> None:
    """Removes the container of that name, if there is one."""
    from docker.errors import NotFound

    try:
        client.containers.get(name).remove(force=True, v=True)
    except NotFound:
        return


def engine_host() -> tuple[str, str]:
    """The host on which published ports are reached, and the address there to publish on.

    An engine on another host (a `docker:dind` service) has to publish on all of its addresses to be reached.
    """
    address = urlsplit(engine_address().host)
    host = address.hostname if address.scheme in ("tcp", "http", "https") else None
    if host is None or host in ("localhost", "127.0.0.1", "::1"):
        return "127.0.0.1", "127.0.0.1"
    return host, ""
