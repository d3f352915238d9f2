"""Engines that a test starts for itself: Docker with containerd's image store, and Podman.

with containerd_docker() as host: ...     its address, as DOCKER_HOST takes it
with podman() as host: ...

Everything they make lies in a folder of their own, and is gone when the block ends.
"""

import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

PODMAN = Path(__file__).parent / "bed" / "podman.sh"
STARTS_SECONDS = 60  # the first start of Podman fetches it
NONE_HERE = 3


@contextmanager
def containerd_docker() -> Iterator[str]:
    """A second Docker engine, whose images are in containerd; skips where the bed has lent no engine of its own."""
    daemon = shutil.which("dockerd")
    if daemon is None or os.geteuid() != 0:
        pytest.skip("no second engine: there is no dockerd here, or this is not root")
    with own_folder() as folder:
        (folder / "daemon.json").write_text('{"features": {"containerd-snapshotter": true}}')
        places = {"config-file": "daemon.json", "data-root": "data", "exec-root": "run", "pidfile": "pid"}
        # without a bridge dockerd removes docker0, so it gets a network of its own: the other engine's stays
        command = ["unshare", "--net", daemon, *(f"--{option}={folder / name}" for option, name in places.items())]
        command += ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"]
        with running([*command, f"--host=unix://{folder}/docker.sock"], folder / "docker.sock"):
            yield f"unix://{folder}/docker.sock"


@contextmanager
def podman(driver: str = "overlay") -> Iterator[str]:
    """Podman's service; skips where it can neither be found nor fetched."""
    with own_folder() as folder:
        address = f"unix://{folder}/podman.sock"
        command = [str(PODMAN), str(folder), "system", "service", "--time=0", address]
        with running(command, folder / "podman.sock", {**os.environ, "PODMAN_DRIVER": driver}):
            yield address


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder beside the bed's, since an engine does not run on the overlay that a temporary folder may be."""
    bed = Path(os.environ.get("IMAGEOPT_BED") or "/var/lib/imageopt-bed")
    folder = Path(tempfile.mkdtemp(prefix="test-", dir=bed if bed.is_dir() else None))
    try:
        yield folder
    finally:
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for mount in sorted((mount for mount in mounts if mount.startswith(f"{folder}/")), reverse=True):
            subprocess.run(["umount", "-l", mount], check=False, timeout=30)
        shutil.rmtree(folder)


@contextmanager
def running(command: Sequence[str], place: Path, environment: dict[str, str] | None = None) -> Iterator[None]:
    """The program, once it answers at its socket, until the block ends."""
    with (place.parent / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        deadline = time.monotonic() + STARTS_SECONDS
        while not answers(place):
            said = (place.parent / "log").read_text(errors="replace")[-1000:]
            if process.poll() == NONE_HERE:
                pytest.skip(said.strip())
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} does not answer: {said}", pytrace=False)
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def answers(place: Path) -> bool:
    """Whether an engine listens at the socket and says that it is well."""
    connection = http.client.HTTPConnection("engine", timeout=5)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(5)
    try:
        connection.sock.connect(str(place))
        connection.request("GET", "/_ping")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
