"""Checks on secrets: in ARG and ENV, and as files in any layer.

What surprises: a name alone proves nothing (`TOKEN_URL`, `SSH_AUTH_SOCK`, `PUBLIC_KEY`) and neither does a value, so
both are judged together. No message ever holds a value.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from math import log2
from typing import Any

from msgspec.structs import replace

from imageopt.dockerfile.environment import Environment, environments
from imageopt.dockerfile.model import Instruction
from imageopt.dockerfile.pairs import Pair, pairs
from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule

_WORD = lazy_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SHAPES = lazy_pattern(
    r"gh[pousr]_\w{20}|github_pat_\w{20}|glpat-[\w-]{16}|npm_[A-Za-z0-9]{30}|(?:AKIA|ASIA)[0-9A-Z]{16}|xox[abeoprs]-[\w-]{10}"
    r"|[rs]k_live_\w{10}|AIza[\w-]{30}|eyJ[\w-]{10,500}\.eyJ[\w-]{10}|-----BEGIN [A-Z ]{0,40}PRIVATE KEY"
)
_SHORTEST_SHAPE = 15  # characters; to compile what is not looked for would take longer than the rest of the rule
_PASSWORD_IN_URL = lazy_pattern(r"://[^/\s:@$]{0,200}:(?P<password>[^/\s@$]{1,200})@")
_HARMLESS_VALUE = lazy_pattern(
    r"|true|false|yes|no|on|off|none|null|nil|undefined|\d{1,5}|[/.~]\S*|https?://[^@\s]*|file:\S*|<[^>]*>|%[^%]*%|\*+|x{3,}|\.+",
    re.IGNORECASE,
)
_PLACEHOLDER = lazy_pattern(
    r"change.?(?:me|this|it)|replace|placeholder|example|dummy|your[-_ ]|insert|todo|fixme|fake|not.?(?:a.)?secret",
    re.IGNORECASE,
)
PUBLIC = lazy_pattern(r"(?:NEXT_|NUXT_|EXPO_)?PUBLIC_|VITE_|REACT_APP_|GATSBY_")  # what a page is given
_SETTINGS = {"production", "development", "test", "staging", "info", "debug", "warn", "error", "localhost", "utc"}
_LONGEST = 2_000  # characters of a value that are looked at
_LEAST_BITS = 3.0  # per character; words have fewer than random keys
_BUILD_ARGUMENTS = lazy_pattern(r"\|\d+ ")


def named_or_shaped(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """ARG and ENV that hold a secret, or are there to be given one.

    A value that looks like a secret has the rule's severity. A name that promises one but has a
    placeholder, the value of a build argument, or none is only `info`, unless the image shows that it got a value.
    """
    names = _Names(rule.parameters)
    if evidence.dockerfile is None:
        yield from _in_configuration(evidence, rule, names)
        return
    for stage in evidence.dockerfile.stages:
        told: set[str] = set()
        for instruction, state in zip(stage.instructions, environments(evidence.dockerfile, stage), strict=False):
            for pair in pairs(instruction) if instruction.keyword in ("ARG", "ENV") else ():
                yield from _judged(evidence, rule, names, instruction, state, pair, told)


def may_be_secret(name: str, value: str) -> bool:
    """Whether this line of an environment file is worth hiding: no switch, no number, no path, no public address."""
    value = value.strip().strip("\"'")
    public = PUBLIC.match(name.strip()) is not None
    harmless = _is_harmless(value) or value.lower() in _SETTINGS
    return _SHAPES.search(value) is not None or not (public or harmless)


def _judged(
    evidence: Evidence,
    rule: Rule,
    names: "_Names",
    instruction: Instruction,
    state: Environment,
    pair: Pair,
    told: set[str],
) -> Iterator[Finding]:
    keyword, name = instruction.keyword, pair.name
    value = state.known(pair.value) if pair.value is not None else None
    value = value[:_LONGEST] if value is not None else None
    if value and value not in told and _holds_secret(names, name, value):
        told.add(value)
        message = f"{name} ({keyword}) holds a secret, which stays in the image's history."
        yield stated(evidence, rule, instruction, message=message, at=pair.word)
        return
    if not names.promise(name) or value in told or (value and _is_harmless(value)):
        return
    if _image_has_value(evidence, keyword, name):
        message = f"The image's history holds the value that {name} ({keyword}) got."
        yield stated(evidence, rule, instruction, message=message, at=pair.word)
    elif value or keyword == "ARG" or _from_argument(state, pair):
        what = "has a default that everyone can see" if value else "is no place for a secret"
        message = f"{name} ({keyword}) {what}: its value stays in the image's history."
        found = stated(evidence, rule, instruction, message=message, at=pair.word, confidence="low")
        yield replace(found, severity="info" if rule.severity in ("error", "warning") else rule.severity)


def _from_argument(state: Environment, pair: Pair) -> bool:
    """Whether the value is that of a build argument, which the image then keeps."""
    return any(name in state.declared for name in state.expansion(pair.value or "").absent)


def _image_has_value(evidence: Evidence, keyword: str, name: str) -> bool:
    """Whether the image's configuration, or its history of build arguments, holds a value of that name."""
    if evidence.image is None:
        return False
    config = evidence.image.config
    if keyword == "ENV":
        return any(text.startswith(f"{name}=") and not _is_harmless(text[len(name) + 1 :]) for text in config.env)
    given = re.compile(rf"(?<!\S){re.escape(name)}=\S")
    return any(
        _BUILD_ARGUMENTS.search(entry.created_by) is not None and given.search(entry.created_by) is not None
        for entry in config.history
    )


def _in_configuration(evidence: Evidence, rule: Rule, names: "_Names") -> Iterator[Finding]:
    """Without a Dockerfile: the environment that the image's configuration sets."""
    for text in evidence.image.config.env if evidence.image is not None else ():
        name, _, value = text.partition("=")
        if _holds_secret(names, name, value):
            message = f"The environment variable {name} holds a secret, for everyone who can pull the image."
            yield stated(evidence, rule, None, message=message)


class _Names:
    """Judges names by their words: `DB_AUTH_MODE` is DB, AUTH and MODE."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._strong = _by_first_word(parameters.get("names", ()))
        self._weak = _by_first_word(parameters.get("weak_names", ()))
        self._harmless_ends: frozenset[str] = frozenset(parameters.get("harmless_ends", ()))
        self._harmless: frozenset[str] = frozenset(parameters.get("harmless", ()))
        self._public = tuple(parameters.get("public_prefixes", ()))

    def promise(self, name: str) -> bool:
        """Whether the name says that its value is a secret."""
        return self._has(name, self._strong)

    def hint(self, name: str) -> bool:
        """Whether the name may be that of a secret, if the value looks like one."""
        return self._has(name, self._strong) or self._has(name, self._weak)

    def _has(self, name: str, sought: Mapping[str, Sequence[tuple[str, ...]]]) -> bool:
        words = [word.upper() for word in _WORD.findall(name[:200])]
        if not words or words[-1] in self._harmless_ends or self._harmless.intersection(words):
            return False
        if name.upper().startswith(self._public):
            return False
        return any(
            tuple(words[at : at + len(parts)]) == parts
            for at, word in enumerate(words)
            for parts in sought.get(word, ())
        )


def _by_first_word(names: Iterable[str]) -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for name in names:
        words = tuple(str(name).split("_"))
        found.setdefault(words[0], []).append(words)
    return found


def _holds_secret(names: _Names, name: str, value: str) -> bool:
    """Whether the value is a secret: by a shape of its own, as a password in an address, or by name and looks."""
    value = value.strip()
    if len(value) >= _SHORTEST_SHAPE and _SHAPES.search(value):
        return True
    password = _PASSWORD_IN_URL.search(value) if "://" in value else None
    if password is not None:
        return not _is_weak(password["password"])
    return names.hint(name) and not _is_weak(value) and (names.promise(name) or _is_random(value))


def _is_harmless(value: str) -> bool:
    return _HARMLESS_VALUE.fullmatch(value.strip()) is not None


def _is_weak(value: str) -> bool:
    """Whether nobody would call the value a secret: a switch, a path, a placeholder, one short word."""
    return (
        _is_harmless(value)
        or _PLACEHOLDER.search(value[:200]) is not None
        or re.fullmatch(r"[a-z]{1,8}", value) is not None
    )


def _is_random(value: str) -> bool:
    """Whether the characters are as mixed as those of a key: at least sixteen, letters and digits, no words."""
    if len(value) < 16 or not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value):
        return False
    shares = [value.count(letter) / len(value) for letter in set(value)]
    return -sum(share * log2(share) for share in shares) >= _LEAST_BITS
