"""docs/rewriting.md is what its texts and the measured figures give, and knows every transformation there is."""

import json
import runpy
import tomllib
from pathlib import Path

import pytest

from imageopt.rewrite.asked.registry import ASKED
from imageopt.rewrite.worth import ORDER

DOCS = Path(__file__).parents[2] / "docs"
SCRIPT = runpy.run_path(str(DOCS / "rewriting.py"))
GENERATED = json.loads((DOCS / "generated.json").read_text("utf-8"))["apps"]
FIGURES = json.loads((DOCS / "rewriting.json").read_text("utf-8"))


def test_the_page_is_what_the_figures_give() -> None:
    assert (DOCS / "rewriting.md").read_text("utf-8") == SCRIPT["page"](), "run python -m docs.rewriting"


def test_each_transformation_has_its_text_and_no_other_has() -> None:
    texts = tomllib.loads((DOCS / "rewriting.toml").read_text("utf-8"))["transformation"]
    assert sorted(item["name"] for item in texts) == sorted([*ORDER, *(asked.name for asked in ASKED)])


def test_only_samples_that_are_there_have_figures() -> None:
    assert FIGURES.keys() <= set(SCRIPT["samples"]())


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_rewrite_that_was_measured_made_something_smaller(name: str) -> None:
    found = FIGURES[name]
    if found["outcome"] == "proposed" and found["verdict"] != "baseline-broken":
        assert found["verdict"] == "verified", found["why"]
        assert found["unpacked_bytes"]["saved"] > 0


@pytest.mark.parametrize("name", ["express", "nest", "next", "vite"])
def test_what_a_generator_made_is_verified_and_smaller(name: str) -> None:
    found = GENERATED[name]
    assert found["verdict"] == "verified", found["reasons"]
    assert found["unpacked_bytes"]["after"] < 0.4 * found["unpacked_bytes"]["before"]
