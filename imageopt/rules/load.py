"""Rule files (`rules/<category>/<name>.toml`) to `Rule` values; a wrong key is an error with a suggestion."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, cast, get_args

from imageopt.errors import InputError, UsageError
from imageopt.lazy_pattern import lazy_pattern
from imageopt.resources import data_folder
from imageopt.rules.compiled import compiled
from imageopt.rules.model import Example, Fix, Left, Match, Rule, Safety, Severity

_TEXTS = ("name", "code", "severity", "title", "message", "what", "why", "better", "when_not", "check")
_EXAMPLES = "\n[[examples]]"
_LEAVES = lazy_pattern(r"^(?:leaves\b|\[\[examples\.leaves)", re.MULTILINE)
_FILES = lazy_pattern(r"^(?:files\b|\[examples\.files)", re.MULTILINE)
_KEYS = frozenset((*_TEXTS, "equivalents", "words", "parameters", "match", "fix", "examples"))
_MATCH_KEYS = frozenset(
    ("instruction", "command", "subcommand", "missing_option", "unless", "unless_mount", "text", "stages")
)
_FIX_KEYS = frozenset(("kind", "transform", "safety", "text"))
_EXAMPLE_KEYS = frozenset(("kind", "dockerfile", "note", "files", "leaves"))
_LEFT_KEYS = frozenset(("line", "path", "bytes", "fate", "until", "content"))


def load_rules(extra: Path | None = None, *, examples: bool = True) -> tuple[Rule, ...]:
    """All rules, sorted by code; `extra` is a team's own folder of rule files.

    Without `examples` our own rules lack theirs, and most of the time is saved.
    Raises UsageError naming the file and the key where one is wrong, or where two rules share a name or a code.
    """
    rules = list(_own(examples=examples))
    for path in sorted(extra.rglob("*.toml")) if extra is not None and extra.is_dir() else ():
        rule = _read(path, examples=True)
        for key in ("name", "code"):
            value = getattr(rule, key)
            if value in (getattr(other, key) for other in rules):
                _refuse(path, key, f"two rules have the {key} {value!r}", "give this one another")
        rules.append(rule)
    return tuple(sorted(rules, key=lambda rule: rule.code))


@cache
def _own(*, examples: bool) -> tuple[Rule, ...]:
    """Our own rules, read once: one command asks for them at several places."""
    folder = data_folder("rules")

    def read() -> tuple[Rule, ...]:
        found = sorted(folder.rglob("*.toml"))
        if not found:  # neither of them raises for a folder that is not there or may not be read
            raise InputError(f"no rule can be read in {folder}", "install imageopt again, so that its user may read it")
        return tuple(_read(path, examples=examples) for path in found)

    return read() if examples else compiled(folder, read)


def _read(path: Path, *, examples: bool) -> Rule:
    import tomli

    try:
        text = path.read_text("utf-8")
        head, _, shown = text.partition(_EXAMPLES)  # in our own files they are last
        table = tomli.loads(text if examples else head)
    except (OSError, UnicodeDecodeError, tomli.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}", "correct the rule file") from None
    _check_keys(path, table, _KEYS, "")
    fix = _table(path, table, "fix")
    _check_keys(path, fix, _FIX_KEYS, "fix.")
    texts = {key: _text(path, table, key) for key in _TEXTS}
    try:
        texts["message"].format(size="", files=0, top="")
    except (LookupError, ValueError, AttributeError):
        _refuse(path, "message", "'message' has a bad placeholder", "use {size}, {files} and {top} only")
    usual = "manual" if fix.get("transform") is None else "automatic"
    return Rule(
        name=texts["name"],
        code=texts["code"],
        category=path.parent.name,
        severity=cast("Severity", _one_of(path, "severity", texts["severity"], get_args(Severity))),
        title=texts["title"],
        message=texts["message"],
        what=texts["what"],
        why=texts["why"],
        better=texts["better"],
        when_not=texts["when_not"],
        equivalents=_texts(path, table, "equivalents"),
        check=texts["check"],
        matches=tuple(_match(path, item) for item in _tables(path, table, "match")),
        parameters=_table(path, table, "parameters"),
        fix=Fix(
            kind=cast("Any", _one_of(path, "fix.kind", str(fix.get("kind", usual)), ("automatic", "manual"))),
            transform=fix.get("transform"),
            safety=cast("Safety", _one_of(path, "fix.safety", str(fix.get("safety")), get_args(Safety))),
            text=_text(path, fix, "text"),
        ),
        examples=tuple(_example(path, item) for item in _tables(path, table, "examples")),
        wants_image="{" in texts["message"] or _LEAVES.search(shown) is not None,
        wants_project=_FILES.search(shown) is not None,
        words=_words(path, table),
    )


def _words(path: Path, table: Mapping[str, Any]) -> tuple[str, ...] | None:
    words = _texts(path, table, "words") if "words" in table else None
    for word in words or ():
        if not (word.isascii() and word.isalpha() and word.islower()):
            _refuse(path, "words", f"the word {word!r} is no run of small letters", "leave out what is none")
    return words


def _match(path: Path, item: Mapping[str, Any]) -> Match:
    _check_keys(path, item, _MATCH_KEYS, "match.")
    return Match(
        instruction=_text(path, item, "instruction"),
        command=_texts(path, item, "command"),
        subcommand=_texts(path, item, "subcommand"),
        missing_option=_texts(path, item, "missing_option"),
        unless=_text(path, item, "unless", ""),
        unless_mount=_texts(path, item, "unless_mount"),
        text=_text(path, item, "text", ""),
        shipped_only=_one_of(path, "match.stages", _text(path, item, "stages", "shipped"), ("shipped", "all"))
        == "shipped",
    )


def _example(path: Path, item: Mapping[str, Any]) -> Example:
    _check_keys(path, item, _EXAMPLE_KEYS, "examples.")
    kind = _one_of(path, "examples.kind", _text(path, item, "kind"), ("bad", "good", "tricky"))
    for left in (leaves := _tables(path, item, "leaves")):
        _check_keys(path, left, _LEFT_KEYS, "examples.leaves.")
    return Example(
        kind=cast("Any", kind),
        dockerfile=_text(path, item, "dockerfile"),
        note=_text(path, item, "note", ""),
        files=_table(path, item, "files"),
        leaves=tuple(Left(**left) for left in leaves),
    )


def _check_keys(path: Path, table: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key in table:
        if key not in known:
            import difflib

            close = difflib.get_close_matches(key, list(known), 1)
            remedy = f"did you mean {where}{close[0]!r}?" if close else f"the keys are {', '.join(sorted(known))}"
            _refuse(path, key, f"unknown key {where}{key!r}", remedy)


def _text(path: Path, table: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        _refuse(path, key, f"{key!r} must be a text", "see any file in rules/ for an example")
    return value.strip()


def _texts(path: Path, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        _refuse(path, key, f"{key!r} must be a list of texts", "see any file in rules/ for an example")
    return tuple(value)


def _table(path: Path, table: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        _refuse(path, key, f"{key!r} must be a table", "see any file in rules/ for an example")
    return value


def _tables(path: Path, table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        _refuse(path, key, f"{key!r} must be tables", "see any file in rules/ for an example")
    return value


def _one_of(path: Path, key: str, value: str, known: Iterable[str]) -> str:
    if value not in known:
        _refuse(path, key, f"{key!r} is {value!r}", f"it is one of {', '.join(known)}")
    return value


def _refuse(path: Path, key: str, cause: str, remedy: str) -> NoReturn:
    """Raises UsageError with the file, and with the line where the key stands first."""
    written = re.compile(rf"[ \t]*(?:\[*{re.escape(key)}\]|{re.escape(key.rpartition('.')[2])}[ \t]*=)")
    lines = path.read_text("utf-8", "replace").splitlines()
    line = next((number for number, text in enumerate(lines, 1) if written.match(text)), None)
    raise UsageError(f"{path}{'' if line is None else f':{line}'}: {cause}", remedy)
