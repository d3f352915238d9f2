"""A front end that Node builds and only serves -> the files it is, behind a web server, without Node in the image.

Only servers whose manners nginx can be given exactly are replaced: `serve` for one page (`-s`), Vite's preview,
http-server. Whether the site really answers as before is for `verify` to say.
"""

import posixpath
import re

from msgspec import Struct
from msgspec.structs import replace

from imageopt.project.files import exists, read_text
from imageopt.project.model import Project
from imageopt.project.scripts import commands, split_assignments
from imageopt.rewrite.build_stage import build_stage
from imageopt.rewrite.ground import Account, Ground
from imageopt.rewrite.health import needs_program
from imageopt.rewrite.layout import Layout, rebuilt
from imageopt.rewrite.render import copy, word
from imageopt.rewrite.running_stage import with_arguments
from imageopt.rewrite.runtime_base import Bases
from imageopt.rewrite.surveyed import Survey, short, within

SERVER = "nginx:alpine"
_HOLDS = ("wget", "curl")  # in nginx's alpine image, for a HEALTHCHECK
_LOWEST_PORT = 1024
_VITE = tuple(f"vite.config.{ending}" for ending in ("js", "mjs", "cjs", "ts", "mts", "cts"))
_VITE_RULES = re.compile(r"\bproxy\s*:|\bheaders\s*:|configurePreviewServer|\bbase\s*:(?!\s*['\"](?:\./|/)?['\"])")
_SETTINGS = ("serve.json", "now.json", "static.json")
_PORT = re.compile(r"(?:tcp://[\w.]+:)?(\d{1,5})")
_VALUES = {"-l", "--listen", "-p", "--port", "-a", "--host", "-c", "--config", "-d", "--outDir", "-L"}


class Site(Struct, frozen=True):
    """`folder` is relative to the application's; `one_page`: a path that is no file gets the start page."""

    folder: str
    port: int
    one_page: bool
    server: str


class _Served(Struct, frozen=True):
    """What a server's command line says; `port` is its own default where nothing is said."""

    folder: str
    port: int
    one_page: bool


def static_site(project: Project, found: Survey) -> Site | str | None:
    """The site, the reason why its server cannot be replaced, or None where the image serves no static files."""
    words = _start_words(project)
    if not words:
        return None
    served = _served(words, project)
    if served is None:
        return None
    folder = posixpath.normpath(served.folder)
    outputs = rebuilt(project, found)
    if not any(within(folder, output) for output in outputs):
        return f"{words[0]} serves {folder}, which no build of the Dockerfile makes"
    own = next((name for name in _SETTINGS if exists(project.root, name)), None)
    if words[0].rpartition("/")[2] == "vite":
        own = next((name for name in _VITE if _VITE_RULES.search(read_text(project.root, name) or "")), None)
    if own:
        return f"{own} gives {words[0]} rules of its own"
    if served.port < _LOWEST_PORT:
        return f"it listens on port {served.port}, which outside of Docker only root may"
    health = found.last("HEALTHCHECK")
    if health is not None and needs_program(health) not in _HOLDS:
        return "the HEALTHCHECK needs what the web server's image does not hold"
    if found.last("ENTRYPOINT") is not None:
        return "the ENTRYPOINT decides what is started"
    return Site(folder, served.port, served.one_page, words[0])


def site_values(ground: Ground, site: Site, account: Account) -> dict[str, object]:
    """The values of the template `static-site`; what is done is noted in the account."""
    bases = Bases(
        build=ground.bases.build,
        runtime=SERVER,
        kind="nginx",
        reason="the site is files, and needs no Node to be served",
        refusals=(),
        build_kind=ground.bases.build_kind,
        toolchain=ground.bases.toolchain,
        keeps_system=ground.bases.keeps_system,
    )
    ground = replace(ground, bases=bases, layout=Layout("narrow", (site.folder,), f"only {site.folder} is served"))
    account.done["static-site"] = f"{SERVER} serves {site.folder} on port {site.port}, as {site.server} did"
    found, folder = ground.found, ground.found.folder
    if found.clock:
        account.notes.append(f"`{short(found.clock[0])}` is left out: the times in the web server's log alone show it")
    if found.locale:
        account.notes.append(f"`{short(found.locale[-1])}` is left out: the web server speaks no language")
    head = [item for item in found.runtime if item.keyword in ("ENV", "LABEL", "MAINTAINER")]
    tail = [ground.kept(item) for item in found.runtime if item.keyword in ("EXPOSE", "HEALTHCHECK")]
    return {
        "build": {**build_stage(ground, account), "prune": ""},
        "runtime": {
            "image": SERVER,
            "name": ground.stage.name or "",
            "head": with_arguments(ground, head, tail),
            "port": site.port,
            "heredocs": ground.builders.heredocs,
            "one_page": site.one_page,
            "files": copy([f"{folder}/{site.folder}"], "/usr/share/nginx/html", f"--from={word(ground.build_name)}"),
            "tail": tail,
        },
    }


def _start_words(project: Project) -> tuple[str, ...]:
    """The words of the start command without what only finds it (`npx`), () where it is more than one command."""
    start = project.start
    found = commands(start.script) if start is not None else None
    if not found or len(found) != 1:
        return ()
    words = split_assignments(found[0])[1]
    while words and (words[0] in ("npx", "exec", "pnpm", "yarn", "--yes", "-y")):
        words = words[1:]
    return words


def _served(words: tuple[str, ...], project: Project) -> _Served | None:
    flags, plain = _parsed(words[1:])
    if "$" in " ".join(words):
        return None
    match words[0].rpartition("/")[2]:
        case "serve" if {"-s", "--single"} & flags.keys():
            return _with_port(_Served(plain[0] if plain else ".", 3000, one_page=True), flags)
        case "http-server":
            folder = "public" if exists(project.root, "public") else "."
            return _with_port(_Served(plain[0] if plain else folder, 8080, one_page=False), flags)
        case "vite" if plain[:1] == ["preview"]:
            folder = flags.get("--outDir") or next(iter(project.build_outputs), "dist")
            return _with_port(_Served(folder, 4173, one_page=True), flags)
        case _:
            return None


def _with_port(served: _Served, flags: dict[str, str]) -> _Served | None:
    for name in ("-l", "--listen", "-p", "--port"):
        if name in flags:
            match = _PORT.fullmatch(flags[name])
            return replace(served, port=int(match[1])) if match else None
    return served


def _parsed(words: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    flags: dict[str, str] = {}
    plain: list[str] = []
    rest = list(words)
    while rest:
        item = rest.pop(0)
        name, equals, value = item.partition("=")
        if not item.startswith("-"):
            plain.append(item)
        elif name in _VALUES and not equals and rest and not rest[0].startswith("-"):
            flags[name] = rest.pop(0)
        else:
            flags[name] = value
    return flags, plain
