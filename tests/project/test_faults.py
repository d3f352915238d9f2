"""What is said of a file that cannot be read: where, and why."""

import pytest

from imageopt.project.faults import conflict_line, json_fault, line_of


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{\n  "a": 1,\n}', "a.json:3: it is not JSON: illegal trailing comma before end of object"),
        ("[]", "a.json:1: it is not a JSON object"),
        ('{"a": ' * 50_000, "a.json:1: it is not JSON that can be read: it nests too deep or holds too long a number"),
        ("{\n<<<<<<< HEAD\n}", "a.json:2: it holds the marks of an unsolved merge"),
        ('{\n "a": 1\n>>>>>>> theirs\n}', "a.json:3: it holds the marks of an unsolved merge"),
    ],
)
def test_faults_name_the_line(text: str, fault: str) -> None:
    shown = json_fault("a.json", text)
    # the words of the standard library differ between its versions; the place does not
    assert shown == fault or ("not JSON: " in fault and shown.startswith(fault.partition("not JSON: ")[0]))


@pytest.mark.parametrize("text", ["", "a <<<<<<< b", "<<<<<<<<< x", "# ======= heading", "<<<<<<<x"])
def test_arrows_elsewhere_are_no_conflict(text: str) -> None:
    assert conflict_line(text) is None


def test_line_of() -> None:
    assert (line_of("a\nb\nc", "b"), line_of("a", "z")) == (2, 1)
