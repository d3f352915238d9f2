"""Where an engine is: what the user names comes before what lies about, and Podman is never taken for Docker."""

import hashlib
import json
from pathlib import Path

import pytest

from imageopt.errors import ToolFailed, ToolMissing
from imageopt.source import address
from imageopt.source.address import EngineAddress, engine_address, podman_addresses


def test_docker_host_comes_first(no_engine: pytest.MonkeyPatch) -> None:
    no_engine.setenv("DOCKER_HOST", "tcp://127.0.0.1:2376")
    no_engine.setenv("DOCKER_TLS_VERIFY", "1")
    no_engine.setenv("DOCKER_CERT_PATH", "/certs")
    assert engine_address() == EngineAddress("tcp://127.0.0.1:2376", "DOCKER_HOST", "/certs")


def test_then_the_current_context(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = hashlib.sha256(b"remote").hexdigest()
    meta = tmp_path / "config" / "contexts" / "meta" / key / "meta.json"
    certificates = tmp_path / "config" / "contexts" / "tls" / key / "docker"
    meta.parent.mkdir(parents=True)
    (tmp_path / "config" / "config.json").write_text('{"currentContext": "remote"}')
    with pytest.raises(ToolFailed, match="names no engine"):
        engine_address()
    meta.write_text(json.dumps({"Endpoints": {"docker": {"Host": "unix:///run/other.sock"}}}))
    assert engine_address() == EngineAddress("unix:///run/other.sock", "context remote")
    meta.write_text(json.dumps({"Endpoints": {"docker": {"Host": "tcp://far:2376", "SkipTLSVerify": True}}}))
    certificates.mkdir(parents=True)
    assert engine_address() == EngineAddress("tcp://far:2376", "context remote", str(certificates), verify=False)


def test_then_the_usual_sockets(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sockets = [tmp_path / "missing.sock", tmp_path / "there.sock"]
    sockets[1].touch()
    no_engine.setattr(address, "_usual_sockets", lambda: iter(sockets))
    assert engine_address().host == f"unix://{sockets[1]}"


def test_else_there_is_none(no_engine: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolMissing, match="no container engine"):
        engine_address()
    with pytest.raises(ToolMissing, match="does not listen") as caught:
        podman_addresses()
    assert "systemctl --user start podman.socket" in caught.value.remedy


def test_the_usual_sockets_are_those_of_docker_and_podman(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert {path.name for path in address._usual_sockets()} == {"docker.sock", "podman.sock"}
    assert Path("/run/user/7/docker.sock") in address._usual_sockets()


@pytest.mark.parametrize(("user", "first"), [(0, "/run/podman"), (7, "/run/user/7/podman")])
def test_root_has_the_systems_podman_and_others_their_own(
    monkeypatch: pytest.MonkeyPatch, user: int, first: str
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("os.getuid", lambda: user)
    found = list(address._podman_sockets())
    assert found[0] == Path(first) / "podman.sock"
    assert found[1] != found[0]


def test_podman_is_named_by_its_own_variable_or_by_docker_host_or_found(
    no_engine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    socket = tmp_path / "podman.sock"
    socket.touch()
    no_engine.setattr(address, "_podman_sockets", lambda: iter([socket]))
    assert podman_addresses() == [EngineAddress(f"unix://{socket}", "socket")]
    no_engine.setenv("DOCKER_HOST", "unix:///one.sock")
    assert [found.host for found in podman_addresses()] == ["unix:///one.sock", f"unix://{socket}"]
    no_engine.setenv("CONTAINER_HOST", "unix:///two.sock")
    assert podman_addresses() == [EngineAddress("unix:///two.sock", "CONTAINER_HOST")]


def test_a_folder_that_may_not_be_looked_into_holds_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "exists", refuse)
    assert not address._exists(Path("/run/user/0/docker.sock"))
