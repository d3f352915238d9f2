"""What a container may use, and the watch over what no engine limits: how much it writes into its own files.

The engine holds memory, processor, processes and the log by itself. A writable layer has no limit on most storage, and
a volume has none on any: they are measured every second, and a container over the limit is killed and says why.
"""

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from imageopt.units import format_bytes

if TYPE_CHECKING:
    import docker

_PERIOD = 100_000  # microseconds, the kernel's own for processor quotas
_EVERY_SECONDS = 1.0
_LOG_FILES = 2


class Limits(Struct, frozen=True):
    """`cpus` are whole processors. `log_bytes` is what the engine keeps of the log, the end of it."""

    memory_bytes: int = 2 << 30
    cpus: float = 2
    processes: int = 1024
    log_bytes: int = 16 << 20
    written_bytes: int = 1 << 30

    def options(self) -> dict[str, Any]:
        """What the engine is told when a container is created."""
        from docker.types import LogConfig

        kept = {"max-size": str(self.log_bytes // _LOG_FILES), "max-file": str(_LOG_FILES)}
        return {
            "mem_limit": self.memory_bytes,
            "memswap_limit": self.memory_bytes,  # the sum of both: no swap
            "cpu_period": _PERIOD,
            "cpu_quota": int(self.cpus * _PERIOD),  # unlike `--cpus` not refused by a smaller machine
            "pids_limit": self.processes,
            "log_config": LogConfig(type=LogConfig.types.JSON, config=kept),
        }


class Watch:
    """For the length of the block a container's written bytes are measured; `reason` says why it was killed."""

    def __init__(self, client: "docker.DockerClient", container: str, limits: Limits) -> None:
        self.reason = ""
        self._client = client
        self._container = container
        self._limit = limits.written_bytes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        import requests
        from docker.errors import DockerException

        while not self._over.wait(_EVERY_SECONDS):
            try:
                written = written_bytes(self._client, self._container)
                if written > self._limit:
                    self.reason = f"it was ended because it wrote more than {format_bytes(self._limit)} to its disk"
                    self._client.api.kill(self._container)
                    return
            except (DockerException, requests.exceptions.RequestException):
                continue  # it is gone, or the engine is: whoever waits for the container will say so


def written_bytes(client: "docker.DockerClient", container: str) -> int:
    """The size of a container's writable layer and of its volumes."""
    found: list[dict[str, Any]] = client.api.containers(all=True, size=True, filters={"id": container})
    own = sum(int(item.get("SizeRw") or 0) for item in found)
    names = {mount["Name"] for item in found for mount in item.get("Mounts") or () if mount.get("Type") == "volume"}
    return own + (_size_of_volumes(client, names) if names else 0)


def _size_of_volumes(client: "docker.DockerClient", names: set[str]) -> int:
    answer = client.api.get(
        f"{client.api.base_url}/v{client.api.api_version}/system/df", params={"type": "volume"}, timeout=30
    )
    answer.raise_for_status()
    volumes = answer.json().get("Volumes") or []
    return sum(max(int((item.get("UsageData") or {}).get("Size", 0)), 0) for item in volumes if item["Name"] in names)
