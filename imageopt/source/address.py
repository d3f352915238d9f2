"""Where an engine listens, found the way its own client finds it; nothing here asks the engine.

Docker's is DOCKER_HOST, else the client's current context, else the usual sockets, rootless and Podman's too. Podman's
is CONTAINER_HOST, else DOCKER_HOST where that leads to a Podman, else Podman's own sockets and never Docker's.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from imageopt.errors import ToolFailed, ToolMissing


class EngineAddress(Struct, frozen=True):
    """`host` as DOCKER_HOST takes it; `found_by` says where it came from.

    `tls` is the folder of its certificates, `verify` whether the engine's own is checked.
    """

    host: str
    found_by: str
    tls: str | None = None
    verify: bool = True


def engine_address() -> EngineAddress:
    """Where the engine is, without asking it. Raises ToolMissing where there is nothing to ask."""
    named = _named_by_docker_host() or _context_address()
    if named:
        return named
    for socket in _usual_sockets():
        if _exists(socket):
            return EngineAddress(f"unix://{socket}", "socket")
    raise ToolMissing(
        "no container engine is in reach", "start Docker or Podman, or name one with DOCKER_HOST=unix:///path/to.sock"
    )


def podman_addresses() -> list[EngineAddress]:
    """Where Podman may be, the likeliest first; what DOCKER_HOST names may turn out to be a Docker.

    Raises ToolMissing where there is nothing to ask.
    """
    if host := os.environ.get("CONTAINER_HOST"):
        return [EngineAddress(host, "CONTAINER_HOST")]
    named = _named_by_docker_host()
    found = [named] if named else []
    found += [EngineAddress(f"unix://{socket}", "socket") for socket in _podman_sockets() if _exists(socket)]
    if not found:
        raise ToolMissing(
            "Podman does not listen on a socket",
            "start it with `systemctl --user start podman.socket`, or name one with CONTAINER_HOST=unix:///path/to.sock",
        )
    return found


def _named_by_docker_host() -> EngineAddress | None:
    host = os.environ.get("DOCKER_HOST")
    if not host:
        return None
    verify = os.environ.get("DOCKER_TLS_VERIFY")
    tls = (os.environ.get("DOCKER_CERT_PATH") or str(Path.home() / ".docker")) if verify else None
    return EngineAddress(host, "DOCKER_HOST", tls)


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
    verify = not (isinstance(endpoint, dict) and endpoint.get("SkipTLSVerify") is True)
    return EngineAddress(host, f"context {name}", str(tls) if tls.is_dir() else None, verify)


def _usual_sockets() -> Iterator[Path]:
    yield Path("/var/run/docker.sock")
    yield _runtime_folder() / "docker.sock"
    yield Path.home() / ".docker" / "run" / "docker.sock"
    yield from _podman_sockets()


def _podman_sockets() -> Iterator[Path]:
    """For root the system's comes first, for everyone else the user's own."""
    system, own = Path("/run/podman/podman.sock"), _runtime_folder() / "podman" / "podman.sock"
    yield from (system, own) if os.getuid() == 0 else (own, system)


def _runtime_folder() -> Path:
    return Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")


def _exists(socket: Path) -> bool:
    """Also False below a folder that this user may not look into."""
    try:
        return socket.exists()
    except OSError:
        return False


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
