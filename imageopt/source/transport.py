"""Questions to one repository of a registry: authorised, and taken up again where an answer broke off.

A login goes to the registry and to the token service that it names, a token to the registry alone. Layers are read
side by side, so several threads ask here.
"""

import io
import re
import threading
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, NamedTuple

from imageopt.errors import ImageoptError, InputError, ToolFailed
from imageopt.lazy_pattern import lazy_pattern
from imageopt.source.credentials import Credential, credential_for
from imageopt.source.documents import load_json
from imageopt.source.place import HUB, Place, is_safe
from imageopt.source.web import TRIES, Web, drop, host_of, is_same_host, pause, whole

if TYPE_CHECKING:
    import requests
    from _typeshed import WriteableBuffer

_BASIC = lazy_pattern(r"(?:^|[\s,])basic\b", re.IGNORECASE)
_CHUNK = 1 << 18
_LASTING = 1 << 20  # bytes after which an interruption counts as the first one


class Document(NamedTuple):
    """A short answer: its bytes and its media type."""

    data: bytes
    kind: str


class Transport:
    """What can be asked of the repository of one place."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._web = Web()
        self._authorization: str | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Ends the connections."""
        self._web.close()

    def manifest(self, reference: str, accept: str) -> Document:
        """A manifest or an index, whole. Raises InputError where it is missing or too long, ToolFailed for the rest."""
        for attempt in range(TRIES):
            answer = self._get(f"manifests/{reference}", accept=accept)
            data = whole(answer)
            if data is not None:
                return Document(data, answer.headers.get("Content-Type", "").partition(";")[0].strip().lower())
            pause(attempt)
        raise self._broken()

    def blob(self, digest: str, length: int) -> io.RawIOBase:
        """A blob as a stream of at most `length` bytes. Reading raises as `manifest` does."""
        return _Blob(self._pieces(digest, length))

    def _pieces(self, digest: str, length: int) -> Generator[bytes, None, None]:
        position = 0
        breaks, broken_at = 0, 0
        while position < length:
            with self._get(f"blobs/{digest}", offset=position) as answer:
                for piece in _from(answer, position):
                    yield piece[: length - position]
                    position += len(piece)
                    if position >= length:
                        return
            breaks = 1 if position - broken_at >= _LASTING else breaks + 1
            broken_at = position
            if breaks == TRIES:
                raise self._broken()
            pause(breaks - 1)

    def _get(self, path: str, *, accept: str = "*/*", offset: int = 0) -> "requests.Response":
        """An answer with status 200 or 206. A token that has expired is exchanged, once a question."""
        headers = {"Accept": accept, **({"Range": f"bytes={offset}-"} if offset else {})}
        url = f"{self._place.url}/{path}"
        refused = self._authorization
        answer = self._web.ask("GET", url, refused, headers=headers)
        if answer.status_code == 401 and is_same_host(answer.url, url):
            drop(answer)
            authorization = self._authorise(answer.headers.get("WWW-Authenticate", ""), refused)
            if authorization != refused:
                answer = self._web.ask("GET", url, authorization, headers=headers)
        if answer.status_code not in (200, 206):
            drop(answer)
            raise self._refused(answer.status_code, path)
        return answer

    def _authorise(self, challenge: str, refused: str | None) -> str | None:
        """What answers a challenge (RFC 6750 for a bearer token, RFC 7617 for basic), `refused` where nothing does.

        Where another thread has exchanged what was refused, it is taken from there.
        """
        with self._lock:
            if self._authorization == refused:
                known = credential_for(self._place.host)
                bearer = _bearer(challenge)
                if bearer is not None:
                    self._authorization = f"Bearer {self._token(bearer, known)}"
                elif known is not None and not known.is_identity_token and _BASIC.search(challenge):
                    self._authorization = known.basic
            return self._authorization

    def _token(self, parameters: dict[str, str], known: Credential | None) -> str:
        """A token from the service that the challenge names (distribution's token specification)."""
        realm = parameters.get("realm", "")
        if not is_safe(realm):
            raise ToolFailed(
                f"the registry {self._place.host} names no place with HTTPS for its tokens", "use another registry"
            )
        asked = {"scope": f"repository:{self._place.repository}:pull"}
        if "service" in parameters:
            asked["service"] = parameters["service"]
        if known is not None and known.is_identity_token:
            form = {**asked, "grant_type": "refresh_token", "client_id": "imageopt", "refresh_token": known.secret}
            answer = self._web.ask("POST", realm, None, data=form)
        else:
            answer = self._web.ask("GET", realm, known.basic if known is not None else None, params=asked)
        data = whole(answer)
        if answer.status_code in (401, 403):
            raise self._refused(answer.status_code)
        document = load_json(data, "the token service's answer") if data and answer.status_code == 200 else None
        token = document.get("token") or document.get("access_token") if isinstance(document, dict) else None
        if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
            raise ToolFailed(
                f"{host_of(realm)} answers {answer.status_code} and gives no token for {self._place}",
                f"run `{self._login}`, or pull the image",
            )
        return token

    @property
    def _login(self) -> str:
        return "docker login" if self._place.host == HUB else f"docker login {self._place.host}"

    def _refused(self, status: int, path: str = "") -> ImageoptError:
        place = self._place
        if status == 401:
            return ToolFailed(f"the registry does not let us read {place}: it wants a login", f"run `{self._login}`")
        if status == 403:
            return ToolFailed(f"the registry does not let us read {place}", f"run `{self._login}` as a user who may")
        if status in (404, 416) and path.startswith("blobs/"):
            what = "lacks" if status == 404 else "holds only the beginning of"
            return InputError(f"the registry {what} {path[6:25]}, a part of {place}", "push the image again")
        if status == 404:
            return InputError(f"there is no image {place}", "check its name and its tag")
        return ToolFailed(f"the registry answers {status} for {place}", "try again later, or pull the image")

    def _broken(self) -> ToolFailed:
        return ToolFailed(f"{self._place.host} broke off again and again", "try again, or pull the image")


class _Blob(io.RawIOBase):
    """Pieces as a stream; the first read asks for them."""

    def __init__(self, pieces: Generator[bytes, None, None]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        self._pieces.close()
        super().close()


def _from(answer: "requests.Response", position: int) -> Iterator[bytes]:
    """The pieces of an answer, as stored, from `position` of the blob on, as far as they come."""
    from urllib3.exceptions import HTTPError

    skip = 0
    if answer.status_code == 200:
        skip = position  # a server that knows no ranges begins anew
    elif not answer.headers.get("Content-Range", "").startswith(f"bytes {position}-"):
        return
    try:
        for piece in answer.raw.stream(_CHUNK, decode_content=False):
            if len(piece) > skip:
                yield piece[skip:]
            skip = max(0, skip - len(piece))
    except (HTTPError, OSError):
        return


def _bearer(challenge: str) -> dict[str, str] | None:
    """The parameters of the bearer challenge in a `WWW-Authenticate` (RFC 9110, section 11.6.1), None without one."""
    found = re.search(r'(?:^|[\s,])bearer\s+((?:[\w-]+="[^"]*"[\s,]*)*)', challenge[:4096], re.IGNORECASE)
    return {name.lower(): value for name, value in re.findall(r'([\w-]+)="([^"]*)"', found[1])} if found else None
