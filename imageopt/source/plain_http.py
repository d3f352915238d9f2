"""HTTP/1.0 as it is spoken with an engine over its socket: the words of a question, and the head of its answer."""

from collections.abc import Mapping
from typing import NamedTuple

_END = b"\r\n\r\n"


class Head(NamedTuple):
    """`code` as it is written, `headers` by name in small letters, `rest` the bytes of the body that came with it."""

    code: str
    headers: Mapping[str, str]
    rest: bytes


def question(path: str) -> bytes:
    """What asks for the path; no answer to it comes in pieces."""
    return f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()


def head_of(data: bytes) -> Head | None:
    """The head that the data begins with; None as long as it is not whole."""
    head, found, rest = data.partition(_END)
    if not found:
        return None
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Head("".join(status.split(" ")[1:2]), headers, rest)
