"""dive's `.dive-ci` and dive's own figures -> checks as dive would make them, for teams that move over.

What surprises: a rule that the file leaves out is not off, it has dive's default. And dive's figures are not ours: they
are judged as dive would judge them, and told apart from what was counted.
"""

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct

from imageopt.errors import InputError, UsageError
from imageopt.gate.model import GateCheck
from imageopt.units import format_bytes

NAME = ".dive-ci"
EFFICIENCY = "dive.lowestEfficiency"
WASTED = "dive.highestWastedBytes"
USER_WASTED = "dive.highestUserWastedPercent"
_DEFAULTS = {"lowestEfficiency": "0.9", "highestWastedBytes": "disabled", "highestUserWastedPercent": "0.1"}
_KEBAB = {  # as dive spells them since 0.13
    "lowest-efficiency": "lowestEfficiency",
    "highest-wasted-bytes": "highestWastedBytes",
    "highest-user-wasted-percent": "highestUserWastedPercent",
}
_OFF = ("", "disabled", "off", "false")
_LINE = re.compile(
    r"""(?P<indent> *)(?P<key>[\w-]+) *:(?: +(?P<value>"[^"]*"|'[^']*'|[^\s#"'\[{&*!|>][^#]*?))? *(?: \#.*)?"""
)
_SIZE = re.compile(r"([\d.,]+) *([a-z]*)")
_UNITS = {
    name: base**power
    for power, letter in enumerate(("", "k", "m", "g", "t", "p", "e"))
    for base, names in ((1000, (letter, f"{letter}b")), (1024, (f"{letter}i", f"{letter}ib")))
    for name in names
    if letter or base == 1000
}


class DiveRules(Struct, frozen=True):
    """dive's three limits, None where a rule is off. `efficiency` and `user_wasted` are ratios from 0 to 1."""

    efficiency: float | None
    wasted_bytes: int | None
    user_wasted: float | None


def find_dive_rules(*folders: Path) -> DiveRules | None:
    """The rules of the first of the folders that has the file; None where none has. Raises like `parse_dive_rules`."""
    path = next((folder / NAME for folder in folders if (folder / NAME).is_file()), None)
    if path is None:
        return None
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{path} cannot be read", "see that it is a text file that you may read") from None
    return parse_dive_rules(text, str(path))


def parse_dive_rules(text: str, name: str = NAME) -> DiveRules:
    """The rules in the file's text: plain YAML, `rules:` and one line for each. Raises UsageError for anything else."""
    values = dict(_DEFAULTS)
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#") or line.rstrip() in ("---", "..."):
            continue
        found = _LINE.fullmatch(line.rstrip())
        where = f"{name}, line {number}"
        if found is None:
            raise UsageError(
                f"{where} is more YAML than is read here", "write `rules:`, and below it `key: value` lines"
            )
        if not found["indent"]:
            inside = found["key"] == "rules" and not found["value"]
            if not inside:
                raise UsageError(f"{where} is not under `rules:`", "dive would ignore it: indent it below `rules:`")
        elif not inside or (key := _KEBAB.get(found["key"], found["key"])) not in values:
            raise UsageError(f"{where}: dive has no rule {found['key']!r}", f"its rules are {', '.join(_DEFAULTS)}")
        elif found["value"] is not None:  # dive keeps its default for an empty value
            values[key] = found["value"].strip("\"'").strip()
    return DiveRules(
        _ratio("lowestEfficiency", values, name),
        _size("highestWastedBytes", values, name),
        _ratio("highestUserWastedPercent", values, name),
    )


def check_dive(rules: DiveRules, image: Mapping[str, Any] | None) -> Iterator[GateCheck]:
    """Each rule that is on, held against dive's own figures in the image's document, as dive would."""
    figures = image["dive"] if image else None
    if rules.efficiency is not None:
        yield _check(EFFICIENCY, rules.efficiency, figures and figures["efficiency"], lowest=True)
    if rules.wasted_bytes is not None:
        yield _check(WASTED, rules.wasted_bytes, figures and figures["wasted_bytes"])
    if rules.user_wasted is not None:
        yield _check(USER_WASTED, rules.user_wasted, figures and _user_wasted(figures))


def where_dive_differs(image: Mapping[str, Any] | None) -> Iterator[str]:
    """A sentence on dive's count of waste beside the exact one, where they are not the same."""
    if image is None:
        return
    counted, figures = image["sizes"]["wasted_bytes"], image["dive"]
    if counted == figures["wasted_bytes"]:
        return
    kinds = [f"{format_bytes(image['waste'][kind])} {words}" for kind, words in _KINDS.items() if image["waste"][kind]]
    more = counted > figures["wasted_bytes"]
    yield (
        f"dive says {100 * figures['efficiency']:.4g} % efficient, {format_bytes(figures['wasted_bytes'])} wasted; "
        f"counted, {', '.join(kinds) or 'nothing is wasted'}: "
        + ("a folder deleted later is no waste to dive" if more else "dive counts the copy that stays, too")
    )


_KINDS = {
    "deleted": "deleted later",
    "overwritten_same": "stored again unchanged",
    "overwritten_changed": "overwritten",
    "duplicate_entry": "twice in one layer",
}


def _check(name: str, limit: float, value: float | None, *, lowest: bool = False) -> GateCheck:
    if value is None:
        return GateCheck(name, limit, None, "unknown", "no image was read")
    if value == math.inf:  # which cannot stand in JSON
        return GateCheck(
            name, limit, None, "fail", "dive divides by the bytes above the first layer, and there are none"
        )
    return GateCheck(name, limit, value, "fail" if (value < limit if lowest else value > limit) else "pass", "")


def _user_wasted(figures: Mapping[str, Any]) -> float:
    """As dive divides: by nothing it is infinite; nothing by nothing is no number, which dive shows as 0."""
    value: float | None = figures["user_wasted_percent"]
    return value if value is not None else math.inf if figures["wasted_bytes"] else 0.0


def _ratio(key: str, values: Mapping[str, str], name: str) -> float | None:
    text = values[key].lower()
    if text in _OFF:
        return None
    try:
        ratio = float(text)
    except ValueError:
        ratio = math.nan
    if not 0 <= ratio <= 1:
        raise UsageError(f"{name}: {key} is {values[key]!r}", "write a ratio from 0 to 1, such as 0.9, or disabled")
    return ratio


def _size(key: str, values: Mapping[str, str], name: str) -> int | None:
    text = values[key].lower()
    if text in _OFF:
        return None
    found = _SIZE.fullmatch(text)
    try:
        assert found is not None
        return int(Decimal(found[1].replace(",", "")) * _UNITS[found[2]])
    except (AssertionError, ArithmeticError, KeyError):
        raise UsageError(f"{name}: {key} is {values[key]!r}", "write a size such as 20MB, or disabled") from None
