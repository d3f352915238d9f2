"""What a user decides about the rules: in `imageopt.toml`, in a `.hadolint.yaml`, and by rules of their own."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from imageopt.config import Config, load_config
from imageopt.errors import UsageError
from imageopt.rules.hadolint import HadolintConfig, read_hadolint
from imageopt.rules.load import load_rules
from imageopt.rules.model import Rule
from imageopt.rules.policy import Policy, make_policy


def policy(folder: Path, toml: str | None = None, yaml: str | None = None) -> Policy:
    (folder / ".git").mkdir(exist_ok=True)
    if toml is not None:
        (folder / "imageopt.toml").write_text(toml)
    if yaml is not None:
        (folder / ".hadolint.yaml").write_text(yaml)
    return make_policy(load_config(folder), folder)


def severity(rules: Iterable[Rule], name: str) -> str:
    return next(rule.severity for rule in rules if rule.name == name)


def test_without_a_configuration_the_rules_are_as_their_files_say(tmp_path: Path) -> None:
    assert policy(tmp_path) == Policy(load_rules())


def test_rules_have_the_severity_and_the_parameters_that_the_configuration_gives(tmp_path: Path) -> None:
    text = """
[rules]
apt-lists-left = "off"
io102 = "error"
[rules.deleted-in-later-layer]
least_bytes = 5
[rules.runs-as-root]
severity = "style"
"""
    made = policy(tmp_path, text)
    names = ("apt-lists-left", "apt-recommends", "runs-as-root", "deleted-in-later-layer")
    assert [severity(made.rules, name) for name in names] == [
        "off", "error", "style", severity(load_rules(), "deleted-in-later-layer"),
    ]  # fmt: skip
    (changed,) = (rule for rule in made.rules if rule.name == "deleted-in-later-layer")
    (as_it_was,) = (rule for rule in load_rules() if rule.name == "deleted-in-later-layer")
    assert changed.parameters == {**as_it_was.parameters, "least_bytes": 5}


def test_a_table_of_parameters_is_added_to_and_a_list_is_replaced(tmp_path: Path) -> None:
    text = """
[rules]
base-end-of-life.node = {20 = "2027-01-01", 99 = "2030-01-01"}
secret-in-arg-or-env.names = ["PIN"]
"""
    parameters = {rule.name: rule.parameters for rule in policy(tmp_path, text).rules}
    before = {rule.name: rule.parameters for rule in load_rules()}
    node = parameters["base-end-of-life"]["node"]
    assert node == {**before["base-end-of-life"]["node"], "20": "2027-01-01", "99": "2030-01-01"}
    assert parameters["secret-in-arg-or-env"]["names"] == ["PIN"]


def test_a_rule_named_twice_has_both(tmp_path: Path) -> None:
    text = '[rules]\nIO101 = "info"\n[rules.apt-lists-left]\n'
    assert severity(policy(tmp_path, text).rules, "apt-lists-left") == "info"


@pytest.mark.parametrize(
    ("text", "cause", "remedy"),
    [
        ('[rules]\napt-list-left = "off"\n', "imageopt.toml:2: there is no rule 'apt-list-left'", "apt-lists-left"),
        ('[rules]\nDL3009 = "off"\n', "imageopt.toml:2: there is no rule 'DL3009'", "apt-lists-left"),
        ('[rules]\nzzz = "off"\n', "there is no rule 'zzz'", "imageopt rules"),
        ('[rules]\napt-lists-left = "fatal"\n', "imageopt.toml:2: rules.apt-lists-left is 'fatal'", "error, warning"),
        ("[rules]\napt-lists-left = 3\n", "rules.apt-lists-left is not a text", "quotes"),
        ('[rules.deleted-in-later-layer]\nleast_byte = 5\n', "imageopt.toml:2: rules.deleted-in-later-layer.least_byte is not known", "least_bytes"),
        ('[rules.apt-lists-left]\nwhat = 5\n', "rules.apt-lists-left.what is not known", "known here: severity"),
        ('[rules.deleted-in-later-layer]\nleast_bytes = "5"\n', "least_bytes is not as the rule has it", "write it like"),
        ('[rules.secret-in-arg-or-env]\nnames = [1]\n', "names is not as the rule has it", "write it like"),
        ('[rules.base-end-of-life]\nnode = {20 = 1}\n', "node is not as the rule has it", "write it like"),
        ('[rules.apt-lists-left]\nseverity = "high"\n', "rules.apt-lists-left.severity is 'high'", "error, warning"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, cause: str, remedy: str) -> None:
    with pytest.raises(UsageError) as error:
        policy(tmp_path, text)
    assert cause in error.value.cause
    assert remedy in error.value.remedy


def test_a_waiver_says_where_it_stands(tmp_path: Path) -> None:
    inner = tmp_path / "web"
    inner.mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "imageopt.toml").write_text(
        '[[ignore]]\nreason = "y"\nrule = "a"\n\n[[ignore]]\nrule = "b"\nreason = "x"\nuntil = 2027-01-01\n'
    )
    made = make_policy(load_config(inner), inner)
    assert [(waiver.rule, waiver.file, waiver.line, waiver.until) for waiver in made.waivers] == [
        ("a", "../imageopt.toml", 3, None),
        ("b", "../imageopt.toml", 6, date(2027, 1, 1)),
    ]
    assert make_policy(load_config(inner), inner, base=tmp_path).waivers[0].file == "imageopt.toml"


TEAM = (Path(__file__).parent / "team-rule.toml").read_text("utf-8")


def test_a_team_s_rules_lie_beside_the_configuration_or_above_the_folder(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "web"
    (tmp_path / ".imageopt" / "rules").mkdir(parents=True)
    inner.mkdir()
    (tmp_path / ".imageopt" / "rules" / "internal-registry.toml").write_text(TEAM)
    assert "TEAM1" in {rule.code for rule in make_policy(Config(), inner).rules}
    (inner / "imageopt.toml").write_text("[rules]\ninternal-registry = 'error'\n")
    with pytest.raises(UsageError, match="there is no rule 'internal-registry'"):
        make_policy(load_config(inner), inner)
    (inner / "imageopt.toml").rename(tmp_path / "imageopt.toml")
    assert severity(make_policy(load_config(inner), inner).rules, "internal-registry") == "error"


def test_rules_without_their_examples_are_the_same_rules() -> None:
    assert load_rules(examples=False) == tuple(replace(rule, examples=()) for rule in load_rules())
    assert all(rule.examples for rule in load_rules())


def test_hadolint_s_configuration_is_heard(tmp_path: Path) -> None:
    yaml = """
# our linter
ignored:
  - DL3009
  - SC2086
override:
  error: [dl3015]
  warning:
    - DL3002
  info: [DL3015]
  style: []
failure-threshold: Warning
trustedRegistries: [docker.io, '*.example.org']
format: tty
"""
    made = policy(tmp_path, yaml=yaml)
    names = ("apt-lists-left", "apt-recommends", "runs-as-root")
    assert [severity(made.rules, name) for name in names] == ["off", "error", "warning"]
    assert (made.fail_on, made.notes) == ("warning", ())
    for rule in made.rules:
        if rule.name == "untrusted-registry":
            assert (rule.severity, rule.parameters["registries"]) == ("error", ["docker.io", "*.example.org"])


def test_hadolint_s_configuration_is_not_read_beside_our_own(tmp_path: Path) -> None:
    assert policy(tmp_path, "", "ignored: [DL3009]\n") == Policy(load_rules())


@pytest.mark.parametrize(
    ("text", "config", "notes"),
    [
        ("", HadolintConfig(), 0),
        ("# nothing\n", HadolintConfig(), 0),
        ("---\nignored:\n", HadolintConfig(), 0),
        ("no-fail: true\nfailure-threshold: error\n", HadolintConfig(fail_on="off"), 0),
        ("failure-threshold: none\n", HadolintConfig(fail_on="off"), 0),
        ("failure-threshold: ignore\n", HadolintConfig(fail_on="style"), 0),
        ("failure-threshold: fatal\n", HadolintConfig(), 1),
        ("failure-threshold: [error]\n", HadolintConfig(), 1),
        ("ignored: DL3009\n", HadolintConfig(), 1),
        ("ignored: [[DL3009]]\n", HadolintConfig(), 1),
        ("override: [DL3009]\n", HadolintConfig(), 1),
        ("override:\n  error: DL3009\n", HadolintConfig(), 1),
        ("- DL3009\n", HadolintConfig(), 1),
        ("ignored: [\n", HadolintConfig(), 1),
        ("ignored: &a [*a]\n", HadolintConfig(), 1),
        ("a: \x00\n", HadolintConfig(), 1),
        ("x" * 1_000_001, HadolintConfig(), 0),
    ],
)
def test_what_is_wrong_in_hadolint_s_file_is_a_note_of_one_line(
    tmp_path: Path, text: str, config: HadolintConfig, notes: int
) -> None:
    path = tmp_path / ".hadolint.yml"
    path.write_text(text)
    found, told = read_hadolint(path)
    assert found == config
    assert len(told) == notes
    assert all("\n" not in note and note.startswith(".hadolint.yml") for note in told)


def test_a_hadolint_file_that_cannot_be_read_is_a_note(tmp_path: Path) -> None:
    path = tmp_path / ".hadolint.yaml"
    path.write_bytes(b"ignored: [\xff]\n")
    assert "not UTF-8" in read_hadolint(path)[1][0]
    path.unlink()
    path.mkdir()
    assert "is not heard" in read_hadolint(path)[1][0]
