"""The image in FROM, taken apart, and its smaller relatives: never another version, never another suite.

A registry with a port, a tag made from a build argument, a digest: each is kept as written. What cannot be
changed safely gives None and a reason.
"""

import re
from typing import Literal

from msgspec import Struct

_SUITES = "trixie|bookworm|bullseye|buster|stretch|jessie"
_VERSION = rf"\d+(?:\.\d+){{0,2}}|(?!(?:{_SUITES}|slim|alpine)(?:-|$))[a-z]+"  # a number, lts, a code name
_TAG = re.compile(rf"(?:({_VERSION})(?:-(?!$)|$))?(?:({_SUITES})(?:-(?!$)|$))?(?:(slim|alpine)([\d.]*))?")


_BUN = "oven/bun"
_BUN_TAG = re.compile(r"(\d+(?:\.\d+){0,2}|latest)?-?(debian|slim|alpine)?")


class BaseImage(Struct, frozen=True):
    """`written` is the image as FROM has it. `kind` of the Node or Bun image: `full`, `slim`, `alpine`.

    `stem` and `suite` make up the tag; `stem` may hold a build argument.
    """

    written: str
    name: str
    stem: str
    suite: str
    kind: str
    digest: str
    product: Literal["node", "bun"] = "node"  # which is also the name of the user that the image brings

    def variant(self, kind: str) -> str | None:
        """The reference of the same Node version as `slim` or `alpine`, as it is for `full`; None if there is none."""
        if kind == self.kind or kind == "full":
            return self.written
        if self.digest or (self.kind == "alpine" and kind == "slim"):
            return None
        stem = "" if self.stem == "latest" else self.stem
        suite = self.suite if kind == "slim" else ""
        return f"{self.name}:{'-'.join(filter(None, (stem, suite, kind)))}"


def node_image(written: str, resolved: str | None) -> BaseImage | None:
    """The official Node or Bun image that FROM names, or None for any other image or one that cannot be told.

    `written` may hold build arguments; `resolved` is the same with their defaults put in.
    """
    name, tag, digest = parts(resolved or "")
    if name == _BUN:
        return _bun_image(written, tag, digest)
    if not is_official(name, "node"):
        return None
    match = _TAG.fullmatch(tag or "latest")
    if match is None:
        return None
    kind = match[3] or "full"
    written_name, written_tag, _ = parts(written)
    if "$" not in written:
        return BaseImage(written, name, match[1] or "latest", match[2] or "", kind, digest)
    if "$" in written_name or kind != "full" or match[2]:
        return BaseImage(written, name, match[1] or "latest", match[2] or "", kind, digest or "argument")
    return BaseImage(written, written_name, written_tag, "", kind, digest)


def _bun_image(written: str, tag: str, digest: str) -> BaseImage | None:
    match = _BUN_TAG.fullmatch(tag or "latest")
    if match is None:
        return None
    kind = match[2] if match[2] in ("slim", "alpine") else "full"
    rests = "argument" if "$" in written else digest
    return BaseImage(written, _BUN, match[1] or "latest", "", kind, rests, "bun")


def is_official(name: str, product: str) -> bool:
    """Whether it is Docker Hub's own, or the same path on a mirror (`registry:5000/library`, `mirror.local`)."""
    path, _, last = name.rpartition("/")
    registry, _, rest = path.partition("/")
    is_registry = "." in registry or ":" in registry or registry == "localhost"
    return last == product and (path in ("", "library") or (is_registry and rest in ("", "library")))


def parts(reference: str) -> tuple[str, str, str]:
    """Name, tag and digest. A colon before the last slash is a registry's port."""
    rest, _, digest = reference.partition("@")
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    argument = rest.find("${", slash + 1)
    if argument >= 0 and (colon < 0 or argument < colon):
        return rest, "", digest
    return (rest, "", digest) if colon < 0 else (rest[:colon], rest[colon + 1 :], digest)
