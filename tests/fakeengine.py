"""An engine in a few lines: it listens on a socket, or with TLS on a port, and gives the answers it is told to give.

with answering(folder / "s", PODMAN, {"/info": (200, {"Driver": "vfs"})}) as host: ...
"""

import http.server
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DOCKER = {"Api-Version": "1.44"}
PODMAN = {"Api-Version": "1.41", "Libpod-API-Version": "4.3.1"}


class UnixServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """An HTTP server at a path; its handler wants a client's address, which a socket does not have."""

    address_family = socket.AF_UNIX
    daemon_threads = True

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)

    def get_request(self) -> tuple[Any, Any]:
        return super().get_request()[0], ("local", 0)


def served(place: Path | ssl.SSLContext, handler: type[http.server.BaseHTTPRequestHandler]) -> http.server.HTTPServer:
    if isinstance(place, Path):
        return UnixServer(str(place), handler)  # type: ignore[arg-type]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = place.wrap_socket(server.socket, server_side=True)
    return server


@contextmanager
def answering(
    place: Path | ssl.SSLContext, headers: dict[str, str], answers: dict[str, tuple[int, Any]] | None = None
) -> Iterator[str]:
    """The address of an engine that answers with these headers, and each path that ends as named with status and value."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = [answer for end, answer in (answers or {}).items() if self.path.endswith(end)]
            status, value = found[0] if found else (200, b"OK")
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            for name, text in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with served(place, Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"unix://{place}" if isinstance(place, Path) else f"tcp://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
