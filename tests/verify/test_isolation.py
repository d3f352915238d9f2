"""Programs that misbehave, in a real engine: nothing gets out, limits hold, the end is named, and nothing stays."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from imageopt.build.cleaning import CleanUp, cleaning, new_run_id
from imageopt.source.engine import connect
from imageopt.verify.cleanup import remove_labelled
from imageopt.verify.companions import Companion
from imageopt.verify.container import Container
from imageopt.verify.exchange import Ask
from imageopt.verify.limits import Limits
from imageopt.verify.rounds import make_volumes
from imageopt.verify.run import Command, Observed, RunPlan, observe

if TYPE_CHECKING:
    import docker

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ALPINE = "alpine:3"
SERVES = "nc -lk -p 3000 -e printf 'HTTP/1.0 200 OK\\r\\n\\r\\nhi'"
OUTSIDE = "198.18.77.2"  # of the block for tests between networks (RFC 2544)


@pytest.fixture
def bench(engine: str) -> Iterator[tuple["docker.DockerClient", CleanUp]]:
    """A client and a stack of clean-ups; when it is emptied nothing of the run may be left."""
    client = connect()
    run_id = new_run_id()
    with cleaning(run_id) as cleanup:
        yield client, cleanup
    assert remove_labelled(client, lambda label: label == run_id) == ()
    client.close()


def run(bench: tuple["docker.DockerClient", CleanUp], script: str, **plan: Any) -> Observed:
    """What is seen of a shell script as a program; it listens on port 3000 unless said otherwise."""
    client, cleanup = bench
    tag = f"imageopt-test:{cleanup.run_id}"
    recipe = f'FROM {ALPINE}\nCMD ["sh", "-c", {json.dumps(script)}]\n'
    cleanup.add(lambda: client.images.remove(tag, force=True))
    build = ["docker", "build", "-q", "-t", tag, "--label", f"dev.imageopt.run={cleanup.run_id}", "-"]
    subprocess.run(build, input=recipe.encode(), check=True, capture_output=True, timeout=60)
    given = {"port": 3000, "asks": (Ask("/"),), "seconds": 20.0, "brief": True, **plan}
    return observe(client, tag, RunPlan(**given), f"imageopt-{cleanup.run_id}", cleanup)


def test_nobody_asks_whether_there_is_a_newer_npm(bench: tuple["docker.DockerClient", CleanUp]) -> None:
    shows = "echo $NPM_CONFIG_UPDATE_NOTIFIER $NO_UPDATE_NOTIFIER"
    assert run(bench, shows, port=None).answers[0].body == b"false 1\n"
    own = {"NPM_CONFIG_UPDATE_NOTIFIER": "true"}
    assert run(bench, shows, port=None, environment=own).answers[0].body == b"true 1\n"


@contextmanager
def outside() -> Iterator[str]:
    """The address of a server that knows no way back to the engine's networks, as the Internet knows none."""
    space = f"imageopt-{os.getpid()}"
    link = f"io{os.getpid()}"
    steps = [
        f"ip netns add {space}",
        f"ip link add {link} type veth peer name {link}o",
        f"ip link set {link}o netns {space}",
        f"ip addr add 198.18.77.1/30 dev {link}",
        f"ip link set {link} up",
        f"ip netns exec {space} ip addr add {OUTSIDE}/30 dev {link}o",
        f"ip netns exec {space} ip link set {link}o up",
    ]
    try:
        for step in steps:
            subprocess.run(step.split(), check=True, capture_output=True, timeout=20)
        serve = "import http.server as h; h.HTTPServer(('', 8000), h.BaseHTTPRequestHandler).serve_forever()"
        server = subprocess.Popen(
            ["ip", "netns", "exec", space, sys.executable, "-c", serve], stderr=subprocess.DEVNULL
        )
        try:
            yield OUTSIDE
        finally:
            server.kill()
            server.wait(20)
    finally:
        for step in (f"ip link del {link}", f"ip netns del {space}"):
            subprocess.run(step.split(), check=False, capture_output=True, timeout=20)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a network beside the engine's")
def test_nothing_gets_out_and_what_is_published_gets_in(bench: tuple["docker.DockerClient", CleanUp]) -> None:
    # -w: how long to wait for an answer; any answer at all, even a refusal by the server, is a way out
    reach = f"nc -z -w 2 {OUTSIDE} 8000 && echo reached || echo nothing"
    with outside():
        deadline = time.monotonic() + 10
        words = ["docker", "run", "--rm", "--label", "dev.imageopt.run=1-x", ALPINE, "sh", "-c", reach]
        control = ""
        while control != "reached" and time.monotonic() < deadline:
            control = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
        assert control == "reached", "an ordinary container reaches the server"
        seen = run(bench, SERVES, commands=(Command(("sh", "-c", reach), "the test", compares=True),))
    assert [answer.body for answer in seen.answers] == [b"hi", b"nothing\n"]


HOSTILE: dict[str, tuple[str, dict[str, Any], str]] = {
    "never answers": (SERVES.replace("3000", "3001"), {"seconds": 2.0}, "nothing answered on port 3000 within 2 s; it listens on 3001"),
    "fills the disk": (
        "dd if=/dev/zero of=/fill bs=64k",
        {"limits": Limits(written_bytes=50_000_000)},
        "it was ended because it wrote more than 50.0 MB to its disk",
    ),
    "fills a volume": (
        "dd if=/dev/zero of=/data/fill bs=64k",
        {"limits": Limits(written_bytes=50_000_000), "kept": ("/data",)},
        "it was ended because it wrote more than 50.0 MB to its disk",
    ),
    "takes memory": (
        "tail /dev/zero",
        {"limits": Limits(memory_bytes=32 << 20)},
        "it was ended because it used more than 33.6 MB of memory",
    ),
    "ends at once": ("exit 7", {}, "it ended with exit code 7"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(HOSTILE))
def test_a_program_that_goes_too_far_is_ended_and_says_why(
    bench: tuple["docker.DockerClient", CleanUp], case: str
) -> None:
    script, more, reason = HOSTILE[case]
    plan = dict(more)
    kept = plan.pop("kept", None)
    if kept:
        client, cleanup = bench
        cleanup.add(lambda: [volume.remove() for volume in _volumes(client, cleanup)])
        plan["volumes"] = make_volumes(client, cleanup, kept)
    seen = run(bench, script, **plan)
    assert (seen.record.started, seen.record.reason) == (False, reason)


def _volumes(client: "docker.DockerClient", cleanup: CleanUp) -> list[Any]:
    return client.volumes.list(filters={"label": f"dev.imageopt.run={cleanup.run_id}"})


def test_a_program_that_forks_without_end_is_held_and_the_rest_goes_on(
    bench: tuple["docker.DockerClient", CleanUp],
) -> None:
    fork = "sleep 60 & " * 20
    script = f"for i in 1 2 3 4 5; do ({fork} wait) & done; {SERVES}"
    start = time.monotonic()
    seen = run(bench, script, limits=Limits(processes=40), seconds=3.0)
    assert time.monotonic() - start < 60
    assert not seen.record.started or "can't fork" in " ".join(seen.record.log_tail)


def test_a_gigabyte_of_log_is_cut_to_its_limit(
    bench: tuple["docker.DockerClient", CleanUp], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program has written far more than the limit when it is looked at, and the file of it has not grown."""
    line = "$(head -c 4000 /dev/zero | tr '\\0' a)"
    sizes: list[int] = []

    def look(container: Container) -> bytes:
        log = Path(container._engine.attrs["LogPath"])
        sizes.append(sum(path.stat().st_size for path in log.parent.glob(f"{log.name}*")))
        return original(container)

    original = Container.log
    monkeypatch.setattr(Container, "log", look)
    script = f"(yes {line} | head -c 1000000000) & sleep 2; {SERVES}"
    seen = run(bench, script, seconds=60.0, limits=Limits(log_bytes=1 << 20))
    assert seen.record.started
    assert 1 << 18 < sizes[0] < 2 << 20


def test_a_companion_is_reached_by_its_name_and_one_that_is_not_there_is_named(
    bench: tuple["docker.DockerClient", CleanUp],
) -> None:
    cache = Companion("cache", ALPINE, {"SAYS": "pong"}, ("sh", "-c", "while :; do echo $SAYS | nc -l -p 6379; done"))
    gone = Companion("db", "registry.invalid/postgres:0")
    script = "id -u; nc -w 2 cache 6379 </dev/null"
    seen = run(bench, script, port=None, companions=(cache, gone), user="1001:0")  # a user is the program's alone
    assert [answer.body for answer in seen.answers] == [b"1001\npong\n"]
    assert seen.record.unchecked == (
        "what db (registry.invalid/postgres:0) is needed for: its image could not be pulled",
    )
