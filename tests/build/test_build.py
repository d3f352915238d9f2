"""Builds with a program in the place of `docker` that says what the real one says, and two with the real one."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imageopt.build.build import build
from imageopt.build.model import BuildFailed, BuildRequest, Built
from imageopt.errors import ToolFailed, ToolMissing
from imageopt.progress import Progress

FAKE = """\
import json, os, pathlib, sys, time
if sys.argv[1:3] == ["buildx", "version"]:
    sys.exit({plugin})
here = pathlib.Path(__file__).parent
names = ("DOCKER_HOST", "API_TOKEN", "DOCKER_BUILDKIT")
(here / "seen.json").write_text(json.dumps({{"argv": sys.argv[1:], **{{n: os.environ.get(n) for n in names}}}}))
print({log!r}, file=sys.stderr, flush=True)
time.sleep({seconds})
if {code} == 0:
    pathlib.Path(sys.argv[sys.argv.index("--iidfile") + 1]).write_text("sha256:abc")
sys.exit({code})
"""
Docker = Callable[..., Path]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """Puts a `docker` on PATH that writes what it was asked into the file that is returned."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def install(*, log: str = "", code: int = 0, plugin: int = 0, seconds: float = 0) -> Path:
        program = folder / "docker"
        program.write_text(f"#!{sys.executable}\n" + FAKE.format(log=log, code=code, plugin=plugin, seconds=seconds))
        program.chmod(0o755)
        return folder / "seen.json"

    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", "unix:///somewhere.sock")
    return install


def request(tmp_path: Path, **more: object) -> BuildRequest:
    return BuildRequest(tmp_path, tmp_path / "Dockerfile", "app:1", {"a": "b"}, **more)  # type: ignore[arg-type]


def build_it(tmp_path: Path, timeout: float = 30, **more: object) -> Built | BuildFailed:
    return build(request(tmp_path, **more), progress=Progress(), timeout=timeout)


def test_everything_of_the_request_reaches_the_builder(docker: Docker, tmp_path: Path) -> None:
    seen = docker(log="#6 [1/1] RUN x\n#6 CACHED")
    result = build_it(
        tmp_path,
        target="run",
        build_args={"A": "1"},
        secrets=("id=x,src=/none",),
        ssh=("default",),
        platform="linux/amd64",
        no_cache=True,
    )
    assert isinstance(result, Built)
    assert (result.image_id, result.tag, result.steps, result.cached_steps) == ("sha256:abc", "app:1", 1, 1)
    argv = json.loads(seen.read_text())["argv"]
    assert argv[:3] == ["buildx", "build", "--load"]
    assert argv[-1] == str(tmp_path)
    words = " ".join(argv)
    for option in (
        f"--file {tmp_path}/Dockerfile",
        "--tag app:1",
        "--label a=b",
        "--target run",
        "--build-arg A=1",
        "--secret id=x,src=/none",
        "--ssh default",
        "--platform linux/amd64",
        "--no-cache",
    ):
        assert option in words


def test_without_the_plugin_the_client_builds_itself_with_buildkit(docker: Docker, tmp_path: Path) -> None:
    seen = docker(plugin=1)
    assert isinstance(build_it(tmp_path), Built)
    asked = json.loads(seen.read_text())
    assert asked["argv"][0] == "build"
    assert asked["DOCKER_BUILDKIT"] == "1"
    assert asked["DOCKER_HOST"] == "unix:///somewhere.sock"


def test_a_secret_argument_is_neither_in_the_arguments_nor_in_the_log(docker: Docker, tmp_path: Path) -> None:
    seen = docker(log="#5 0.1 using hunter22 now", code=1)
    result = build_it(tmp_path, build_args={"API_TOKEN": "hunter22"})
    asked = json.loads(seen.read_text())
    assert "hunter22" not in asked["argv"]
    assert asked["API_TOKEN"] == "hunter22"
    assert result.log_tail == ("#5 0.1 using *** now",)


@pytest.mark.parametrize("way", ["src", "env", "id"])
def test_a_secret_handed_to_the_build_is_not_in_the_log(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    (tmp_path / "secret").write_text("hunter22\n")
    monkeypatch.setenv("MY_SECRET", "hunter22")
    docker(log="#5 0.1 hunter22", code=1)
    given = {"src": f"id=x,src={tmp_path}/secret", "env": "id=x,env=MY_SECRET", "id": "id=MY_SECRET"}
    assert build_it(tmp_path, secrets=(given[way],)).log_tail == ("#5 0.1 ***",)


def test_a_failed_build_is_a_value_with_step_and_reason(docker: Docker, tmp_path: Path) -> None:
    docker(log="------\n > [2/2] RUN false:\n------\nERROR: failed to solve: exit code: 1", code=1)
    result = build_it(tmp_path)
    assert isinstance(result, BuildFailed)
    assert (result.step, result.reason) == ("[2/2] RUN false", "exit code: 1")


def test_a_build_that_takes_too_long_is_a_failed_build(docker: Docker, tmp_path: Path) -> None:
    docker(seconds=20)
    result = build_it(tmp_path, timeout=1)
    assert isinstance(result, BuildFailed)
    assert result.reason == "the build did not end within 1 s"


@pytest.mark.parametrize(
    ("log", "error", "words"),
    [
        ("ERROR: write /x: no space left on device", ToolFailed, "disk is full"),
        ("ERROR: Cannot connect to the Docker daemon at unix:///x. Is it running?", ToolMissing, "does not answer"),
        ("ERROR: BuildKit is enabled but the buildx component is missing or broken.", ToolMissing, "no BuildKit"),
    ],
)
def test_what_says_nothing_of_the_dockerfile_is_an_error(
    docker: Docker, tmp_path: Path, log: str, error: type[Exception], words: str
) -> None:
    docker(log=log, code=1)
    with pytest.raises(error, match=words):
        build_it(tmp_path)


def test_without_a_client_nothing_can_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="docker is not installed"):
        build_it(tmp_path)


@pytest.mark.engine
def test_a_real_build_and_its_repetition(tmp_path: Path, engine: str) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM node:20-alpine AS a\nRUN date > /x\nFROM node:20-alpine\nCOPY --from=a /x /\n"
    )
    tag = f"imageopt-test-build:{tmp_path.name.lower()}"
    try:
        cold = build(
            BuildRequest(tmp_path, tmp_path / "Dockerfile", tag, {}, no_cache=True), progress=Progress(), timeout=120
        )
        again = build(BuildRequest(tmp_path, tmp_path / "Dockerfile", tag, {}), progress=Progress(), timeout=120)
    finally:
        subprocess.run(["docker", "rmi", "-f", tag], capture_output=True, check=False, timeout=60)
    assert isinstance(cold, Built)
    assert isinstance(again, Built)
    assert (cold.steps, cold.cached_steps) == (2, 0)
    assert (again.steps, again.cached_steps) == (2, 2)
    assert cold.image_id == again.image_id


@pytest.mark.engine
def test_a_real_build_that_fails(tmp_path: Path, engine: str) -> None:
    (tmp_path / "Dockerfile").write_text("FROM node:20-alpine\nCOPY nothing-here /\n")
    result = build(request(tmp_path), progress=Progress(), timeout=120)
    assert isinstance(result, BuildFailed)
    assert result.step == "[2/2] COPY nothing-here / (Dockerfile:2)"
    assert result.line == 2
    assert "not found" in result.reason
    assert "not in the build context" in result.explanation
