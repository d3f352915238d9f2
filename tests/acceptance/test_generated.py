"""A project made by its generator a moment ago, never seen before, goes through without a word of configuration.

The cheapest of them is here; `make proof` does all of tests/generators.py.
"""

from pathlib import Path

import pytest
from generators import APPS, generate, prove

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def test_an_express_application_of_today(engine: str, tmp_path: Path) -> None:
    project = generate(next(app for app in APPS if app.name == "express"), tmp_path)
    assert not (project / "imageopt.toml").exists()
    result = prove(project)
    assert result["verdict"] == "verified", result["reasons"]
    before, after = (result[side]["image"]["sizes"]["unpacked_bytes"] for side in ("before", "after"))
    assert after < 0.2 * before
    asked = {response["path"]: response["status"] for response in result["after"]["run"]["responses"]}
    assert (asked["/"], asked["/users"], asked["/stylesheets/style.css"]) == (200, 200, 200)
