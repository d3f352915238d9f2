"""Results of older versions are shown: what they lack is unknown and said, and is never a crash."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from imageopt.cli.edge import run
from imageopt.errors import InputError
from imageopt.gate.model import GateResult
from imageopt.report.analysis import analysis_document
from imageopt.report.gate import gate_document
from imageopt.report.older import completed
from imageopt.report.render import formats_of, render
from imageopt.report.verification import verification_document
from imageopt.rules.model import Analysis
from imageopt.verify.model import Verification

pytestmark = pytest.mark.slow  # every field of every result

Json = dict[str, Any]
OLDER = sorted((Path(__file__).parent / "older").glob("*.json"))


def shown(document: Json, format: str) -> str:  # noqa: A002
    return render(document, format, color=False, width=400, plain=True)


@pytest.mark.parametrize("result", OLDER, ids=lambda path: path.stem)
def test_every_format_shows_them(result: Path) -> None:
    document = json.loads(result.read_bytes())
    for name in formats_of(document["schema"]):
        assert shown(document, name).endswith("\n")


def test_what_an_older_version_did_not_tell_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(OLDER[0]), "--color", "never"]) == 0
    assert "written by an older version, which did not tell image.digest_verified" in capsys.readouterr().out


def test_of_many_things_the_first_are_named() -> None:
    document = json.loads(next(path for path in OLDER if path.stem == "verification").read_bytes())
    said = completed(document)["not_checked"][-1]
    assert said.startswith("written by an older version, which did not tell timing.step_seconds, ")
    assert said.endswith(" more")
    assert completed(document)["before"]["modules"] == {"result": None, "reason": "unknown"}


def test_json_is_handed_on_as_it_was() -> None:
    document = json.loads(OLDER[0].read_bytes())
    assert json.loads(shown(document, "json")) == document


def test_today_s_results_lack_nothing(analysis: Analysis, verification: Verification, gate: GateResult) -> None:
    for document in (analysis_document(analysis), verification_document(verification, 1.0), gate_document(gate)):
        whole = completed(document)
        assert "older version" not in json.dumps([whole.get("notes"), whole.get("not_checked")])


@pytest.mark.parametrize("format", ["terminal", "html"])
def test_no_field_that_is_not_there_is_a_crash(
    format: str,  # noqa: A002
    analysis: Analysis,
    verification: Verification,
    gate: GateResult,
) -> None:
    for document in (analysis_document(analysis), verification_document(verification, 1.0), gate_document(gate)):
        for key in set(document) - {"schema"}:
            less = {name: value for name, value in document.items() if name != key}
            with contextlib.suppress(InputError):  # what every version had: a damaged file, and said to be one
                assert shown(less, format).endswith("\n"), key
