"""What tests share: an engine, a registry, the real Trivy, and a look at what each test leaves behind.

The engine comes from `tests/bed/up`. Where none can be had the tests that need one are skipped by name; but root on
Linux can always have one, so there a bed that does not come up is an error and never a skip.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pytest_docker.plugin import Services

BED = Path(__file__).parent / "bed"
COMPOSE_FILE = BED / "compose.yml"
LABEL = "dev.imageopt.run"
NO_ENGINE_HERE = 3  # the exit status of tests/bed/up that means: not an error, there just is none
GOES_AWAY_SECONDS = 5  # a container with --rm is gone a moment after the test that stopped it


# a busy machine is no reason to fail
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

os.environ["IMAGEOPT_CACHE"] = ""  # each test reads what it says it reads


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """The address of a Docker engine with base images; DOCKER_HOST, DOCKER_CONFIG and PATH name it meanwhile."""
    up = subprocess.run([BED / "up"], capture_output=True, text=True, check=False, timeout=1800)
    last_words = (up.stderr.strip().splitlines() or ["no reason given"])[-1]
    if up.returncode == NO_ENGINE_HERE and (os.geteuid() != 0 or os.environ.get("IMAGEOPT_BED") == "none"):
        pytest.skip(f"no engine: {last_words}")
    if up.returncode != 0:
        pytest.fail(f"tests/bed/up ended with {up.returncode}:\n{up.stderr}", pytrace=False)
    environment = exported(up.stdout)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield environment["DOCKER_HOST"]


@pytest.fixture(scope="session")
def php_images(engine: str) -> None:
    """The base images of PHP projects are in the engine as well: they take minutes to make, and few tests ask for them."""
    subprocess.run([BED / "up", "php", "composer"], capture_output=True, check=True, timeout=1800)


@pytest.fixture(scope="session")
def python_image(engine: str) -> None:
    """The base image of imageopt's own is in the engine as well."""
    subprocess.run([BED / "up", "python"], capture_output=True, check=True, timeout=1800)


def exported(script: str) -> dict[str, str]:
    """The variables that the export statements of the bed set, expanded."""
    names = ("DOCKER_HOST", "DOCKER_CONFIG", "IMAGEOPT_REGISTRY", "PATH")
    show = f'{script}\nfor name in {" ".join(names)}; do [ -z "${{!name:-}}" ] || echo "$name=${{!name}}"; done'
    lines = subprocess.run(["bash", "-c", show], capture_output=True, text=True, check=True, timeout=10).stdout
    return dict(line.split("=", 1) for line in lines.splitlines())


@pytest.fixture(scope="session")
def docker_compose_file(engine: str) -> str:
    """pytest-docker's: where the services are described. The engine must be there before it looks."""
    return str(COMPOSE_FILE)


@pytest.fixture(scope="session")
def docker_compose_project_name() -> str:
    return f"imageopt-tests-{os.getpid()}"


@pytest.fixture(scope="session")
def registry(request: pytest.FixtureRequest, engine: str) -> str:
    """`host:port` of a registry without TLS that the engine can push to.

    pytest-docker composes an empty one; an engine without the compose plug-in lends the bed's own.
    """
    compose = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False, timeout=30)
    own = os.environ.get("IMAGEOPT_REGISTRY")
    if compose.returncode != 0:
        return own or pytest.skip("no registry: the engine's client has no compose plug-in")
    services: Services = request.getfixturevalue("docker_services")
    host: str = request.getfixturevalue("docker_ip")
    return f"{host}:{services.port_for('registry', 5000)}"


@pytest.fixture(scope="session")
def trivy() -> Path:
    """The real Trivy: the one in this virtual environment, else the one on PATH."""
    beside_python = Path(sys.executable).parent / "trivy"
    found = beside_python if beside_python.is_file() else shutil.which("trivy")
    if found is None:
        pytest.skip("no trivy: `make setup` installs it")
    return Path(found)


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that used the engine and left a container, image, network or volume of imageopt's in it."""
    if "engine" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("engine")
    before = labelled()
    yield
    deadline = time.monotonic() + GOES_AWAY_SECONDS
    while (left := labelled() - before) and time.monotonic() < deadline:
        time.sleep(0.2)
    if left:
        pytest.fail(f"left in the engine: {', '.join(sorted(left))}", pytrace=False)


def labelled() -> set[str]:
    """What the engine holds that carries imageopt's label, as `kind name`; without what a run beside this one needs."""
    import docker

    filters = {"label": LABEL}
    with contextlib.closing(docker.from_env()) as client:
        api = client.api
        found = [
            ("container", item["Names"][0].removeprefix("/"), item)
            for item in api.containers(all=True, filters=filters)
        ]
        found += [("image", item["Id"], item) for item in api.images(filters=filters)]
        found += [("network", item["Name"], item) for item in api.networks(filters=filters)]
        found += [("volume", item["Name"], item) for item in api.volumes(filters=filters)["Volumes"] or []]
    return {f"{kind} {name}" for kind, name, item in found if not belongs_elsewhere(item["Labels"][LABEL])}


def belongs_elsewhere(run_id: str) -> bool:
    """A run's id begins with its process id: another process that still lives will clean up after itself."""
    process = run_id.split("-")[0]
    return process.isdigit() and process != str(os.getpid()) and Path("/proc", process).exists()
