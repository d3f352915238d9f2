"""The pages in docs/rules say what the rule files say."""

import runpy
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs" / "rules"


def test_pages_are_made_from_the_rules() -> None:
    made = runpy.run_path(str(PAGES / "make.py"))["pages"]()
    written = {path.name: path.read_text("utf-8") for path in PAGES.glob("*.md")}
    assert written == made, "run python docs/rules/make.py"
