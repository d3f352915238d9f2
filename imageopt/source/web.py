"""One question to a server, to its answer: redirects followed, and asked again after what passes.

What authorises a question stays with the host that it is for: it follows no redirect to another (the storage behind a
registry is another host), and stands in no message. Plain HTTP is for this machine alone.
"""

import email.utils
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from imageopt import __version__
from imageopt.errors import InputError, ToolFailed
from imageopt.source.documents import LIMIT
from imageopt.source.place import is_safe

if TYPE_CHECKING:
    import requests

TRIES = 4
_TRIES_TO_FIND = 2  # of a host that no name server knows, or that never answers: each may take long
_SECONDS = (5, 60)  # to connect, and between two pieces of an answer
_FIRST_WAIT = 0.25
_LONGEST_WAIT = 30.0  # who asks for more is not waited for
_REDIRECTS = 5
_SMALL = 1 << 16  # bytes; so much of an answer that nobody wants is taken, which keeps the connection


class Web:
    """Connections, kept open from one question to the next. Several threads may ask."""

    def __init__(self) -> None:
        import requests

        self._session = requests.Session()
        # it would read the whole body of a redirect, even of one that it is told not to follow
        self._session.get_redirect_target = lambda _answer: None  # type: ignore[assignment]
        self._session.headers.update({"User-Agent": f"imageopt/{__version__}", "Accept-Encoding": "identity"})

    def close(self) -> None:
        """Ends the connections."""
        self._session.close()

    def ask(self, method: str, url: str, authorization: str | None, **what: object) -> "requests.Response":
        """The answer, its body still to be read, whatever its status but 429 and those from 500 on.

        `what` is passed on to requests. Raises ToolFailed where no try gets that far.
        """
        from requests import exceptions

        there = host = host_of(url)
        for attempt in range(TRIES):
            told = None
            try:
                answer = self._follow(method, url, authorization, what)
            except exceptions.SSLError as error:
                raise ToolFailed(
                    f"{_failed_at(error, url)} speaks no HTTPS, or its certificate is not trusted",
                    "name a file with its authority's certificate in REQUESTS_CA_BUNDLE",
                ) from None
            except exceptions.RequestException as error:
                reason, there = _in_words(error), _failed_at(error, url)
                if (
                    isinstance(error, exceptions.ConnectTimeout) or _has_no_name(error)
                ) and attempt + 1 == _TRIES_TO_FIND:
                    break
            else:
                if answer.status_code != 429 and answer.status_code < 500:
                    return answer
                drop(answer)
                reason, there = f"it answers {answer.status_code}", host_of(answer.url)
                told = _seconds(answer.headers.get("Retry-After"))
                if told is not None and told > _LONGEST_WAIT:
                    raise ToolFailed(
                        f"{there} answers {answer.status_code} and wants to be left alone for {told:.0f} s",
                        "try again then, or log in with `docker login`: users may ask for more",
                    )
            pause(attempt, told)
        where = host if there == host else f"{host} leads to {there}, which"
        raise ToolFailed(f"{where} cannot be reached: {reason}", "check its name and the network, or pull the image")

    def _follow(self, method: str, url: str, authorization: str | None, what: dict[str, object]) -> "requests.Response":
        """The answer behind redirects, which requests would follow with what `.netrc` says."""
        first = url
        for _ in range(_REDIRECTS + 1):
            answer = self._session.request(
                method,
                url,
                auth=_Signed(authorization if is_same_host(url, first) else None),
                allow_redirects=False,
                stream=True,
                timeout=_SECONDS,
                proxies={"http": ""},  # no proxy is on the way to this machine
                **what,  # type: ignore[arg-type]
            )
            if not answer.is_redirect or method != "GET":
                return answer
            drop(answer)
            what = {name: value for name, value in what.items() if name != "params"}
            try:
                url = urljoin(url, answer.headers["Location"])
            except ValueError:
                url = ""
            if not is_safe(url):
                raise ToolFailed(f"{host_of(first)} leads to a place without HTTPS", "use another registry")
        raise ToolFailed(f"{host_of(first)} leads from place to place", "use another registry")


class _Signed:
    """Puts what authorises on a request. With None too: requests would look into `.netrc` otherwise."""

    def __init__(self, authorization: str | None) -> None:
        self._authorization = authorization

    def __call__(self, request: "requests.PreparedRequest") -> "requests.PreparedRequest":
        if self._authorization is not None:
            request.headers["Authorization"] = self._authorization
        return request


def whole(answer: "requests.Response") -> bytes | None:
    """The bytes of a short answer, None where it breaks off. Raises InputError where it is too long."""
    from urllib3.exceptions import HTTPError

    data = bytearray()
    try:
        with answer:
            for piece in answer.raw.stream(_SMALL, decode_content=False):
                data += piece
                if len(data) > LIMIT:
                    raise InputError(
                        f"the answer of {host_of(answer.url)} is too long for what it should be", "try another image"
                    )
    except (HTTPError, OSError):
        return None
    return bytes(data)


def drop(answer: "requests.Response") -> None:
    """Takes leave of an answer that nobody wants to read."""
    from urllib3.exceptions import HTTPError

    try:
        with answer:
            answer.raw.read(_SMALL, decode_content=False)
    except (HTTPError, OSError):
        return


def pause(attempt: int, told: float | None = None) -> None:
    """Waits before the next try, if there is one: as long as the server says, else twice as long each time."""
    if attempt + 1 < TRIES:
        time.sleep(_FIRST_WAIT * 2**attempt if told is None else told)


def is_same_host(url: str, other: str) -> bool:
    """Whether scheme, host and port are the same."""
    return url.split("/", 3)[:3] == other.split("/", 3)[:3]


def host_of(url: str) -> str:
    """The host alone: what else an address holds may be secret."""
    return "".join(url.split("/", 3)[2:3]).rpartition("@")[2]


def _failed_at(error: "requests.RequestException", url: str) -> str:
    """The host that the question got to: a registry may have sent it to another."""
    asked = error.request.url if error.request is not None else None
    return host_of(asked or url)


def _has_no_name(error: Exception) -> bool:
    from urllib3.exceptions import NameResolutionError

    return bool(error.args) and isinstance(getattr(error.args[0], "reason", None), NameResolutionError)


def _in_words(error: Exception) -> str:
    from requests import exceptions

    if isinstance(error, exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, exceptions.ConnectionError):
        return "its name is unknown here" if _has_no_name(error) else "no connection"
    return "no answer that can be understood"


def _seconds(told: str | None) -> float | None:
    """A `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date. None where it says nothing."""
    if told is None:
        return None
    if re.fullmatch("[0-9]{1,9}", told.strip()):
        return float(told)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(told).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
