"""A registry for one repository, `team/app`, in a thread of the test, that can be told what is to go wrong.

with serving() as registry:
    registry.push("1", [layer(file("a", b"x"))])
    registry.faults["manifests/1"] = ["503", "cut"]     the first two requests for it meet these, one each
"""

import base64
import contextlib
import gzip
import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from imagebuilder import config, digest

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REPOSITORY = "/v2/team/app/"


class Asked(NamedTuple):
    """One request."""

    path: str
    authorization: str | None
    range: str | None


class Registry(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client may leave when it likes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.faults: defaultdict[str, list[str]] = defaultdict(list)
        self.asked: list[Asked] = []
        self.challenge: str | None = None  # None: everything is open
        self.accepts = ""  # the Authorization that opens the repository
        self.login = ""  # `user:password` that opens the token service, empty for anybody
        self.identity = ""  # the token that buys tokens
        self.token_answer: dict[str, Any] | bytes | None = None
        self.elsewhere = ""  # where blobs are redirected to, by their digests
        self.retry_after = "0"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def paths(self) -> list[str]:
        """What was asked for in the repository, in order."""
        return [asked.path.removeprefix(REPOSITORY) for asked in self.asked if asked.path.startswith(REPOSITORY)]

    def want_token(self, token: str = "t0ken") -> None:
        self.accepts = f"Bearer {token}"
        self.challenge = f'Bearer realm="http://{self.host}/token",service="here",scope="repository:team/app:pull"'

    def want_password(self, login: str) -> None:
        self.accepts = f"Basic {base64.b64encode(login.encode()).decode()}"
        self.challenge = 'Basic realm="here"'

    def push(
        self,
        tag: str,
        layers: Sequence[bytes],
        *,
        more: Sequence[dict[str, Any]] = (),
        plain: bool = False,
        **settings: Any,
    ) -> str:
        """Puts an image there, its layers gzipped unless `plain`; `more` is merged into the layers' descriptors."""
        stored = [data if plain else gzip.compress(data, mtime=0) for data in layers]
        configuration = config(layers, **settings)
        for data in (*stored, configuration):
            self.blobs[digest(data)] = data
        described: list[dict[str, Any]] = [{"digest": digest(data), "size": len(data)} for data in stored]
        for descriptor, extra in zip(described, more, strict=False):
            descriptor.update(extra)
        document = {"config": {"digest": digest(configuration), "size": len(configuration)}, "layers": described}
        return self.put(tag, MANIFEST, document)

    def index(self, tag: str, *manifests: tuple[str, str], kind: str = MANIFEST) -> str:
        """Puts an index of (digest, platform) there."""
        entries = []
        for name, platform in manifests:
            parts = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
            size = len(self.manifests[name][1]) if name in self.manifests else 1
            entries.append({"digest": name, "mediaType": kind, "size": size, "platform": parts})
        return self.put(tag, INDEX, {"manifests": entries})

    def put(self, tag: str, kind: str, document: object) -> str:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.manifests[tag] = self.manifests[digest(data)] = (kind, data)
        return digest(data)


class Handler(BaseHTTPRequestHandler):
    server: Registry
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a header and a body are two writes, and the second would wait

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        server = self.server
        given = self.headers.get("Authorization")
        server.asked.append(Asked(self.path, given, self.headers.get("Range")))
        if self.path.startswith("/token"):
            return self.token(given)
        name = self.path.removeprefix(REPOSITORY)
        fault = server.faults[name].pop(0) if server.faults[name] else ""
        if fault.isdigit():
            return self.answer(int(fault), b"{}", {"Retry-After": server.retry_after})
        if fault == "reset":
            self.close_connection = True
            return None
        if fault == "expired":
            server.accepts += "x"
        if server.challenge is not None and given != server.accepts:
            return self.answer(401, b"{}", {"WWW-Authenticate": server.challenge})
        kind, _, name = name.partition("/")
        if kind == "manifests" and name in server.manifests:
            media, data = server.manifests[name]
            return self.answer(200, data, {"Content-Type": media}, fault)
        if kind == "blobs" and server.elsewhere:
            return self.answer(307, b"over there", {"Location": f"{server.elsewhere}/{name}"})
        if kind == "blobs" and name in server.blobs:
            return self.blob(server.blobs[name], fault)
        return self.answer(404, b"{}")

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.asked.append(Asked(self.path, self.headers.get("Authorization"), None))
        wanted = {"grant_type": ["refresh_token"], "refresh_token": [self.server.identity]}
        ok = self.server.identity and wanted.items() <= form.items()
        token = self.server.accepts.removeprefix("Bearer ")
        self.answer(200 if ok else 401, json.dumps({"access_token": token}).encode())

    def token(self, given: str | None) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        fault = self.server.faults["token"].pop(0) if self.server.faults["token"] else ""
        if fault.isdigit():
            return self.answer(int(fault), b"{}", {"Retry-After": self.server.retry_after})
        login = base64.b64encode(self.server.login.encode()).decode()
        if (self.server.login and given != f"Basic {login}") or asked["scope"] != ["repository:team/app:pull"]:
            return self.answer(401, b"{}")
        answer = self.server.token_answer or {"token": self.server.accepts.removeprefix("Bearer ")}
        return self.answer(200, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def blob(self, data: bytes, fault: str) -> None:
        offset = int(self.headers.get("Range", "bytes=0-")[6:-1])
        if fault == "no ranges" or not offset:
            return self.answer(200, data, {}, fault)
        if offset >= len(data):
            return self.answer(416, b"")
        first = offset - 1 if fault == "wrong range" else offset
        return self.answer(206, data[first:], {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"}, fault)

    def answer(self, status: int, data: bytes, headers: dict[str, str] | None = None, fault: str = "") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data[: len(data) // 2] if fault == "cut" else data)
        if fault == "cut":
            self.close_connection = True


class Storage(ThreadingHTTPServer):
    """Where a registry may keep its blobs: it knows no login, and remembers what it was given."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client may leave when it likes."""

    def __init__(self, blobs: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), StorageHandler)
        self.blobs = blobs
        self.status = 200
        self.given: list[str | None] = []


class StorageHandler(BaseHTTPRequestHandler):
    server: Storage

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self.server.given.append(self.headers.get("Authorization"))
        data = self.server.blobs[self.path.strip("/")] if self.server.status == 200 else b""
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("WWW-Authenticate", 'Basic realm="give it to me"')
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[str]:
    """Serves in a thread; gives the address."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving() -> Iterator[Registry]:
    registry = Registry()
    with running(registry):
        yield registry
