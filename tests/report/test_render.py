"""Every result in every format: what must stand in it, and that nothing of an image can become more than text."""

import base64
import copy
import hashlib
import html.parser
import re
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from imageopt.compare.model import Compared
from imageopt.errors import InputError, UsageError
from imageopt.gate.model import GateResult
from imageopt.report.analysis import analysis_document
from imageopt.report.before_after import rows
from imageopt.report.comparison import comparison_document
from imageopt.report.gate import gate_document
from imageopt.report.markdown import escaped
from imageopt.report.render import FORMATS, render
from imageopt.report.rewrite import rewrite_document
from imageopt.report.verification import verification_document
from imageopt.rewrite.model import Rewrite
from imageopt.rules.model import Analysis, EvidencePath
from imageopt.verify.model import Verification

HOSTILE = "a\x1b[31m<script>alert(1)</script> [link](javascript:x) | `code` [bold]x[/bold] \u202e\nend"


@pytest.fixture
def documents(
    analysis: Analysis,
    analysis_without_image: Analysis,
    verification: Verification,
    broken: Verification,
    rewrite: Rewrite,
    gate: GateResult,
    compared: Compared,
) -> dict[str, dict[str, Any]]:
    return {
        "analysis": analysis_document(analysis),
        "analysis without an image": analysis_document(analysis_without_image),
        "verification": verification_document(verification, 12.0),
        "broken verification": verification_document(broken, 12.0),
        "rewrite": rewrite_document(rewrite, "shop"),
        "refused rewrite": rewrite_document(replace(rewrite, outcome="refused", changes=(), transformed=()), "shop"),
        "gate": gate_document(gate),
        "comparison": comparison_document(compared),
    }


def shown(document: Mapping[str, Any], format: str, **how: Any) -> str:  # noqa: A002
    return render(document, format, **{"color": False, "width": None, "plain": True, **how})


@pytest.mark.parametrize("format", FORMATS)
def test_every_result_in_every_format(documents: dict[str, dict[str, Any]], format: str) -> None:  # noqa: A002
    for document in documents.values():
        text = shown(document, format)
        assert text.endswith("\n")
        assert shown(document, format) == text


class Balanced(html.parser.HTMLParser):
    """Fails on a tag that is closed out of order, and remembers what there is."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in ("meta", "br", "hr", "img", "link", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_whole_and_needs_nothing(documents: dict[str, dict[str, Any]]) -> None:
    for document in documents.values():
        text = shown(document, "html")
        parser = Balanced()
        parser.feed(text)
        assert parser.open == []
        assert not re.search(r"""(?:src|href)=|url\(|@import""", text)
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|fetch\(|XMLHttp", text)
        scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
        assert len(scripts) == text.count("<script>") <= 1
        for script in scripts:  # the page's policy names this one, so no other runs
            digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            assert f"script-src 'sha256-{digest}'" in text


@pytest.mark.parametrize("format", ["html", "markdown", "terminal"])
def test_text_from_an_image_stays_text(analysis: Analysis, format: str) -> None:  # noqa: A002
    finding = replace(analysis.findings[0], title=HOSTILE, message=HOSTILE, evidence=(EvidencePath(f"/{HOSTILE}", 1),))
    hostile = replace(
        analysis, findings=(finding,), target=replace(analysis.target, reference=HOSTILE), notes=(HOSTILE,)
    )
    text = shown(analysis_document(hostile), format)
    assert "\x1b" not in text
    assert "\u202e" not in text
    if format == "html":
        assert "<script>alert" not in text
    if format == "markdown":
        assert "<script>" not in text.replace("\\<script\\>", "")
        assert "[link](" not in text
    if format == "terminal":
        assert "[bold]x[/bold]" in text


def test_markdown_escapes_what_would_be_markup() -> None:
    assert escaped("a|b`c`<d>*e*[f](g)\n@all") == r"a\|b\`c\`\<d\>\*e\*\[f\]\(g\)\\x0a\@" + "\u2060all"
    assert escaped("45 % of $HOME, %12 and ^x") == r"45 % of \$HOME, \%12 and \^x"


def test_a_list_is_no_part_of_the_fold_before_it(documents: dict[str, dict[str, Any]]) -> None:
    for document in documents.values():
        assert not re.search(r"</details>\n-", shown(document, "markdown"))


def test_a_fence_is_longer_than_any_in_the_change(rewrite: Rewrite) -> None:
    document = {**rewrite_document(rewrite, "shop"), "diff": "+````\n+text\n"}
    assert "`````diff\n+````\n+text\n`````" in shown(document, "markdown")


def test_the_answer_is_where_a_tired_person_looks(documents: dict[str, dict[str, Any]]) -> None:
    verification, gate = documents["verification"], documents["gate"]
    assert shown(verification, "terminal").rstrip().splitlines()[-1] == f"verdict: {verification['verdict']}"
    assert shown(verification, "markdown").splitlines()[0].endswith(verification["verdict"])
    assert shown(gate, "terminal").rstrip().splitlines()[-1] == f"gate: {'pass' if gate['passed'] else 'fail'}"


def test_the_first_line_says_what_came_of_it(documents: dict[str, dict[str, Any]]) -> None:
    verification = documents["verification"]
    first = shown(verification, "terminal").splitlines()[0]
    assert first.startswith(f"{verification['reference']}: {verification['verdict']}, ")
    assert " unpacked (-" in first
    gate = documents["gate"]
    assert shown(gate, "terminal").splitlines()[0] == f"{gate['reference']}: {'pass' if gate['passed'] else 'fail'}"
    assert shown(documents["analysis without an image"], "terminal").splitlines()[1] == "1 finding: 1 warning"


def test_what_was_done_of_neither_is_no_row(documents: dict[str, dict[str, Any]]) -> None:
    document = copy.deepcopy(documents["verification"])
    assert "rebuild after one change" in [row.label for row in rows(document)]
    document["timing"]["rebuild_seconds"] = {"before": None, "after": None}
    assert "rebuild after one change" not in [row.label for row in rows(document)]


def test_a_finding_can_be_looked_up(documents: dict[str, dict[str, Any]]) -> None:
    for format in ("terminal", "markdown", "html"):  # noqa: A001
        text = shown(documents["analysis"], format, width=80, plain=False)
        assert all(finding["code"] in text for finding in documents["analysis"]["findings"])


def test_what_to_do_hangs_from_its_arrow(documents: dict[str, dict[str, Any]]) -> None:
    document = copy.deepcopy(documents["analysis without an image"])
    document["findings"][0]["fix"]["text"] = "split " * 20
    lines = shown(document, "terminal", width=70, plain=False).splitlines()
    first = next(index for index, line in enumerate(lines) if "-> split" in line)
    assert lines[first].index("split") == lines[first + 1].index("split") > 0


def test_an_error_comes_before_any_saving(documents: dict[str, dict[str, Any]]) -> None:
    document = copy.deepcopy(documents["analysis"])
    secret = {**document["findings"][-1], "severity": "error", "message": "A secret", "saving": {"bytes": None}}
    document["findings"].append(secret)
    text = shown(document, "terminal")
    assert text.index("Errors\n") < text.index("A secret") < text.index("What to do, biggest first")
    assert text.count("A secret") == 1
    for format in ("markdown", "html"):  # noqa: A001
        text = shown(document, format)
        assert text.index("A secret") < text.index(document["findings"][0]["title"])


def test_a_gate_s_causes_stay_in_their_column(documents: dict[str, dict[str, Any]]) -> None:
    document = copy.deepcopy(documents["gate"])
    cause = {"rule": "x", "title": "long " * 20, "bytes": 5_000_000, "basis": "exact", "location": None, "fix": "do"}
    document["causes"] = [cause]
    lines = shown(document, "terminal", width=60, plain=False).splitlines()
    below = lines[lines.index("Biggest causes") + 1 :]
    assert below[0].startswith("5.00 MB  long")
    assert below[1].startswith(" " * 9 + "long")


def test_a_missing_scan_is_never_told_as_a_clean_one(documents: dict[str, dict[str, Any]]) -> None:
    for format in ("markdown", "html", "terminal"):  # noqa: A001
        assert "introduced: none" not in shown(documents["broken verification"], format)


def test_times_that_look_alike_show_no_difference(documents: dict[str, dict[str, Any]]) -> None:
    document = copy.deepcopy(documents["verification"])
    document["timing"]["ready_seconds"] = {"before": 0.551, "after": 0.649}
    row = next(row for row in rows(document) if row.label == "until it answers")
    assert (row.before, row.after, row.change) == ("0.6 s", "0.6 s", "")


@pytest.mark.parametrize("width", [40, 80, 140])
@pytest.mark.parametrize("color", [True, False])
def test_the_terminal_is_never_wider_than_it_is(documents: dict[str, dict[str, Any]], width: int, color: bool) -> None:
    for document in documents.values():
        changed = document.get("diff", "").split("\n")  # a patch stays one that can be copied
        for colored in shown(document, "terminal", color=color, width=width, plain=False).splitlines():
            line = re.sub(r"\x1b\[[0-9;]*m", "", colored)
            assert len(line) <= width or line in changed


def test_a_diff_is_never_wrapped(documents: dict[str, dict[str, Any]]) -> None:
    long = f"+RUN apt-get install -y {' '.join(f'package-{number}' for number in range(40))}"
    document = {**documents["rewrite"], "diff": f"--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1 +1 @@\n{long}\n"}
    assert long in shown(document, "terminal", width=80, plain=False).splitlines()


def test_a_narrow_terminal_shows_the_sizes_whole(documents: dict[str, dict[str, Any]]) -> None:
    lines = shown(documents["analysis"], "terminal", width=40, plain=False).splitlines()
    below = lines[lines.index("Where the bytes are") + 1 :]
    assert re.match(r" *\d[\d.]* [kMG]?B  \w", below[0])
    both = shown(documents["verification"], "terminal", width=40, plain=False).splitlines()
    assert not any(
        "…" in line.split("  ", 1)[-1] for line in both if line.startswith(("download", "unpacked", "files"))
    )


def test_what_is_wrapped_in_a_list_stays_in_it(documents: dict[str, dict[str, Any]]) -> None:
    lines = shown(documents["verification"], "terminal", width=40, plain=False).splitlines()
    below = lines[lines.index("Not checked") + 1 :]
    assert all(line.startswith("  ") for line in below[: below.index("")])


@pytest.mark.parametrize("format", ["terminal", "markdown", "html"])
def test_lost_files_and_hazards_that_nobody_looked_for_are_shown_to_people(
    documents: dict[str, dict[str, Any]],
    format: str,  # noqa: A002
) -> None:
    document = copy.deepcopy(documents["verification"])
    lost = {"kind": "fonts", "files": 2, "bytes": 9, "examples": ["app/ink"], "named": []}
    document["comparison"]["files"]["lost"] = [lost]
    document["hazards"] = [{"id": "H30", "title": "its own test", "result": "not-checked", "reason": "none is named"}]
    text = shown(document, format, width=200)
    assert "fonts: 2 files, such as app/ink" in text
    assert "its own test: none is named" in text
    assert "H30" not in text.partition("<script")[0]


def test_colour_only_where_it_is_asked_for(documents: dict[str, dict[str, Any]]) -> None:
    assert "\x1b[" in shown(documents["analysis"], "terminal", color=True, plain=False)
    assert "\x1b" not in shown(documents["analysis"], "terminal", color=False, plain=False)
    assert not set("─│┌█▏") & set(shown(documents["analysis"], "terminal", plain=True))


def test_what_is_no_result_and_what_is_no_format(documents: dict[str, dict[str, Any]]) -> None:
    with pytest.raises(InputError, match="is not the schema"):
        shown({"schema": "other/1"}, "terminal")
    with pytest.raises(InputError, match="not as its schema asks"):
        shown({"schema": "imageopt.analysis/1"}, "terminal")
    with pytest.raises(UsageError, match="there is no format"):
        shown(documents["gate"], "yaml")
