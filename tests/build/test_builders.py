"""How each builder is called, held against the options that its manual names."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.errors import DockerException
from localengines import PODMAN, own_folder
from msgspec.structs import replace

from imageopt.build.build import build
from imageopt.build.builders import cache_folder, invocation
from imageopt.build.cleaning import new_run_id
from imageopt.build.model import BuildFailed, BuildRequest, Built
from imageopt.build.temporary import remove_tree
from imageopt.config import Builder
from imageopt.errors import ToolMissing
from imageopt.progress import Progress
from imageopt.source.engine import connect

REQUEST = BuildRequest(
    Path("/p"), Path("/p/sub/Dockerfile.x"), "app:1", {"a": "b"}, target="run", build_args={"A": "1", "API_TOKEN": "hunter22"},
    secrets=("id=x,src=/s",), ssh=("default",), platform="linux/amd64", no_cache=True, cache_namespace="77",
)  # fmt: skip
COMMON = (
    "--label a=b", "--target run", "--build-arg A=1", "--secret id=x,src=/s", "--ssh default", "--platform linux/amd64",
    "--no-cache", "--file /p/sub/Dockerfile.x",
)  # fmt: skip
Programs = Callable[..., None]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Puts programs on PATH that do nothing and end well, and nothing else."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "unix:///somewhere.sock")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.delenv("BUILDKIT_HOST", raising=False)

    def install(*names: str) -> None:
        for name in names:
            (tmp_path / name).write_text("#!/bin/sh\nexit 0\n")
            (tmp_path / name).chmod(0o755)

    return install


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("buildx", ["docker", "buildx", "build", "--load"]),
        ("docker", ["docker", "build", "--progress=plain"]),
        ("podman", ["podman", "build", "--layers"]),
        ("buildah", ["buildah", "build", "--layers"]),
    ],
)
def test_everything_of_a_request_is_passed_on(
    programs: Programs, tmp_path: Path, name: Builder, start: list[str]
) -> None:
    programs("docker", "podman", "buildah")
    called = invocation(replace(REQUEST, builder=name), tmp_path)
    words = " ".join(called.arguments)
    assert called.arguments[: len(start)] == start
    assert called.arguments[-1] == "/p"
    assert [option for option in COMMON if option not in words] == []
    assert "hunter22" not in words
    assert called.environment["API_TOKEN"] == "hunter22"


def test_buildctl_is_called_as_its_manual_says(programs: Programs, tmp_path: Path) -> None:
    called = invocation(replace(REQUEST, builder="buildctl"), tmp_path)
    words = " ".join(called.arguments)
    assert words.startswith("buildctl build --progress=plain --frontend=dockerfile.v0")
    for option in (
        "--local context=/p", "--local dockerfile=/p/sub", "--opt filename=Dockerfile.x", "--opt target=run",
        "--opt platform=linux/amd64", "--opt build-arg:A=1", "--opt build-arg:BUILDKIT_CACHE_MOUNT_NS=77",
        "--opt label:a=b", "--secret id=x,src=/s", "--ssh default", "--no-cache",
        f"--output type=docker,name=app:1,dest={tmp_path}/image.tar",
    ):  # fmt: skip
        assert option in words
    assert called.archive == tmp_path / "image.tar"
    assert called.hand_over is None


def test_a_run_has_cache_mounts_of_its_own(programs: Programs, tmp_path: Path) -> None:
    programs("docker", "buildah")
    assert "--build-arg BUILDKIT_CACHE_MOUNT_NS=77" in " ".join(invocation(REQUEST, tmp_path).arguments)
    called = invocation(replace(REQUEST, builder="buildah"), tmp_path)
    assert called.environment["TMPDIR"] == str(cache_folder("77"))
    assert cache_folder("77").is_dir()
    assert "TMPDIR" not in invocation(replace(REQUEST, builder="buildah", cache_namespace=None), tmp_path).environment


def test_what_podman_built_is_written_for_the_engine(programs: Programs, tmp_path: Path) -> None:
    called = invocation(replace(REQUEST, builder="podman"), tmp_path)
    assert called.hand_over is not None
    assert called.hand_over("abc") == ["podman", "push", "--quiet", "abc", f"docker-archive:{tmp_path}/image.tar:app:1"]


@pytest.mark.parametrize(
    ("there", "host", "chosen"),
    [
        (("docker", "podman"), "", "docker"),
        (("podman", "buildah"), "", "podman"),
        (("buildah", "buildctl"), "tcp://b", "buildah"),
        (("buildctl",), "tcp://b", "buildctl"),
    ],
)
def test_the_builder_that_is_there_is_taken(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], host: str, chosen: str
) -> None:
    programs(*there)
    if host:
        monkeypatch.setenv("BUILDKIT_HOST", host)
    assert invocation(REQUEST, tmp_path).arguments[0] == chosen


def test_where_none_is_there_docker_is_asked_for(programs: Programs, tmp_path: Path) -> None:
    with pytest.raises(ToolMissing, match="docker is not installed"):
        invocation(REQUEST, tmp_path)


@pytest.fixture
def own_store(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Podman on PATH, and Buildah told to keep to a folder of its own, which is gone afterwards."""
    with own_folder() as folder:
        (tmp_path / "podman").write_text(f'#!/bin/sh\nPATH={os.environ["PATH"]} exec {PODMAN} {folder} "$@"\n')
        (tmp_path / "podman").chmod(0o755)
        settings = f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/buildah"\nrunroot = "{folder}/run"\n'
        (tmp_path / "storage.conf").write_text(settings)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "storage.conf"))
        monkeypatch.setenv("BUILDAH_ISOLATION", "chroot")
        monkeypatch.setenv("PODMAN_DRIVER", "vfs")
        yield tmp_path


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("name", ["podman", "buildah"])
def test_what_others_build_ends_in_the_engine(own_store: Path, name: Builder) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"no {name} on PATH")
    project = own_store / "project"
    project.mkdir()
    (project / "a").write_text("a")
    (project / "Dockerfile").write_text('FROM scratch\nCOPY a /\nCMD ["/a"]\n')
    tag, namespace = f"imageopt-test:{name}", new_run_id()
    request = BuildRequest(project, project / "Dockerfile", tag, {"x": "y"}, cache_namespace=namespace, builder=name)
    client = connect()
    try:
        cold, warm = (
            build(replace(request, no_cache=cold), progress=Progress(), timeout=120) for cold in (True, False)
        )
        assert isinstance(cold, Built)
        assert isinstance(warm, Built)
        made = client.images.get(tag)
    finally:
        with contextlib.suppress(DockerException):
            client.images.remove(tag, force=True)
        client.close()
        remove_tree(cache_folder(namespace))
    assert (cold.cached_steps, warm.cached_steps) == (0, warm.steps)
    assert made.id == warm.image_id
    assert made.attrs["Config"]["Cmd"] == ["/a"]
    assert made.labels["x"] == "y"
    (project / "Dockerfile").write_text("FROM scratch\nCOPY gone /\n")
    failed = build(request, progress=Progress(), timeout=120)
    assert isinstance(failed, BuildFailed)
    assert failed.step == "COPY gone /"
    assert "not in the build context" in failed.explanation
