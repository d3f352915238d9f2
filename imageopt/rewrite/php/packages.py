"""System packages of a PHP image -> which stay, which only Composer, Node or the building of extensions needs.

Extensions are built with their headers installed and removed in one RUN. What the built extensions link against is
asked of the linker in that RUN and kept, so no table of libraries has to be right.
"""

import re
from collections.abc import Collection, Iterable
from typing import Literal

from imageopt.rewrite.linked import libraries_of
from imageopt.rewrite.php.commands import PhpCommand

Role = Literal["runs", "builds", "fetches", "node", "there"]

_BUILDS = re.compile(
    r".+-dev$|build-essential$|build-base$|autoconf$|g\+\+$|gcc$|make$|pkg(?:conf|-config)$|re2c$|\$\{?PHPIZE_DEPS\}?$"
)
_FETCHES = {"git": ("git",), "unzip": ("unzip",), "zip": ("zip",), "openssh-client": ("ssh", "scp")}
_BRINGS_NODE = {
    "wget": ("wget",), "gnupg": ("gpg",), "gnupg2": ("gpg",), "lsb-release": ("lsb_release",),
    "apt-transport-https": (),
}  # fmt: skip
_THERE = ("curl", "ca-certificates")  # in every official image of PHP
_NODE = ("nodejs", "npm", "yarn", "nodejs-current")
_EXTENSIONS = """"$(php -r 'echo ini_get("extension_dir");')"/*.so"""


def role(package: str, programs: Collection[str]) -> Role:
    """What a package is there for, in an image whose service and remaining commands start these programs."""
    name = re.split(r"[=<>~/]", package)[0]
    if name in _NODE:
        return "node"
    if name in _THERE:
        return "there"
    if _BUILDS.match(name):
        return "builds"
    for table, found in ((_FETCHES, "fetches"), (_BRINGS_NODE, "node")):
        if name in table and not any(program in programs for program in table[name]):
            return "fetches" if found == "fetches" else "node"
    return "runs"


def named(command: PhpCommand) -> tuple[str, ...]:
    """The packages that an `apt-get install` or `apk add` names, as written, in order."""
    words = iter(command.words[1:])
    found = []
    for word in words:
        if word in ("-t", "--virtual", "-o", "--repository"):
            next(words, None)
        elif not word.startswith("-") and word not in ("install", "add"):
            found.append(word)
    return tuple(found)


def without(command: PhpCommand, dropped: Collection[str]) -> str:
    """The command without some of its packages; empty where none is left."""
    left = [name for name in named(command) if name not in dropped]
    return " ".join(word for word in command.words if word not in dropped) if left else ""


def extensions_run(build_packages: Iterable[str], commands: Iterable[str]) -> str:
    """The RUN that builds extensions and leaves nothing of what it takes to build them but the libraries they load."""
    packages = " ".join(dict.fromkeys(build_packages))
    return " \\\n    && ".join(
        (
            "RUN apt-get update",
            f"apt-get install -y --no-install-recommends {packages}",
            *commands,
            libraries_of(_EXTENSIONS, "apt-mark manual"),
            f"apt-get purge -y --auto-remove {packages}",
            "rm -rf /var/lib/apt/lists/* /tmp/pear",
        )
    )
