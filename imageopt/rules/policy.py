"""The rules and what the user decided about them: severities, parameters, waivers, a team's own rules.

Where there is no `imageopt.toml`, a `.hadolint.yaml` is heard: a team that has told hadolint what matters need not say
it twice. With one of our own it is not read at all, so that no setting comes from two places.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct
from msgspec.structs import replace

from imageopt.config import Config, RuleConfig, Waiver, nearest
from imageopt.errors import UsageError
from imageopt.rules.load import load_rules
from imageopt.rules.lookup import Names
from imageopt.rules.model import SEVERITIES, Rule, Severity

if TYPE_CHECKING:
    from imageopt.rules.hadolint import HadolintConfig

TEAM_RULES = ".imageopt/rules"
HADOLINT = (".hadolint.yaml", ".hadolint.yml")
_REGISTRIES = ("untrusted-registry", "registries")


class Policy(Struct, frozen=True):
    """What is checked, and what of it does not count.

    `fail_on` is the severity from which on a check fails, where another tool's configuration says so: None if none
    does, "off" for never. `notes` are what the user must know.
    """

    rules: tuple[Rule, ...]
    waivers: tuple[Waiver, ...] = ()
    fail_on: Severity | None = None
    notes: tuple[str, ...] = ()


def make_policy(config: Config, folder: Path, *, base: Path | None = None, examples: bool = True) -> Policy:
    """The policy in force in a folder; waivers name their file relative to `base` (the folder itself for None).

    Without `examples` the rules are loaded faster and lack theirs. Raises UsageError for a rule or a parameter that
    there is not, and for a team's rule file that is wrong.
    """
    rules = load_rules(team_folder(config, folder), examples=examples)
    if config.path is not None:
        file = os.path.relpath(config.path, base or folder)
        waivers = tuple(replace(waiver, file=file) for waiver in config.ignore)
        return Policy(configured(rules, config.rules, config.path), waivers)
    path = nearest(folder, *HADOLINT)
    if path is None:
        return Policy(rules)
    from imageopt.rules.hadolint import read_hadolint

    other, notes = read_hadolint(path)
    return Policy(_as_hadolint(rules, other), (), other.fail_on, notes)


def team_folder(config: Config, folder: Path) -> Path | None:
    """The team's own rules: beside the configuration, else the nearest above the folder."""
    return config.path.parent / TEAM_RULES if config.path is not None else nearest(folder, TEAM_RULES)


def configured(rules: Sequence[Rule], said: Mapping[str, RuleConfig], file: Path) -> tuple[Rule, ...]:
    """The rules with the severities and parameters of the configuration's `[rules]`."""
    names = Names(rules)
    changed: dict[str, Rule] = {}
    for name, one in said.items():
        rule = names.own.get(name.lower())
        if rule is None:
            remedy = names.suggestion(name) or "see `imageopt rules`"
            raise UsageError(f"{file}:{one.line}: there is no rule {name!r}", remedy)
        rule = changed.get(rule.code, rule)
        parameters = {**rule.parameters, **_parameters(rule, one, file)}
        severity = cast("Severity", one.severity) if one.severity is not None else rule.severity
        changed[rule.code] = replace(rule, severity=severity, parameters=parameters)
    return tuple(changed.get(rule.code, rule) for rule in rules)


def _parameters(rule: Rule, said: RuleConfig, file: Path) -> Mapping[str, Any]:
    for key, value in said.parameters.items():
        where = f"{file}:{said.line}: rules.{rule.name}.{key}"
        if key not in rule.parameters:
            import difflib

            close = difflib.get_close_matches(key, rule.parameters, 1)
            known = ", ".join(sorted(("severity", *rule.parameters)))
            raise UsageError(f"{where} is not known", f"did you mean {close[0]}?" if close else f"known here: {known}")
        if not _is_like(value, rule.parameters[key]):
            raise UsageError(f"{where} is not as the rule has it", f"write it like {rule.parameters[key]!r}"[:200])
    return {key: _merged(rule.parameters[key], value) for key, value in said.parameters.items()}


def _is_like(value: object, example: object) -> bool:
    """Whether the value has the example's type, and so has everything in it."""
    if isinstance(example, dict) and isinstance(value, dict):
        return all(_is_like(item, next(iter(example.values()))) for item in value.values()) if example else True
    if isinstance(example, list) and isinstance(value, list):
        return all(_is_like(item, example[0]) for item in value) if example else True
    return type(value) is type(example) or (type(example) is float and type(value) is int)


def _merged(before: object, said: object) -> object:
    """Tables get the new keys, everything else is replaced."""
    return {**before, **said} if isinstance(before, dict) and isinstance(said, dict) else said


def _as_hadolint(rules: Iterable[Rule], other: "HadolintConfig") -> tuple[Rule, ...]:
    return tuple(_one_as_hadolint(rule, other) for rule in rules)


def _one_as_hadolint(rule: Rule, other: "HadolintConfig") -> Rule:
    theirs = {name.partition(":")[2].upper() for name in rule.equivalents if name.startswith("hadolint:")}
    if theirs & other.ignored:
        return replace(rule, severity="off")
    overridden = [other.severities[name] for name in theirs if name in other.severities]
    if overridden:
        rule = replace(rule, severity=min(overridden, key=SEVERITIES.index))
    if other.registries and rule.name == _REGISTRIES[0] and _REGISTRIES[1] in rule.parameters:
        severity: Severity = rule.severity if overridden else "error"
        rule = replace(rule, severity=severity, parameters={**rule.parameters, _REGISTRIES[1]: list(other.registries)})
    return rule
