"""A RUN instruction, taken apart into what each of its commands is for.

Only chains of `&&` and `;` are split. A command that is not recognised stays `unknown`: whoever plans a rewrite must
then either keep it where it was or refuse; a guess here would lose something the service needs.
"""

import re
import shlex
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from imageopt.dockerfile.model import Instruction
from imageopt.project.model import PackageManager
from imageopt.project.scripts import LONGEST
from imageopt.rewrite.clock import sets_clock
from imageopt.rewrite.crontab import installs_crontab
from imageopt.rewrite.locales import makes_locale
from imageopt.rules.checks.node_install import package_name

Purpose = Literal[
    "nothing",  # cleans or updates what a discarded stage takes with it
    "system-install",
    "install",
    "global-install",
    "certificates",  # takes in what lies beside those that the system trusts
    "setting",  # of the package manager, for its installations alone
    "prune",
    "build",
    "owner",
    "folder",
    "remove",
    "account",
    "clock",
    "locale",
    "crontab",
    "foreign-manager",
    "package-change",
    "unknown",
]

_COMPOUND = re.compile(r"(?:^|[;&|\n]\s*)(?:if|for|while|until|case|function|\{|\()(?:\s|$)|<<")
_MANAGERS = {"npm", "pnpm", "yarn", "bun", "corepack"}
_OF_WORKSPACES = r"(?:--filter|-F|-r|--recursive|-w|--workspace-root|-W|--ignore-workspace-root-check)\b"
_NPM_INSTALL = {"install", "i", "in", "ci", "clean-install", "add", "isntall", "install-clean", "install-ci-test"}
_VALUE_FLAGS = {
    "--registry",
    "--loglevel",
    "--cache",
    "--prefix",
    "-C",
    "--omit",
    "--include",
    "--only",
    "--userconfig",
    "--dir",
    "--cwd",
    "--store-dir",
    "--reporter",
    "--network-timeout",
    "--cache-folder",
}
_NOT_KEPT = (  # which packages, and how strictly: the install that is written decides that itself
    r"--(?:production|prod|only|(?:no-)?save|(?:no-)?package-lock|include|dev|(?:no-|prefer-)?frozen-lockfile"
    r"|pure-lockfile|no-lockfile|(?:no-)?immutable|offline|prefer-offline|check-files)\b|-[PDSBO]$"
)
_CACHES = re.compile(
    r"(?:/var/lib/apt/|/var/cache/|/root/\.(?:npm|cache)|~/\.(?:npm|cache)|/tmp|/usr/share/(?:doc|man|locale))"
)
_FOR_INSTALLING = re.compile(  # keys of .npmrc that no program reads when the service runs
    r"(?:@[\w.-]+:)?registry|strict-ssl|ca(?:file)?|(?:https?-)?proxy|noproxy|fetch-[a-z-]+|maxsockets|loglevel|progress"
    r"|audit|fund|update-notifier|unsafe-perm|legacy-peer-deps|engine-strict"
    r"|(?://[^\s=]+:)?(?:_authToken|_auth|_password|username|email|always-auth|certfile|keyfile)"
)
_TO_NPMRC = re.compile(
    r"(?:echo|printf)\s+('[^']*'|\"[^\"]*\"|[^\s'\">;|&]+)\s*>>?\s*(?:(?:\.|~|/root|\$HOME|\$\{HOME\})/)?\.npmrc"
)
_BUILDERS = {"tsc", "node", "make", "vite", "webpack", "rollup", "esbuild", "babel", "swc", "ng", "nest", "next",
             "nuxt", "gulp", "grunt", "tsup", "prisma", "cp", "mv", "echo", "sed", "tar", "ls", "cat", "test", "npx",
             "bunx", "cd", "touch", "find", "printf"}  # fmt: skip


class Command(Struct, frozen=True):
    """One command: its text as written, its words without quotes, what it is for."""

    text: str
    words: tuple[str, ...]
    purpose: Purpose


def commands_of(run: Instruction, manager: PackageManager = "npm") -> tuple[Command, ...]:
    """The commands of a RUN in order, as a project of that package manager means them; what cannot be split is one."""
    if run.json is not None:
        return (Command(shlex.join(run.json), run.json, purpose(run.json, shlex.join(run.json), manager)),)
    parts = split_commands(run)
    if parts is None:
        text = run.arguments.strip()
        body = "\n".join([text, *(heredoc.body for heredoc in run.heredocs)])
        return (Command(text, (), "unknown" if not _hides_install(body) else "package-change"),)
    return tuple(Command(text, words, purpose(words, text, manager)) for text, words in parts)


def split_commands(run: Instruction) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    """Text and words of each command of a RUN in shell form; None for one that is more than a list of commands."""
    text = run.arguments.strip()
    if re.fullmatch(r"\([^()]*\)", text):  # one subshell for all of it
        text = text[1:-1].strip()
    if run.heredocs or _COMPOUND.search(text):
        return None
    return tuple((part, _words(part)) for part in _split(text))


def purpose(  # noqa: C901 (one case for each program)
    words: tuple[str, ...], text: str, manager: PackageManager = "npm"
) -> Purpose:
    """What a command is for, by its program and arguments."""
    if not words:
        return "unknown"
    program, rest = words[0].rpartition("/")[2], words[1:]
    piped = re.search(r"(?<!\|)\|(?!\|)", text) is not None
    if sets_clock(words, text):
        return "clock"
    if makes_locale(words, text):
        return "locale"
    if installs_crontab(words, text):
        return "crontab"
    match program:
        case "set" | ":" | "true" | "corepack":
            return "nothing"
        case "update-ca-certificates":
            return "certificates"
        case "apt-get" | "apt" | "apk" | "aptitude":
            action = next((word for word in rest if not word.startswith("-")), "")
            return "system-install" if action in ("install", "add") else "nothing"
        case "npm":
            return _npm(rest) if manager == "npm" else _npm_beside(rest)
        case "yarn" | "pnpm" | "bun" if program == manager:
            return _pnpm_or_yarn(program, rest)
        case "yarn" | "pnpm" | "bun":
            return "foreign-manager"
        case "chown" | "chmod" | "chgrp":
            return "owner"
        case "mkdir" | "install" if not piped:
            return "folder" if program == "mkdir" else "unknown"
        case "rm" | "rmdir":
            return "nothing" if all(_CACHES.match(word) for word in rest if not word.startswith("-")) else "remove"
        case "useradd" | "adduser" | "groupadd" | "addgroup" | "usermod" | "groupmod":
            return "account"
        case "echo" | "printf" if (written := _TO_NPMRC.fullmatch(text)) and _only_for_installing(_lines(written[1])):
            return "setting"
        case _ if program in _BUILDERS and not piped and not _hides_install(text):
            return "build"
        case _:
            return "package-change" if _hides_install(text) else "unknown"


def system_packages(command: Command) -> tuple[str, ...]:
    """The packages an `apt-get install` or `apk add` names, without versions, sorted."""
    return listed_packages(command.words)


def listed_packages(words: Sequence[str]) -> tuple[str, ...]:
    """The packages in the words of an `apt-get install` or `apk add`, without versions, sorted."""
    named = [word for word in words[1:] if not word.startswith("-") and word not in ("install", "add")]
    return tuple(sorted({re.split(r"[=<>~/]", word)[0] for word in named}))


def install_flags(command: Command) -> tuple[str, ...]:
    """The flags of an install that the one from the lock file must keep: all but those on what to install and save."""
    kept: list[str] = []
    words = [word for word in command.words[1:] if word not in _NPM_INSTALL]
    while words:
        word = words.pop(0)
        value = [words.pop(0)] if word in _VALUE_FLAGS and words else []
        if re.match(_NOT_KEPT, word):
            continue
        if word.startswith("--omit") and (word.endswith("=dev") or value == ["dev"]):
            continue
        kept += [word, *value]
    return tuple(kept)


def installs_production_only(command: Command) -> bool:
    """Whether an install leaves the development packages out."""
    left_out = r"--(?:production|prod)(?!=false)\b|--omit[= ]dev|--only[= ]prod|\spnpm (?:i|install)\b.* -P\b"
    return re.search(left_out, f" {command.text}") is not None


def _npm(rest: tuple[str, ...]) -> Purpose:
    plain = [word for index, word in enumerate(rest) if not word.startswith("-") and not _is_value(rest, index)]
    action = plain[0] if plain else ""
    if action in _NPM_INSTALL:
        if {"-g", "--global", "--location=global"} & set(rest):
            return "global-install"
        return "package-change" if len(plain) > 1 else "install"
    if plain[:2] == ["config", "set"] or action == "set":
        given = plain[1 if action == "set" else 2 :]
        if len(given) == 2 and "=" not in given[0]:
            given = ["=".join(given)]
        return "setting" if _only_for_installing(given) else "unknown"
    if action in ("prune", "dedupe"):
        return "prune" if action == "prune" else "unknown"
    if action in ("cache", "audit", "fund", "version", "--version") or rest == ("-v",):
        return "nothing"
    if action in ("run", "run-script", "exec", "test", "rebuild", "start", "t"):
        return "build"
    return "unknown"


def _only_for_installing(settings: list[str]) -> bool:
    """Whether these settings of npm, `key=value` each, matter to installations alone."""
    return bool(settings) and all("=" in one and _FOR_INSTALLING.fullmatch(one.partition("=")[0]) for one in settings)


def _lines(word: str) -> list[str]:
    """The lines that echo or printf make of a word of shell."""
    return [line.strip() for line in re.split(r"\\n|\n", word.strip("'\"")) if line.strip()]


def writes_npmrc(text: str) -> bool:
    """Whether one of these commands writes an .npmrc in the folder that it runs in."""
    return re.search(r">\s*(?:\./)?\.npmrc(?![\w.])", text) is not None


def _npm_beside(rest: tuple[str, ...]) -> Purpose:
    """npm in a project of another manager: it brings that manager, runs scripts, and must not install the packages."""
    found = _npm(rest)
    if found == "global-install" and _packages(rest) and _packages(rest) <= _MANAGERS:
        return "nothing"  # the build stage is given the right one
    return "foreign-manager" if found in ("install", "prune") else found


def _packages(rest: tuple[str, ...]) -> set[str]:
    """The names of the packages that an `npm install -g` installs, without their versions."""
    plain = [word for index, word in enumerate(rest) if not word.startswith("-") and not _is_value(rest, index)]
    return {package_name(word) for word in plain[1:]}


def _pnpm_or_yarn(program: str, rest: tuple[str, ...]) -> Purpose:
    """What follows `pnpm`, `yarn` or `bun`: an action, or the name of a script of package.json."""
    if any(re.match(_OF_WORKSPACES, word) for word in rest):
        return "unknown"
    plain = [word for index, word in enumerate(rest) if not word.startswith("-") and not _is_value(rest, index)]
    action = plain[0] if plain else ("install" if program == "yarn" and not {"-v", "--version"} & set(rest) else "")
    match action:
        case "install" | "i" | "add" | "global":
            if {"-g", "--global"} & set(rest) or action == "global":
                return "global-install"
            return "install" if action != "add" and len(plain) <= 1 else "package-change"
        case "prune":
            return "prune"
        case "" | "cache" | "store" | "fetch" | "audit" | "why" | "version" | "pm":
            return "nothing"
        case (
            "config"
            | "set"
            | "setup"
            | "link"
            | "deploy"
            | "workspace"
            | "workspaces"
            | "plugin"
            | "rebuild"
            | "import"
        ):
            return "unknown"
        case "dlx" | "create" | "remove" | "up" | "update" | "upgrade":
            return "package-change"
        case _:
            return "build"


def _is_value(rest: tuple[str, ...], index: int) -> bool:
    return index > 0 and rest[index - 1] in _VALUE_FLAGS


def _hides_install(text: str) -> bool:
    pattern = r"\b(?:npm\s+(?:ci|i|install)|yarn|pnpm|apt-get|apk\s+add|pip3?\s+install|gem\s+install|curl|wget)\b"
    return re.search(pattern, text) is not None


def _split(text: str) -> tuple[str, ...]:
    """The parts between `&&` and `;` outside of quotes."""
    parts: list[str] = []
    start = position = 0
    while position < len(text):
        character = text[position]
        if character == "\\":
            position += 2
        elif character in "'\"":
            closing = position + 1
            while closing < len(text) and text[closing] != character:
                closing += 2 if text[closing] == "\\" and character == '"' else 1
            position = closing + 1
        elif text.startswith("&&", position) or character == ";":
            parts.append(text[start:position])
            position += 2 if character == "&" else 1
            start = position
        else:
            position += 1
    return tuple(part.strip() for part in (*parts, text[start:]) if part.strip())


def _words(text: str) -> tuple[str, ...]:
    """Words without quotes and without assignments before the program; empty where nothing can tell them."""
    try:
        words = shlex.split(text) if len(text) <= LONGEST else []
    except ValueError:
        return ()
    while words and re.match(r"[A-Za-z_]\w*=", words[0]):
        words.pop(0)
    return tuple(words)
