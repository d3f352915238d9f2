"""A port on this machine -> what answers there: whether it is ready, and the answer to each request.

A published port accepts connections before the program in the container listens, because the engine's proxy does:
only an answer, or a connection that stays open, says that something is there.
"""

import http.client
import socket
import time
from collections.abc import Callable, Iterable
from typing import Literal
from urllib.parse import quote

from imageopt.verify.mask import Exchange

Readiness = Literal["answers", "open", "closed"]
_REQUEST_SECONDS = 10
_QUIET_SECONDS = 2.0
_BODY_LIMIT = 8 << 20
_SAFE = "/%:@!$&'()*+,;=~?-._"


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


def wait_until_ready(
    host: str, port: int, *, seconds: float, still_runs: Callable[[], bool]
) -> tuple[Readiness, float | None]:
    """What is there at last, and after how many seconds; `closed` and None once the container ended or time is up."""
    start = time.monotonic()
    while time.monotonic() - start < seconds and still_runs():
        state = readiness(host, port)
        if state != "closed":
            return state, time.monotonic() - start
        time.sleep(0.1)
    return "closed", None


def ask(host: str, port: int, path: str, *, inner_port: int) -> Exchange | None:
    """The answer to a GET, redirects not followed; None where none came.

    The request names the port inside the container, so that absolute links in the answer are the same in any container.
    """
    connection = http.client.HTTPConnection(host, port, timeout=_REQUEST_SECONDS)
    headers = {"Host": f"localhost:{inner_port}", "User-Agent": "imageopt", "Accept": "*/*", "Connection": "close"}
    try:
        connection.request("GET", quote(path, safe=_SAFE), headers=headers)
        answer = connection.getresponse()
        body = answer.read(_BODY_LIMIT)
        kind = (answer.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        return Exchange("GET", path, answer.status, kind, answer.getheader("Location") or "", body)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def ask_all(host: str, port: int, paths: Iterable[str], *, inner_port: int) -> dict[str, Exchange]:
    """The answers by path; a path without an answer is left out."""
    answers = {path: ask(host, port, path, inner_port=inner_port) for path in paths}
    return {path: answer for path, answer in answers.items() if answer is not None}
