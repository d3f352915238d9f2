"""The way to an engine: by a socket, over TCP, by ssh; as Podman or as Docker; and as a user who may not."""

import os
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any

import certifi
import pytest
from fakeengine import DOCKER, PODMAN, answering

from imageopt.errors import ImageoptError, ToolFailed, ToolMissing
from imageopt.source import address, engine
from imageopt.source.address import EngineAddress
from imageopt.source.engine import connect, engine_info, inspect_image, is_podman

pytestmark = pytest.mark.slow  # waits for engines that keep it waiting


def test_the_client_speaks_the_version_of_the_engine(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with answering(tmp_path / "s", DOCKER) as host:
        no_engine.setenv("DOCKER_HOST", host)
        client = connect()
        assert client.api.api_version == "1.44"
        assert not is_podman(client)
        client.close()


def test_an_engine_too_old_to_tell_its_version_by_a_ping_is_asked(
    no_engine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with answering(tmp_path / "s", {}, {"/version": (200, {"ApiVersion": "1.30"})}) as host:
        no_engine.setenv("DOCKER_HOST", host)
        client = connect()
        assert client.api.api_version == "1.30"
        client.close()


def test_podman_is_looked_for_until_it_is_found(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with answering(tmp_path / "docker", DOCKER) as docker, answering(tmp_path / "podman", PODMAN) as podman:
        no_engine.setenv("DOCKER_HOST", docker)
        with pytest.raises(ToolMissing, match="this is Docker and not Podman"):
            connect("podman")
        no_engine.setattr(address, "_podman_sockets", lambda: iter([tmp_path / "podman"]))
        client = connect("podman")
        assert is_podman(client)
        client.close()
        no_engine.setenv("CONTAINER_HOST", podman)
        no_engine.delenv("DOCKER_HOST")
        connect("podman").close()
        no_engine.setenv("CONTAINER_HOST", "ssh://far/run/podman.sock")
        with pytest.raises(ToolFailed, match="only be spoken to by socket"):
            connect("podman")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((404, {"message": "No such image: x"}), None),
        ((400, {"message": "invalid reference format"}), None),
        ((500, {"cause": "x", "message": "normalizing name: invalid reference format", "response": 500}), None),
        ((500, {"message": "the disk is full"}), ToolFailed),
    ],
)
def test_what_is_not_there_is_told_from_what_went_wrong(
    no_engine: pytest.MonkeyPatch, tmp_path: Path, answer: tuple[int, Any], expected: type[ImageoptError] | None
) -> None:
    with answering(tmp_path / "s", DOCKER, {"/json": answer, "/info": (200, {"Driver": "vfs"})}) as host:
        no_engine.setenv("DOCKER_HOST", host)
        client = connect()
        if expected is None:
            assert inspect_image(client, "x") is None
        else:
            with pytest.raises(expected, match="the disk is full"):
                inspect_image(client, "x")
        assert engine_info(client) == {"Driver": "vfs"}
        client.close()


def test_an_engine_that_wants_tls_says_so(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = b"Client sent an HTTP request to an HTTPS server."
    with answering(tmp_path / "s", {}, {"/_ping": (400, words)}) as host:
        no_engine.setenv("DOCKER_HOST", host)
        with pytest.raises(ToolFailed, match="wants TLS"):
            connect()


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("tcp://127.0.0.1:1", "is down"),
        ("tcp://no-such-host.invalid:2375", "nobody knows its name"),
        ("gopher://x", "cannot be reached"),
        ("tcp://127.0.0.1", "cannot be reached"),
    ],
)
def test_an_address_that_leads_nowhere_says_why(no_engine: pytest.MonkeyPatch, host: str, words: str) -> None:
    no_engine.setenv("DOCKER_HOST", host)
    no_engine.setenv("NO_PROXY", "*")
    with pytest.raises(ImageoptError, match=words) as caught:
        connect()
    assert caught.value.exit_code == 3


def test_any_of_the_certificates_may_be_missing(tmp_path: Path) -> None:
    assert engine._tls(EngineAddress("tcp://far:2376", "DOCKER_HOST")) is None
    nothing = engine._tls(EngineAddress("tcp://far:2376", "DOCKER_HOST", str(tmp_path)))
    assert (nothing.cert, nothing.ca_cert, nothing.verify) == (None, None, True)
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").touch()
    everything = engine._tls(EngineAddress("tcp://far:2376", "DOCKER_HOST", str(tmp_path)))
    assert everything.cert == (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    assert everything.ca_cert == str(tmp_path / "ca.pem")
    blind = engine._tls(EngineAddress("tcp://far:2376", "context far", str(tmp_path), verify=False))
    assert (blind.ca_cert, blind.verify) == (None, False)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_an_engine_behind_tls_is_checked_by_its_own_authority(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=engine"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{tmp_path}/own.key", "-out", f"{tmp_path}/ca.pem"]
    subprocess.run(["openssl", *make.split(), *files], check=True, capture_output=True, timeout=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "own.key")
    (tmp_path / "empty").mkdir()
    no_engine.setenv("NO_PROXY", "*")
    no_engine.setenv("DOCKER_TLS_VERIFY", "1")
    with answering(context, DOCKER, {"/info": (200, {"Driver": "vfs"})}) as host:
        no_engine.setenv("DOCKER_HOST", host)
        no_engine.setenv("DOCKER_CERT_PATH", str(tmp_path / "empty"))
        with pytest.raises(ToolFailed, match="nobody vouches for"):
            connect()
        no_engine.setenv("REQUESTS_CA_BUNDLE", certifi.where())
        no_engine.setenv("DOCKER_CERT_PATH", str(tmp_path))
        client = connect()
        assert engine_info(client) == {"Driver": "vfs"}
        client.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user who may not")
def test_a_user_who_may_not_is_told_what_would_help(tmp_path: Path) -> None:
    """A real refusal: the socket is root's, the process is nobody's."""
    look = (
        "import os; from imageopt.source.engine import connect\n"
        "from imageopt.errors import ToolFailed\n"
        "import docker\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: connect()\n"
        "except ToolFailed as error: print(error.cause, '|', error.remedy)"
    )
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for folder in (tmp_path, closed):
        with answering(folder / "docker.sock", DOCKER) as host:
            (folder / "docker.sock").chmod(0o600)
            tmp_path.chmod(0o755)
            environment = {**os.environ, "DOCKER_HOST": host}
            run = subprocess.run(
                [sys.executable, "-c", look], env=environment, capture_output=True, text=True, check=True, timeout=60
            )
        assert "may not be used by this user | add the user to the docker group" in run.stdout


ANSWERS = {"/version": (200, {"ApiVersion": "1.44"}), "/info": (200, {"Driver": "vfs"})}
SSH = """#!{python}
import socket, sys, threading
print(*sys.argv[1:], file=open({log!r}, "a"))
engine = socket.socket(socket.AF_UNIX)
engine.connect({place!r})
def back():
    while data := engine.recv(65536):
        sys.stdout.buffer.write(data); sys.stdout.buffer.flush()
threading.Thread(target=back, daemon=True).start()
while data := sys.stdin.buffer.read1(65536):
    engine.sendall(data)
"""


def test_an_engine_behind_ssh_is_reached_by_the_users_own_ssh(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The library's ssh support imports paramiko, and then calls the program."""
    tools = tmp_path / "bin"
    tools.mkdir()
    no_engine.setenv("PATH", str(tools))
    no_engine.setenv("DOCKER_HOST", "ssh://me@far:2222")
    no_engine.setitem(sys.modules, "paramiko", types.ModuleType("paramiko"))
    from docker.api import client as docker_client

    with no_engine.context() as patch, answering(tmp_path / "s", DOCKER, ANSWERS):
        from docker.transport import sshconn

        patch.setattr(docker_client, "SSHHTTPAdapter", sshconn.SSHHTTPAdapter, raising=False)
        with pytest.raises(ToolMissing, match="the program ssh"):
            connect()
        script = SSH.format(python=sys.executable, log=str(tmp_path / "log"), place=str(tmp_path / "s"))
        (tools / "ssh").write_text(script)
        (tools / "ssh").chmod(0o755)
        client = connect()
        assert engine_info(client) == {"Driver": "vfs"}
        client.close()
        (tools / "ssh").write_text("#!/bin/sh\nexit 255\n")
        with pytest.raises(ToolFailed, match="cannot be reached") as caught:
            connect()
    assert "`ssh me@far:2222 docker version` works" in caught.value.remedy
    assert "-l me -p 2222 -- far docker system dial-stdio" in (tmp_path / "log").read_text()


def test_without_its_support_for_ssh_the_library_is_named(no_engine: pytest.MonkeyPatch) -> None:
    from docker.api import client as docker_client

    no_engine.delattr(docker_client, "SSHHTTPAdapter", raising=False)
    no_engine.setenv("DOCKER_HOST", "ssh://me@far")
    with pytest.raises(ToolMissing, match="support for ssh") as caught:
        connect()
    assert "pip install 'imageopt[ssh]'" in caught.value.remedy


@pytest.mark.engine
def test_an_engine_is_read_over_tcp(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `ssh -L` or `socat` does: a port that leads to the engine's socket."""
    from imageopt.image.load import load_image
    from imageopt.source.model import ImageRef

    class Forward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.socket(socket.AF_UNIX) as inner:
                inner.connect(engine.removeprefix("unix://"))
                threading.Thread(target=pump, args=(inner, self.request), daemon=True).start()
                pump(self.request, inner)

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    if not engine.startswith("unix://"):
        pytest.skip("the engine in use is remote already")
    near = load_image(ImageRef("docker", "alpine:3.23"))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Forward) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("NO_PROXY", "*")
        monkeypatch.delenv("DOCKER_TLS_VERIFY", raising=False)
        far = load_image(ImageRef("docker", "alpine:3.23"), verify_digests=True)
        server.shutdown()
    assert (near.sizes, near.digest, near.packages) == (far.sizes, far.digest, far.packages)
