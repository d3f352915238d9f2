"""The parts of the outside world that imageopt uses, each looked for."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from imageopt.errors import ImageoptError
from imageopt.process import find_program, run

_SECONDS = 20
_OLD_DAYS = 7  # Trivy's own is renewed every few hours; a week is what nobody looks after


class Part(Struct, frozen=True):
    """A program or service: whether it was found, which one, and what cannot be done without it."""

    name: str
    found: bool
    detail: str
    cost: str


def diagnose(today: datetime | None = None) -> Iterator[Part]:
    """Each part in turn; asking takes a moment. The age of Trivy's database is told as of `today`."""
    yield _engine()
    yield _program(
        "buildx",
        ["docker", "buildx", "version"],
        "nothing is built by it: Docker's older way, Podman, Buildah or buildctl must do",
    )
    yield _program(
        "podman", ["podman", "--version"], "--builder podman cannot be used; images that it holds are read all the same"
    )
    yield _program("buildah", ["buildah", "--version"], "--builder buildah cannot be used")
    yield _buildctl()
    yield _program("trivy", ["trivy", "--version"], "verify does not scan; install it from https://trivy.dev")
    yield _trivy_database(today or datetime.now(UTC))
    yield _textual()


def _engine() -> Part:
    from docker.errors import DockerException

    from imageopt.source.engine import connect, engine_address

    cost = "images in an engine cannot be read, and nothing can be built or run"
    try:
        address = engine_address()
        client = connect()
        try:
            version = client.version()["Version"]
        finally:
            client.close()
    except ImageoptError as error:
        return Part("engine", False, f"{error.cause}: {error.remedy}", cost)
    except (DockerException, OSError, TypeError, LookupError) as error:
        return Part("engine", False, f"the engine broke off: {error}", cost)
    return Part("engine", True, f"{version} at {address.host} ({address.found_by})", cost)


def _buildctl() -> Part:
    part = _program(
        "buildctl", ["buildctl", "--version"], "--builder buildctl, which needs no engine to build, cannot be used"
    )
    if part.found and not os.environ.get("BUILDKIT_HOST"):
        return replace(part, found=False, detail="BUILDKIT_HOST does not name a BuildKit for it")
    return part


def _trivy_database(today: datetime) -> Part:
    from imageopt.verify.scan import database_age, default_cache

    cost = "the first scan downloads it, and without a network nothing is scanned"
    age = database_age(default_cache(), today)
    if age is None:
        return Part("trivy's db", False, "there is no vulnerability database", cost)
    if age > _OLD_DAYS:
        return Part(
            "trivy's db", False, f"there is none of this week, only one {age} days old", "newer advisories are missed"
        )
    return Part("trivy's db", True, "of today" if age == 0 else f"{age} days old", cost)


def _textual() -> Part:
    from importlib.metadata import PackageNotFoundError, version

    cost = "explore does not start; pip install 'imageopt[explore]'"
    try:
        return Part("textual", True, version("textual"), cost)
    except PackageNotFoundError:
        return Part("textual", False, "it is not installed", cost)


def _program(name: str, arguments: list[str], cost: str) -> Part:
    if find_program(arguments[0]) is None:
        return Part(name, False, f"{arguments[0]} is not on PATH", cost)
    try:
        answer = run(arguments, timeout=_SECONDS)
    except ImageoptError as error:
        return Part(name, False, error.cause, cost)
    version = re.search(r"v?\d+\.\d+[.\d]*", answer.stdout)
    if answer.exit_code != 0 or version is None:
        return Part(name, False, answer.stderr.splitlines()[0] if answer.stderr else "it does not answer", cost)
    return Part(name, True, version[0], cost)
