"""Questions over the socket by hand: the same answers as the client's, and the client for all that is no plain answer."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fakeengine import DOCKER, PODMAN, answering

from imageopt.errors import ToolFailed, ToolMissing
from imageopt.source import asking
from imageopt.source import engine as engine_module
from imageopt.source.asking import Engine, _parsed

IMAGE = {"Id": "sha256:1", "RootFS": {"Layers": ["sha256:2"]}}
INFO = {"Driver": "overlay2"}
ANSWERS: dict[str, tuple[int, Any]] = {"/images/a%20b:1/json": (200, IMAGE), "/info": (200, INFO)}


def asked(engine: Engine, name: str = "a b:1") -> tuple[bool, Mapping[str, Any] | None, Mapping[str, Any]]:
    return engine.is_podman(), engine.image(name), engine.info()


@pytest.mark.parametrize(("headers", "podman"), [(DOCKER, False), (PODMAN, True)], ids=["docker", "podman"])
def test_three_questions_need_no_client(
    headers: dict[str, str], podman: bool, no_engine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with answering(tmp_path / "s", headers, ANSWERS) as host:
        no_engine.setenv("DOCKER_HOST", host)
        engine = Engine()
        with_client = Engine()
        assert with_client.client is with_client.client
        assert asked(with_client) == (podman, IMAGE, INFO)
        no_engine.delattr(engine_module, "connect")
        assert asked(engine) == (podman, IMAGE, INFO)
        engine.close()
        with_client.close()


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ((404, b"moved"), None),
        ((400, {"message": "invalid reference format"}), None),
        ((500, {"message": "broken"}), ToolFailed),
        ((200, b"[]"), None),
    ],
    ids=["no engine's words", "no name", "broken", "no object"],
)
def test_what_is_no_plain_answer_is_the_clients_to_tell(
    answer: tuple[int, Any], found: type[Exception] | None, no_engine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with answering(tmp_path / "s", DOCKER, {"/json": answer}) as host:
        no_engine.setenv("DOCKER_HOST", host)
        engine = Engine()
        if found is None:
            assert engine.image("x") is None
        else:
            with pytest.raises(found):
                engine.image("x")
        engine.close()


def test_that_an_image_is_missing_needs_no_client(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with answering(tmp_path / "s", DOCKER, {"/json": (404, {"message": "No such image: x"})}) as host:
        no_engine.setenv("DOCKER_HOST", host)
        no_engine.delattr(engine_module, "connect")
        engine = Engine()
        assert engine.image("x") is None
        engine.close()


LISTED = [{"Id": "sha256:1", "Created": 1, "RepoTags": ["a:1"]}]


@pytest.mark.parametrize(
    ("answer", "client_too", "found"),
    [((200, LISTED), False, LISTED), ((200, []), False, []), ((200, b"no list"), True, None), ((500, {}), True, None)],
    ids=["some", "none", "nonsense", "broken"],
)
def test_images_are_listed_by_their_label(
    answer: tuple[int, Any], client_too: bool, found: Any, no_engine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = "/images/json?filters=" + quote(json.dumps({"label": ["dev.imageopt.project=x"]}))
    with answering(tmp_path / "s", DOCKER, {path: answer, "/images/json": answer}) as host:
        no_engine.setenv("DOCKER_HOST", host)
        engine = Engine()
        if not client_too:
            no_engine.delattr(engine_module, "connect")
            assert engine.labelled("dev.imageopt.project=x") == found
        else:
            with pytest.raises(ToolFailed, match="the engine"):
                engine.labelled("dev.imageopt.project=x")
        engine.close()


def test_without_an_engine_it_says_so(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ToolMissing):
        Engine()
    no_engine.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    with pytest.raises(ToolMissing):
        Engine().info()


def test_an_endless_answer_is_none(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_engine.setattr(asking, "_LONGEST", 1000)
    with answering(tmp_path / "s", DOCKER, {"/info": (200, {"Name": "x" * 2000})}) as host:
        no_engine.setenv("DOCKER_HOST", host)
        engine = Engine()
        assert engine._answer("/info") is None
        assert engine.info()["Name"] == "x" * 2000
        engine.close()


BODY = json.dumps(INFO).encode()


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n" + BODY, BODY),
        (b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH: %d\r\n\r\n" % len(BODY) + BODY, BODY),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + BODY, None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", None),
        (b"HTTP/1.1 404 Not Found\r\n\r\n{}", b"{}"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n", None),
        (b"HTTP/1.0 200 OK\r\nA: b", None),
        (b"\x00\xff", None),
        (b"", None),
    ],
    ids=["to its end", "of a length", "cut", "chunked", "not there", "moved", "head alone", "noise", "nothing"],
)
def test_only_a_whole_plain_answer_counts(data: bytes, body: bytes | None) -> None:
    answer = _parsed(data)
    assert (answer.body if answer is not None else None) == body
