"""How a registry is asked: what passes is waited for, what broke off is resumed, and no secret goes astray."""

import email.utils
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import digest
from registryserver import MANIFEST, Registry, Storage, running, serving

from imageopt.errors import ImageoptError, InputError, ToolFailed
from imageopt.source import transport as transport_module
from imageopt.source import web
from imageopt.source.documents import LIMIT
from imageopt.source.place import Place
from imageopt.source.transport import Transport

BLOB = bytes(range(256)) * 5000
NAME = digest(BLOB)
PATH = f"blobs/{NAME}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Registry]:
    """An open registry with one blob and the manifest `1`, and a user who has never logged in."""
    monkeypatch.setattr(web, "_FIRST_WAIT", 0)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with serving() as made:
        made.blobs[NAME] = BLOB
        made.put("1", MANIFEST, {"layers": []})
        yield made


def asking(server: Registry) -> Transport:
    return Transport(Place(server.host, "team/app", "1"))


def manifest(server: Registry, reference: str = "1") -> bytes:
    transport = asking(server)
    try:
        return transport.manifest(reference, MANIFEST).data
    finally:
        transport.close()


def blob(server: Registry, length: int = len(BLOB), transport: Transport | None = None) -> bytes:
    transport = transport or asking(server)
    try:
        with transport.blob(NAME, length) as stream:
            return stream.readall()
    finally:
        transport.close()


def log_in(folder: Path, host: str, login: dict[str, str]) -> None:
    (folder / "config.json").write_text(json.dumps({"auths": {host: login}}))


# ---- what passes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("faults", [["429"], ["500", "503"], ["reset"], ["cut"], ["cut", "502", "cut"]])
def test_a_manifest_is_asked_for_again(server: Registry, faults: list[str]) -> None:
    server.faults["manifests/1"] = [*faults]
    assert manifest(server) == server.manifests["1"][1]
    assert server.paths == ["manifests/1"] * (len(faults) + 1)


@pytest.mark.parametrize(
    ("faults", "ranges"),
    [
        ([], [0]),
        (["500"], [0, 0]),
        (["cut"], [0, 640_000]),
        (["cut", "cut", "503"], [0, 640_000, 960_000, 960_000]),
        (["cut", "no ranges"], [0, 640_000]),
        (["cut", "wrong range"], [0, 640_000, 640_000]),
    ],
)
def test_a_blob_is_resumed_where_it_broke_off(server: Registry, faults: list[str], ranges: list[int]) -> None:
    server.faults[PATH] = [*faults]
    assert blob(server) == BLOB
    assert [asked.range for asked in server.asked] == [f"bytes={start}-" if start else None for start in ranges]


def test_a_blob_may_break_off_often_if_it_gets_on(server: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "_LASTING", 1 << 10)
    server.faults[PATH] = ["cut"] * 9
    assert blob(server) == BLOB


def test_faults_that_stay(server: Registry) -> None:
    server.faults["manifests/1"] = ["500"] * 9
    with pytest.raises(ToolFailed, match=r"127.0.0.1:\d+ cannot be reached: it answers 500"):
        manifest(server)
    assert len(server.asked) == web.TRIES
    server.faults["manifests/1"] = ["cut"] * 9
    with pytest.raises(ToolFailed, match="broke off again and again"):
        manifest(server)
    server.faults[PATH] = ["cut"] * 9
    with pytest.raises(ToolFailed, match="broke off again and again"):
        blob(server)


def test_it_waits_as_long_as_it_is_told_and_else_longer_each_time(
    server: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    monkeypatch.setattr(web, "_FIRST_WAIT", 0.5)
    server.retry_after = "7"
    server.faults["manifests/1"] = ["429"]
    manifest(server)
    assert waits == [7]
    server.retry_after = "soon"
    server.faults["manifests/1"] = ["503", "503", "503"]
    manifest(server)
    assert waits == [7, 0.5, 1, 2]
    server.retry_after = email.utils.formatdate(time.time() + 20, usegmt=True)
    server.faults["manifests/1"] = ["503"]
    manifest(server)
    assert 10 < waits[-1] <= 20
    server.retry_after = "3600"
    server.faults["manifests/1"] = ["429"]
    with pytest.raises(ToolFailed, match="answers 429 and wants to be left alone for 3600 s"):
        manifest(server)


def test_a_connection_is_kept(server: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    connect = socket.create_connection

    def counted(address: tuple[str, int], *more: Any, **_: object) -> socket.socket:
        made.append(address)
        return connect(address, *more)

    monkeypatch.setattr("urllib3.util.connection.create_connection", counted)
    server.want_token()
    transport = asking(server)
    transport.manifest("1", MANIFEST)
    with transport.blob(NAME, len(BLOB)) as stream:
        stream.readall()
    transport.close()
    assert (len(server.asked), len(made)) == (4, 1)


# ---- bounds -----------------------------------------------------------------------------------------------------


def test_answers_have_bounds(server: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    assert blob(server, 1000) == BLOB[:1000]
    monkeypatch.setattr(web, "LIMIT", 1000)
    assert LIMIT > 1000
    server.put("long", MANIFEST, b"x" * 1001)
    with pytest.raises(InputError, match="too long"):
        manifest(server, "long")
    server.want_token()
    server.token_answer = b"x" * 1001
    with pytest.raises(InputError, match="too long"):
        manifest(server)


def test_a_blob_that_is_shorter_than_it_should_be(server: Registry) -> None:
    with pytest.raises(InputError, match="only the beginning"):
        blob(server, len(BLOB) + 1)


# ---- who may read -----------------------------------------------------------------------------------------------


def test_a_token_for_anybody(server: Registry) -> None:
    server.want_token()
    transport = asking(server)
    transport.manifest("1", MANIFEST)
    assert blob(server, transport=transport) == BLOB
    assert [asked.authorization for asked in server.asked] == [None, None, "Bearer t0ken", "Bearer t0ken"]


def test_a_token_that_expires_is_exchanged_in_the_middle_of_a_blob(server: Registry) -> None:
    server.want_token()
    server.faults[PATH] = ["", "cut", "expired"]  # the first is met by the request without a token
    assert blob(server) == BLOB
    assert [asked.authorization for asked in server.asked if asked.range][-1] == "Bearer t0kenx"
    tokens = [asked for asked in server.asked if asked.path.startswith("/token")]
    assert len(tokens) == 2


def test_a_token_that_is_never_accepted_is_exchanged_once(server: Registry) -> None:
    server.want_token()
    server.token_answer = {"token": "another"}
    with pytest.raises(ToolFailed, match="does not let us read") as caught:
        manifest(server)
    assert len(server.asked) == 3
    assert caught.value.remedy == f"run `docker login {server.host}`"
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("way", ["token", "password"])
def test_a_stored_login(server: Registry, tmp_path: Path, way: str) -> None:
    if way == "token":
        server.want_token()
        server.login = "me:s3cret"
    else:
        server.want_password("me:s3cret")
    with pytest.raises(ToolFailed, match="does not let us read"):
        manifest(server)
    log_in(tmp_path, server.host, {"username": "me", "password": "s3cret"})
    assert manifest(server) == server.manifests["1"][1]
    log_in(tmp_path, server.host, {"username": "me", "password": "wr0ng"})
    with pytest.raises(ToolFailed, match="does not let us read") as caught:
        manifest(server)
    assert "wr0ng" not in f"{caught.value!r} {caught.value.cause} {caught.value.remedy}"


def test_an_identity_token_buys_a_token_and_is_no_password(server: Registry, tmp_path: Path) -> None:
    server.want_token()
    server.identity = "buys-tokens"
    log_in(tmp_path, server.host, {"auth": "bWU6", "identitytoken": "buys-tokens"})
    assert manifest(server) == server.manifests["1"][1]
    server.asked.clear()
    server.want_password("<token>:buys-tokens")
    with pytest.raises(ToolFailed, match="does not let us read"):
        manifest(server)
    assert [asked.authorization for asked in server.asked] == [None]


def test_several_challenges_in_one(server: Registry) -> None:
    server.want_token()
    server.challenge = f'Basic realm="x", {server.challenge}'
    assert manifest(server) == server.manifests["1"][1]
    server.challenge = f'{server.challenge[16:]}, Basic realm="http://x.example"'
    assert manifest(server) == server.manifests["1"][1]


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        ('Bearer realm="http://tokens.example/"', "no place with HTTPS for its tokens"),
        ("Bearer", "does not let us read"),
        ("Bearer realm", "no place with HTTPS"),
        ("Negotiate", "does not let us read"),
        ("", "does not let us read"),
    ],
)
def test_challenges_that_are_not_answered(server: Registry, tmp_path: Path, challenge: str, words: str) -> None:
    log_in(tmp_path, server.host, {"username": "me", "password": "s3cret"})
    server.challenge = challenge
    with pytest.raises(ToolFailed, match=words):
        manifest(server)
    assert [asked.authorization for asked in server.asked] == [None]


@pytest.mark.parametrize(
    "answer", [b"<html>", b"[]", {"token": 7}, {"token": ""}, {"token": "two words"}, {"token": "x\r\nHost: y"}]
)
def test_a_token_service_that_gives_no_token(server: Registry, answer: bytes | dict[str, object]) -> None:
    server.want_token()
    server.token_answer = answer
    with pytest.raises(ImageoptError, match=r"gives no token|is not JSON") as caught:
        manifest(server)
    assert caught.value.exit_code == 3


def test_a_token_service_that_is_busy_or_refuses(server: Registry) -> None:
    server.want_token()
    server.faults["token"] = ["503"]
    assert manifest(server) == server.manifests["1"][1]
    server.faults["token"] = ["403"]
    with pytest.raises(ToolFailed, match="does not let us read"):
        manifest(server)
    server.faults["token"] = ["400"]
    with pytest.raises(ToolFailed, match="answers 400 and gives no token"):
        manifest(server)


@pytest.mark.parametrize(
    ("status", "words", "remedy"),
    [
        ("403", "does not let us read", "as a user who may"),
        ("404", "there is no image", "check its name"),
        ("418", "answers 418", "try again later"),
    ],
)
def test_refusals_are_one_line_of_cause_and_one_of_remedy(
    server: Registry, status: str, words: str, remedy: str
) -> None:
    server.faults["manifests/1"] = [status]
    with pytest.raises(ImageoptError, match=words) as caught:
        manifest(server)
    assert remedy in caught.value.remedy
    assert len(server.asked) == 1


def test_docker_hub_is_logged_in_to_without_a_name() -> None:
    refused = Transport(Place("registry-1.docker.io", "team/app", "1"))._refused(401)
    assert refused.remedy == "run `docker login`"
    assert "docker.io/team/app:1" in refused.cause


# ---- where a secret may go --------------------------------------------------------------------------------------


def test_what_authorises_follows_no_redirect_to_another_host(
    server: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login me password n3trc\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.want_password("me:s3cret")
    log_in(tmp_path, server.host, {"username": "me", "password": "s3cret"})
    storage = Storage(server.blobs)
    with running(storage) as address:
        server.elsewhere = address
        assert blob(server) == BLOB
        assert storage.given == [None]
        storage.status = 401  # whoever asks there gets nothing
        with pytest.raises(ToolFailed, match="does not let us read"):
            blob(server)
    assert storage.given == [None, None]
    assert {asked.authorization for asked in server.asked} == {None, server.accepts}  # and nothing from netrc


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("http://storage.example", "leads to a place without HTTPS"),  # not even looked up
        ("ftp://127.0.0.1", "leads to a place without HTTPS"),
        ("https://[", "leads to a place without HTTPS"),
        ("SELF", "leads from place to place"),
    ],
)
def test_redirects_that_are_not_followed(server: Registry, where: str, words: str) -> None:
    server.elsewhere = f"http://{server.host}/v2/team/app/blobs" if where == "SELF" else where
    with pytest.raises(ToolFailed, match=words):
        blob(server)


def test_it_is_the_storage_that_is_named_where_it_cannot_be_reached(
    server: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall may let the registry through and not the place where its blobs lie."""
    monkeypatch.setattr(web, "_FIRST_WAIT", 0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, and nobody listens
        there = f"127.0.0.1:{unused.getsockname()[1]}"
        server.elsewhere = f"http://{there}/secret"
        with pytest.raises(
            ToolFailed, match=rf"{server.host} leads to {there}, which cannot be reached: no connection"
        ):
            blob(server)


def test_no_proxy_is_on_the_way_to_this_machine(server: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert manifest(server) == server.manifests["1"][1]


# ---- nobody there -----------------------------------------------------------------------------------------------


def test_a_registry_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_FIRST_WAIT", 0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, and nobody listens
        place = Place(f"127.0.0.1:{unused.getsockname()[1]}", "app", "1")
        with pytest.raises(ToolFailed, match=rf"{place.host} cannot be reached: no connection"):
            Transport(place).manifest("1", MANIFEST)


def test_a_registry_whose_name_is_unknown_is_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def unknown(*of: object, **_: object) -> None:
        asked.append(of)
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(web, "_FIRST_WAIT", 0)
    monkeypatch.setattr("urllib3.util.connection.create_connection", unknown)
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ToolFailed, match=r"registry.example cannot be reached: its name is unknown here"):
        Transport(Place("registry.example", "app", "1")).manifest("1", MANIFEST)
    assert len(asked) == 2


def test_a_registry_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_FIRST_WAIT", 0)
    monkeypatch.setattr(web, "_SECONDS", (0.05, 0.05))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = Place(f"127.0.0.1:{silent.getsockname()[1]}", "app", "1")
        with pytest.raises(ToolFailed, match="cannot be reached: no answer in time"):
            Transport(place).manifest("1", MANIFEST)


def test_a_server_that_speaks_no_https(server: Registry) -> None:
    with pytest.raises(ToolFailed, match="speaks no HTTPS") as caught:
        web.Web().ask("GET", f"https://{server.host}/v2/", None)
    assert "REQUESTS_CA_BUNDLE" in caught.value.remedy
