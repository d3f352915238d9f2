"""An image in a registry, read blob by blob without an engine: the pull half of the OCI distribution specification.

What a registry serves looks like the files of an OCI layout, so this is a `Files`. Plain HTTP is spoken to loopback
only. A transfer that breaks off is resumed where it stopped; a credential goes to the host that it is for, over no
redirect and into no message.
"""

import hashlib
import io
import json
import platform as machine
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from imageopt.errors import InputError, ToolFailed, UsageError
from imageopt.source.credentials import Credential, credential_for
from imageopt.source.documents import LIMIT, load_json
from imageopt.source.files import missing
from imageopt.source.layout import download_bytes

if TYPE_CHECKING:
    import requests
    from _typeshed import WriteableBuffer

_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_HUB = "registry-1.docker.io"
_NAME = re.compile(
    r"(?:(?P<host>[\w.-]+(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?)/)?(?P<repository>[a-z0-9._/-]+)"
    r"(?::(?P<tag>[\w.-]{1,128}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?")
_TRIES = 4
_SECONDS = (5, 60)  # to connect, and between two pieces of an answer
_FIRST_WAIT = 0.25
_LONGEST_WAIT = 10.0
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image is: `reference` is a tag or a digest."""

    host: str
    repository: str
    reference: str

    @property
    def url(self) -> str:
        """The root of the repository's API."""
        scheme = "http" if _LOOPBACK.fullmatch(self.host) else "https"
        return f"{scheme}://{self.host}/v2/{self.repository}"


def parse_place(name: str) -> Place:
    """`ghcr.io/team/app:1`, `node:20` (Docker Hub), with `//` in front or not. Raises UsageError for anything else."""
    found = _NAME.fullmatch(name.removeprefix("//"))
    if found is None:
        raise UsageError(f"{name[:80]!r} is no image in a registry", "write for example registry:ghcr.io/team/app:1.2")
    host, repository = found["host"], found["repository"]
    if host is not None and not ("." in host or ":" in host or host == "localhost"):
        host, repository = None, f"{host}/{repository}"
        if repository != repository.lower():
            raise UsageError(f"{name[:80]!r} has capital letters", "write the names of repositories in small letters")
    if host in (None, "docker.io", "index.docker.io"):
        host, repository = _HUB, repository if "/" in repository else f"library/{repository}"
    return Place(host, repository, found["digest"] or found["tag"] or "latest")


def this_platform() -> str:
    """The platform that a pull on this machine takes: always Linux, as engines do."""
    return f"linux/{_ARCHITECTURES.get(machine.machine(), machine.machine())}"


def transferred_bytes(name: str, platform: str | None) -> int:
    """What a pull of the image transfers of layers, in bytes: from two requests at most, and without an engine.

    Raises UsageError for a name that is none, InputError and ToolFailed as a registry refuses.
    """
    files = RegistryFiles(parse_place(name))
    try:
        return download_bytes(files, platform or this_platform())
    finally:
        files.close()


class RegistryFiles:
    """The blobs of one image as the files of an OCI layout; `index.json` lists what the tag names."""

    def __init__(self, place: Place) -> None:
        import requests

        self._place = place
        self._session = requests.Session()
        self._session.hooks["response"].append(self._see_where_it_leads)
        self._sizes: dict[str, int] = {}
        self._documents: dict[str, bytes] = {}
        self._manifests: set[str] = set()
        self._index = self._top()

    def close(self) -> None:
        """Ends the connections."""
        self._session.close()

    def size(self, name: str) -> int | None:
        """Bytes of a document or a blob that the manifests read so far speak of."""
        if name == "index.json":
            return len(self._index)
        digest = _digest(name)
        if digest in self._manifests:
            return len(self._manifest(digest))
        return self._sizes.get(digest)

    def open(self, name: str) -> io.BufferedReader:
        """The document or blob, at its beginning."""
        if name == "index.json":
            return io.BufferedReader(io.BytesIO(self._index))
        digest = _digest(name)
        if digest in self._manifests:
            return io.BufferedReader(io.BytesIO(self._manifest(digest)))
        if digest not in self._sizes:
            raise missing(name)
        return io.BufferedReader(_Blob(lambda offset: self._blob(digest, offset), self._sizes[digest]), 1 << 18)

    def _top(self) -> bytes:
        """An index of the one manifest (or index) that the reference names."""
        answer = self._get(f"manifests/{self._place.reference}", accept=", ".join(_MANIFESTS))
        data = _limited(answer)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if self._place.reference.startswith("sha256:") and digest != self._place.reference:
            raise InputError("the registry's manifest is not what its digest promises", "ask the registry's keeper")
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        self._remember(digest, data)
        return json.dumps({"manifests": [{"digest": digest, "mediaType": kind, "size": len(data)}]}).encode()

    def _manifest(self, digest: str) -> bytes:
        if digest not in self._documents:
            self._remember(digest, _limited(self._get(f"manifests/{digest}", accept=", ".join(_MANIFESTS))))
        return self._documents[digest]

    def _remember(self, digest: str, data: bytes) -> None:
        """Keeps a manifest, and what it says of the sizes of others."""
        self._documents[digest] = data
        self._manifests.add(digest)
        document = load_json(data, "the registry's manifest")
        for key, found in (("manifests", self._manifests.add), ("layers", None), ("config", None)):
            value = document.get(key) if isinstance(document, dict) else None
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict) and isinstance(item.get("digest"), str):
                    if found is not None:
                        found(item["digest"])
                    elif isinstance(item.get("size"), int):
                        self._sizes[item["digest"]] = item["size"]

    def _blob(self, digest: str, offset: int) -> "requests.Response":
        return self._get(f"blobs/{digest}", offset=offset)

    def _get(self, path: str, *, accept: str = "*/*", offset: int = 0) -> "requests.Response":
        """An answer with status 200 or 206. Raises InputError for what is not there, ToolFailed for the rest."""
        import requests

        headers = {"Accept": accept, **({"Range": f"bytes={offset}-"} if offset else {})}
        reason = ""
        authorised = False  # a token may expire between two blobs, so each request may ask for one
        for attempt in range(_TRIES):
            try:
                answer = self._session.get(f"{self._place.url}/{path}", headers=headers, stream=True, timeout=_SECONDS)
            except requests.exceptions.RequestException as error:
                reason = _kind_of(error)
                _pause(attempt, None)
                continue
            if answer.status_code in (200, 206):
                return answer
            answer.close()
            if answer.status_code == 401 and not authorised:
                authorised = True
                self._authorise(answer.headers.get("WWW-Authenticate", ""))
            elif answer.status_code == 429 or answer.status_code >= 500:
                reason = f"it answers {answer.status_code}"
                _pause(attempt, answer.headers.get("Retry-After"))
            else:
                raise self._refused(answer.status_code, path)
        raise ToolFailed(
            f"the registry {self._place.host} cannot be reached: {reason}",
            "check its name and the network, or pull the image",
        )

    def _see_where_it_leads(self, answer: "requests.Response", **_: object) -> None:
        """Raises ToolFailed for a redirect to plain HTTP, before it is followed."""
        if answer.is_redirect and not _is_safe(urljoin(answer.url, answer.headers["location"])):
            answer.close()
            raise ToolFailed(f"the registry {self._place.host} leads to plain HTTP", "use another registry")

    def _refused(self, status: int, path: str = "") -> InputError | ToolFailed:
        name = f"{self._place.host}/{self._place.repository}:{self._place.reference}"
        if status in (401, 403):
            return ToolFailed(f"the registry does not let us read {name}", f"run `docker login {self._place.host}`")
        if status == 404 and path.startswith("blobs/"):
            return InputError(f"the registry lacks {path[6:25]}, a part of {name}", "push the image again")
        if status == 404:
            return InputError(f"there is no image {name}", "check its name and its tag")
        return ToolFailed(f"the registry answers {status} for {name}", "try again later, or pull the image")

    def _authorise(self, challenge: str) -> None:
        """Answers a challenge (RFC 6750 for a bearer token, RFC 7617 for basic) with what the user logged in with."""
        from requests.auth import HTTPBasicAuth

        scheme, _, rest = challenge.partition(" ")
        known = credential_for(self._place.host)
        if scheme.lower() == "bearer":
            self._session.auth = _Bearer(self._token(_parameters(rest), known))
        elif known is not None:
            self._session.auth = HTTPBasicAuth(known.user.encode(), known.secret.encode())

    def _token(self, parameters: Mapping[str, str], known: Credential | None) -> str:
        """A token from the service that the challenge names (distribution's token specification)."""
        import requests
        from requests.auth import HTTPBasicAuth

        realm = parameters.get("realm", "")
        if not _is_safe(realm):
            raise ToolFailed(f"the registry {self._place.host} wants a token over plain HTTP", "use another registry")
        asked = {"service": parameters.get("service", ""), "scope": f"repository:{self._place.repository}:pull"}
        try:
            if known is not None and known.is_identity_token:
                form = {**asked, "grant_type": "refresh_token", "client_id": "imageopt", "refresh_token": known.secret}
                answer = requests.post(realm, data=form, timeout=_SECONDS, allow_redirects=False)
            else:
                pair = HTTPBasicAuth(known.user.encode(), known.secret.encode()) if known else None
                answer = requests.get(realm, params=asked, auth=pair, timeout=_SECONDS, allow_redirects=False)
        except requests.exceptions.RequestException as error:
            raise ToolFailed(
                f"the token service of {self._place.host} cannot be reached: {_kind_of(error)}", "check the network"
            ) from None
        if answer.status_code != 200:
            raise self._refused(401)
        document = load_json(answer.content[:LIMIT], "the token service's answer")
        token = document.get("token") or document.get("access_token") if isinstance(document, dict) else None
        if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
            raise self._refused(401)
        return token


class _Bearer:
    """Puts a token on the requests to the registry itself: what a redirect leads to does not get it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: "requests.PreparedRequest") -> "requests.PreparedRequest":
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Blob(io.RawIOBase):
    """A blob as a stream; a connection that breaks off is taken up again where it stopped."""

    def __init__(self, get: Callable[[int], "requests.Response"], length: int) -> None:
        self._get = get
        self._length = length
        self._position = 0
        self._pieces: Iterator[bytes] | None = None
        self._rest = memoryview(b"")
        self._breaks = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        if not self._rest:
            self._rest = memoryview(self._next())
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def _next(self) -> bytes:
        """The next piece, nothing at the end; raises ToolFailed where it breaks off once too often."""
        import requests
        from urllib3.exceptions import HTTPError

        while self._position < self._length:
            try:
                if self._pieces is None:
                    self._pieces = self._start()
                piece = next(self._pieces, b"")
            except (requests.exceptions.RequestException, HTTPError, OSError):
                piece = b""
            if piece:
                self._position += len(piece)
                return piece
            self._pieces = None
            self._breaks += 1
            if self._breaks == _TRIES:
                raise ToolFailed("the registry broke off a blob again and again", "try again, or pull the image")
        return b""

    def _start(self) -> Iterator[bytes]:
        answer = self._get(self._position)
        skip = self._position if answer.status_code == 200 else 0  # a server that knows no ranges begins anew
        stream: Iterator[bytes] = answer.raw.stream(1 << 18, decode_content=False)
        for piece in stream:
            if skip >= len(piece):
                skip -= len(piece)
                continue
            yield piece[skip:]
            skip = 0


def _digest(name: str) -> str:
    return name.removeprefix("blobs/").replace("/", ":", 1)


def _limited(answer: "requests.Response") -> bytes:
    data: bytes = answer.raw.read(LIMIT + 1, decode_content=True)
    answer.close()
    if len(data) > LIMIT:
        raise InputError("the registry's manifest is too long for one", "is this a container image?")
    return data


def _is_safe(url: str) -> bool:
    """Whether what is asked there stays secret: HTTPS, or this machine."""
    scheme, _, rest = url.partition("://")
    return scheme == "https" or (scheme == "http" and _LOOPBACK.fullmatch(rest.partition("/")[0]) is not None)


def _kind_of(error: Exception) -> str:
    """What went wrong, without the address and what may stand in it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()


def _parameters(text: str) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="([^"]*)"', text))


def _pause(attempt: int, told: str | None) -> None:
    """Waits before the next try, if there is one: as long as the registry says, else twice as long each time."""
    if attempt + 1 < _TRIES:
        seconds = float(told) if told is not None and told.isdigit() else _FIRST_WAIT * 2**attempt
        time.sleep(min(seconds, _LONGEST_WAIT))
