"""`make demo` where no engine can be had: it shows what it can and claims nothing."""

import json
import os
import subprocess
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "sample_projects" / "demo.sh"


@pytest.mark.slow
def test_without_an_engine_the_demo_says_what_it_could_not_prove(tmp_path: Path) -> None:
    environment = {**os.environ, "IMAGEOPT_BED": "none"}
    run = subprocess.run(
        [DEMO, str(tmp_path)], env=environment, capture_output=True, text=True, check=False, timeout=180
    )
    assert run.returncode == 0, run.stderr
    assert "+FROM node:20-alpine AS build" in run.stdout
    assert "its size and its behaviour are not proven" in " ".join(run.stdout.split())
    assert run.stdout.endswith("verdict: none, nothing was built\n")
    analysis = json.loads((tmp_path / "analysis.json").read_bytes())
    sizes, composition = analysis["image"]["sizes"], analysis["image"]["composition"]
    assert sum(row["bytes"] for row in composition) == sizes["unpacked_bytes"] > 0
    assert not (tmp_path / "verification.json").exists()
