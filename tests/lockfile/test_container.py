"""What a container may do, what goes in, and that what comes back is one plain file or nothing."""

import io
import tarfile
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from docker.errors import APIError, NotFound

from imageopt.build.cleaning import LABEL, CleanUp
from imageopt.errors import ImageoptError, InputError, ToolFailed, ToolMissing
from imageopt.lockfile import container as module
from imageopt.lockfile.container import Ran, archive, container_options, only_file, run, run_words


def tar(*members: tuple[str, bytes, bytes], data: bytes = b"{}") -> bytes:
    """An archive of members: name, type, where a link leads."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as written:
        for name, kind, link in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link.decode()
            member.size = len(data) if kind == tarfile.REGTYPE else 0
            written.addfile(member, io.BytesIO(data))
    return stream.getvalue()


LOCK = tar(("package-lock.json", tarfile.REGTYPE, b""))


def test_it_has_no_rights_no_mounts_and_an_end_to_everything() -> None:
    options = container_options("npm ci", {"HTTP_PROXY": "x", "HOME": "/root"}, "name", {LABEL: "1-a"})
    assert options["user"] == "1000:1000"
    assert options["cap_drop"] == ["ALL"]
    assert options["security_opt"] == ["no-new-privileges"]
    assert (options["mem_limit"], options["memswap_limit"], options["pids_limit"]) == ("2g", "2g", 512)
    assert options["log_config"]["Config"]["max-size"] == "4m"
    assert options["labels"] == {LABEL: "1-a"}
    assert options["environment"] == {"HTTP_PROXY": "x", "HOME": "/imageopt/home", "NODE_ENV": "development"}
    assert options["entrypoint"] == ["/bin/sh", "-c"]
    assert not {"volumes", "mounts", "devices", "privileged", "network_mode", "cap_add"} & {*options}


def test_commands_follow_one_another_and_no_word_is_read_by_the_shell() -> None:
    assert run_words(((), ("npm", "ci"))) == "npm ci"
    assert run_words((("a", "b; c"), ("d",))) == "a 'b; c' && d"


def test_files_belong_to_the_user_in_the_container() -> None:
    with tarfile.open(fileobj=io.BytesIO(archive({"a/package.json": b"{}", "/imageopt/home/.npmrc": b"x=y"}))) as sent:
        members = {member.name: member for member in sent.getmembers()}
    assert {member.uid for member in members.values()} == {1000}
    assert members["imageopt/project/a"].isdir()
    assert members["imageopt/project/a/package.json"].size == 2
    assert members["imageopt/home/.npmrc"].size == 3


@pytest.mark.parametrize("path", ["../etc/passwd", "a/../../../etc/passwd", "/etc/passwd"])
def test_no_file_goes_elsewhere(path: str) -> None:
    with pytest.raises(InputError, match="leads out of the project"):
        archive({path: b""})


@pytest.mark.parametrize(
    "data",
    [
        tar(("package-lock.json", tarfile.SYMTYPE, b"/etc/passwd")),
        tar(("package-lock.json", tarfile.LNKTYPE, b"etc/passwd")),
        tar(("package-lock.json", tarfile.DIRTYPE, b"")),
        tar(("package-lock.json", tarfile.FIFOTYPE, b"")),
        tar(("../package-lock.json", tarfile.REGTYPE, b"")),
        tar(("package-lock.json", tarfile.REGTYPE, b""), ("other", tarfile.REGTYPE, b"")),
        tar(),
        b"no archive",
        LOCK[:600],
    ],
    ids=["symlink", "hardlink", "folder", "pipe", "other-name", "two", "none", "garbage", "broken-off"],
)
def test_what_is_no_plain_file_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        only_file([data], "package-lock.json")


def test_a_plain_file_comes_back_in_whatever_pieces() -> None:
    assert only_file([LOCK[:100], LOCK[100:]], "package-lock.json") == b"{}"


def test_a_file_without_an_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_LIMIT", 1000)
    read = 0

    def endless() -> Any:
        nonlocal read
        while True:
            read += 1000
            yield b"x" * 1000

    with pytest.raises(InputError, match="is longer than"):
        only_file(endless(), "package-lock.json")
    assert read < 20_000


class Engine:
    """An engine with one container, of which each answer can be replaced."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.attrs = {"State": {"OOMKilled": answers.get("out_of_memory", False)}}
        self.containers = SimpleNamespace(create=self._create, get=self._get)

    def _answer(self, name: str, usual: Any) -> Any:
        self.asked.append(name)
        value = self.answers.get(name, usual)
        if isinstance(value, Exception):
            raise value
        return value

    def _create(self, image: str, **_: object) -> Any:
        self._answer(f"create {image}", None)
        return self._answer("create", self)

    def _get(self, _name: str) -> Any:
        return self._answer("get", self)

    def put_archive(self, path: str, data: bytes) -> None:
        assert path == "/"
        assert data.startswith(b"imageopt")
        self._answer("put", None)

    def start(self) -> None:
        self._answer("start", None)

    def wait(self, timeout: float) -> Any:
        assert timeout == 5
        return self._answer("wait", {"StatusCode": 0})

    def reload(self) -> None:
        pass

    def logs(self, tail: int) -> Any:
        assert tail > 0
        return self._answer("logs", b"\x1b[31mhello\x1b[0m\n\nsecret-value npm_0123456789abcdef01234567\n")

    def get_archive(self, path: str) -> Any:
        assert path == "/imageopt/project/package-lock.json"
        return self._answer("get_archive", ([LOCK], {}))

    def remove(self, **options: bool) -> None:
        self.asked.append(f"remove {options}")


def ran(engine: Engine) -> Ran:
    stack = CleanUp("1-a")
    try:
        return run(
            engine,  # type: ignore[arg-type]
            "node:20",
            "npm ci",
            {"package.json": b"{}"},
            environment={},
            cleanup=stack,
            name="imageopt-1-a-make",
            take="package-lock.json",
            hidden=["secret-value"],
            timeout=5,
        )
    finally:
        stack.close()


def test_a_run_says_what_was_said_without_what_must_not_be_seen() -> None:
    engine = Engine()
    assert ran(engine) == Ran(0, False, ("hello", "*** ***"), b"{}")
    assert engine.asked[-1] == "remove {'force': True, 'v': True}"


def test_no_file_is_nothing_taken() -> None:
    done = ran(Engine(get_archive=NotFound("no such file"), wait={"StatusCode": 1}, out_of_memory=True))
    assert done.taken is None
    assert (done.exit_code, done.out_of_memory) == (1, True)


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ({"wait": requests.exceptions.ReadTimeout()}, ToolFailed, "did not end within 5 s"),
        ({"wait": requests.exceptions.ConnectionError("Read timed out.")}, ToolFailed, "did not end within 5 s"),
        ({"wait": requests.exceptions.ConnectionError("refused")}, ToolMissing, "the engine broke off: refused"),
        (
            {"create": APIError("x", explanation="no \x1b[2Jspace")},
            ToolFailed,
            "the engine refused the container: no space",
        ),
        ({"start": APIError("cannot start")}, ToolFailed, "cannot start"),
    ],
)
def test_whatever_goes_wrong_the_container_is_removed(
    answers: dict[str, Any], error: type[ImageoptError], words: str
) -> None:
    engine = Engine(**answers)
    with pytest.raises(error, match=words):
        ran(engine)
    assert engine.asked[-1].startswith("remove")


def test_a_container_that_was_never_made_is_none_to_remove() -> None:
    with pytest.raises(ToolFailed):
        ran(Engine(create=APIError("no"), get=NotFound("none")))
