"""The local engine: where it is, what it says of an image, and its export as one stream.

An engine is found the way its own client finds it: DOCKER_HOST, else the current context, else the usual sockets,
rootless and podman's too. Nothing here writes to the engine.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imageopt.errors import ImageoptError, InputError, ToolFailed, ToolMissing

if TYPE_CHECKING:
    import docker

_CONNECT_SECONDS = 60
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """`host` as DOCKER_HOST takes it; `found_by` says where it came from. `tls` is the folder of its certificates."""

    host: str
    found_by: str
    tls: str | None = None


def engine_address() -> EngineAddress:
    """Where the engine is, without asking it. Raises ToolMissing where there is nothing to ask."""
    host = os.environ.get("DOCKER_HOST")
    if host:
        verify = os.environ.get("DOCKER_TLS_VERIFY")
        tls = os.environ.get("DOCKER_CERT_PATH", str(Path.home() / ".docker")) if verify else None
        return EngineAddress(host, "DOCKER_HOST", tls)
    if context := _context_address():
        return context
    for socket in _usual_sockets():
        if socket.exists():
            return EngineAddress(f"unix://{socket}", "socket")
    raise ToolMissing(
        "no container engine is in reach", "start Docker or Podman, or name one with DOCKER_HOST=unix:///path/to.sock"
    )


def connect() -> "docker.DockerClient":
    """A client of the engine, which has answered. Raises ToolMissing or ToolFailed with the reason it has not."""
    address = engine_address()
    _check_socket(address)
    import docker
    from docker.errors import DockerException

    try:
        client = docker.DockerClient(
            base_url=address.host, version="auto", timeout=_CONNECT_SECONDS, tls=_tls(address) or False
        )
    except DockerException as error:
        raise _unreachable(address, error) from None
    return client


def inspect_image(client: "docker.DockerClient", name: str) -> Mapping[str, Any] | None:
    """What the engine says of the image, None where it has none of that name."""
    import requests
    from docker.errors import APIError, ImageNotFound

    try:
        answer: Mapping[str, Any] = client.api.inspect_image(name)  # type: ignore[no-untyped-call]
    except ImageNotFound:
        return None
    except APIError as error:
        if error.status_code == 400:  # the engine's word for a name that cannot be one
            return None
        raise ToolFailed(f"the engine refused: {error.explanation}", "look at the engine's log") from None
    except requests.exceptions.RequestException as error:
        raise ToolFailed(f"the engine broke off: {_short(error)}", "see that the engine is running") from None
    return answer


def engine_info(client: "docker.DockerClient") -> Mapping[str, Any]:
    """What the engine says of itself. Raises ToolFailed where it breaks off."""
    import requests
    from docker.errors import APIError

    try:
        answer: Mapping[str, Any] = client.info()
    except (APIError, requests.exceptions.RequestException) as error:
        raise ToolFailed(f"the engine broke off: {_short(error)}", "see that the engine is running") from None
    return answer


def image_missing(name: str) -> InputError:
    """The error for an image that the engine does not have."""
    return InputError(f"the engine has no image {name!r}", f"pull it with `docker pull {name}`, or build it")


class ImageExport:
    """The engine's export of one image, a tar, read as it arrives."""

    def __init__(self, client: "docker.DockerClient", name: str) -> None:
        self._client = client
        self._name = name
        self._chunks: Iterator[bytes] | None = None

    def read(self, _count: int) -> bytes:
        """The next piece, nothing at the end. Raises ToolFailed where the engine breaks off."""
        import requests
        from docker.errors import APIError
        from urllib3.exceptions import HTTPError

        try:
            if self._chunks is None:
                self._chunks = iter(self._client.api.get_image(self._name, chunk_size=_CHUNK))
            return next(self._chunks, b"")
        except (APIError, requests.exceptions.RequestException, HTTPError, OSError) as error:
            raise ToolFailed(f"the engine broke off the export: {_short(error)}", "look at the engine's log") from None


def _context_address() -> EngineAddress | None:
    """The endpoint of the client's current context; the context `default` means the usual sockets."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    name = os.environ.get("DOCKER_CONTEXT") or _json(folder / "config.json").get("currentContext") or "default"
    if name == "default":
        return None
    key = hashlib.sha256(str(name).encode()).hexdigest()
    endpoints = _json(folder / "contexts" / "meta" / key / "meta.json").get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = endpoint.get("Host") if isinstance(endpoint, dict) else None
    if not isinstance(host, str):
        raise ToolFailed(f"the docker context {name!r} names no engine", "choose another with `docker context use`")
    tls = folder / "contexts" / "tls" / key / "docker"
    return EngineAddress(host, f"context {name}", str(tls) if tls.is_dir() else None)


def _usual_sockets() -> Iterator[Path]:
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    yield Path("/var/run/docker.sock")
    yield Path(runtime) / "docker.sock"
    yield Path.home() / ".docker" / "run" / "docker.sock"
    yield Path("/run/podman/podman.sock")
    yield Path(runtime) / "podman" / "podman.sock"


def _tls(address: EngineAddress) -> Any:
    if address.tls is None:
        return None
    from docker.tls import TLSConfig

    folder = Path(address.tls)
    return TLSConfig(
        client_cert=(str(folder / "cert.pem"), str(folder / "key.pem")), ca_cert=str(folder / "ca.pem"), verify=True
    )


def _check_socket(address: EngineAddress) -> None:
    """A socket that is not there needs no client to find that out: importing one takes longer than the answer."""
    scheme, _, path = address.host.partition("://")
    if scheme == "unix" and not Path(path).exists():
        raise _unreachable(address, FileNotFoundError("No such file"))


def _unreachable(address: EngineAddress, error: Exception) -> ImageoptError:
    text = str(error)
    place = f"the engine at {address.host} ({address.found_by})"
    if "Permission denied" in text or "PermissionError" in text:
        return ToolFailed(f"{place} may not be used by this user", "add the user to the docker group, or run as root")
    if "No such file" in text or "FileNotFoundError" in text:
        return ToolMissing(f"{place} is not there", "start it, or correct DOCKER_HOST")
    if "refused" in text:
        return ToolMissing(
            f"{place} does not answer: it is down", "start it, for example with `systemctl start docker`"
        )
    return ToolFailed(f"{place} cannot be reached: {_short(error)}", "see that it runs and that DOCKER_HOST is right")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
