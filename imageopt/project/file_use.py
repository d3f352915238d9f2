"""Which files and folders the service reads and writes while it runs, and which programs it starts.

Found from the calls that name them. A call whose path cannot be worked out is kept as unresolved, because it decides
whether a rewrite may leave anything behind.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.files import SOURCE_SUFFIXES, exists
from imageopt.project.javascript import arguments, calls, expression_at, line_at, string_value
from imageopt.project.model import Fact
from imageopt.project.places import Place, place
from imageopt.project.sources import IMPORT, Source

_READS = (
    r"(?:express\.)?static|serveStatic|koaStatic|sendFile|sendfile|download|readFile|readFileSync|createReadStream"
    r"|readdir|readdirSync|loadSync|loadPackageDefinition|opendir"
)
_WRITES_FILE = r"writeFile|writeFileSync|appendFile|appendFileSync|createWriteStream"
_WRITES_FOLDER = r"mkdir|mkdirSync|mkdirp|mkdirpSync|ensureDir|ensureDirSync|mkdtemp|mkdtempSync"
_DATABASE = r"new\s+(?:Database|sqlite3\.Database|DatabaseSync|Datastore)|pino\.destination|openSync|open"
_SETTING = lazy_pattern(
    r"(?<![\w$])(root|directory|views|dest|destination|dirname|filename|storage|uploadDir|tempFileDir|database"
    r"|autoSchemaFile|emitSchemaFile)\s*:\s*"
)
_FOLDER_SETTINGS = {"dest", "destination", "uploadDir", "tempFileDir"}
_SETTING_WRITES = {"dirname", "filename", "storage", "database", "autoSchemaFile", "emitSchemaFile", *_FOLDER_SETTINGS}
_IS_DATA = lazy_pattern(r"[^/]+\.(?:log|db3?|s3db|sqlite\d?|json|txt|csv|gql|graphql)$")  # other names are of no file
_DOTENV = lazy_pattern(
    r"['\"](?:dotenv(?:/config(?:\.js)?)?|@dotenvx/dotenvx(?:/config)?)['\"]|(?<![\w$])loadEnvFile\s*\("
)
_SPAWN = r"exec|execSync|execFile|execFileSync|spawn|spawnSync|execa|execaSync|execaCommand|\$"


class FileUse(Struct, frozen=True):
    """Paths are relative to the project, or absolute; each with the file and line that says so."""

    reads: tuple[Fact, ...]
    writes: tuple[Fact, ...]
    unresolved_reads: tuple[Fact, ...]
    unresolved_writes: tuple[Fact, ...]
    programs: tuple[Fact, ...]


def file_use(root: Path, sources: Iterable[Source]) -> FileUse:
    """What the sources read, write and start; each value once, sorted."""
    found: dict[str, list[Fact]] = {"reads": [], "writes": [], "reads?": [], "writes?": [], "programs": []}
    for source in sources:
        for kind, fact in (*_reads(source), *_writes(source), *_settings(root, source), *_programs(source)):
            found[kind].append(fact)
    return FileUse(*(_once(found[kind]) for kind in ("reads", "writes", "reads?", "writes?", "programs")))


def _reads(source: Source) -> Iterator[tuple[str, Fact]]:
    for name, start, opening in calls(source.text, _READS):
        if name in ("static", "download", "open") and not re.search(
            r"[\w$)]\.\s*$|express\.", source.text[:start] + name
        ):
            continue
        given = arguments(source.text, opening)
        if not given:
            continue
        if name in ("sendFile", "sendfile") and _has_root(given):
            continue  # the root is found as a setting
        yield _fact("reads", place(given[0], source.scope), source, start, given[0])
    for _, start, opening in calls(source.text, r"[\w$]+\.set"):
        given = arguments(source.text, opening)
        if len(given) == 2 and string_value(given[0]) == "views":
            yield _fact("reads", place(given[1], source.scope), source, start, given[1])
    for match in IMPORT.finditer(source.text):
        if match[2].startswith(".") and not match[2].endswith(SOURCE_SUFFIXES):
            found = place(f"'{source.scope.folder}/{match[2]}'", source.scope)
            yield _fact("reads", found, source, match.start(), match[2])
    if _DOTENV.search(source.text):
        yield "reads", Fact(source.scope.in_project(".env"), f"{source.path} (dotenv)")


def _writes(source: Source) -> Iterator[tuple[str, Fact]]:
    for name, start, opening in calls(source.text, f"{_WRITES_FILE}|{_WRITES_FOLDER}|{_DATABASE}"):
        given = arguments(source.text, opening)
        is_folder = re.fullmatch(_WRITES_FOLDER, name) is not None
        if name in ("open", "openSync") and not re.match(r"['\"][aw]", given[1] if len(given) > 1 else ""):
            continue  # opened for reading as a rule
        if given and (string_value(given[0]) == ":memory:" or given[0].isdecimal()):
            continue  # no file, or one that is open already
        if given:
            yield _fact("writes", _folder(place(given[0], source.scope), is_folder), source, start, given[0])


def _settings(root: Path, source: Source) -> Iterator[tuple[str, Fact]]:
    for match in _SETTING.finditer(source.text):
        value = expression_at(source.text, match.end())
        found = place(value, source.scope)
        if found is None or found.path in (".", "/"):
            continue
        if match[1] in _SETTING_WRITES:
            if "/" in found.path or match[1] in _FOLDER_SETTINGS or _IS_DATA.match(found.path):
                is_folder = match[1] in _FOLDER_SETTINGS or match[1] == "dirname"
                yield _fact("writes", _folder(found, is_folder), source, match.start(), value)
        elif exists(root, source.scope.in_project(found.path)) or "dirname" in value:
            yield _fact("reads", found, source, match.start(), value)


def _programs(source: Source) -> Iterator[tuple[str, Fact]]:
    if not re.search(r"child_process|execa|zx|shelljs", source.text):
        return
    for name, start, opening in calls(source.text, _SPAWN):
        before = source.text[:start].rstrip()
        if (
            name == "exec"
            and before.endswith(".")
            and not re.search(r"(?:child_process['\"]\)|child_process|cp|shell|shelljs)\.$", before)
        ):
            continue  # the exec of a regular expression or of a query
        given = arguments(source.text, opening)
        if given and given[0] in ("process.execPath", "process.argv[0]"):
            continue  # Node itself
        text = string_value(given[0]) if given else None
        words = (text or "").split()
        yield "programs", Fact(words[0] if words else "*", f"{source.path}:{line_at(source.text, start)}")


def _fact(kind: str, found: Place | None, source: Source, start: int, expression: str) -> tuple[str, Fact]:
    where = f"{source.path}:{line_at(source.text, start)}"
    path = source.scope.in_project(found.path) if found else ".."
    if found is None or path.startswith("..") or (found.open and found.path in (".", "/")):
        return f"{kind}?", Fact(" ".join(expression.split())[:80], where)
    return kind, Fact(path, where)


def _folder(found: Place | None, is_folder: bool) -> Place | None:
    if found is None or found.open or is_folder:
        return found
    return Place(posixpath.dirname(found.path) or ".")


def _has_root(given: tuple[str, ...]) -> bool:
    return any(re.search(r"\broot\s*:", argument) for argument in given[1:])


def _once(facts: list[Fact]) -> tuple[Fact, ...]:
    first: dict[str, Fact] = {}
    for fact in sorted(facts, key=lambda fact: (fact.value, fact.source)):
        first.setdefault(fact.value, fact)
    return tuple(first.values())
