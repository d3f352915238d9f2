"""A real registry behind a door: what the real `docker login` leaves is enough to read from it."""

import base64
import http.client
import json
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from registryserver import running

from imageopt.errors import ToolFailed
from imageopt.image.load import load_image
from imageopt.source.model import ImageRef

pytestmark = [pytest.mark.engine, pytest.mark.registry]

REPOSITORY = "imageopt/behind-a-door"
LOGIN = f"Basic {base64.b64encode(b'me:s3cret').decode()}"


class Door(ThreadingHTTPServer):
    """Lets those with a login through to the registry: with the login itself, or with a token for it."""

    daemon_threads = True

    def __init__(self, behind: str, *, tokens: bool) -> None:
        super().__init__(("127.0.0.1", 0), Keeper)
        self.behind = behind
        self.tokens = tokens

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Keeper(BaseHTTPRequestHandler):
    server: Door

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        given = self.headers.get("Authorization")
        if self.path.startswith("/token"):
            ok = given == LOGIN
            return self.answer(200 if ok else 401, json.dumps({"token": "t0ken", "expires_in": 60}).encode())
        if given != ("Bearer t0ken" if self.server.tokens else LOGIN):
            bearer = f'Bearer realm="http://{self.server.host}/token",service="door"'
            return self.answer(401, b"{}", {"WWW-Authenticate": bearer if self.server.tokens else 'Basic realm="door"'})
        connection = http.client.HTTPConnection(self.server.behind, timeout=30)
        headers = {name: self.headers[name] for name in ("Accept", "Range") if name in self.headers}
        connection.request("GET", self.path, headers=headers)
        found = connection.getresponse()
        kept = {name: value for name, value in found.getheaders() if name in ("Content-Type", "Content-Range")}
        self.answer(found.status, found.read(), kept)
        return connection.close()

    def answer(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(scope="module")
def pushed(engine: str, registry: str) -> str:
    """The registry, with an image in REPOSITORY."""
    name = f"{registry}/{REPOSITORY}:1"
    for command in (["tag", "alpine:3.23", name], ["push", "-q", name]):
        subprocess.run(["docker", *command], check=True, timeout=120, stdout=subprocess.DEVNULL)
    subprocess.run(["docker", "rmi", name], check=True, timeout=60, stdout=subprocess.DEVNULL)
    return registry


@pytest.mark.parametrize("tokens", [False, True], ids=["password", "token service"])
def test_a_docker_login_is_enough(pushed: str, tokens: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    door = Door(pushed, tokens=tokens)
    with running(door):
        ref = ImageRef("registry", f"{door.host}/{REPOSITORY}:1")
        with pytest.raises(ToolFailed, match="does not let us read") as caught:
            load_image(ref)
        advised = caught.value.remedy.split("`")[1].split()
        subprocess.run(
            [*advised, "--username", "me", "--password-stdin"],
            input=b"s3cret", check=True, timeout=60, capture_output=True,
        )  # fmt: skip
        behind, open_one = load_image(ref), load_image(ImageRef("registry", f"{pushed}/{REPOSITORY}:1"))
    assert (behind.digest, behind.sizes, behind.files) == (open_one.digest, open_one.sizes, open_one.files)
