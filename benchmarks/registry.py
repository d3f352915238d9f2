"""An OCI layout served as a registry on loopback that counts what is asked of it; it serves, and takes nothing."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Asked:
    """What clients asked for: requests of each kind, and the bytes that went out."""

    def __init__(self) -> None:
        self.manifests = 0
        self.blobs = 0
        self.others = 0
        self.body_bytes = 0


@contextmanager
def serving(layout: Path) -> Iterator[tuple[str, Asked]]:
    """The image's reference there (any tag is the layout's only image), and the count that goes on."""
    asked = Asked()
    index = json.loads((layout / "index.json").read_bytes())
    only = index["manifests"][0]["digest"]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            kind, _, name = self.path.rpartition("/")
            if kind.endswith("/manifests"):
                asked.manifests += 1
                self._answer("application/vnd.oci.image.manifest.v1+json", name if ":" in name else only)
            elif kind.endswith("/blobs"):
                asked.blobs += 1
                self._answer("application/octet-stream", name)
            else:
                asked.others += 1
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def _answer(self, media_type: str, digest: str) -> None:
            blob = layout / "blobs" / "sha256" / digest.removeprefix("sha256:")
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(blob.stat().st_size))
            self.send_header("Docker-Content-Digest", digest)
            self.end_headers()
            if self.command == "GET":
                asked.body_bytes += blob.stat().st_size
                with blob.open("rb") as stream:
                    while data := stream.read(1 << 20):
                        self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing: the count is the log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"registry:127.0.0.1:{server.server_address[1]}/benchmark:latest", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
