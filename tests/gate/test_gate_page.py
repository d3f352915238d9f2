"""docs/gate.md shows each budget with an example that passes and one that fails; both are judged here.

`UPDATE_GOLDEN=1 pytest tests/gate` writes the table anew.
"""

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from imageopt.config import load_config
from imageopt.gate.budget import budget_of
from imageopt.gate.check import check_budget
from imageopt.gate.model import Baseline, GateCheck
from imageopt.report.words import limit_and_value, why

PAGE = Path(__file__).parents[2] / "docs" / "gate.md"
BEGIN, END = "<!-- budgets:begin -->\n", "<!-- budgets:end -->"
BEFORE = Baseline("imageopt-baseline.json", {"download_bytes": 44_000_000, "unpacked_bytes": 120_000_000})

# what is limited, in words; the lines under [budget] that pass, those that fail
BUDGETS: list[tuple[str, str, str]] = [
    ("what a pull transfers", 'download = "45 MB"', 'download = "44 MB"'),
    ("all files of all layers", 'unpacked = "120 MB"', 'unpacked = "100 MB"'),
    ("the files that are visible in the end", 'live = "110 MB"', 'live = "109 MB"'),
    ("waste, of the bytes on top of the base image", 'wasted = "5%"', 'wasted = "4.9%"'),
    ("the same in bytes", 'wasted = "2 MB"', 'wasted = "1 MB"'),
    ("layers on top of the base image, empty ones aside", "layers = 2", "layers = 1"),
    ("vulnerabilities of a severity", "vulnerabilities.high = 2", "vulnerabilities.high = 1"),
    ("secrets that the scanner finds", "secrets = 1", "secrets = 0"),
    ("misconfigurations", "misconfigurations = 2", "misconfigurations = 0"),
    ("licences, by pattern", 'licenses.deny = ["SSPL*"]', 'licenses.deny = ["AGPL-*", "GPL-*"]'),
    ("seconds of a build without a cache", "build_seconds = 60", "build_seconds = 59"),
    ("seconds of a build after a change of one source file", "rebuild_seconds = 5", "rebuild_seconds = 4"),
    ("growth over the baseline, of download and unpacked", 'growth = "3%"', 'growth = "2%"'),
    ("the same in bytes", 'growth = "1 MB"', 'growth = "900 kB"'),
]


def checks(line: str, result: dict[str, Any], folder: Path) -> list[GateCheck]:
    path = folder / "imageopt.toml"
    path.write_text(f"[budget]\n{line}\n")
    budget = budget_of(load_config(folder, path).budget)
    return list(check_budget(budget, result, baseline=BEFORE).checks)


@pytest.mark.parametrize(("passing", "failing"), [row[1:] for row in BUDGETS], ids=[row[1] for row in BUDGETS])
def test_the_one_passes_and_the_other_fails(passing: str, failing: str, result: dict[str, Any], tmp_path: Path) -> None:
    assert {check.result for check in checks(passing, result, tmp_path)} == {"pass"}
    assert "fail" in {check.result for check in checks(failing, result, tmp_path)}


def test_the_page_shows_what_was_judged(result: dict[str, Any], tmp_path: Path) -> None:
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    shown, _, after = rest.partition(END)
    made = table(result, tmp_path)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(f"{before}{BEGIN}{made}{END}{after}", "utf-8")
        shown = made
    assert shown == made


def test_the_configuration_of_the_page_is_one(tmp_path: Path) -> None:
    _, _, rest = PAGE.read_text("utf-8").partition("```toml\n")
    text = rest.partition("```")[0]
    assert set(tomllib.loads(text)) == {"budget"}
    (tmp_path / "imageopt.toml").write_text(text)
    assert load_config(tmp_path).budget.ignore


def table(result: dict[str, Any], folder: Path) -> str:
    rows = ["| limits | passes | fails | because |", "|---|---|---|---|"]
    for words, passing, failing in BUDGETS:
        failed = [check for check in checks(failing, result, folder) if check.result == "fail"]
        rows.append(f"| {words} | `{passing}` | `{failing}` | {'; '.join(_because(check) for check in failed)} |")
    return "\n".join(rows) + "\n"


def _because(check: GateCheck) -> str:
    shown: dict[str, Any] = {
        name: getattr(check, name) for name in ("name", "limit", "value", "result", "reason", "items")
    }
    limit, value = limit_and_value(shown)
    told = why(shown)
    return f"{check.name}: {value}, limit {limit}{f' ({told})' if told else ''}"
