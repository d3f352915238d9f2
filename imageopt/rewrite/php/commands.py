"""A RUN of a PHP image, taken apart into what each of its commands is for.

What surprises: an unknown command is no obstacle here. It stays where it stood, in the order it had, and only what
makes packages, assets and extensions is taken out from between.
"""

import posixpath
import re
from typing import Literal

from msgspec import Struct

from imageopt.dockerfile.model import Instruction
from imageopt.project.model import PackageManager
from imageopt.rewrite import commands as node

Purpose = Literal[
    "nothing",  # cleans, updates a list, or says something
    "system",
    "extension",
    "composer-tool",
    "composer-install",
    "composer-dump",
    "composer-run",  # a script of composer.json
    "composer-change",  # installs or calls what no lock file pins
    "node-tool",
    "node-install",
    "node-build",
    "node-change",
    "owner",
    "mode",
    "other",
]

_EXTENSION = (
    "docker-php-ext-install",
    "docker-php-ext-configure",
    "docker-php-ext-enable",
    "pecl",
    "docker-php-source",
)
_NODE_SOURCE = re.compile(r"nodesource|node_modules/(?:npm|corepack|yarn)|/node(?:js)?(?:[\s/]|$)")
_COMPOSER_TOOL = re.compile(r"getcomposer\.org|composer-setup\.php|\bcomposer\.phar\s+\S*bin/composer")
_NODE_PROGRAMS = ("npm", "yarn", "pnpm", "npx", "node", "corepack", "bun", "bunx", "nvm")
_NODE = re.compile(rf"(?<![\w./-])(?:{'|'.join(_NODE_PROGRAMS)}|nodejs)(?![\w./-])")
_BUILDS = ("npx", "node")


class PhpCommand(Struct, frozen=True):
    """One command: its text as written, its words without quotes, what it is for."""

    text: str
    words: tuple[str, ...]
    purpose: Purpose


def php_commands(run: Instruction, manager: PackageManager) -> tuple[PhpCommand, ...]:
    """The commands of a RUN in order; what cannot be split is one, and tied to Composer or Node by its words."""
    found = ((" ".join(run.json), run.json),) if run.json is not None else node.split_commands(run)
    if found is None:
        body = "\n".join([run.arguments, *(heredoc.body for heredoc in run.heredocs)])
        return (PhpCommand(run.arguments.strip(), (), _of_a_script(body)),)
    return tuple(PhpCommand(text, words, _purpose(words, text, manager)) for text, words in found)


def _of_a_script(body: str) -> Purpose:
    if re.search(r"\bcomposer\b", body):
        return "composer-change"
    return "node-change" if _NODE.search(body) else "other"


def _purpose(words: tuple[str, ...], text: str, manager: PackageManager) -> Purpose:
    if not words:
        return _of_a_script(text)
    program, rest = posixpath.basename(words[0]), words[1:]
    if _COMPOSER_TOOL.search(text) or (program == "chmod" and words[-1].endswith("/composer")):
        return "composer-tool"
    if program == "php" and rest and posixpath.basename(rest[0]) in ("composer", "composer.phar"):
        program, rest = "composer", rest[1:]
    if program in ("composer", "composer.phar"):
        return _composer(rest)
    if program in _EXTENSION:
        return "extension"
    if program in _NODE_PROGRAMS:
        return _node(program, words, text, manager)
    if program in ("curl", "wget", "ln", "echo", "gpg", "bash", "mkdir") and _NODE_SOURCE.search(text):
        return "node-tool"
    return _system(program, rest, text)


def _system(program: str, rest: tuple[str, ...], text: str) -> Purpose:
    """What a command of the system itself is for."""
    match program:
        case "apt-get" | "apt" | "apk":
            action = next((word for word in rest if not word.startswith("-")), "")
            if action in ("install", "add"):
                return "system"
            return "nothing" if action in ("update", "clean", "autoclean", "autoremove") else "other"
        case "rm" if all(re.match(r"/var/|/tmp|/root/|~/|-|node_modules$|\./node_modules$", word) for word in rest):
            return "nothing"
        case "chown" | "chmod":
            return "owner" if program == "chown" else "mode"
        case "true" | ":" | "set":
            return "nothing"
        case "vite" | "webpack" | "mix" | "gulp" | "grunt" | "tsc":
            return "node-change"
        case _:
            return "node-change" if _NODE.search(text) and program not in ("echo", "sed", "php") else "other"


def _composer(rest: tuple[str, ...]) -> Purpose:
    action = next((word for word in rest if not word.startswith("-")), "")
    match action:
        case "install" | "i" | "update" | "u":
            names = [word for word in rest if not word.startswith("-")]
            return "composer-install" if len(names) == 1 else "composer-change"
        case "dump-autoload" | "dumpautoload":
            return "composer-dump"
        case "run-script" | "run":
            return "composer-run"
        case "" | "clear-cache" | "clearcache" | "cc" | "diagnose" | "validate" | "self-update" | "config" | "audit":
            return "nothing" if action != "config" else "composer-change"
        case _:
            return "composer-change"


def _node(program: str, words: tuple[str, ...], text: str, manager: PackageManager) -> Purpose:
    if program in _BUILDS:
        return (
            "node-build" if program == "npx" else "nothing" if set(words[1:]) <= {"-v", "--version"} else "node-change"
        )
    match node.purpose(words, text, manager):
        case "install":
            return "node-install"
        case "build":
            return "node-build"
        case "prune":
            return "nothing"
        case "nothing" | "global-install":
            return "node-tool"
        case _:
            return "node-change"
