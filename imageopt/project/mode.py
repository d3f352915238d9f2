"""Whether the service takes its settings by NODE_ENV, and others where nothing sets it than in production.

`config.json` of Sequelize and knexfile.js hold settings for each mode, and node-config reads a file for it: a rewrite
that sets NODE_ENV would have the service talk to another database.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.files import files_named
from imageopt.project.javascript import line_at
from imageopt.project.model import Fact
from imageopt.project.sources import Source

_MODE = r"process\.env(?:\.NODE_ENV\b|\[['\"]NODE_ENV['\"]\])"
_GIVEN = rf"{_MODE}\s*(?:\|\||\?\?)\s*['\"](?!prod)[\w-]+['\"]"
_NAMED = lazy_pattern(  # a variable that holds the mode
    rf"(?<![\w$.])(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*{_GIVEN}"
    r"|[{,]\s*NODE_ENV\s*(?::\s*([\w$]+)\s*)?=\s*['\"](?!prod)[\w-]+['\"][^;{}]*\}\s*=\s*process\.env\b"
)
_CHOSEN = lazy_pattern(
    rf"\[\s*{_GIVEN}\s*\]|['\"]\s*\+\s*\(?\s*{_GIVEN}|\$\{{\s*{_GIVEN}\s*\}}[./]|[./]\$\{{\s*(?:{_GIVEN}|{_MODE})\s*\}}"
)
_OF_A_MODE = re.compile(r"config/(?:development|production)[.-][^/]+")
_CONFIGURATION = (".json", ".json5", ".yaml", ".yml", ".toml", ".js", ".cjs", ".ts")


def chosen_by_mode(root: Path, sources: Iterable[Source], packages: Collection[str]) -> Fact | None:
    """The first place where it is chosen; `packages` are those that the service depends on."""
    if "config" in packages:
        names = (path for path in files_named(root, _CONFIGURATION) if _OF_A_MODE.fullmatch(path))
        if name := next(names, None):
            return Fact("NODE_ENV", name)
    for source in sources:
        if "NODE_ENV" in source.text and (place := next(_places(source.text), None)) is not None:
            return Fact("NODE_ENV", f"{source.path}:{line_at(source.text, place)}")
    return None


def _places(text: str) -> Iterator[int]:
    yield from (match.start() for match in _CHOSEN.finditer(text))
    for match in _NAMED.finditer(text):
        name = re.escape(match[1] or match[2] or "NODE_ENV")
        used = rf"\[\s*{name}\s*\]|['\"]\s*\+\s*{name}(?![\w$])|[./]\$\{{\s*{name}\s*\}}|\$\{{\s*{name}\s*\}}[./]"
        if re.search(used, text):
            yield match.start()
