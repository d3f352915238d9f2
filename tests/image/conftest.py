"""An image built for real, and the tools whose words about it mean the same as ours."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

# every way in which an instruction can hide or move what lies below, on a base that has a shell
DOCKERFILE = """\
FROM alpine:3.23
RUN mkdir -p /app/keep /app/gone /app/swap && for n in 1 2 3; do head -c ${n}00000 /dev/urandom > /app/keep/$n; done \\
    && cp -r /app/keep/. /app/gone && echo a > /app/swap/file && ln /app/keep/1 /app/linked && ln -s keep /app/short
RUN rm -rf /app/gone && rm /app/keep/2
RUN chown -R 1000:1000 /app/keep && touch /app/linked
RUN rm -rf /app/swap && echo b > /app/swap && rm /app/short && mkdir /app/short && echo c > /app/short/c
RUN rm /app/keep/1 && mkfifo /app/pipe && truncate -s 3M /app/hole && ln /app/keep/3 /app/again
RUN rm -rf /app/short && mkdir /app/short && echo d > /app/short/d
RUN true
LABEL note="a text"
"""


@pytest.fixture(scope="session")
def built(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of the image in the engine."""
    context = tmp_path_factory.mktemp("agreement")
    (context / "Dockerfile").write_text(DOCKERFILE)
    name = f"imageopt-agreement:{os.getpid()}"
    subprocess.run(
        ["docker", "build", "--quiet", "--network", "none", "--tag", name, context],
        check=True,
        timeout=300,
        stdout=subprocess.DEVNULL,
    )
    yield name
    subprocess.run(["docker", "rmi", name], check=True, timeout=60, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def saved(built: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image as `docker save` writes it."""
    path = tmp_path_factory.mktemp("saved") / "image.tar"
    subprocess.run(["docker", "save", built, "--output", path], check=True, timeout=120)
    return path


@pytest.fixture(scope="session")
def skopeo() -> str:
    """The program; root on Debian installs it in seconds where it is missing."""
    found = shutil.which("skopeo")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=60", "skopeo"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(install, check=True, timeout=300, env=environment, capture_output=True)
        found = shutil.which("skopeo")
    return found or pytest.skip("no skopeo, and only root on Debian can install it")


@pytest.fixture(scope="session")
def mounted(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], AbstractContextManager[Path]]:
    """Mounts an image of the engine as its containers see it, without a container: overlay2's folders, read only."""

    @contextlib.contextmanager
    def mount(name: str) -> Iterator[Path]:
        driver = inspected(name)["GraphDriver"]
        if driver["Name"] != "overlay2" or os.geteuid() != 0:
            pytest.skip("only root can mount what an engine with overlay2 keeps")
        folders = [driver["Data"]["UpperDir"], *filter(None, driver["Data"].get("LowerDir", "").split(":"))]
        short = [Path(folder).parent for folder in folders]  # long lists do not fit into the options' one page
        root = short[0].parent
        place = tmp_path_factory.mktemp("mounted")
        lower = ":".join(f"{folder.name}/diff" for folder in short)
        if len(folders) == 1:
            yield Path(folders[0])
            return
        subprocess.run(
            ["mount", "-t", "overlay", "-o", f"ro,lowerdir={lower}", "overlay", place], check=True, cwd=root, timeout=60
        )
        try:
            yield place
        finally:
            subprocess.run(["umount", place], check=True, timeout=60)

    return mount


def inspected(name: str) -> dict[str, Any]:
    """What the engine says of an image."""
    shown = subprocess.run(["docker", "image", "inspect", name], check=True, capture_output=True, timeout=60)
    document: dict[str, Any] = json.loads(shown.stdout)[0]
    return document
