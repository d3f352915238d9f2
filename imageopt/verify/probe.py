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
_MOST_SILENT = 3
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


def wait_until_ready(host: str, port: int, *, seconds: float, still_runs: Callable[[], bool]) -> float | None:
    """The seconds until something was there; None once the container has ended or the time is up."""
    start = time.monotonic()
    while time.monotonic() - start < seconds and still_runs():
        if readiness(host, port) != "closed":
            return time.monotonic() - start
        time.sleep(0.1)
    return None


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
    """The answers by path; a path without an answer is left out, and after three of them in a row nothing is asked."""
    answers: dict[str, Exchange] = {}
    silent = 0
    for path in paths:
        answer = ask(host, port, path, inner_port=inner_port)
        silent = silent + 1 if answer is None else 0
        if answer is not None:
            answers[path] = answer
        elif silent == _MOST_SILENT:
            break
    return answers
