"""Comments that suppress findings: whose, where they count, until when, and what is said of those in vain."""

from datetime import date

import pytest
from msgspec.structs import replace

from imageopt.config import Waiver
from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.rules.check import Judged, judge
from imageopt.rules.comments import suppressions
from imageopt.rules.load import load_rules
from imageopt.rules.lookup import Names
from imageopt.rules.suppress import REPORT

RULES = load_rules()
NOW = date(2026, 6, 1)
BAD = "CMD node server.js\n"  # shell-form-cmd: hadolint DL3025, BuildKit JSONArgsRecommended


def judged(text: str, waivers: tuple[Waiver, ...] = ()) -> Judged:
    return judge(join(None, parse(text.encode()), None), RULES, waivers=waivers, now=NOW)


def stands(text: str, rule: str = "shell-form-cmd") -> bool:
    return rule in {finding.rule for finding in judged(text).findings}


def in_vain(text: str) -> list[str]:
    return [finding.message for finding in judged(text).findings if finding.code == "IO613"]


SUPPRESSED = [
    ("by name", "FROM a:1\n# imageopt ignore=shell-form-cmd\n"),
    ("by code, whatever its case", "FROM a:1\n#imageopt ignore = io510\n"),
    ("several names", "FROM a:1\n# imageopt ignore=apt-lists-left,  shell-form-cmd ; reason=x\n"),
    ("several lines add up", "FROM a:1\n# imageopt ignore=shell-form-cmd\n# imageopt ignore=runs-as-root\n# why\n"),
    ("on its last day", "FROM a:1\n# imageopt ignore=shell-form-cmd; until=2026-06-01\n"),
    ("a reason with semicolons", "FROM a:1\n# imageopt ignore=shell-form-cmd; reason=a; b; until=2027-01-01\n"),
    ("for the whole file", "# imageopt global ignore=shell-form-cmd\n\nFROM a:1\n"),
    ("for the stage", "# imageopt stage ignore=shell-form-cmd\nFROM a:1\nRUN x\n"),
    ("indented", "FROM a:1\n  # imageopt ignore=shell-form-cmd\n  "),
    ("hadolint", "FROM a:1\n# hadolint ignore=DL3025\n"),
    ("hadolint, with a reason", "FROM a:1\n# hadolint ignore=DL3008, DL3025 # the shell is wanted\n"),
    ("hadolint, the line before the last", "FROM a:1\n# hadolint ignore=DL3025\n# hadolint ignore=DL3008\n"),
    ("hadolint, the whole file", "FROM a:1\nRUN x\n# hadolint global ignore=DL3025\n\nRUN y\n"),
    ("hadolint, the stage", "# hadolint stage ignore=DL3025\nFROM a:1\n"),
    (
        "BuildKit, the whole file",
        "# syntax=docker/dockerfile:1\n# check=skip=JSONArgsRecommended;error=true\nFROM a:1\n",
    ),
    ("BuildKit, everything", "#check=skip=all\nFROM a:1\n"),
    ("BuildKit, an instruction", "FROM a:1\n# check=skip=StageNameCasing,JSONArgsRecommended // the shell is wanted\n"),
]


@pytest.mark.parametrize("above", [case[1] for case in SUPPRESSED], ids=[case[0] for case in SUPPRESSED])
def test_a_comment_suppresses(above: str) -> None:
    assert not stands(f"{above}{BAD}")
    assert "shell-form-cmd" in [one.finding.rule for one in judged(f"{above}{BAD}").suppressed]


STANDS = [
    ("nothing", "FROM a:1\n"),
    ("a blank line between", "FROM a:1\n# imageopt ignore=shell-form-cmd\n\n"),
    ("another instruction", "FROM a:1\n# imageopt ignore=shell-form-cmd\nRUN x\n"),
    ("another rule", "FROM a:1\n# imageopt ignore=apt-lists-left\n"),
    ("expired", "FROM a:1\n# imageopt ignore=shell-form-cmd; until=2026-05-31\n"),
    ("a day that is none", "FROM a:1\n# imageopt ignore=shell-form-cmd; until=soon\n"),
    ("a misspelt word", "FROM a:1\n# imageopt ignroe=shell-form-cmd\n"),
    ("a setting that there is not", "FROM a:1\n# imageopt ignore=shell-form-cmd; untill=2027-01-01\n"),
    ("the stage before", "# imageopt stage ignore=shell-form-cmd\nFROM a:1 AS b\nFROM a:1\n"),
    ("the reason names it", "FROM a:1\n# hadolint ignore=DL3008 # and DL3025\n"),
    ("no directive further down", "FROM a:1\n# check=skip=JSONArgsRecommended\nRUN x\n"),
    ("another option", "FROM a:1\n# check=error=JSONArgsRecommended\n"),
    ("a name of another tool", "FROM a:1\n# hadolint ignore=JSONArgsRecommended\n"),
    ("above no stage", "# imageopt stage ignore=shell-form-cmd\nARG X\nFROM a:1\n"),
]


@pytest.mark.parametrize("above", [case[1] for case in STANDS], ids=[case[0] for case in STANDS])
def test_a_comment_does_not_suppress(above: str) -> None:
    assert stands(f"{above}{BAD}")


@pytest.mark.parametrize(
    ("comment", "suppressed"),
    [
        ("trivy:ignore:DS-0002", True),
        ("trivy:ignore:AVD-DS-0002", True),
        ("trivy:ignore:ds002", True),
        ("trivy:ignore:DS-0001 trivy:ignore:DS-0002", True),
        ("trivy:ignore:*", True),
        ("trivy:ignore:DS-0002:exp:2026-06-01", True),
        ("trivy:ignore:DS-0002:exp:2026-05-31", False),
        ("trivy:ignore:DS-0002:exp:2026-99-99", False),
        ("trivy:ignore:DS-0001", False),
        ("trivy:ignore:", False),
    ],
)
def test_trivy_s_names_have_three_spellings(comment: str, suppressed: bool) -> None:
    for text in (f"FROM a:1\n# {comment}\nUSER root\n", f"# {comment}\nFROM a:1\n"):
        assert stands(text, "runs-as-root") is not suppressed


def test_above_the_first_instruction_trivy_is_told_of_the_whole_file() -> None:
    assert not stands("# trivy:ignore:DS-0002\nFROM a:1\nRUN x\nUSER root\n", "runs-as-root")


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("# imageopt ignore=shell-form-cmd\nCMD [\"x\"]\n", "Nothing here is suppressed by ignore=shell-form-cmd.", 2, 19),
        ("# imageopt ignore=IO510,nope\nCMD x\n", "There is no rule 'nope'.", 2, 25),
        ("# imageopt ignore=shell-from-cmd\nCMD x\n", "There is no rule 'shell-from-cmd', did you mean shell-form-cmd.", 2, 19),
        ("# imageopt ignore=DL3025\nCMD x\n", "There is no rule 'DL3025', did you mean shell-form-cmd.", 2, 19),
        ("# imageopt ignore=IO510; until=2026-01-31\nCMD x\n", "This comment suppresses nothing: it expired on 2026-01-31.", 2, 1),
        ("# imageopt ignore=IO510; until=x\nCMD x\n", "This comment suppresses nothing: until=x is not a day such as 2027-03-31.", 2, 1),
        ("# imageopt ignore=IO510; why=x\nCMD x\n", "This comment suppresses nothing: 'why' is not known beside reason= and until=.", 2, 1),
        ("# imageopt ignroe=IO510\nCMD x\n", "This comment suppresses nothing: 'ignroe' is not known, only ignore= is.", 2, 1),
        ("# imageopt ignore=\nCMD x\n", "This comment suppresses nothing: it names no rule.", 2, 1),
        ("  # imageopt ignore=IO510\n\nCMD x\n", "This comment suppresses nothing: no instruction stands directly below it.", 2, 3),
    ],
)  # fmt: skip
def test_a_comment_in_vain_is_reported_at_its_word(text: str, message: str, line: int, column: int) -> None:
    (found,) = (finding for finding in judged(f"FROM a:1\n{text}").findings if finding.code == "IO613")
    assert (found.message, found.severity) == (message, "info")
    assert found.location is not None
    assert (found.location.line, found.location.column) == (line, column)


QUIET = [
    ("other tools' comments", "FROM a:1\n# hadolint ignore=DL3008,SC2086\n# check=skip=Foo\n# trivy:ignore:DS-0026\nRUN x\n"),
    ("a rule that counts bytes", "FROM a:1\n# imageopt ignore=build-tools-in-final\nRUN x\n"),
    ("a rule that needs the project", "FROM a:1\n# imageopt ignore=host-node-modules-copied\nRUN x\n"),
    ("prose", "FROM a:1\n# imageopt is run on this file; ignore= is not used\nRUN x\n"),
    ("itself", "# imageopt global ignore=IO613\nFROM a:1\n# imageopt ignore=nope\nRUN x\n"),
]  # fmt: skip


@pytest.mark.parametrize("text", [case[1] for case in QUIET], ids=[case[0] for case in QUIET])
def test_nothing_is_said_of(text: str) -> None:
    assert in_vain(text) == []


def test_a_comment_for_a_rule_that_is_off_is_not_called_unused() -> None:
    rules = [replace(rule, severity="off") if rule.name == "shell-form-cmd" else rule for rule in RULES]
    evidence = join(None, parse(b'FROM a:1\n# imageopt ignore=shell-form-cmd\nCMD ["x"]\nUSER 1\n'), None)
    assert judge(evidence, rules, now=NOW).findings == ()


def test_what_is_suppressed_says_by_whom_and_why() -> None:
    text = f"FROM a:1\nUSER 1\n# imageopt ignore=IO510; reason=a shell is wanted; until=2027-01-01\n{BAD}"
    (one,) = judged(text).suppressed
    assert (one.finding.rule, one.by, one.reason, one.until) == (
        "shell-form-cmd", "a comment", "a shell is wanted", date(2027, 1, 1),
    )  # fmt: skip
    (one,) = judged(f"FROM a:1\nUSER 1\n# hadolint ignore=DL3025 # wanted\n{BAD}").suppressed
    assert (one.by, one.reason) == ("a comment for hadolint", "wanted")
    (one,) = judged(f"FROM a:1\nUSER 1\n# check=skip=JSONArgsRecommended // wanted\n{BAD}").suppressed
    assert (one.by, one.reason) == ("a comment for BuildKit", "wanted")


@pytest.mark.parametrize(
    ("waiver", "stands", "message"),
    [
        (Waiver("shell-form-cmd", "why", None), False, None),
        (Waiver("IO510", "why", date(2026, 6, 1)), False, None),
        (Waiver("IO510", "why", date(2026, 5, 31), line=7), True, "The waiver of IO510 expired on 2026-05-31."),
        (Waiver("nope", "why", None, line=7), True, "There is no rule 'nope'."),
        (Waiver("apt-lists-left", "why", None), True, None),
    ],
)
def test_a_waiver_counts_for_the_whole_file(waiver: Waiver, stands: bool, message: str | None) -> None:
    found = judged(f"FROM a:1\nUSER 1\n{BAD}", (waiver,))
    assert ("shell-form-cmd" in {one.rule for one in found.findings}) == stands
    assert [one.reason for one in found.suppressed] == ([] if stands else ["why"])
    told = [(one.message, one.location) for one in found.findings if one.code == "IO613"]
    assert [text for text, _ in told] == ([message] if message else [])
    assert all(place is not None and (place.file, place.line) == ("imageopt.toml", 7) for _, place in told)


def test_a_file_of_comments_alone_is_read() -> None:
    assert suppressions(parse(b"# imageopt ignore=a")) != ()
    assert suppressions(parse(b"FROM a\n# imageopt\n")) == ()
    assert suppressions(parse(b"FROM a\n# nothing at all\n")) == ()


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("apt-lists-left", ["apt-lists-left"]),
        ("io101", ["apt-lists-left"]),
        ("DL3009", ["apt-lists-left"]),
        ("hadolint:dl3009", ["apt-lists-left"]),
        ("AVD-DS-0029", ["apt-recommends"]),
        ("ds029", ["apt-recommends"]),
        ("JSONArgsRecommended", ["shell-form-cmd"]),
        ("DL9999", []),
    ],
)
def test_a_rule_is_found_by_what_anybody_calls_it(name: str, rules: list[str]) -> None:
    assert [rule.name for rule in Names(RULES).meant(name)] == rules


def test_a_suggestion_comes_near_or_is_none() -> None:
    names = Names(RULES)
    assert names.suggestion("apt-list-left") == "did you mean apt-lists-left?"
    assert names.suggestion("DL3009") == "did you mean apt-lists-left?"
    assert names.suggestion("zzz") == ""


def test_one_rule_is_told_of_what_is_in_vain() -> None:
    assert [rule.code for rule in RULES if rule.check == REPORT] == ["IO613"]


def test_ten_thousand_comments_take_no_time() -> None:
    import time

    block = "# imageopt stage ignore=nope; reason=x\n# trivy:ignore:DS-0002[\n# hadolint ignore=DL3025\nRUN x\n"
    dockerfile = parse(("FROM a\n" + block * 3_000 + "# trivy:ignore:a" + "[" * 30_000 + "\nRUN y\n").encode())
    started = time.process_time()
    assert len(suppressions(dockerfile)) == 9_001
    assert time.process_time() - started < 10


def test_each_instruction_of_many_has_its_own_comment() -> None:
    import time

    block = "# imageopt ignore=shell-form-cmd\nENTRYPOINT x\n# imageopt ignore=apt-lists-left\nRUN apt-get update\n"
    text = "".join(f"# hadolint stage ignore=DL3002\nFROM a:1 AS s{n}\n{block * 10}" for n in range(200))
    evidence = join(None, parse(text.encode()), None)
    started = time.process_time()
    found = judge(evidence, [rule for rule in RULES if rule.name in ("shell-form-cmd", "apt-lists-left")], now=NOW)
    assert found.findings == ()
    assert {one.finding.rule for one in found.suppressed} == {"shell-form-cmd", "apt-lists-left"}
    assert time.process_time() - started < 20
