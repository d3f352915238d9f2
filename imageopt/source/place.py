"""Where an image in a registry is: a name in words to a host, a repository and a tag or digest.

A first part without a dot, a port or the name `localhost` is no host: `team/app` is Docker Hub's, as engines read it.
"""

import os
import re

from msgspec import Struct

from imageopt.errors import UsageError
from imageopt.lazy_pattern import lazy_pattern

HUB = "registry-1.docker.io"
_HUB_NAMES = (None, "docker.io", "index.docker.io", HUB)
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"  # distribution-spec, "Pulling manifests"
_NAME = lazy_pattern(
    r"(?:(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?)/)?"
    rf"(?P<repository>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_LONGEST = 255  # characters of a host and a repository, as engines have it
_LOOPBACK = lazy_pattern(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?", re.ASCII)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "armv6l": "arm/v6", "i686": "386"}


class Place(Struct, frozen=True):
    """Where an image is: `reference` is a tag or a digest."""

    host: str
    repository: str
    reference: str

    def __str__(self) -> str:
        host = "docker.io" if self.host == HUB else self.host
        return f"{host}/{self.repository}{'@' if ':' in self.reference else ':'}{self.reference}"

    @property
    def origin(self) -> str:
        """The scheme and the host: plain HTTP is for this machine alone."""
        return f"{'http' if _LOOPBACK.fullmatch(self.host) else 'https'}://{self.host}"

    @property
    def url(self) -> str:
        """The root of the repository's API."""
        return f"{self.origin}/v2/{self.repository}"


def parse_place(name: str) -> Place:
    """`ghcr.io/team/app:1`, `node:20` (Docker Hub), with `//` in front or not. Raises UsageError for anything else."""
    found = _NAME.fullmatch(name.removeprefix("//"))
    if found is None or len(found["host"] or "") + len(found["repository"]) > _LONGEST:
        raise UsageError(
            f"{name[:80]!r} is no image in a registry",
            "write for example registry:ghcr.io/team/app:1.2, the repository in small letters",
        )
    host, repository = found["host"], found["repository"]
    if host is not None and not ("." in host or ":" in host or host == "localhost"):
        host, repository = None, f"{host}/{repository}"
        if repository != repository.lower():
            raise UsageError(f"{name[:80]!r} has capital letters", "write the names of repositories in small letters")
    if host in _HUB_NAMES:
        host, repository = HUB, repository if "/" in repository else f"library/{repository}"
    return Place(host, repository, found["digest"] or found["tag"] or "latest")


def is_safe(url: str) -> bool:
    """Whether what is asked there stays secret: HTTPS, or this machine."""
    scheme, _, rest = url.partition("://")
    return scheme.lower() == "https" or (scheme == "http" and _LOOPBACK.fullmatch(rest.partition("/")[0]) is not None)


def this_platform() -> str:
    """The platform that a pull on this machine takes: always Linux, as engines do."""
    machine = os.uname().machine
    return f"linux/{_ARCHITECTURES.get(machine, machine)}"
