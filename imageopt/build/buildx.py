"""A build request -> an image in the local engine, or the reason there is none.

A build that fails is a value (the Dockerfile may be at fault); an engine that is not there, a full disk or a missing
BuildKit is an error, because it says nothing about the Dockerfile.
"""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from imageopt.build.log import BuildLog
from imageopt.build.model import BuildFailed, BuildRequest, Built
from imageopt.build.temporary import prefix
from imageopt.errors import ToolFailed, ToolMissing
from imageopt.masking import names_a_secret
from imageopt.process import run
from imageopt.progress import Progress
from imageopt.source.engine import engine_address

_ASK_SECONDS = 60
_SECRET_NAME = re.compile(r"PRIVATE|AUTH|PASS", re.IGNORECASE)  # more than elsewhere: it costs nothing to hide these
_SHORTEST_SECRET = 6  # shorter values would blacken half the log


def build(request: BuildRequest, *, progress: Progress, timeout: float) -> Built | BuildFailed:
    """The image, tagged and labelled, with its wall time; a failed or overlong build is a BuildFailed.

    `timeout` in seconds. Raises ToolMissing without a client, BuildKit or engine, ToolFailed where the disk is full.
    """
    log = BuildLog(_hidden_values(request))
    with tempfile.TemporaryDirectory(prefix=prefix("build")) as folder:
        id_file = Path(folder) / "image-id"
        arguments = [*_builder(), *_options(request, id_file), str(request.context)]
        start = time.monotonic()
        try:
            done = run(
                arguments,
                timeout=timeout,
                environment=_environment(request),
                on_line=lambda line: progress.update(log.add(line)),
            )
        except ToolFailed as error:
            seconds = time.monotonic() - start
            if seconds < timeout:
                raise
            return BuildFailed(log.failed_step, f"the build {error.cause.partition(' ')[2]}", seconds, log.tail)
        seconds = time.monotonic() - start
        _raise_if_not_the_file(log, failed=done.exit_code != 0)
        if done.exit_code != 0:
            return BuildFailed(log.failed_step, log.reason, seconds, log.tail)
        image_id = id_file.read_text().strip()
    return Built(image_id, request.tag, seconds, log.steps, log.cached_steps, log.tail)


def _builder() -> list[str]:
    """The command that builds with BuildKit: the plug-in, else the client's own (before Docker 23)."""
    if run(["docker", "buildx", "version"], timeout=_ASK_SECONDS).exit_code == 0:
        return ["docker", "buildx", "build", "--load"]
    return ["docker", "build"]


def _options(request: BuildRequest, id_file: Path) -> list[str]:
    options = ["--progress=plain", "--iidfile", str(id_file), "--tag", request.tag, "--file", str(request.dockerfile)]
    for name, value in sorted(request.labels.items()):
        options += ["--label", f"{name}={value}"]
    if request.target:
        options += ["--target", request.target]
    for name, value in sorted((request.build_args or {}).items()):
        # a name alone makes the client take the value from the environment, out of sight of `ps`
        options += ["--build-arg", name if _is_secret(name) else f"{name}={value}"]
    for secret in request.secrets:
        options += ["--secret", secret]
    for agent in request.ssh:
        options += ["--ssh", agent]
    if request.platform:
        options += ["--platform", request.platform]
    if request.no_cache:
        options += ["--no-cache"]
    return options


def _environment(request: BuildRequest) -> dict[str, str]:
    address = engine_address()
    # without the attestations, so that what is loaded is one image and not an index
    environment = {
        "DOCKER_BUILDKIT": "1",
        "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        "BUILDKIT_COLORS": "",
        "NO_COLOR": "1",
    }
    if not address.found_by.startswith("context"):
        environment["DOCKER_HOST"] = address.host
    secret = {name: value for name, value in (request.build_args or {}).items() if _is_secret(name)}
    return {**secret, **environment}


def _is_secret(name: str) -> bool:
    return names_a_secret(name) or _SECRET_NAME.search(name) is not None


def _hidden_values(request: BuildRequest) -> Iterator[str]:
    """What must not be seen in the log: secret build arguments and the lines of the secrets handed to the build."""
    for name, value in (request.build_args or {}).items():
        if _is_secret(name) and len(value) >= _SHORTEST_SECRET:
            yield value
    for secret in request.secrets:
        for line in _secret_text(secret).splitlines():
            if len(line.strip()) >= _SHORTEST_SECRET:
                yield line.strip()


def _secret_text(specification: str) -> str:
    """The value behind `id=x,src=FILE`, `id=x,env=NAME` or `id=NAME`; empty where the builder would find none."""
    fields = dict(part.partition("=")[::2] for part in specification.split(","))
    path = fields.get("src") or fields.get("source")
    if path:
        try:
            return Path(path).read_text(errors="replace")
        except OSError:
            return ""
    return os.environ.get(fields.get("env") or fields.get("id") or "", "")


def _raise_if_not_the_file(log: BuildLog, *, failed: bool) -> None:
    if not failed:
        return
    if log.lacks_buildkit:
        raise ToolMissing("this Docker client has no BuildKit", "install the plug-in docker-buildx")
    if log.disk_is_full:
        raise ToolFailed("the engine's disk is full", "make room, for example with `docker builder prune`")
    if log.engine_is_gone:
        raise ToolMissing("the engine does not answer", "start Docker, or correct DOCKER_HOST")
