"""A `.hadolint.yaml` -> what of it means something here: ignored rules, severities, registries, the threshold.

What surprises: another tool's file never stops a check. What cannot be read, or means nothing, becomes a note.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from msgspec import Struct, field

from imageopt.errors import ImageoptError, one_line
from imageopt.rules.model import Severity

_LARGEST = 1_000_000
_THRESHOLDS: Mapping[str, Severity] = {
    "error": "error", "warning": "warning", "info": "info", "style": "style", "ignore": "style", "none": "off",
}  # fmt: skip


class HadolintConfig(Struct, frozen=True):
    """Names of rules are hadolint's, in upper case; `fail_on` is None where the file does not say, "off" for never."""

    ignored: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    registries: tuple[str, ...] = ()
    fail_on: Severity | None = None


def read_hadolint(path: Path) -> tuple[HadolintConfig, tuple[str, ...]]:
    """What the file says, and notes on what of it is not understood."""
    from imageopt.project.yaml_tree import parse_yaml, plain  # only now: YAML is slow to import, and rarely needed

    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST + 1).decode("utf-8-sig")
        documents = parse_yaml(text, path.name) if len(text) <= _LARGEST else ()
    except OSError as error:
        return HadolintConfig(), (f"{path.name} is not heard: {one_line(str(error.strerror))}",)
    except UnicodeDecodeError:
        return HadolintConfig(), (f"{path.name} is not heard: it is not UTF-8 text",)
    except ImageoptError as error:
        return HadolintConfig(), (f"{path.name} is not heard: {error.cause}",)
    data = plain(documents[0]) if documents else {}
    if not isinstance(data, dict):
        return HadolintConfig(), (() if data == "" else (f"{path.name} is not heard: it is no table of settings",))
    return _understood(data, path.name)


def _understood(data: Mapping[str, object], name: str) -> tuple[HadolintConfig, tuple[str, ...]]:
    notes: list[str] = []

    def texts(value: object, key: str) -> tuple[str, ...]:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(cast("list[str]", value))
        if value not in ("", None):
            notes.append(f"{name}: {key} is not a list of names, and is not heard")
        return ()

    overrides = data.get("override") or {}
    if not isinstance(overrides, dict):
        notes.append(f"{name}: override is not a table of lists, and is not heard")
        overrides = {}
    severities: dict[str, Severity] = {}
    levels: tuple[Severity, ...] = ("style", "info", "warning", "error")  # the gravest is said last and stays
    for level in levels:
        severities.update((rule.upper(), level) for rule in texts(overrides.get(level), f"override.{level}"))
    threshold = data.get("failure-threshold", "")
    fail_on = _THRESHOLDS.get(threshold.lower()) if isinstance(threshold, str) else None
    if fail_on is None and threshold != "":
        notes.append(f"{name}: failure-threshold is none of {', '.join(_THRESHOLDS)}, and is not heard")
    if str(data.get("no-fail", "")).lower() in ("true", "yes", "on"):
        fail_on = "off"
    ignored = frozenset(rule.upper() for rule in texts(data.get("ignored"), "ignored"))
    registries = texts(data.get("trustedRegistries"), "trustedRegistries")
    return HadolintConfig(ignored, severities, registries, fail_on), tuple(notes)
