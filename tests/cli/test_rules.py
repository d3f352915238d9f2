"""`imageopt rules` and `imageopt explain`: the rules in force here, by any name they go by."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from imageopt.cli.edge import run
from imageopt.report.explanation import explanation, wrapped
from imageopt.report.rule_list import rule_lines
from imageopt.resources import schema_file
from imageopt.rewrite.fixes.registry import FIXES
from imageopt.rules.load import load_rules

RULES = load_rules()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    assert run(["rules", "--format", "json", *words]) == 0
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(json.loads(schema_file("rules-1").read_text())).validate(document)
    return document["rules"]  # type: ignore[no-any-return]


def test_each_rule_is_a_line_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [rule.code for rule in RULES]
    assert [line.split()[1] for line in lines] == [rule.name for rule in RULES]
    first = lines[0]
    assert first.split()[2] == "warning"
    assert first.endswith(RULES[0].title)
    at = first.index(RULES[0].title)
    assert all(line[at - 1] == " " and line[at] != " " for line in lines)


@pytest.mark.parametrize("width", [80, 100, 140])
def test_a_terminal_wraps_a_rule_between_words(width: int) -> None:
    lines = rule_lines(RULES, width).splitlines()
    assert all(len(line) <= width for line in lines)
    assert " ".join(" ".join(lines).split()) == " ".join(rule_lines(RULES).split())
    for rule in RULES:
        shown = wrapped(explanation(rule), width).splitlines()
        outside = [line for line in shown if line not in explanation(rule).splitlines()]
        assert all(len(line) <= width or " " not in line.strip() for line in outside)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], lambda _: True),
        (["size"], lambda rule: rule.category == "size"),
        (["--severity", "error"], lambda rule: rule.severity == "error"),
        (["--severity", "error", "--severity", "off"], lambda rule: rule.severity in ("error", "off")),
        (["--fix", "safe"], lambda rule: rule.fix.safety == "safe"),
        (["--automatic"], lambda rule: rule.fix.transform is not None or rule.name in FIXES),
        (["node", "--automatic", "--fix", "verify"],
         lambda rule: rule.category == "node" and rule.fix.kind == "automatic" and rule.fix.safety == "verify"),
    ],
)  # fmt: skip
def test_the_list_can_be_narrowed(capsys: pytest.CaptureFixture[str], words: list[str], wanted: object) -> None:
    assert callable(wanted)
    assert [rule["code"] for rule in listed(capsys, *words)] == [rule.code for rule in RULES if wanted(rule)] != []


def test_nothing_that_fits_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "size", "--severity", "style", "--fix", "propose", "--automatic"]) == 0
    assert capsys.readouterr().out == ""


def test_a_severity_is_the_one_in_force_and_a_team_s_rule_is_among_them(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / ".imageopt" / "rules").mkdir(parents=True)
    team = (Path(__file__).parents[1] / "rules" / "team-rule.toml").read_text("utf-8")
    (here / ".imageopt" / "rules" / "internal-registry.toml").write_text(team)
    (here / "imageopt.toml").write_text('[rules]\nIO101 = "style"\ninternal-registry = "error"\n')
    severities = {rule["code"]: rule["severity"] for rule in listed(capsys)}
    assert (severities["IO101"], severities["TEAM1"]) == ("style", "error")
    assert run(["explain", "team1"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# internal-registry (TEAM1, error)\n")
    assert "FROM registry.example.org/node:22-slim" in text


@pytest.mark.parametrize("name", ["apt-lists-left", "IO101", "io101", "DL3009", "hadolint:DL3009", "dkl-di-0005"])
def test_a_rule_is_explained_by_any_of_its_names(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert run(["explain", name]) == 0
    assert capsys.readouterr().out.startswith("# apt-lists-left (IO101, warning)\n")


def test_a_name_that_stands_for_several_explains_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "CIS-DI-0010"]) == 0
    meant = [rule for rule in RULES if any(name.endswith(":CIS-DI-0010") for name in rule.equivalents)]
    text = capsys.readouterr().out
    assert len(meant) > 1
    assert all(f"# {rule.name} ({rule.code}" in text for rule in meant)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["explain", "apt-list-left"], "did you mean apt-lists-left?"),
        (["explain", "zzz"], "see `imageopt rules`"),
        (["explain", "DL9999"], "there is no rule 'DL9999'"),
        (["rules", "zzz"], "there are build, correctness"),
        (["rules", "--severity", "fatal"], "is not one of"),
    ],
)
def test_what_there_is_not_is_said(capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    assert run(words) == 2
    assert says in capsys.readouterr().err
