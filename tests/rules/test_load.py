"""Rule files: what a wrong one says, and a team's own."""

from pathlib import Path

import pytest

from imageopt.errors import InputError, UsageError
from imageopt.rules import load
from imageopt.rules.check import check, find_check
from imageopt.rules.load import load_rules
from imageopt.rules.model import Rule

OWN = """\
name = "no-telnet"
code = "TEAM1"
severity = "error"
title = "telnet is installed"
message = "{size} of telnet"
what = "what"
why = "why"
better = "better"
when_not = "never"
check = "match.matching"

[[match]]
instruction = "RUN"
command = ["apt-get"]
subcommand = ["install"]
text = '\\btelnet\\b'

[fix]
safety = "propose"
text = "use ssh"
"""


def test_the_rules_are_sorted_and_unique() -> None:
    rules = load_rules()
    assert [rule.code for rule in rules] == sorted({rule.code for rule in rules})
    assert len({rule.name for rule in rules}) == len(rules) >= 32
    for rule in rules:
        assert callable(find_check(rule))


def test_a_team_adds_a_rule_without_python(tmp_path: Path) -> None:
    from imageopt.dockerfile import parse
    from imageopt.evidence.join import join

    (tmp_path / "no-telnet.toml").write_text(OWN)
    own = [rule for rule in load_rules(tmp_path) if rule.code == "TEAM1"]
    evidence = join(None, parse(b"FROM debian:12\nRUN apt-get install -y telnet\n"), None)
    (finding,) = check(evidence, own)
    assert (finding.rule, finding.severity, finding.fix.kind) == ("no-telnet", "error", "manual")
    assert finding.location is not None
    assert (finding.location.file, finding.location.line) == ("Dockerfile", 2)


@pytest.mark.parametrize("examples", [True, False])
def test_an_installation_without_rules_does_not_call_everything_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, examples: bool
) -> None:
    monkeypatch.setattr("imageopt.rules.load.data_folder", lambda _: tmp_path / "none")
    load._own.cache_clear()
    with pytest.raises(InputError, match=r"no rule can be read in .*none"):
        load_rules(examples=examples)
    assert not (tmp_path / "none").exists()


def test_a_folder_that_is_not_there_adds_nothing(tmp_path: Path) -> None:
    assert load_rules(tmp_path / "none") == load_rules()


@pytest.mark.parametrize(
    ("old", "new", "cause", "remedy"),
    [
        ("severity =", "severty =", "unknown key 'severty'", "'severity'"),
        ("command =", "comand =", "unknown key match.'comand'", "'command'"),
        ("safety =", "safty =", "unknown key fix.'safty'", "'safety'"),
        ('severity = "error"', 'severity = "fatal"', "'severity' is 'fatal'", "error, warning, info, style, off"),
        ('safety = "propose"', 'safety = "maybe"', "'fix.safety' is 'maybe'", "safe, verify, propose"),
        ('title = "telnet is installed"', "title = 1", "'title' must be a text", "example"),
        ('command = ["apt-get"]', 'command = "apt-get"', "'command' must be a list of texts", "example"),
        ("{size} of", "{sise} of", "'message' has a bad placeholder", "{size}"),
        ("[fix]", "[[fix]]", "'fix' must be a table", "example"),
        ("[[match]]", "[match]", "'match' must be tables", "example"),
        ('text = "use ssh"', 'text = "use', "no-telnet.toml", "correct the rule file"),
        ('name = "no-telnet"', 'name = "parse-error"', "two rules have the name 'parse-error'", "another"),
        ('code = "TEAM1"', 'code = "IO101"', "two rules have the code 'IO101'", "another"),
    ],
)
def test_a_wrong_rule_file_is_named_with_its_key(tmp_path: Path, old: str, new: str, cause: str, remedy: str) -> None:
    assert old in OWN
    (tmp_path / "no-telnet.toml").write_text(OWN.replace(old, new))
    with pytest.raises(UsageError) as error:
        load_rules(tmp_path)
    line = next(at for at, text in enumerate(OWN.replace(old, new).splitlines(), 1) if new.split("\n")[0] in text)
    assert cause in error.value.cause
    assert f"no-telnet.toml:{line}: " in error.value.cause or "correct" in error.value.remedy
    assert remedy in error.value.remedy


@pytest.mark.parametrize("name", ["size.none", "none.billed", "size._private", "size", "os.system", "..size.billed"])
def test_a_check_that_does_not_exist(tmp_path: Path, name: str) -> None:
    (tmp_path / "no-telnet.toml").write_text(OWN.replace("match.matching", name))
    (rule,) = (rule for rule in load_rules(tmp_path) if rule.code == "TEAM1")
    with pytest.raises(UsageError, match="there is no check"):
        find_check(rule)


def test_a_rule_that_is_off_is_silent(tmp_path: Path) -> None:
    from msgspec.structs import replace

    from imageopt.dockerfile import parse
    from imageopt.evidence.join import join

    evidence = join(None, parse(b"FROM node\n"), None)
    rules: tuple[Rule, ...] = tuple(replace(rule, severity="off") for rule in load_rules())
    assert check(evidence, rules) == ()
