"""Two image configurations -> the keys that changed, and for each whether a rewrite is meant to change it.

The environment that the official Node.js images set themselves (their version numbers) follows the base image; a step
to another major version is never expected.
"""

import re
from collections.abc import Iterator, Mapping

from imageopt.build.cleaning import LABEL
from imageopt.compare.configuration import health_words
from imageopt.masking import names_a_secret
from imageopt.rewrite.asked.secret_mounts import OF_MANAGERS
from imageopt.source.model import ImageConfig
from imageopt.verify.behaviour import is_root
from imageopt.verify.health import weakened
from imageopt.verify.model import Change

_BASE_VERSIONS = ("NODE_VERSION", "YARN_VERSION", "NPM_VERSION", "PYTHON_VERSION", "PHP_VERSION", "NGINX_VERSION")
# what the official images of languages note of how they were built; PHPIZE_DEPS names another distribution's packages
_BASE_NOTES = re.compile(
    r"GPG_KEYS?|PHPIZE_DEPS|(?:PHP|PYTHON)_(?:URL|ASC_URL|SHA256|CFLAGS|CPPFLAGS|LDFLAGS)"
    r"|PYTHON_(?:PIP|SETUPTOOLS|GET_PIP)_\w+|(?:PKG|DYNPKG|NJS|ACME)_(?:RELEASE|VERSION)"
)
_DESCRIPTIONS = ("org.opencontainers.image.", "org.label-schema.", "maintainer")  # of the image, for people
_OF_NODE = ("NODE_", "NPM_", "npm_", "YARN_", "COREPACK_")
_FILE_SERVERS = ("serve", "http-server", "vite", "preview")
_NODES = ("/usr/local/bin/node", "/nodejs/bin/node")  # the official image's, and distroless's
_LAUNCHERS = ("npm", "yarn", "pnpm", "bun", "npx", "/bin/sh", "sh")


def compare_configs(
    before: ImageConfig, after: ImageConfig, *, compiled: bool = False, starts_in: str = ""
) -> tuple[Change, ...]:
    """The changed keys in a fixed order; of environment and labels each name by itself.

    `compiled`: the first compiled its program at each start, and the second starts what was compiled. `starts_in`: the
    folder below its own that the project's start script changes into.
    """
    site = is_site_move(before, after)
    return (
        *_user(before.user, after.user),
        *_start(before, after, site=site, compiled=compiled),
        *_environment(_pairs(before.env), _pairs(after.env), site=site),
        *_working_dir(before, after, starts_in),
        *_sets("ExposedPorts", before.exposed_ports, after.exposed_ports),
        *_sets("Volumes", before.volumes, after.volumes),
        *_stop_signal(before.stop_signal or "", after.stop_signal or "", site=site),
        *_health(before, after),
        *_labels(before.labels, after.labels),
    )


def is_site_move(before: ImageConfig, after: ImageConfig) -> bool:
    """Whether Node only served files before, and nginx does now: what it answers is held against each other."""
    served = any(word in _FILE_SERVERS for text in _words_of(before) for word in text.split())
    return served and _without_wrapper(_words_of(after))[:1] == ("nginx",)


def _working_dir(before: ImageConfig, after: ImageConfig, starts_in: str) -> Iterator[Change]:
    """A launcher that is told of a package changes into its folder; without the launcher the image starts there."""
    old, new = before.working_dir or "/", after.working_dir or "/"
    told = any(re.match(r"(?:-w|--workspace|-F|--filter|-C|--prefix|--dir|--cwd|workspace)(?:=|$)", word)
               for word in " ".join(_words_of(before)).split())  # fmt: skip
    below = new.startswith(f"{old.rstrip('/')}/")
    told = told or (starts_in != "" and new == f"{old.rstrip('/')}/{starts_in}")
    if told and below and _without_wrapper(_words_of(after))[:1] == ("node",):
        yield Change("WorkingDir", old, new, expected=True, reason="the launcher started the program in that folder")
    else:
        yield from _simple("WorkingDir", before.working_dir, after.working_dir)


def _user(before: str, after: str) -> Iterator[Change]:
    if before != after:
        better = not is_root(after) or is_root(before)
        reason = "the program needs no root" if better else "the program runs as root"
        yield Change("User", before or "root", after or "root", expected=better, reason=reason)


def starts_with(config: ImageConfig, words: tuple[str, ...]) -> bool:
    """Whether these words start the image's program, official images' own entry point aside."""
    return _without_wrapper(_words_of(config)) == words


def _start(before: ImageConfig, after: ImageConfig, *, site: bool, compiled: bool) -> Iterator[Change]:
    """The words that start the program. That its launcher falls away is what a rewrite is about, and it was run."""
    old, new = _words_of(before), _words_of(after)
    if old == new:
        return
    if site or compiled:
        reason = "another web server serves the same files" if site else "it is compiled once, not at each start"
        yield Change("Cmd", " ".join(old), " ".join(new), expected=True, reason=reason)
        return
    bare_old, bare_new = _without_wrapper(old), _without_wrapper(new)
    launched = bare_old[:1] and bare_old[0] in _LAUNCHERS and bare_new[:1] and bare_new[0].endswith("node")
    expected = bool(launched) or bare_old == bare_new
    reason = "the program starts without its launcher" if expected else "the image starts something else"
    yield Change("Cmd", " ".join(old), " ".join(new), expected=expected, reason=reason)


def _words_of(config: ImageConfig) -> tuple[str, ...]:
    return (*config.entrypoint, *config.cmd)


def _stop_signal(before: str, after: str, *, site: bool) -> Iterator[Change]:
    if site and before != after and not before:
        yield Change("StopSignal", "not set", after, expected=True, reason="it is the web server's own")
    else:
        yield from _simple("StopSignal", before, after)


def _without_wrapper(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without the entry point script of the official images, which only passes its arguments on; Node by its name."""
    words = words[1:] if words and words[0].endswith("docker-entrypoint.sh") else words
    return ("node", *words[1:]) if words and words[0] in _NODES else words


def _environment(before: Mapping[str, str], after: Mapping[str, str], *, site: bool) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        expected, reason = _judge_variable(name, old, new)
        if site and new is None and name.startswith(_OF_NODE):
            expected, reason = True, "no Node runs in the image"
        # values may be secret: only those of known names are shown
        shown = name in _BASE_VERSIONS or name in ("NODE_ENV", "PATH")
        words = (_words(old, shown=shown), _words(new, shown=shown))
        yield Change(f"Env {name}", *words, expected=expected, reason=reason)


def _judge_variable(name: str, old: str | None, new: str | None) -> tuple[bool, str]:
    if name == "NODE_ENV" and new == "production":
        return True, "production dependencies run in production mode"
    if name in _BASE_VERSIONS:
        same_major = old is None or new is None or old.partition(".")[0] == new.partition(".")[0]
        return same_major, "it comes with the base image" if same_major else "another major version"
    if old is None:
        return True, "it was added"
    if _BASE_NOTES.fullmatch(name):
        return True, "it comes with the base image"
    if name == "PATH" and new is not None and new.endswith(f":{old}"):
        return True, "another folder is looked into first"
    if new is None and OF_MANAGERS.fullmatch(name):
        return True, "a token that installing needs is no longer in the image"
    return False, "it is gone" if new is None else "it has another value"


def _words(value: str | None, *, shown: bool) -> str:
    if value is None:
        return "not set"
    return value if shown else "set"


def _simple(name: str, before: str, after: str) -> Iterator[Change]:
    if before != after:
        yield Change(name, before or "not set", after or "not set", expected=False, reason="it has another value")


def _sets(name: str, before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[Change]:
    if set(before) != set(after):
        gone = set(before) - set(after)
        reason = f"{', '.join(sorted(gone))} is gone" if gone else "it was added"
        yield Change(name, ", ".join(sorted(before)) or "none", ", ".join(sorted(after)) or "none", not gone, reason)


def _health(before: ImageConfig, after: ImageConfig) -> Iterator[Change]:
    old, new = health_words(before, after)
    if old == new:
        return
    weaker = "it is gone" if old and not new else weakened(before, after) if old else ""
    reason = weaker or ("the check was rewritten" if old else "it was added")
    yield Change("Healthcheck", old or "none", new or "none", expected=not weaker, reason=reason)


def _labels(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted((before.keys() | after.keys()) - {LABEL}):
        old, new = before.get(name), after.get(name)
        if old != new:
            reason = "it was added" if old is None else "it is gone" if new is None else "it has another value"
            shown = not names_a_secret(name)
            values = _words(old or None, shown=shown), _words(new or None, shown=shown)
            yield Change(f"Label {name}", *values, old is None or name.startswith(_DESCRIPTIONS), reason)


def _pairs(environment: tuple[str, ...]) -> dict[str, str]:
    return dict(entry.partition("=")[::2] for entry in environment)
