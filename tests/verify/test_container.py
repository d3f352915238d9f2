"""What is read from the engine's answers about a container, with an engine made of plain values."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError

from imageopt.errors import ToolFailed
from imageopt.verify.container import Container, Executed, Setting, create
from imageopt.verify.network import engine_host


def container(**engine: Any) -> Container:
    return Container(SimpleNamespace(reload=lambda: None, **engine), 3000)  # type: ignore[arg-type]


def config(**values: Any) -> dict[str, Any]:
    return {"Config": values, "State": {}}


@pytest.mark.parametrize(
    ("top", "user"),
    [
        ({"Titles": ["PID", "UID", "GID"], "Processes": [["90", "5", "6"], ["12", "1000", "1001"]]}, "1000:1001"),
        ({"Titles": ["USER", "COMMAND"], "Processes": [["root", "node"]]}, "node"),
        ({"Titles": None, "Processes": None}, "node"),
        (APIError("not running"), "node"),
    ],
)
def test_the_user_is_that_of_the_first_process_else_the_configured_one(top: Any, user: str) -> None:
    def answer(**_: object) -> Any:
        if isinstance(top, Exception):
            raise top
        return top

    assert container(top=answer, attrs=config(User="node")).user() == user


ASKED = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("finished", "seconds"),
    [
        ("2026-11-26T13:00:01.250000000Z", 1.25),  # the engine's clock is an hour ahead
        ("2026-11-26T15:00:01.25+02:00", 1.25),
        ("2026-11-26T12:59:58Z", 0.0),  # it had ended before it was asked to
        ("2026-11-26T13:00:09Z", 4.0),  # as long as the engine took at most
        ("0001-01-01T00:00:00Z", 4.0),  # the engine does not know
        (None, 4.0),
    ],
)
def test_an_end_is_timed_without_what_the_engine_does_after_it(
    finished: str | None, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [ASKED.timestamp()]
    monkeypatch.setattr(
        "imageopt.verify.container.time", SimpleNamespace(time=lambda: now[0], monotonic=lambda: now[0])
    )

    def stop(timeout: int) -> None:
        assert timeout == 10
        now[0] += 4.0  # it writes to the disk what a build has left in memory, too

    client = SimpleNamespace(info=lambda: {"SystemTime": (ASKED + timedelta(hours=1)).isoformat()})
    state = {"Running": False, "ExitCode": 0, "FinishedAt": finished}
    ended, code = container(stop=stop, attrs={"State": state}, client=SimpleNamespace(api=client)).stop()
    assert (round(ended, 3), code) == (seconds, 0)


def test_an_engine_that_does_not_tell_its_time_has_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imageopt.verify.container.time", SimpleNamespace(time=ASKED.timestamp, monotonic=lambda: 0.0))
    state = {"Running": False, "ExitCode": 0, "FinishedAt": "2026-11-26T12:00:00Z"}
    client = SimpleNamespace(api=SimpleNamespace(info=dict))
    assert container(stop=lambda timeout: None, attrs={"State": state}, client=client).stop() == (0.0, 0)  # noqa: ARG005


def test_written_paths_are_files_of_the_program() -> None:
    changes = [
        ("/app", 0),
        ("/app/data", 0),
        ("/app/data/a", 1),
        ("/app/old", 2),
        ("/tmp/x", 1),
        ("/var/tmp/x", 1),
        ("/run/app.pid", 1),
        ("/root/.npm/_logs/x", 1),
        ("/home/node/.cache/y", 1),
        ("/app/node_modules/.cache/z", 1),
        ("/app/node_modules/.pnpm-task-run-state-v1", 1),
        ("/app/node_modules/.pnpm-task-run-state-v1/latest.json", 1),
        ("/etc/hosts", 0),
        ("/etc/passwd", 0),
        ("/core.17", 1),
        ("/tmpfiles", 1),
    ]
    seen = container(diff=lambda: [{"Path": path, "Kind": kind} for path, kind in changes])
    assert seen.written_paths() == ("/app/data/a", "/etc/passwd", "/tmpfiles")
    assert container(diff=lambda: None).written_paths() == ()


@pytest.mark.parametrize(
    ("healthcheck", "shell", "command"),
    [
        ({"Test": ["CMD", "check", "-q"]}, None, ("check", "-q")),
        ({"Test": ["CMD-SHELL", "check || exit 1"]}, None, ("/bin/sh", "-c", "check || exit 1")),
        ({"Test": ["CMD-SHELL", "check"]}, ["/bin/bash", "-c"], ("/bin/bash", "-c", "check")),
        ({"Test": ["NONE"]}, None, ()),
        ({"Test": ["CMD"]}, None, ()),
        (None, None, ()),
    ],
)
def test_the_images_own_check_is_run_as_the_engine_would(
    healthcheck: Any, shell: Any, command: tuple[str, ...]
) -> None:
    assert container(attrs=config(Healthcheck=healthcheck, Shell=shell)).health_command() == command


def api(**methods: Any) -> Container:
    return container(id="c1", client=SimpleNamespace(api=SimpleNamespace(**methods)))


def test_a_command_inside_gives_its_code_and_its_output() -> None:
    made = api(
        exec_create=lambda *_: {"Id": "e1"},
        exec_start=lambda *_, **__: iter([b"a", b"b"]),
        exec_inspect=lambda *_: {"ExitCode": 3},
    )
    assert made.execute(["x"], seconds=5) == Executed(3, b"ab")


def test_a_command_that_the_engine_refuses_or_that_hangs_has_no_code() -> None:
    def refuse(*_: object) -> Any:
        raise APIError("exec failed")

    def hang(made: str, *, stream: bool) -> Iterator[bytes]:
        yield b"a"
        over.wait(5)

    over = threading.Event()
    assert api(exec_create=refuse).execute(["x"], seconds=5).exit_code is None
    hanging = api(exec_create=lambda *_: {"Id": "e1"}, exec_start=hang)
    assert hanging.execute(["x"], seconds=0.1) == Executed(None, b"a")
    over.set()


@pytest.mark.parametrize(
    ("memory", "held"),
    [({"usage": 100, "stats": {"inactive_file": 30}}, 70), ({"usage": 100, "stats": {}}, 100), ({}, None)],
)
def test_memory_is_what_cannot_be_dropped(memory: Any, held: int | None) -> None:
    assert api(stats=lambda *_, **__: {"memory_stats": memory}).memory_bytes() == held


def test_an_end_has_an_exit_code_and_may_be_for_memory() -> None:
    ended = container(attrs={"State": {"Running": False, "ExitCode": 137, "OOMKilled": True}})
    assert (ended.exit_code, ended.was_killed_for_memory) == (137, True)
    assert container(attrs={"State": {"Running": True, "ExitCode": 0}}).exit_code is None


@pytest.mark.parametrize(
    ("address", "hosts"),
    [
        ("unix:///var/run/docker.sock", ("127.0.0.1", "127.0.0.1")),
        ("tcp://localhost:2375", ("127.0.0.1", "127.0.0.1")),
        ("tcp://docker:2376", ("docker", "")),
    ],
)
def test_an_engine_elsewhere_publishes_where_it_can_be_reached(
    monkeypatch: pytest.MonkeyPatch, address: str, hosts: tuple[str, str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", address)
    assert engine_host() == hosts


def test_a_published_port_is_found_and_a_missing_one_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///x.sock")
    assert container(ports={"3000/tcp": [{"HostPort": "32768"}]}).address() == ("127.0.0.1", 32768)
    with pytest.raises(ToolFailed, match="did not publish port 3000"):
        container(ports={}, status="running").address()
    assert container(ports={}, status="exited").address() is None


def test_a_container_is_created_without_rights_and_a_refusal_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///x.sock")
    seen: dict[str, Any] = {}

    def make(image: str, **options: Any) -> Any:
        if image == "bad":
            raise APIError("no such image")
        seen.update(options)
        return SimpleNamespace()

    client: Any = SimpleNamespace(
        containers=SimpleNamespace(create=make),
        api=SimpleNamespace(create_endpoint_config=lambda **options: options),
    )
    create(client, "app:1", Setting("n", {"a": "b"}, "net", 3000))
    assert seen["ports"] == {"3000/tcp": ("127.0.0.1", None)}
    assert seen["security_opt"] == ["no-new-privileges"]
    assert (seen["network"], seen["dns"]) == ("net", ["127.0.0.1"])  # the outside is not asked for names
    assert {"mem_limit", "memswap_limit", "pids_limit", "cpu_quota", "log_config"} <= seen.keys()
    assert (
        not {"privileged", "volumes", "network_mode", "cap_add", "devices", "entrypoint", "command", "user"}
        & seen.keys()
    )
    with pytest.raises(ToolFailed, match="refused the container"):
        create(client, "bad", Setting("n", {}))
    held = Setting("n", {}, command=("x",), entrypoint=(), volumes={"v": "/data"}, user="1001:0", hardened=True)
    create(client, "app:1", held)
    assert (seen["network_mode"], seen["user"]) == ("none", "1001:0")
    assert (seen["command"], seen["entrypoint"], seen["volumes"]) == (["x"], [], {"v": {"bind": "/data", "mode": "rw"}})
    assert (seen["read_only"], seen["cap_drop"]) == (True, ["ALL"])
