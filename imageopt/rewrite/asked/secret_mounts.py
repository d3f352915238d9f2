"""Tokens in ARG, ENV or a copied .npmrc -> secrets that are mounted while a RUN needs them, and are in no layer.

`RUN export` reaches no other RUN, and the older builders know no `env=` of a mount, so each RUN that may need the token
reads it from the mounted file. All tokens go or none does: one that stays behind would make the rest look safe.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.model import Command, Dockerfile, Edit, Instruction, Word
from imageopt.dockerfile.pairs import Pair, pairs
from imageopt.dockerfile.shell import is_posix_shell, run_commands
from imageopt.masking import names_a_secret
from imageopt.project.files import read_source, source_files
from imageopt.rewrite.asked.model import MOUNTS, Asked, Change, Site
from imageopt.rewrite.asked.secret_pipeline import arguments_to_secrets
from imageopt.rewrite.asked.secret_stores import MANAGERS, storing
from imageopt.rewrite.builders import builders
from imageopt.rewrite.tokens import brings, place_of, sent
from imageopt.rules.checks.secrets import PUBLIC

# What needs no token: whatever else is called may call a package manager itself, as a script of the project does.
_NEEDS_NONE = {
    "", "[", "test", ":", "true", "false", "echo", "printf", "cat", "cd", "pwd", "ls", "mkdir", "rmdir", "rm", "cp",
    "mv", "ln", "touch", "chmod", "chown", "chgrp", "find", "grep", "sed", "awk", "sort", "head", "tail", "wc", "tr",
    "cut", "tee", "tar", "unzip", "gzip", "gunzip", "sleep", "set", "export", "unset", "umask", "exit", "printenv",
    "date", "id", "which", "curl", "wget", "gpg", "sha256sum", "sha512sum", "addgroup", "adduser", "groupadd",
    "groupmod", "useradd", "usermod", "apt-get", "apt", "apk", "yum", "dnf", "microdnf", "dpkg",
    "update-ca-certificates", "ldconfig", "locale-gen", "a2enmod", "a2dismod", "docker-php-ext-install",
    "docker-php-ext-configure", "docker-php-ext-enable", "pecl",
}  # fmt: skip
_HARMLESS_END = re.compile(r"(?:FILE|PATH|DIR|URL|URI|NAME|ID|HOST|PORT|USER|TYPE|VERSION)$", re.IGNORECASE)
OF_MANAGERS = re.compile(r"(?:NPM|YARN|PNPM|NODE)_\w*TOKEN")  # what installing needs, and no service


class _Unsafe(Exception):
    """Why no token is moved, in words."""


def _make(site: Site) -> Change | str:
    """The edits, or what speaks against them."""
    tree = site.tree
    names = _names(tree)
    files = tuple(
        name for name in sent(site.project, site.ignored) if any(brings(item, name) for item in tree.instructions)
    )
    if not names and not files:
        return "no ARG, no ENV and no file that reaches the build holds a token"
    building = builders(site.project, site.path)
    if not building.mounts:
        return f"no builder with secrets: {building.named} mounts none"
    if site.syntax < MOUNTS:
        return "the syntax that the Dockerfile names mounts nothing: write `# syntax=docker/dockerfile:1`"
    try:
        edits = [*_declared(site, names), *_runs(site, names, files)]
        for name in files:
            edits += _not_copied(site, name)
    except _Unsafe as error:
        return str(error)
    options = [
        *(f"--secret id={name},env={name}" for name in names),
        *(f"--secret id={n.lstrip('.')},src={n}" for n in files),
    ]
    notes = (
        f"build it with `docker build {' '.join(options)}`",
        "revoke the token: it stays in the images and the history that there are",
    )
    what = " and ".join((*names, *files))
    return Change(
        tuple(edits),
        f"{what} is mounted while a RUN needs it, and is in no layer and no history",
        0,
        notes,
        arguments_to_secrets(site, names),
        ("# holds a token: given to the build as a secret", *files) if files else (),
    )


def _names(tree: Dockerfile) -> tuple[str, ...]:
    """The names of tokens that ARG or ENV keeps in the image, in the order of the file."""
    found = (pair.name for item in tree.instructions if item.keyword in ("ARG", "ENV") for pair in pairs(item))
    secret = (name for name in found if names_a_secret(name) and not PUBLIC.match(name))
    return tuple(dict.fromkeys(name for name in secret if not _HARMLESS_END.search(name)))


def _declared(site: Site, names: tuple[str, ...]) -> Iterator[Edit]:
    """The edits that take the names out of ARG and ENV. Raises _Unsafe where something but a RUN reads them."""
    for item in site.tree.instructions:
        named = pairs(item) if item.keyword in ("ARG", "ENV") else ()
        gone = [pair for pair in named if pair.name in names]
        for pair in gone if item.keyword == "ENV" else ():
            _check_unread(site, item, pair)
        kept = " ".join(pair.word.raw for pair in named if pair not in gone)
        text = kept if named else " ".join((item.arguments, *(flag.value for flag in item.flags), *_bodies(item)))
        read = next((name for name in names if re.search(rf"\$\{{?{name}\b", text)), None)
        if read and item.keyword != "RUN":
            raise _Unsafe(f"{site.line(item)}: {item.keyword} reads {read}, and no mount reaches it")
        if gone and len(gone) == len(named):
            yield Edit(item.start, item.end, "")
        elif gone:
            yield from _without(site.tree.text, item, [pair.word for pair in gone])


def _bodies(item: Instruction) -> Iterator[str]:
    """The texts in a heredoc that the builder puts values into."""
    return (heredoc.body for heredoc in item.heredocs if heredoc.expand)


def _check_unread(site: Site, item: Instruction, pair: Pair) -> None:
    """Raises _Unsafe where the running service may read the variable that ENV sets."""
    if not OF_MANAGERS.fullmatch(pair.name):
        raise _Unsafe(f"{site.line(item)}: ENV {pair.name} may be for the service: give it when the container starts")
    root = site.project.root
    reads = next((path for path in source_files(root) if pair.name in read_source(root, path)), None)
    started = [step for step in site.final.instructions if step.keyword in ("CMD", "ENTRYPOINT")]
    if reads:
        raise _Unsafe(f"{reads} reads {pair.name} where the service runs: give it when the container starts")
    if any(command.name in MANAGERS for step in started for command in run_commands(step)):
        raise _Unsafe(f"the service starts with a package manager, which may read {pair.name}")


def _without(text: str, item: Instruction, gone: Sequence[Word]) -> Iterator[Edit]:
    """The edits that take words out of an instruction that keeps others, each with the space beside it."""
    words = item.words
    first = next(index for index, word in enumerate(words) if word not in gone)
    for index, word in enumerate(words):
        if word in gone:
            before_kept = index < first
            following = words[index + 1].start if before_kept else word.end
            if before_kept and "#" in text[word.end : following]:
                following = len(text) - len(text[word.end :].lstrip(" \t"))  # it is of the word that stays
            yield Edit(word.start if before_kept else words[index - 1].end, following, "")


def _runs(site: Site, names: tuple[str, ...], files: tuple[str, ...]) -> Iterator[Edit]:
    """The edits that mount what each RUN may read, of the arguments and files that it had."""
    placed: dict[int, dict[str, str]] = {}
    for stage in site.tree.stages:
        here = placed[stage.index] = dict(placed[stage.parent]) if stage.parent is not None else {}
        for item, state in zip(stage.instructions, environments(site.tree, stage), strict=False):
            here |= {name: place_of(item, state, name) for name in files if brings(item, name)}
            if item.keyword == "RUN":
                given = [name for name in names if name in state.variables or name in state.holes]
                yield from _mounted(site, item, state, given, here)
            elif item.keyword == "ONBUILD" and any(name in item.arguments for name in (*names, *files)):
                raise _Unsafe(f"{site.line(item)}: ONBUILD is for another build")


def _mounted(
    site: Site, run: Instruction, state: Environment, given: Sequence[str], placed: Mapping[str, str]
) -> Iterator[Edit]:
    commands = run_commands(run)
    calls = {command.name.rpartition("/")[2] for command in commands}
    own = {part for flag in run.flags for part in flag.value.split(",")}
    wanted = [
        name
        for name in given
        if f"id={name}" not in own and (re.search(rf"\b{name}\b", run.arguments) or calls - _NEEDS_NONE)
    ]
    files = {name: place for name, place in placed.items() if calls.intersection(MANAGERS)}
    for name in placed:
        removes = [command for command in commands if command.name == "rm" and _names_file(command, name)]
        if removes and len(commands) == 1 and len(removes[0].arguments) <= 2:
            yield Edit(run.start, run.end, "")
            return
        if removes and name in files:
            if removes != [commands[-1]] or commands[-1].operator not in ("&&", ";") or len(commands[-1].words) > 3:
                raise _Unsafe(f"{site.line(run)}: it removes {name}, which cannot be done where that is mounted")
            yield Edit(commands[-2].end, commands[-1].end, "")
    if not wanted and not files:
        return
    if run.json is not None or run.heredocs or not is_posix_shell(state.shell[0]):
        raise _Unsafe(f"{site.line(run)}: the token can be handed to a RUN of plain shell commands only")
    for name in wanted:
        _check_unstored(site, run, commands, name)
    if any(re.fullmatch(r"-\w*x\w*|xtrace", word) for word in state.shell[1:]):
        raise _Unsafe(f"{site.line(run)}: its SHELL prints each command, and with it the token")
    user = _user(site, run, state)
    mounts = [f"--mount=type=secret,id={name},required=true{user}" for name in wanted]
    mounts += [
        f"--mount=type=secret,id={n.lstrip('.')},target={place},required=true{user}" for n, place in files.items()
    ]
    exports = [f'export {name}="$(cat /run/secrets/{name})";' for name in wanted]
    lead = f" {site.tree.escape}{site.newline}    "
    flags = "".join(f"{mount}{lead}" for mount in mounts)
    script = "".join(f"{export}{lead}" for export in exports)
    if run.flags:
        yield Edit(run.flags[0].start, run.flags[0].start, flags)
        broken = "\n" in site.tree.text[run.flags[-1].end : run.arguments_start]
        yield Edit(run.arguments_start, run.arguments_start, script if broken or not script else lead[1:] + script)
    else:
        yield Edit(run.arguments_start, run.arguments_start, flags + script)


def _user(site: Site, run: Instruction, state: Environment) -> str:
    """The option that lets the RUN's user read the secret, which is root's alone."""
    user = (state.user or "root").partition(":")[0]
    if user in ("root", "0"):
        return ""
    number = "1000" if user in ("node", "bun") else user
    if not number.isdecimal():
        raise _Unsafe(f"{site.line(run)}: which number the user {user} has is not known, and a secret is root's alone")
    return f",uid={number}"


def _check_unstored(site: Site, run: Instruction, commands: Sequence[Command], name: str) -> None:
    """Raises _Unsafe where a command that is given the token may keep it in a file that stays."""
    program = storing(commands, name)
    if program is not None:
        raise _Unsafe(
            f"{site.line(run)}: `{program}` may store the value of {name}: let .npmrc name the variable,"
            f" as ${{{name}}} in single quotes, or remove in the same RUN what holds it, npm's logs in ~/.npm as well"
        )


def _not_copied(site: Site, name: str) -> Iterator[Edit]:
    """The edits that keep a file out of each COPY that names it; from one of the folder the ignore file keeps it."""
    for item in site.tree.instructions:
        if item.keyword not in ("COPY", "ADD") or not brings(item, name):
            continue
        own = [word for word in item.words[:-1] if posixpath.basename(word.value).rstrip("*") == name]
        if own and item.json is not None:
            raise _Unsafe(f"{site.line(item)}: {name} is named in a list")
        if own and len(own) == len(item.words) - 1:
            yield Edit(item.start, item.end, "")
        elif own:
            yield from _without(site.tree.text, item, own)


def _names_file(command: Command, name: str) -> bool:
    return any(posixpath.basename(word.value) == name for word in command.arguments)


SECRET_MOUNTS = Asked("secret-mounts", "tokens of ARG, ENV and .npmrc mounted while a RUN needs them", _make)
