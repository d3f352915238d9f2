"""The parts of the outside world that imageopt uses, each looked for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from imageopt.errors import ImageoptError
from imageopt.process import find_program, run

_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Part:
    """A program or service: whether it was found, which one, and what cannot be done without it."""

    name: str
    found: bool
    detail: str
    cost: str


def diagnose() -> Iterator[Part]:
    """Each part in turn; asking takes a moment."""
    yield _engine()
    yield _program("buildx", ["docker", "buildx", "version"], "neither --build nor verify can build")
    yield _program("trivy", ["trivy", "--version"], "verify does not scan; install it from https://trivy.dev")


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
