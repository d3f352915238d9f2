"""Each sample project from its own Dockerfile to a proven smaller image, without configuration."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parents[2] / "sample_projects"

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def verified(project: Path, *options: str) -> dict[str, Any]:
    """The result of `imageopt verify` for a project, whatever the verdict."""
    result = project.with_suffix(".json")
    command = [sys.executable, "-m", "imageopt", "verify", str(project), "--format", f"json={result}", "--skip-rebuild"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=900, check=False)
    assert result.exists(), done.stdout + done.stderr
    document: dict[str, Any] = json.loads(result.read_text())
    return document


def copied(name: str, folder: Path) -> Path:
    return Path(shutil.copytree(SAMPLES / name, folder / name))


def test_a_static_site_keeps_its_files_and_loses_node(engine: str, tmp_path: Path) -> None:
    project = copied("docs-portal", tmp_path)
    result = verified(project)
    assert result["verdict"] == "verified", result["reasons"]
    before, after = (result[side]["image"]["sizes"]["unpacked_bytes"] for side in ("before", "after"))
    assert after < 0.05 * before
    asked = {response["path"] for response in result["after"]["run"]["responses"]}
    assert {"/", "/guides/first-steps", "/img/mark.svg"} <= asked
    assert any(path.startswith("/assets/") for path in asked)


def test_a_site_that_lost_a_file_is_not_taken_for_the_same(engine: str, tmp_path: Path) -> None:
    """What its start page loads is asked for, so a forgotten folder shows."""
    project = copied("docs-portal", tmp_path)
    proposal = subprocess.run(
        [sys.executable, "-m", "imageopt", "rewrite", str(project), "--apply", "--quiet"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert proposal.returncode == 0
    good = project / "Dockerfile"
    bad = tmp_path / "forgetful.Dockerfile"
    bad.write_text(good.read_text().replace("USER nginx", "RUN rm -r /usr/share/nginx/html/assets\nUSER nginx"))
    result = verified(project, "--after", str(bad))
    assert result["verdict"] == "behaviour-changed"
    assert any("/assets/" in reason for reason in result["reasons"])


def test_a_next_application_leaves_its_packages_behind(engine: str, tmp_path: Path) -> None:
    """Each build makes up an identifier that is in every page: it is no difference."""
    result = verified(copied("next-console", tmp_path), "--skip-scan")
    assert result["verdict"] == "verified", result["reasons"]
    before, after = (result[side]["image"]["sizes"]["unpacked_bytes"] for side in ("before", "after"))
    assert after < 0.2 * before
    asked = {response["path"]: response["status"] for response in result["after"]["run"]["responses"]}
    assert (asked["/runs"], asked["/mark.svg"]) == (200, 200)
    assert any(path.startswith("/_next/static/chunks/") for path in asked)
