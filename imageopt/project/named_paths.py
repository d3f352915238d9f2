"""Sources and packages -> the files of the project that a service reads without a call that imageopt knows.

`YAML.load('./docs/api.yaml')` and `new Mailer(join(__dirname, '../mails'))` hand a path to a package, and node-config
looks for its folder by itself. What is named and is there counts as read: a file too many costs little, a file too
few stops the service. A name that leads nowhere means nothing here, for most strings are no paths.
"""

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.files import exists, top_names
from imageopt.project.javascript import bracket_end, calls, line_at
from imageopt.project.model import Fact
from imageopt.project.places import place
from imageopt.project.sources import IMPORT, Source

_LITERAL = lazy_pattern(
    r"(?P<from>\b__dirname\s*\+\s*)?(?P<text>(['\"`])(?P<within>\$\{__dirname\})?(?P<path>[\w@./*-]*[./][\w@./*-]*)\3)"
)
_BEFORE_STAR = lazy_pattern(r"[^/]*\*.*")  # `routes/*.ts` is for all in `routes`
_VIEW_ENGINE = lazy_pattern(r"\.set\(\s*['\"]view engine['\"]")
_CALL_LENGTH = 200
_NEVER_READ = ("node_modules", ".git")
_READ_BY_ITSELF = {
    "@feathersjs/configuration": ("config",),
    "@nestjs/config": (".env",),
    "config": ("config",),
    "dotenv-flow": (".env", ".env.production"),
    "dotenv-safe": (".env", ".env.example"),
    "elastic-apm-node": ("elastic-apm-node.js", "elastic-apm-node.cjs"),
    "email-templates": ("emails",),
    "express-handlebars": ("views",),
    "i18n": ("locales",),
    "log4js": ("log4js.json",),
    "newrelic": ("newrelic.js", "newrelic.cjs", "newrelic.mjs"),
    "node-pg-migrate": ("migrations",),
    "tsconfig-paths": ("tsconfig.json",),
    "typeorm": ("ormconfig.json", "ormconfig.js"),
}
"""What a package looks for in the folder that the service runs in, told by nobody."""

_WRITES_BY_ITSELF = (
    "@adonisjs/core", "@keystone-6/core", "@seald-io/nedb", "@strapi/strapi", "better-sqlite3", "classic-level", "conf",
    "configstore", "connect-sqlite3", "express-fileupload", "file-stream-rotator", "flat-cache", "keyv-file", "level",
    "leveldown", "lmdb", "log4js", "lowdb", "nedb", "nedb-promises", "node-localstorage", "node-persist", "node-red",
    "pouchdb", "rotating-file-stream", "sails", "session-file-store", "sqlite3", "whatsapp-web.js",
    "winston-daily-rotate-file",
)  # fmt: skip
"""Packages that keep files in the folder that the service runs in, under names that no call of Node's tells."""


def written_by_packages(packages: Collection[str], where: str) -> tuple[Fact, ...]:
    """The folder `where` the service runs in, relative to the project, if a package that it depends on writes there."""
    writing = next((name for name in _WRITES_BY_ITSELF if name in packages), None)
    return (Fact(where or ".", f"package.json ({writing})"),) if writing else ()


def named_paths(root: Path, sources: Iterable[Source], packages: Collection[str], where: str) -> tuple[Fact, ...]:
    """The files and folders of the project, each once, in the order found.

    `packages` are the names that the service depends on, and `where` the folder it runs in, relative to the project.
    """
    top = set(top_names(root))
    found: dict[str, Fact] = {}

    def is_new(path: str) -> bool:
        around = f"{where}/".startswith(f"{path}/")  # the folder that everything lies in
        wanted = path.partition("/")[0] in top and not path.startswith(_NEVER_READ) and not around
        return wanted and path not in found and exists(root, path)

    for package, names in _READ_BY_ITSELF.items():
        for name in names if package in packages else ():
            if is_new(path := posixpath.join(where, name)):
                found[path] = Fact(path, f"package.json ({package})")
    there = re.compile("|".join(map(re.escape, sorted({*top, *top_names(root / where)}))) or "(?!)")
    for source in sources:
        for named, start in _named(source, there):
            if is_new(path := source.scope.in_project(named)):
                found[path] = Fact(path, f"{source.path}:{line_at(source.text, start)}")
    return tuple(found.values())


def _named(source: Source, there: re.Pattern[str]) -> Iterator[tuple[str, int]]:
    """The places that the source names, relative to the folder that the service runs in, and where it does.

    `there` matches the names in that folder; a call that has none of them is not looked at, for most are of that kind.
    """
    text, scope = source.text, source.scope
    for _, start, opening in calls(text, r"(?:path\.(?:posix\.)?)?(?:join|resolve)|new\s+URL"):
        if there.search(text, opening, opening + _CALL_LENGTH):
            found = place(text[start : bracket_end(text, opening)], scope)
            yield (found.path if found else "."), start
    imported = {match.start(1) for match in IMPORT.finditer(text)}
    for match in _LITERAL.finditer(text):
        inner = match["from"] or match["within"]
        if match.start("text") in imported or (match["path"].startswith("/") and not inner):
            continue
        base = scope.folder if inner else "."
        yield posixpath.normpath(f"{base}/{_BEFORE_STAR.sub('', match['path'])}"), match.start()
    if engine := _VIEW_ENGINE.search(text):
        yield "views", engine.start()  # where Express looks, if nobody says otherwise
