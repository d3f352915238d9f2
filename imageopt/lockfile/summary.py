"""Two lock files -> the change between them in one line, for nobody reads thirty thousand."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from imageopt.errors import one_line
from imageopt.project.model import Lock

_NAMED = 3  # packages that are called by name
_LONGEST = 100


def summary(before: Lock | None, after: Lock, old: bytes, new: bytes) -> str:
    """Such as `68 packages, 812 lines`, or what was added, removed and changed where there was a lock file before."""
    if before is None or not before.packages:
        return f"{_count(len(after.packages), 'package')}, {_count(len(new.splitlines()), 'line')}"
    was, now = _versions(before), _versions(after)
    changed = [name for name in sorted(was.keys() & now.keys()) if was[name] != now[name]]
    parts = [
        _part("added", [f"{name} {_joined(now[name])}" for name in sorted(now.keys() - was.keys())]),
        _part("removed", sorted(was.keys() - now.keys())),
        _part("changed", [f"{name} {_joined(was[name])} -> {_joined(now[name])}" for name in changed]),
        _lines(old.splitlines(), new.splitlines()),
    ]
    return one_line("; ".join(filter(None, parts)))


def _versions(lock: Lock) -> Mapping[str, Collection[str]]:
    found: dict[str, set[str]] = {}
    for package in lock.packages:
        found.setdefault(package.name, set()).add(package.version)
    return found


def _joined(versions: Collection[str]) -> str:
    return ", ".join(sorted(versions))


def _part(verb: str, names: list[str]) -> str:
    if not names:
        return ""
    more = ", …" if len(names) > _NAMED else ""
    return f"{_count(len(names), 'package')} {verb} ({', '.join(name[:_LONGEST] for name in names[:_NAMED])}{more})"


def _lines(old: Iterable[bytes], new: Iterable[bytes]) -> str:
    """Lines by what they say and not by where they stand: an exact difference of two long files takes seconds."""
    was, now = Counter(old), Counter(new)
    return f"{_count((now - was).total(), 'line')} added, {(was - now).total()} removed"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
