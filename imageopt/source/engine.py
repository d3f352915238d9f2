"""The local engine: what it says of itself and of an image, and its export as one stream.

Docker and Podman answer the same questions, in the same words for all that is asked here. Nothing here writes to the
engine. Where it is found is in address.py.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from imageopt.errors import InputError, ToolFailed, ToolMissing
from imageopt.source.address import EngineAddress, engine_address, podman_addresses
from imageopt.source.unreachable import podman_by_ssh, short, unreachable

if TYPE_CHECKING:
    import docker

__all__ = ["ImageExport", "connect", "engine_address", "engine_info", "image_missing", "inspect_image", "is_podman"]

_CONNECT_SECONDS = 60
EXPORT_SECONDS = 900  # Docker writes the whole image to its own disk before the first byte of an export comes
_CHUNK = 1 << 20
_ANY_VERSION = "1.44"  # where no version is asked for
_NOT_THERE = (400, 404)  # 400 is Docker's answer to a name that cannot be one, Podman's has words for it


def connect(source: Literal["docker", "podman"] = "docker") -> "docker.DockerClient":
    """A client of the engine, which has answered. Raises ToolMissing or ToolFailed with the reason it has not."""
    if source == "docker":
        return _client(engine_address())
    addresses = podman_addresses()
    for address in addresses:
        if address.host.startswith("ssh://"):
            raise podman_by_ssh(address)
        client = _client(address)
        if is_podman(client):
            return client
        client.close()
    names = ", ".join(address.host for address in addresses)
    raise ToolMissing(f"this is Docker and not Podman: {names}", "name Podman with CONTAINER_HOST, or say docker:")


def is_podman(client: "docker.DockerClient") -> bool:
    """Whether the engine is Podman, by the quickest of its answers: its version takes it a second."""
    import requests

    try:
        headers = client.api.get(f"{client.api.base_url}/_ping", timeout=_CONNECT_SECONDS).headers
    except requests.exceptions.RequestException as error:
        raise _broken_off(error) from None
    return "Libpod-API-Version" in headers


def engine_info(client: "docker.DockerClient") -> Mapping[str, Any]:
    """What the engine says of itself. Raises ToolFailed where it breaks off."""
    return _asked(client.info) or {}


def inspect_image(client: "docker.DockerClient", name: str) -> Mapping[str, Any] | None:
    """What the engine says of the image, None where it has none of that name, tag, digest or id."""
    return _asked(client.api.inspect_image, name)


def labelled_images(client: "docker.DockerClient", label: str) -> Sequence[Mapping[str, Any]]:
    """What the engine lists of the images with that label. Raises ToolFailed where it breaks off."""
    return listed(_answer_of(client.api.images, filters={"label": label}))


def listed(answer: object) -> list[Any]:
    """The list that an engine answers with. Raises ToolFailed for what no engine answers."""
    if not isinstance(answer, list):
        raise ToolFailed(
            "the engine broke off: it answers with no list", "see that it runs and that DOCKER_HOST is right"
        )
    return answer


class ImageMissing(InputError):
    """The engine is there, and does not have the image."""


def image_missing(name: str, tool: str = "docker", *, platform: str | None = None, has: str = "") -> ImageMissing:
    """The error for an image that the engine does not have, or `has` for another platform only."""
    option = f"--platform {platform} " if platform else ""
    what = f"has {name!r} for {has}, not for {platform}" if has else f"has no image {name!r}"
    return ImageMissing(f"the engine {what}", f"pull it with `{tool} pull {option}{name}`, or build it")


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
                self._client.api.timeout = EXPORT_SECONDS
                self._chunks = iter(self._client.api.get_image(self._name, chunk_size=_CHUNK))
            return next(self._chunks, b"")
        except APIError as error:
            said = short(error)
            remedy = "make room on the engine's disk" if "no space left" in said else "look at the engine's log"
            raise ToolFailed(f"the engine refused the export: {said}", remedy) from None
        except (requests.exceptions.RequestException, HTTPError, OSError) as error:
            raise export_broken_off(short(error)) from None

    def close(self) -> None:
        """Nothing more of it is wanted; the client's connection is closed with the client."""


def export_broken_off(why: str) -> ToolFailed:
    """The error for an export that does not come to its end."""
    return ToolFailed(f"the engine broke off the export: {why}", "look at the engine's log")


def _asked(question: Callable[..., Any], *arguments: str) -> Mapping[str, Any] | None:
    """The engine's answer, None where it does not have what it was asked for."""
    answer = _answer_of(question, *arguments)
    return answer if isinstance(answer, dict) else None


def _answer_of(question: Callable[..., Any], *arguments: str, **named: object) -> Any:
    """Whatever the engine answers, None where it does not have what it was asked for."""
    import requests
    from docker.errors import APIError

    try:
        return question(*arguments, **named)
    except APIError as error:
        if error.status_code in _NOT_THERE or "invalid reference format" in str(error.explanation):
            return None
        raise ToolFailed(f"the engine refused: {short(error)}", "look at the engine's log") from None
    except requests.exceptions.RequestException as error:
        raise _broken_off(error) from None


def _broken_off(error: Exception) -> ToolFailed:
    return ToolFailed(f"the engine broke off: {short(error)}", "see that the engine is running")


def _client(address: EngineAddress) -> "docker.DockerClient":
    scheme, _, path = address.host.partition("://")
    try:
        if scheme == "unix":  # a socket that is not there is found out sooner than a client is imported
            Path(path).stat()
    except OSError as error:
        raise unreachable(address, error) from None
    import docker
    from docker.errors import DockerException

    # the user's own ssh, with its configuration and its agent
    options: dict[str, Any] = {"base_url": address.host, "timeout": _CONNECT_SECONDS, "use_ssh_client": scheme == "ssh"}
    try:
        options["tls"] = _tls(address) or False
        version = "auto" if scheme == "ssh" else _api_version(options)  # ssh: one connection less
        client = docker.DockerClient(version=version, **options)
    except (DockerException, OSError, ValueError) as error:
        raise unreachable(address, error) from None
    client.api.trust_env = not options["tls"]
    return client


def _api_version(options: dict[str, Any]) -> str:
    """The version that the engine speaks, by its quickest answer. Raises what the client raises, and ValueError."""
    import docker

    with contextlib.closing(docker.APIClient(version=_ANY_VERSION, **options)) as client:
        client.trust_env = not options["tls"]  # REQUESTS_CA_BUNDLE would count more than the engine's own authority
        answer = client.get(f"{client.base_url}/_ping", timeout=_CONNECT_SECONDS)
    if not answer.ok:
        raise ValueError(answer.text)
    return answer.headers.get("Api-Version") or "auto"


def _tls(address: EngineAddress) -> Any:
    """The certificates that are there: the client takes any of the three, or none."""
    if address.tls is None:
        return None
    from docker.tls import TLSConfig

    authority, certificate, key = (Path(address.tls) / f"{name}.pem" for name in ("ca", "cert", "key"))
    return TLSConfig(
        client_cert=(str(certificate), str(key)) if certificate.is_file() and key.is_file() else None,
        ca_cert=str(authority) if address.verify and authority.is_file() else None,
        verify=address.verify,
    )
