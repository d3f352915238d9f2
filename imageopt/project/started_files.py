"""The start command -> the files of the project that it names itself, beside its entry.

`node --import ./tracing.mjs`, `--env-file=.env` and `-r dotenv/config` read a file before the first line of the service
runs, and no source tells of it. What Node loads so may import files of the project in turn.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.files import SOURCE_SUFFIXES, exists, is_folder, read_source, source_files
from imageopt.project.model import Fact, StartCommand
from imageopt.project.sources import IMPORT, resolve_import
from imageopt.project.start import entry_of, start_commands, start_lines

_NODE_OPTIONS = lazy_pattern(r"\bNODE_OPTIONS=(?:'([^']*)'|\"([^\"]*)\"|(\S+))")
_READS_DOTENV = lazy_pattern(r"(?:dotenv|@dotenvx/dotenvx)/config(?:\.m?js)?")
_DOTENV = ".env"
_DOTENV_PROGRAMS = ("dotenv", "dotenvx", "env-cmd")


def started_files(
    root: Path, start: StartCommand | None, scripts: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[Fact, ...]:
    """The files, relative to the project, each once; `environment` is what the image sets for the service."""
    if start is None:
        return ()
    found: dict[str, None] = {}
    for words in _commands(start, scripts, environment):
        for named in _named(words):
            path = posixpath.normpath(posixpath.join(start.folder, named))
            file = next((file for file in _spellings(path) if exists(root, file) and not is_folder(root, file)), None)
            if file and not path.startswith(("/", "..")):
                found |= dict.fromkeys(_with_imports(root, file))
    return tuple(Fact(path, "the start command") for path in found)


def _commands(
    start: StartCommand, scripts: Mapping[str, str], environment: Mapping[str, str]
) -> Iterator[tuple[str, ...]]:
    """Every command of the start, and Node with the options that a variable gives it."""
    yield from start_commands(start, scripts)
    lines = start_lines(start, scripts)
    options = [environment.get("NODE_OPTIONS", "")]
    options += [found[1] or found[2] or found[3] for text in (*lines, *scripts.values()) for found in _options(text)]
    yield from (("node", *text.split()) for text in options)


def _options(text: str) -> Iterator[re.Match[str]]:
    return _NODE_OPTIONS.finditer(text)


def _named(words: tuple[str, ...]) -> Iterator[str]:
    """The words of a command that may be files, but for what Node runs; a plain word may be a module's name."""
    program = words[0].rpartition("/")[2]
    entry = entry_of(words) if program == "node" else None
    if program in _DOTENV_PROGRAMS:
        yield _DOTENV
    for word in words[1:]:
        value = word.partition("=")[2] or word
        if entry is not None and word.removeprefix("./") == entry:
            return  # what follows is for the service itself
        if _READS_DOTENV.fullmatch(value):
            yield _DOTENV
        elif re.search(r"[./]", value) and not value.startswith("-"):
            yield value


def _spellings(path: str) -> Iterator[str]:
    """The path as Node looks for it."""
    yield path
    yield from (f"{path}{suffix}" for suffix in (".js", ".cjs", ".mjs", ".json"))
    yield posixpath.join(path, "index.js")


def _with_imports(root: Path, file: str) -> Iterator[str]:
    """The file, and what it imports by a path, through other files too."""
    yield file
    if not file.endswith(SOURCE_SUFFIXES):
        return
    files = source_files(root)
    seen, waiting = {file}, [file]
    while waiting:
        importer = waiting.pop()
        for _, name in IMPORT.findall(read_source(root, importer)):
            target = resolve_import(importer, name, files) if name.startswith(".") else None
            if target and target not in seen:
                seen.add(target)
                waiting.append(target)
                yield target
