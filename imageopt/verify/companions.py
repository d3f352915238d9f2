"""The services that a program needs beside it, a database or a cache: started in its network, gone with it.

They get the same limits as the program, no published port and no host paths. One that cannot be had is not an error:
the program is run without it, and the result names it.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field

from imageopt.build.cleaning import CleanUp
from imageopt.errors import ToolFailed
from imageopt.verify.container import SEARCH_DOMAIN, Container, Setting, create, remove_by_name
from imageopt.verify.inside import listening_ports

if TYPE_CHECKING:
    import docker

_READY_SECONDS = 60
_CHECK_SECONDS = 10


class Companion(Struct, frozen=True):
    """A service under the name that the program calls it by. `health` is run inside until it passes; empty: by port."""

    name: str
    image: str
    environment: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] | None = None
    health: tuple[str, ...] = ()


@contextlib.contextmanager
def start_companions(
    client: "docker.DockerClient", companions: tuple[Companion, ...], beside: Setting, cleanup: CleanUp
) -> Iterator[tuple[str, ...]]:
    """Starts them in the order given and waits for each; what could not be had, in words, is what the block gets."""
    missing = []
    with contextlib.ExitStack() as stack:
        for number, companion in enumerate(companions, 1):
            setting = Setting(
                name=f"{beside.name}-companion-{number}",
                labels=beside.labels,
                network=beside.network,
                # a name server that refuses the name with the search domain ends the look-up of musl
                aliases=(companion.name, f"{companion.name}.{SEARCH_DOMAIN}"),
                environment=companion.environment,
                command=companion.command,
                limits=beside.limits,
            )
            trouble = _start(client, companion, setting, cleanup, stack)
            if trouble:
                missing.append(f"what {companion.name} ({companion.image}) is needed for: {trouble}")
        yield tuple(missing)


def _start(
    client: "docker.DockerClient",
    companion: Companion,
    setting: Setting,
    cleanup: CleanUp,
    stack: contextlib.ExitStack,
) -> str:
    from docker.errors import APIError, ImageNotFound

    try:
        client.images.get(companion.image)
    except ImageNotFound:
        try:
            client.images.pull(companion.image, tag=None if _has_tag(companion.image) else "latest")
        except APIError:
            return "its image could not be pulled"
    cleanup.add(lambda: remove_by_name(client, setting.name))
    try:
        container = create(client, companion.image, setting)
    except ToolFailed as error:
        return error.cause
    stack.callback(container.remove)
    return container.start() or _wait(container, companion)


def _wait(container: Container, companion: Companion) -> str:
    health = companion.health or container.health_command()
    deadline = time.monotonic() + _READY_SECONDS
    while container.runs():
        if health and container.execute(health, seconds=_CHECK_SECONDS).exit_code == 0:
            return ""
        if not health and listening_ports(container):
            return ""
        if time.monotonic() > deadline:
            return f"it was not ready within {_READY_SECONDS} s"
        time.sleep(0.2)
    return f"it ended with exit code {container.exit_code}"


def _has_tag(image: str) -> bool:
    return ":" in image.rpartition("/")[2] or "@" in image
