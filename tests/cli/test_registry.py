"""The commands on an image in a registry: what is asked of it, and what is said of it."""

import gzip
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from imagebuilder import digest, file, layer
from registryserver import Handler, Registry, serving

from imageopt.cli.edge import run

ONE = layer(file("a", b"1" * 100_000))
SIZE = len(gzip.compress(ONE, mtime=0))


class Stalling(Handler):
    """Sends a part of each big blob, and then nothing for a while."""

    def blob(self, data: bytes, fault: str) -> None:
        if len(data) < len(BIG) // 2:
            return super().blob(data, fault)
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2])
        SENT.set()
        DONE.wait(60)
        return None


BIG = random.Random(1).randbytes(1 << 20)
SENT, DONE = threading.Event(), threading.Event()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Registry]:
    """A registry with `1`, a manifest, and `many`, an index; a user who has never logged in, in an empty folder."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("IMAGEOPT_CACHE", "")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with serving() as made:
        made.index("many", (made.push("1", [ONE]), "linux/amd64"))
        yield made


def gate(server: Registry, tag: str, *options: str) -> int:
    return run(["gate", f"registry:{server.host}/team/app:{tag}", "--quiet", *options])


def test_a_download_is_judged_by_the_manifest_alone(server: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = digest(server.manifests["1"][1])
    assert gate(server, "1", "--max-download", f"{SIZE}B") == 0
    assert server.paths == ["manifests/1"]
    assert f"download {SIZE} B" in " ".join(capsys.readouterr().out.split())
    server.asked.clear()
    assert gate(server, "many", "--platform", "linux/amd64", "--max-download", f"{SIZE - 1}B") == 1
    assert server.paths == ["manifests/many", f"manifests/{manifest}"]
    assert len(server.asked) == 2  # nothing else was asked for, of anybody


def test_so_is_that_of_a_folders_image(server: Registry) -> None:
    name = f"registry:{server.host}/team/app:1"
    assert run(["gate", ".", "--image", name, "--max-download", f"{SIZE}B", "--quiet"]) == 0
    Path("imageopt.toml").write_text(f'[project]\nimage = "{name}"\n[budget]\ndownload = "{SIZE - 1}B"\n')
    assert run(["gate", "--quiet"]) == 1
    assert server.paths == ["manifests/1"] * 2


def test_a_folders_image_may_be_in_a_registry(server: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    Path("Dockerfile").write_text("FROM scratch\nCOPY a /\n")
    assert run(["analyze", ".", "--image", f"registry:{server.host}/team/app:1", "--format", "json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["target"]["kind"], document["target"]["source"]) == ("project", "registry")
    assert document["image"]["sizes"]["download_bytes"] == SIZE


def test_another_budget_needs_the_layers(server: Registry) -> None:
    assert gate(server, "1", "--max-download", f"{SIZE}B", "--max-unpacked", "100000B") == 0
    assert len([path for path in server.paths if path.startswith("blobs/")]) == 2  # the configuration and a layer


def test_both_ways_give_the_same_download(server: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for more in ([], ["--max-unpacked", "1GB"]):
        assert gate(server, "1", "--max-download", "1GB", "--format", "json", *more) == 0
        checks = json.loads(capsys.readouterr().out)["checks"]
        found.append(next(check["value"] for check in checks if "download" in json.dumps(check)))
    assert found == [SIZE, SIZE]


@pytest.mark.parametrize(
    ("tag", "words"),
    [("nothing", "there is no image"), ("damaged", "is not what its digest promises"), ("text", "is not JSON")],
)
def test_what_cannot_be_read_is_two_lines_and_exit_3(
    server: Registry, tag: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = digest(b"something else")
    server.index("damaged", (wrong, "linux/amd64"))
    server.manifests[wrong] = server.manifests["1"]
    server.put("text", "text/html", b"<h1>hello</h1>")
    assert gate(server, tag, "--platform", "linux/amd64", "--max-download", "1GB") == 3
    assert run(["analyze", f"registry:{server.host}/team/app:{tag}", "--platform", "linux/amd64", "--quiet"]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert words in lines[0]
    assert words in lines[2]


def test_no_output_holds_a_secret(server: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text(
        json.dumps({"auths": {server.host: {"username": "me-myself", "password": "s3cret"}}})
    )
    name = f"registry:{server.host}/team/app:1"
    server.want_token("t0ken")
    server.login = "me-myself:s3cret"
    assert run(["analyze", name, "--verbose", "--format", "json"]) == 0
    assert run(["gate", name, "--verbose", "--max-download", "1GB"]) == 0
    server.login = "another:pair"
    assert run(["analyze", name, "--verbose"]) == 3
    said = "".join(capsys.readouterr())
    assert "docker login" in said
    for secret in ("s3cret", "t0ken", "me-myself", server.accepts.partition(" ")[2]):
        assert secret not in said


def test_a_result_says_that_it_is_from_a_registry(server: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", f"registry:{server.host}/team/app:1", "--format", "json", "--quiet"]) == 0
    target = json.loads(capsys.readouterr().out)["target"]
    assert (target["source"], target["digest"]) == ("registry", digest(server.manifests["1"][1]))


def test_growth_is_held_against_the_target_branchs_image(server: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    server.push("more", [ONE, layer(file("b", b"2" * 3_000))])
    main = f"registry:{server.host}/team/app:1"
    assert gate(server, "1", "--baseline", main) == 0
    assert gate(server, "more", "--baseline", main, "--max-growth", "2.9%", "--format", "json") == 1
    document = json.loads(capsys.readouterr().out.partition("gate: pass\n")[2])
    failed = {check["name"]: check["value"] for check in document["checks"] if check["result"] == "fail"}
    assert failed["growth.unpacked"] == 103_000
    assert document["baseline"]["sizes"]["unpacked_bytes"] == 100_000
    assert gate(server, "more", "--baseline", main, "--max-growth", "3kB") == 0


def test_an_interrupt_ends_it_though_the_registry_is_silent(server: Registry) -> None:
    server.push("big", [layer(file("a", BIG)), layer(file("b", BIG[::-1]))])
    server.RequestHandlerClass = Stalling
    command = [sys.executable, "-m", "imageopt", "analyze", f"registry:{server.host}/team/app:big"]
    try:
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert SENT.wait(30)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors.strip().splitlines()[-2]) == (130, "error: interrupted")
        assert time.monotonic() - began < 10
    finally:
        DONE.set()
