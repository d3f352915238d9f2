"""A build request -> the command line of one builder, and where its result and its log are to be found.

Docker's own builders leave the image in the engine. The others keep it to themselves, or write it into an archive: then
`build` hands it over to the engine, where everything else of a verification happens.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, field

from imageopt.build.hidden import is_secret_argument
from imageopt.build.log import BuildahLog, BuildLog
from imageopt.build.model import BuildRequest
from imageopt.build.temporary import prefix
from imageopt.config import Builder
from imageopt.errors import ToolMissing
from imageopt.process import find_program, run
from imageopt.source.engine import engine_address

_ASK_SECONDS = 60
_NAMESPACE = "BUILDKIT_CACHE_MOUNT_NS"  # Dockerfile reference, "BuildKit built-in build args"


class Invocation(Struct, frozen=True):
    """What to run. `archive` is the file that it writes for the engine to load.

    Else `hand_over` turns the id of the image in the builder's own store into the command that writes it.
    """

    arguments: list[str]
    log: type[BuildLog] = BuildLog
    environment: dict[str, str] = field(default_factory=dict)
    archive: Path | None = None
    hand_over: Callable[[str], list[str]] | None = None


def invocation(request: BuildRequest, folder: Path) -> Invocation:
    """How the request's builder is called; `folder` takes what it writes: `image-id`, or `image.tar`."""
    name = request.builder
    if name == "auto":
        name = "buildx" if _has_buildx() or find_program("docker") is not None else _other()
    match name:
        case "buildx" if _has_buildx():
            return _docker(request, folder, ["docker", "buildx", "build", "--load"])
        case "podman" | "buildah":
            return _buildah(request, folder, name)
        case "buildctl":
            return _buildctl(request, folder)
        case _:
            return _docker(request, folder, ["docker", "build"])


def cache_folder(namespace: str) -> Path:
    """Where Buildah keeps the cache mounts of a namespace; it is the caller's to remove."""
    return Path(tempfile.gettempdir()) / f"{prefix('cache')}{namespace}"


def _has_buildx() -> bool:
    return find_program("docker") is not None and (
        run(["docker", "buildx", "version"], timeout=_ASK_SECONDS).exit_code == 0
    )


def _other() -> Builder:
    """The builder that is there where there is no Docker client; Docker where none is, for its words of advice."""
    others: tuple[Builder, ...] = ("podman", "buildah", "buildctl")
    for name in others:
        if find_program(name) is not None and (name != "buildctl" or os.environ.get("BUILDKIT_HOST")):
            return name
    return "docker"


def _docker(request: BuildRequest, folder: Path, program: list[str]) -> Invocation:
    if find_program("docker") is None:
        raise ToolMissing("docker is not installed", "install docker and put it on PATH, or name another --builder")
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
    options = ["--progress=plain", "--iidfile", str(folder / "image-id"), "--tag", request.tag]
    return Invocation(
        [*program, *options, *_options(request, request.arguments(_NAMESPACE)), str(request.context)],
        environment={**_secret_arguments(request), **environment},
    )


def _buildah(request: BuildRequest, folder: Path, program: str) -> Invocation:
    """Podman and Buildah build alike. The image gets no name there: it stays a layer like all those in between."""
    environment = _secret_arguments(request)
    if request.cache_namespace:
        cache = cache_folder(request.cache_namespace)
        cache.mkdir(mode=0o700, exist_ok=True)
        environment["TMPDIR"] = str(cache)
    archive = folder / "image.tar"
    options = ["--layers", "--format", "docker", "--iidfile", str(folder / "image-id")]
    return Invocation(
        [program, "build", *options, *_options(request, request.arguments()), str(request.context)],
        log=BuildahLog,
        environment=environment,
        archive=archive,
        hand_over=lambda image_id: [program, "push", "--quiet", image_id, f"docker-archive:{archive}:{request.tag}"],
    )


def _buildctl(request: BuildRequest, folder: Path) -> Invocation:
    """BuildKit's own client; its daemon is named by BUILDKIT_HOST, as everywhere."""
    archive = folder / "image.tar"
    named = {
        "filename": request.dockerfile.name,
        **({"target": request.target} if request.target else {}),
        **({"platform": request.platform} if request.platform else {}),
        **{f"build-arg:{name}": value for name, value in sorted(request.arguments(_NAMESPACE).items())},
        **{f"label:{name}": value for name, value in sorted(request.labels.items())},
    }
    options = [part for name, value in named.items() for part in ("--opt", f"{name}={value}")]
    options += [part for secret in request.secrets for part in ("--secret", secret)]
    options += [part for agent in request.ssh for part in ("--ssh", agent)]
    options += ["--no-cache"] if request.no_cache else []
    return Invocation(
        [
            "buildctl",
            "build",
            "--progress=plain",
            "--frontend=dockerfile.v0",
            "--local",
            f"context={request.context}",
            "--local",
            f"dockerfile={request.dockerfile.parent}",
            *options,
            "--output",
            f"type=docker,name={request.tag},dest={archive}",
        ],
        environment={"BUILDKIT_COLORS": "", "NO_COLOR": "1"},
        archive=archive,
    )


def _options(request: BuildRequest, arguments: dict[str, str]) -> list[str]:
    options = ["--file", str(request.dockerfile)]
    for name, value in sorted(request.labels.items()):
        options += ["--label", f"{name}={value}"]
    if request.target:
        options += ["--target", request.target]
    for name, value in sorted(arguments.items()):
        # a name alone makes the client take the value from the environment, out of sight of `ps`
        options += ["--build-arg", name if is_secret_argument(name) else f"{name}={value}"]
    for secret in request.secrets:
        options += ["--secret", secret]
    for agent in request.ssh:
        options += ["--ssh", agent]
    if request.platform:
        options += ["--platform", request.platform]
    if request.no_cache:
        options += ["--no-cache"]
    return options


def _secret_arguments(request: BuildRequest) -> dict[str, str]:
    return {name: value for name, value in (request.build_args or {}).items() if is_secret_argument(name)}
