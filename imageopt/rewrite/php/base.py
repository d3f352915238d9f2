"""The official PHP image in FROM: which server it is, and so what may be changed about it.

The variant decides: `-apache` opens port 80 as root and hands on to www-data, `-fpm` listens above 1023, `-cli` runs
what it is told. Version, suite and variant are never moved.
"""

import re
from typing import Literal

from msgspec import Struct

from imageopt.rewrite.base_image import is_official, parts

Server = Literal["apache", "fpm", "cli"]
_TAG = re.compile(r"(?P<version>\d+(?:\.\d+){0,2}\w*)?-?(?P<server>apache|fpm|cli|zts)?-?(?P<suite>[a-z][\w.]*)?")


class PhpImage(Struct, frozen=True):
    """`written` is the image as FROM has it; `suite` is the distribution's release where the tag names it."""

    written: str
    server: Server
    suite: str

    @property
    def is_alpine(self) -> bool:
        """Whether its system is Alpine Linux."""
        return self.suite.startswith("alpine")

    @property
    def workdir(self) -> str:
        """The folder it works in where nothing else is said."""
        return "/" if self.server == "cli" else "/var/www/html"


def php_image(written: str, resolved: str | None) -> PhpImage | None:
    """The official PHP image that FROM names; `resolved` is `written` with the defaults of build arguments put in."""
    name, tag, _ = parts(resolved or "")
    match = _TAG.fullmatch(tag) if is_official(name, "php") else None
    if match is None:
        return None
    server: Server = "apache" if match["server"] == "apache" else "fpm" if match["server"] == "fpm" else "cli"
    return PhpImage(written, server, match["suite"] or "")
