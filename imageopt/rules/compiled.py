"""Our own rule files -> the rules without their examples, kept beside the files as Python keeps its modules.

What is kept is in `__pycache__`, marshalled, and good for the very files it was made from: one that was added, changed
or removed since makes it worthless, and so does another version of what reads them. Where it cannot be written, or
Python is told to write no bytecode, the rule files are read each time; nothing else differs.
"""

import marshal
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from msgspec.structs import astuple, replace

from imageopt import __version__
from imageopt.rules.model import Fix, Match, Rule

_READERS = [str(Path(__file__).with_name(name)) for name in ("load.py", "compiled.py", "model.py")]


def compiled(folder: Path, read: Callable[[], Iterable[Rule]]) -> tuple[Rule, ...]:
    """The folder's rules: as they were kept, else as `read` makes them, which are then kept for the next time."""
    kept = Path(cache_from_source(str(folder / "rules.py")))
    stamp = _stamp(str(folder))
    with suppress(OSError, ValueError, TypeError, EOFError):
        made_from, rules = marshal.loads(kept.read_bytes())  # noqa: S302 (trusted as the bytecode beside it is)
        if made_from == stamp:
            return tuple(map(_rule, rules))
    made = tuple(read())
    if not sys.dont_write_bytecode:
        with suppress(OSError, ValueError):
            _keep(kept, marshal.dumps((stamp, list(map(_plain, made)))))
    return made


def _stamp(folder: str) -> list[tuple[str, int, int]]:
    """Our version; name, time of writing and size of each rule file, and of the modules that make rules of them."""
    files = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]  # noqa: PTH118 (quick)
    states = ((file, os.stat(file)) for file in sorted(files) + _READERS if not file.endswith(".pyc"))  # noqa: PTH116
    # The version as well, for a package may give its files the same time in each of them. Whole seconds, as bytecode
    # has them, for an image's layers keep no finer ones.
    return [(__version__, 0, 0), *((file, int(state.st_mtime), state.st_size) for file, state in states)]


def _keep(kept: Path, data: bytes) -> None:
    """Writes the file whole, for another process may read it."""
    kept.parent.mkdir(exist_ok=True)
    new = kept.with_suffix(f".{os.getpid()}")
    new.write_bytes(data)
    new.replace(kept)


def _plain(rule: Rule) -> tuple[Any, ...]:
    """The rule's fields as `marshal` knows them: texts, numbers and tables."""
    return astuple(replace(rule, fix=astuple(rule.fix), matches=tuple(map(astuple, rule.matches))))


def _rule(fields: tuple[Any, ...]) -> Rule:
    plain: Any = Rule(*fields)
    rule: Rule = replace(plain, fix=Fix(*plain.fix), matches=tuple(Match(*match) for match in plain.matches))
    return rule
