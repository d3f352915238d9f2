"""A port on this machine -> what answers there: whether it is ready, and the answer to each request.

A published port accepts connections before the program in the container listens, because the engine's proxy does:
only an answer, or a connection that stays open, says that something is there. Every request has a deadline of its own:
a program that drips one byte at a time must not hold up the rest.
"""

import base64
import http.client
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Literal
from urllib.parse import quote

from imageopt.verify.exchange import Ask, Exchange

Readiness = Literal["answers", "open", "closed"]
WEBSOCKET = "WS"
_REQUEST_SECONDS = 10
_ALL_SECONDS = 120
_QUIET_SECONDS = 2.0
_MOST_SILENT = 3
_BODY_LIMIT = 8 << 20
_SAFE = "/%:@!$&'()*+,;=~?-._"
_KEY = base64.b64encode(b"imageopt-upgrade").decode()
# what a browser or a client acts on; entity tags, dates and server names differ between two builds of the same
_HEADERS_THAT_MATTER = (
    "cache-control",
    "content-language",
    "content-security-policy",
    "content-type",  # for its character set
    "referrer-policy",
    "set-cookie",
    "strict-transport-security",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
)
_ORIGIN = "access-control-"
_COOKIE_VALUE = re.compile(r"(?i)^([^=;]*)=[^;]*|(?<=expires=)[^;]*")


def readiness(host: str, port: int) -> Readiness:
    """Whether an HTTP server answers there, something is silent there (`open`), or nothing is there (`closed`)."""
    try:
        with socket.create_connection((host, port), timeout=_QUIET_SECONDS) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            try:
                return "answers" if connection.recv(1) else "closed"
            except TimeoutError:
                return "open"
    except OSError:
        return "closed"


def wait_until_ready(host: str, port: int, *, seconds: float, still_runs: Callable[[], bool]) -> float | None:
    """The seconds until something was there; None once the container has ended or the time is up."""
    start = time.monotonic()
    while time.monotonic() - start < seconds and still_runs():
        if readiness(host, port) != "closed":
            return time.monotonic() - start
        time.sleep(0.1)
    return None


def ask(host: str, port: int, what: Ask, *, inner_port: int) -> Exchange | None:
    """The answer, redirects not followed; None where none came in ten seconds.

    The request names the port inside the container, so that absolute links in the answer are the same in any container.
    """
    connection = http.client.HTTPConnection(host, port, timeout=_REQUEST_SECONDS)
    deadline = threading.Timer(_REQUEST_SECONDS, lambda: _cut(connection))
    deadline.start()
    try:
        connection.connect()
        method = "GET" if what.method == WEBSOCKET else what.method
        connection.request(method, quote(what.path, safe=_SAFE), what.body or None, _headers(what, inner_port))
        answer = connection.getresponse()
        upgraded = answer.status == http.client.SWITCHING_PROTOCOLS
        body = b"" if upgraded else answer.read(_BODY_LIMIT)
        kind = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        location = answer.getheader("Location") or ""
        return Exchange(what.method, what.path, answer.status, kind, location, body, _that_matter(answer.getheaders()))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        deadline.cancel()
        connection.close()


def ask_all(host: str, port: int, asks: Iterable[Ask], *, inner_port: int) -> dict[str, Exchange]:
    """The answers by name; a request without an answer is left out.

    Nothing more is asked after three without an answer in a row, nor once two minutes are over.
    """
    answers: dict[str, Exchange] = {}
    silent = 0
    start = time.monotonic()
    for what in asks:
        answer = ask(host, port, what, inner_port=inner_port)
        silent = silent + 1 if answer is None else 0
        if answer is not None:
            answers[what.what] = answer
        if silent == _MOST_SILENT or time.monotonic() - start > _ALL_SECONDS:
            break
    return answers


def _headers(what: Ask, inner_port: int) -> dict[str, str]:
    headers = {"Host": f"localhost:{inner_port}", "User-Agent": "imageopt", "Accept": "*/*", "Connection": "close"}
    if what.method == WEBSOCKET:
        headers |= {"Connection": "Upgrade", "Upgrade": "websocket"}
        headers |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": _KEY}
    return headers | dict(what.headers)


def _that_matter(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers a client acts on, sorted, their order on the wire aside; of cookies all but the values."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in _HEADERS_THAT_MATTER or lower.startswith(_ORIGIN):
            shown = _COOKIE_VALUE.sub(r"\1", value) if lower == "set-cookie" else value
            found.setdefault(lower, []).append(shown)
    return {name: ", ".join(sorted(found[name])) for name in sorted(found)}


def _cut(connection: http.client.HTTPConnection) -> None:
    """Ends a request from outside of it."""
    try:
        connection.sock.shutdown(socket.SHUT_RDWR)
    except (OSError, AttributeError):  # it was not open, or is no more
        return
