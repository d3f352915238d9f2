"""Images straight from a registry: a small one made here, with faults on demand, and the real one of the bed."""

import base64
import gzip
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from imagebuilder import config, digest, file, layer

from imageopt.cli.edge import run
from imageopt.errors import ImageoptError, InputError, ToolFailed, UsageError
from imageopt.image.load import load_image
from imageopt.image.model import Image
from imageopt.source import registry as registry_module
from imageopt.source.credentials import credential_for
from imageopt.source.model import ImageRef
from imageopt.source.registry import Place, parse_place

ONE, TWO = layer(file("a", b"1" * 100_000)), layer(file("b", bytes(range(256)) * 2000))


class Registry(ThreadingHTTPServer):
    """Serves one repository, `team/app`. `faults` are used up one by one, each by the request that meets it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.login: str | None = None
        self.token = "t0ken"
        self.elsewhere = ""  # where blobs are redirected to
        self.given: list[str | None] = []  # the Authorization of each request

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def push(self, tag: str, layers: list[bytes]) -> str:
        stored = [gzip.compress(data, mtime=0) for data in layers]
        settings = config(layers)
        for data in (*stored, settings):
            self.blobs[digest(data)] = data
        document = {"config": {"digest": digest(settings), "size": len(settings)},
                    "layers": [{"digest": digest(data), "size": len(data)} for data in stored]}  # fmt: skip
        return self.put(tag, "application/vnd.oci.image.manifest.v1+json", document)

    def put(self, tag: str, kind: str, document: object) -> str:
        data = json.dumps(document).encode()
        self.manifests[tag] = self.manifests[digest(data)] = (kind, data)
        return digest(data)


class Handler(BaseHTTPRequestHandler):
    server: Registry

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        server = self.server
        server.asked.append(self.path)
        server.given.append(self.headers.get("Authorization"))
        if self.path.startswith("/token"):
            given = self.headers.get("Authorization", "").removeprefix("Basic ")
            ok = server.login is None or given == base64.b64encode(server.login.encode()).decode()
            return self.answer(200 if ok else 401, json.dumps({"token": server.token}).encode())
        if server.faults and server.faults[0].startswith(("429", "500")):
            return self.answer(int(server.faults.pop(0)), b"", {"Retry-After": "0"})
        if server.faults and server.faults[0] == "expired":
            server.faults.pop(0)
            server.token += "x"
        if self.headers.get("Authorization") != f"Bearer {server.token}":
            challenge = f'Bearer realm="http://{server.host}/token",service="here",scope="repository:team/app:pull"'
            return self.answer(401, b"", {"WWW-Authenticate": challenge})
        _, _, rest = self.path.partition("/v2/team/app/")
        kind, _, name = rest.partition("/")
        if kind == "manifests" and name in server.manifests:
            media, data = server.manifests[name]
            return self.answer(200, data, {"Content-Type": media})
        if kind == "blobs" and server.elsewhere:
            return self.answer(307, b"", {"Location": f"{server.elsewhere}/{name}"})
        if kind == "blobs" and name in server.blobs:
            return self.blob(server.blobs[name])
        return self.answer(404, b"{}")

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        ok = (
            self.server.login == "identity"
            and "refresh_token=buys-tokens" in form
            and "grant_type=refresh_token" in form
        )
        self.answer(200 if ok else 400, json.dumps({"access_token": self.server.token}).encode())

    def blob(self, data: bytes) -> None:
        offset = int(self.headers.get("Range", "bytes=0-")[6:-1])
        fault = self.server.faults.pop(0) if self.server.faults else ""
        if fault == "no ranges":
            offset = 0
        data = data[offset:]
        self.send_response(206 if offset else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if fault == "break off" else data)
        self.close_connection = True

    def answer(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Registry]:
    monkeypatch.setattr(registry_module, "_FIRST_WAIT", 0)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with Registry() as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        made.push("1", [ONE, TWO])
        yield made
        made.shutdown()


def load(server: Registry, tag: str = "1", **how: str) -> Image:
    return load_image(ImageRef("registry", f"{server.host}/team/app:{tag}"), **how)  # type: ignore[arg-type]


def test_an_image_by_its_tag_with_a_token(server: Registry) -> None:
    image = load(server)
    assert [(record.path, record.birth) for record in image.files] == [("a", 0), ("b", 1)]
    assert image.sizes.download_bytes == sum(len(gzip.compress(data, mtime=0)) for data in (ONE, TWO))
    assert image.digest == digest(server.manifests["1"][1])
    blobs = (digest(config([ONE, TWO])), *(layer.digest for layer in image.layers))
    asked = [path for path in server.asked if "blobs" in path]
    assert sorted(asked) == sorted(f"/v2/team/app/blobs/{name}" for name in blobs)  # each once


@pytest.mark.parametrize(
    "faults", [["429"], ["500", "500"], ["expired"], ["", "expired"], ["", "break off"], ["", "break off", "no ranges"]]
)
def test_faults_that_pass(server: Registry, faults: list[str]) -> None:
    expected = load(server).files
    server.faults = list(faults)
    assert load(server).files == expected


def test_faults_that_stay(server: Registry) -> None:
    server.faults = ["500"] * 10
    with pytest.raises(ToolFailed, match="cannot be reached: it answers 500"):
        load(server)
    server.faults = ["", *["break off"] * 10]
    with pytest.raises(ToolFailed, match="again and again"):
        load(server)


def test_the_platform_is_chosen_from_an_index(server: Registry) -> None:
    manifests = []
    for architecture, layers in (("amd64", [ONE]), ("arm64", [TWO])):
        name = server.push(architecture, layers)
        manifests.append({"digest": name, "size": 1, "platform": {"os": "linux", "architecture": architecture}})
    server.put("many", "application/vnd.oci.image.index.v1+json", {"manifests": manifests})
    assert load(server, "many", platform="linux/arm64").files[0].path == "b"
    with pytest.raises(InputError, match="no image in it fits"):
        load(server, "many", platform="linux/s390x")


def test_what_is_damaged_or_missing(server: Registry) -> None:
    with pytest.raises(InputError, match="there is no image"):
        load(server, "2")
    stored = gzip.compress(TWO, mtime=0)
    server.blobs[digest(stored)] = gzip.compress(ONE, mtime=0).ljust(len(stored), b"\0")
    with pytest.raises(InputError, match="damaged"):
        load(server)
    del server.blobs[digest(stored)]
    with pytest.raises(ImageoptError):
        load(server)
    server.put("odd", "application/vnd.oci.image.manifest.v1+json", [1, 2])
    with pytest.raises(InputError):
        load(server, "odd")


def test_a_login_goes_to_its_host_and_into_no_message(server: Registry, tmp_path: Path) -> None:
    server.login = "me:s3cret"
    with pytest.raises(ToolFailed, match="does not let us read"):
        load(server)
    pair = base64.b64encode(b"me:s3cret").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {server.host: {"auth": pair}}}))
    assert load(server).file_count == 2
    (tmp_path / "config.json").write_text(json.dumps({"auths": {server.host: {"auth": pair[:-4]}}}))
    with pytest.raises(ToolFailed) as caught:
        load(server)
    assert "s3cret" not in caught.value.cause + caught.value.remedy


def test_an_identity_token_buys_a_token(server: Registry, tmp_path: Path) -> None:
    server.login = "identity"
    settings = {"auths": {server.host: {"auth": "bWU6", "identitytoken": "buys-tokens"}}}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    assert load(server).file_count == 2


class Storage(BaseHTTPRequestHandler):
    """Where a registry may keep its blobs: it knows no login, and remembers what it was given."""

    given: list[str | None] = []  # noqa: RUF012 (one storage a test)
    blobs: dict[str, bytes] = {}  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self.given.append(self.headers.get("Authorization"))
        data = self.blobs[self.path.strip("/")]
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def test_a_token_goes_over_no_redirect(server: Registry) -> None:
    Storage.blobs = server.blobs
    with ThreadingHTTPServer(("127.0.0.1", 0), Storage) as storage:
        threading.Thread(target=storage.serve_forever, daemon=True).start()
        server.elsewhere = f"http://127.0.0.1:{storage.server_address[1]}"
        assert load(server).file_count == 2
        storage.shutdown()
    assert Storage.given == [None] * 3
    assert "Bearer t0ken" in server.given
    server.elsewhere = "http://storage.example"  # asked for nothing: it is not even looked up
    with pytest.raises(ToolFailed, match="leads to plain HTTP"):
        load(server)


def test_a_manifest_that_its_digest_does_not_fit(server: Registry) -> None:
    name = server.put("odd", "application/vnd.oci.image.manifest.v1+json", {"layers": []})
    server.manifests[name] = server.manifests["1"]
    with pytest.raises(InputError, match="not what its digest promises"):
        load_image(ImageRef("registry", f"{server.host}/team/app@{name}"))


def test_a_download_is_judged_by_two_requests(server: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = server.push("amd64", [ONE])
    entry = {"digest": manifest, "size": 1, "platform": {"os": "linux", "architecture": "amd64"}}
    server.put("many", "application/vnd.oci.image.index.v1+json", {"manifests": [entry]})
    size = len(gzip.compress(ONE, mtime=0))
    server.asked.clear()
    name = f"registry:{server.host}/team/app:many"
    assert run(["gate", name, "--platform", "linux/amd64", "--max-download", f"{size}B", "--quiet"]) == 0
    assert f"download  {size} B" in " ".join(capsys.readouterr().out.split(" "))
    asked = [path for path in server.asked if "/v2/" in path]
    assert asked[1:] == ["/v2/team/app/manifests/many", f"/v2/team/app/manifests/{manifest}"]  # the first met a 401
    assert asked[0] == asked[1]
    assert run(["gate", name, "--platform", "linux/amd64", "--max-download", f"{size - 1}B", "--quiet"]) == 1


def test_credentials_from_a_helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-mine"
    helper.write_text(
        '#!/bin/sh\nread host\n[ "$host" = ghcr.io ] || exit 1\necho \'{"Username":"me","Secret":"s3cret"}\'\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(
        json.dumps({"credHelpers": {"ghcr.io": "mine", "quay.io": "mine", "x.io": "../y"}})
    )
    found = credential_for("ghcr.io")
    assert found is not None
    assert (found.user, found.secret, "s3cret" in repr(found)) == ("me", "s3cret", False)
    assert credential_for("quay.io") is None
    assert credential_for("x.io") is None
    (tmp_path / "config.json").write_text("{broken")
    assert credential_for("ghcr.io") is None


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("node:20", Place("registry-1.docker.io", "library/node", "20")),
        ("team/app", Place("registry-1.docker.io", "team/app", "latest")),
        ("//ghcr.io/team/app:1", Place("ghcr.io", "team/app", "1")),
        ("localhost/app:1", Place("localhost", "app", "1")),
        ("registry:5050/x/node:18", Place("registry:5050", "x/node", "18")),
        (f"node:20@sha256:{'a' * 64}", Place("registry-1.docker.io", "library/node", f"sha256:{'a' * 64}")),
    ],
)
def test_names(name: str, place: Place) -> None:
    assert parse_place(name) == place


def test_plain_http_is_for_loopback_alone() -> None:
    assert Place("127.0.0.1:5000", "a", "1").url.startswith("http://")
    assert Place("localhost", "a", "1").url.startswith("http://")
    assert Place("registry:5000", "a", "1").url.startswith("https://")
    with pytest.raises(UsageError):
        parse_place("UPPER/case")


@pytest.mark.engine
@pytest.mark.registry
def test_a_real_registry_and_the_engine_hold_the_same_image(engine: str, registry: str) -> None:
    name = f"{registry}/imageopt/alpine:1"
    for command in (["tag", "alpine:3.23", name], ["push", "-q", name]):
        subprocess.run(["docker", *command], check=True, timeout=120, stdout=subprocess.DEVNULL)
    local, remote = load_image(ImageRef("docker", name)), load_image(ImageRef("registry", name))
    subprocess.run(["docker", "rmi", name], check=True, timeout=60, stdout=subprocess.DEVNULL)
    bare = load_image(ImageRef(None, name))  # the engine has it no more
    assert (bare.source, bare.digest) == ("registry", remote.digest)
    assert local.sizes.unpacked_bytes == remote.sizes.unpacked_bytes
    assert [layer.diff_id for layer in local.layers] == [layer.diff_id for layer in remote.layers]
    assert local.packages == remote.packages
    assert remote.sizes.download_bytes is not None
    assert remote.sizes.download_bytes < remote.sizes.unpacked_bytes
