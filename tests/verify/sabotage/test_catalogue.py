"""The catalogue is as large as promised, and the page about it says what the committed file says."""

import json
import tomllib

import sabotaged


def test_there_are_enough_cases_on_more_than_one_kind_of_service() -> None:
    sabotage, harmless = sabotaged.cases("sabotage"), sabotaged.cases("harmless")
    assert len(sabotage) >= 25
    assert len(harmless) >= 15
    assert {case.service for case in sabotage} == {case.service for case in harmless} == {"web", "site", "job"}
    names = [case.name for case in (*sabotage, *harmless)]
    assert len(names) == len(set(names))


def test_every_case_of_sabotage_names_what_has_to_be_said() -> None:
    rows = tomllib.loads((sabotaged.FOLDER / "catalogue.toml").read_text())["sabotage"]
    assert all(row["reason"] and row["verdict"] != "verified" for row in rows)


def test_the_page_is_made_of_the_committed_file() -> None:
    rows = json.loads(sabotaged.PROOF.read_text())
    assert sabotaged.page(rows) in sabotaged.PAGE.read_text()
    assert {row["name"] for row in rows} == {
        case.name for kind in ("sabotage", "harmless") for case in sabotaged.cases(kind)
    }
    assert [row["name"] for row in rows if row["right"] != row["of"]] == []
