"""A build request -> an image in the local engine, or the reason there is none.

A build that fails is a value (the Dockerfile may be at fault); an engine that is not there, a full disk or a missing
BuildKit is an error, because it says nothing about the Dockerfile.
"""

import tempfile
import time
from pathlib import Path

from imageopt.build.builders import Invocation, invocation
from imageopt.build.explain import explain
from imageopt.build.hidden import hidden_values
from imageopt.build.log import BuildLog
from imageopt.build.model import BuildFailed, BuildRequest, Built
from imageopt.build.temporary import prefix
from imageopt.errors import ToolFailed, ToolMissing
from imageopt.process import run
from imageopt.progress import Progress
from imageopt.source.engine import connect


def build(request: BuildRequest, *, progress: Progress, timeout: float) -> Built | BuildFailed:
    """The image, tagged and labelled, with its wall time; a failed or overlong build is a BuildFailed.

    `timeout` in seconds. Raises ToolMissing without a client, BuildKit or engine, ToolFailed where the disk is full.
    """
    with tempfile.TemporaryDirectory(prefix=prefix("build")) as name:
        folder = Path(name)
        called = invocation(request, folder)
        log = called.log(hidden_values(request))
        start = time.monotonic()
        try:
            done = run(
                called.arguments,
                timeout=timeout,
                environment=called.environment,
                on_line=lambda line: progress.update(log.add(line)),
            )
        except ToolFailed as error:
            seconds = time.monotonic() - start
            if seconds < timeout:
                raise
            return BuildFailed(log.failed_step, f"the build {error.cause.partition(' ')[2]}", seconds, log.tail)
        seconds = time.monotonic() - start
        for line in done.stdout.splitlines() if called.hand_over is not None else ():
            log.add(line)  # where Podman and Buildah tell what they do
        _raise_if_not_the_file(log, failed=done.exit_code != 0)
        if done.exit_code != 0:
            said = explain(log.reason, log.tail)
            return BuildFailed(log.failed_step, log.reason, seconds, log.tail, log.failed_line, said)
        image_id = _image_id(called, folder, request, timeout)
    return Built(image_id, request.tag, seconds, log.steps, log.cached_steps, log.tail, log.done)


def _image_id(called: Invocation, folder: Path, request: BuildRequest, timeout: float) -> str:
    """The id in the engine; what was built elsewhere is handed over first, which is no part of the build's time."""
    id_file = folder / "image-id"
    if called.archive is None:
        return id_file.read_text().strip()
    if called.hand_over is not None:
        done = run(called.hand_over(id_file.read_text().strip()), timeout=timeout, environment=called.environment)
        if done.exit_code != 0:
            words = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise ToolFailed(f"the image could not be handed over: {words}", "build with --builder buildx instead")
    client = connect()
    try:
        with called.archive.open("rb") as archive:
            client.images.load(archive)
        return str(client.images.get(request.tag).id)
    finally:
        client.close()


def _raise_if_not_the_file(log: BuildLog, *, failed: bool) -> None:
    if not failed:
        return
    if log.lacks_buildkit:
        raise ToolMissing("this Docker client has no BuildKit", "install the plug-in docker-buildx")
    if log.disk_is_full:
        raise ToolFailed("the engine's disk is full", "make room, for example with `docker builder prune`")
    if log.engine_is_gone:
        raise ToolMissing("the engine does not answer", "start Docker, or correct DOCKER_HOST")
