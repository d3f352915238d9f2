"""The official Python image in FROM, and whether its slim relative would do for what runs.

Wheels bring most of what they load, so slim is right for most; what speaks against it is a library that a package looks
for while it runs, or a program that only the full image holds. What is linked, the build itself finds out.
"""

import re
from collections.abc import Collection
from typing import Literal

from msgspec import Struct

from imageopt.evidence.model import Evidence
from imageopt.rewrite.base_image import is_official, parts

Kind = Literal["full", "slim", "alpine"]

_SUITES = "trixie|bookworm|bullseye|buster"
_TAG = re.compile(rf"(\d+(?:\.\d+){{0,2}}\w*)(?:-(slim|alpine[\d.]*))?(?:-({_SUITES}))?")
_LINKS = frozenset((  # built from source by default, against a library of the system
    "psycopg2", "mysqlclient", "python-ldap", "pyodbc", "pycairo", "xmlsec", "pygraphviz", "pycurl", "uwsgi", "gdal",
    "dbus-python", "pygobject", "pymssql",
))  # fmt: skip
_LOADS = {  # looked for while the service runs
    "python-magic": "libmagic", "weasyprint": "pango", "cairosvg": "cairo", "opencv-python": "libGL",
    "opencv-contrib-python": "libGL", "wand": "ImageMagick", "gitpython": "git", "pygit2": "git", "psycopg": "libpq",
    "sh": "any program", "fabric": "ssh",
}  # fmt: skip
_IN_SLIM = re.compile(
    r"lib(?:c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+|z|ssl|crypto|ffi|sqlite3|bz2|lzma|readline|expat|uuid"
    r"|ncursesw?|tinfow?|crypt|python[\d.]+)(?:[-.\d]*)\.so(?:\.[\d.]+)?|ld-linux.*"
)
_FULL_HOLDS = frozenset(
    ("git", "curl", "wget", "gcc", "make", "convert", "magick", "ssh", "hg", "svn", "unzip", "file")
)


class PythonImage(Struct, frozen=True):
    """`written` is the image as FROM has it; `slim` the same version and suite without compilers, None if unknown."""

    written: str
    kind: Kind
    slim: str | None


def python_image(written: str, resolved: str | None) -> PythonImage | None:
    """The official Python image that FROM names; `resolved` is `written` with the defaults of build arguments."""
    name, tag, digest = parts(resolved or "")
    if not is_official(name, "python"):
        return None
    match = _TAG.fullmatch(tag)
    if match is None:
        return PythonImage(written, "full", None) if tag in ("", "latest") or re.fullmatch(r"\d+", tag) else None
    kind: Kind = "full" if match[2] is None else "slim" if match[2] == "slim" else "alpine"
    suite = f"-{match[3]}" if match[3] else ""
    slim = None if digest or "$" in written else f"{name}:{match[1]}-slim{suite}"
    return PythonImage(written, kind, slim if kind == "full" else None)


def against_slim(names: Collection[str], installed: Collection[str], programs: Collection[str]) -> str | None:
    """What of the service needs the full image: its packages `names`, or the `programs` that it starts.

    `installed` are the system packages that the running image is given anyway.
    """
    for name in sorted(names):
        needed = _LOADS.get(name)
        if needed and not any(needed.lower() in package.lower() for package in installed):
            return f"{name} needs {needed}, which slim lacks"
    lacking = sorted(program for program in _FULL_HOLDS if program in programs and program not in installed)
    return f"the service may start {lacking[0]}, which only the full image holds" if lacking else None


def links_system(evidence: Evidence, names: Collection[str]) -> bool:
    """Whether a package may be compiled against libraries of the system, by its name or by what the image shows."""
    if any(name in _LINKS for name in names):
        return True
    elf = evidence.image.elf if evidence.image is not None else {}
    bundled = {path.rpartition("/")[2] for path in elf}
    return any(
        not _IN_SLIM.fullmatch(library) and library not in bundled
        for path, facts in elf.items()
        if "-packages/" in path
        for library in facts.needed
    )
