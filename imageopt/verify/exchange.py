"""One request and its answer: over HTTP, an upgrade to a WebSocket (`WS`), or a command and what it put out (`RUN`)."""

from collections.abc import Mapping

from msgspec import Struct, field


class Ask(Struct, frozen=True):
    """One request. `method` is an HTTP method or `WS`."""

    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def what(self) -> str:
        """What names it in reports; two requests of one name are one."""
        return f"{self.method} {self.path}"


class Exchange(Struct, frozen=True):
    """One request and its answer, as it came; `location` is where a redirect leads.

    `headers` are those that matter to a client, by name in lower case. The status of a command is its exit code.
    """

    method: str
    path: str
    status: int
    content_type: str
    location: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """As that of its `Ask`."""
        return f"{self.method} {self.path}"
