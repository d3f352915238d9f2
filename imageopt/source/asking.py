"""What a local engine is asked about an image: a few short questions and its export, which need no client by a socket.

The client library takes longer to import than a known image to be told. So a question goes over the socket by hand, and
whatever is not a plain answer there (another kind of address, an error, a surprise) is asked again with the client,
whose words about it are the ones that count.
"""

import json
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from imageopt.source import engine
from imageopt.source.address import engine_address
from imageopt.source.plain_http import head_of, question

if TYPE_CHECKING:
    import docker

    from imageopt.source.ahead import SocketExport

T = TypeVar("T")
_SECONDS = 10
_LONGEST = 16 << 20  # bytes of an answer: an image with thousands of tags has a few hundred thousand


class Engine:
    """A local engine that can be asked. Its questions raise ToolMissing and ToolFailed where it cannot answer."""

    def __init__(self, source: Literal["docker", "podman"] = "docker") -> None:
        self._source = source
        host = engine_address().host if source == "docker" else ""
        self._socket = host.removeprefix("unix://") if host.startswith("unix://") else None
        self._client: docker.DockerClient | None = None
        self._version = ""

    @property
    def client(self) -> "docker.DockerClient":
        """The client library's, for what is more than a question."""
        if self._client is None:
            self._client = engine.connect(self._source)
        return self._client

    def is_podman(self) -> bool:
        """Whether the engine is Podman."""
        answer = self._answer("/_ping")
        if answer is None or not answer.found:
            return engine.is_podman(self.client)
        self._version = answer.headers.get("api-version", "")
        return "libpod-api-version" in answer.headers

    def image(self, name: str) -> Mapping[str, Any] | None:
        """What it says of the image, None where it has none of that name, tag, digest or id."""
        answer = self._answer(self._of_image(name, "json"))
        told = _value(answer, dict) if answer is not None else None
        if answer is None or told is None or not (answer.found or "message" in told):
            return engine.inspect_image(self.client, name)
        return told if answer.found else None

    def labelled(self, label: str) -> Sequence[Mapping[str, Any]]:
        """What it says of the images with that label, `name=value`, in its list of images."""
        from urllib.parse import quote

        found = self._found(f"/images/json?filters={quote(json.dumps({'label': [label]}))}", list)
        return engine.labelled_images(self.client, label) if found is None else found

    def info(self) -> Mapping[str, Any]:
        """What it says of itself."""
        found = self._found("/info", dict)
        return engine.engine_info(self.client) if found is None else found

    def export(self, name: str) -> "SocketExport | engine.ImageExport":
        """The export of an image, as a tar to be read once and to be closed."""
        from imageopt.source import ahead

        if self._socket is not None and self._client is None:
            export = ahead.open_export(self._socket, self._of_image(name, "get"))
            if export is not None:
                return export
        return engine.ImageExport(self.client, name)

    def close(self) -> None:
        """Nothing more will be asked."""
        if self._client is not None:
            self._client.close()

    def _found(self, path: str, kind: type[T]) -> T | None:
        """What is there, as JSON of that kind; None for any other answer."""
        answer = self._answer(self._versioned(path))
        return _value(answer, kind) if answer is not None and answer.found else None

    def _of_image(self, name: str, what: str) -> str:
        from urllib.parse import quote

        return self._versioned(f"/images/{quote(name, safe='/:')}/{what}")

    def _versioned(self, path: str) -> str:
        return f"/v{self._version}{path}" if self._version else path

    def _answer(self, path: str) -> "_Answer | None":
        """The plain answer to a question over the socket; None for any other."""
        if self._socket is None or self._client is not None:
            return None
        try:
            with socket.socket(socket.AF_UNIX) as stream:
                stream.settimeout(_SECONDS)
                stream.connect(self._socket)
                stream.sendall(question(path))
                data = b""
                while piece := stream.recv(1 << 16):
                    data += piece
                    if len(data) > _LONGEST:
                        return None
        except OSError:
            return None
        return _parsed(data)


class _Answer(NamedTuple):
    found: bool  # otherwise: there is nothing of that name
    headers: Mapping[str, str]  # names in small letters
    body: bytes


def _parsed(data: bytes) -> _Answer | None:
    """A whole answer of status 200 or 404: as long as it says, or, where it does not say, as far as it went."""
    head = head_of(data)
    if head is None or head.code not in ("200", "404"):
        return None
    length = str(len(head.rest))
    if "transfer-encoding" in head.headers or head.headers.get("content-length", length) != length:
        return None
    return _Answer(head.code == "200", head.headers, head.rest)


def _value(answer: _Answer, kind: type[T]) -> T | None:
    try:
        value = json.loads(answer.body)
    except ValueError:
        return None
    return value if isinstance(value, kind) else None
