"""The whole chain on the sample projects, as a user runs it: analyze, rewrite, verify, gate, with everything real.

The patient is built once, verified once, and each test looks at one promise. An independent reader (the standard
library's tarfile on `docker save`) counts what left the image.
"""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from conftest import labelled
from msgspec import Struct

SAMPLES = Path(__file__).parents[2] / "sample_projects"

pytestmark = [pytest.mark.engine, pytest.mark.trivy, pytest.mark.slow]


class Chain(Struct, frozen=True):
    """What the commands left."""

    project: Path
    analysis: dict[str, Any]
    verification: dict[str, Any]
    image: str
    there_before: set[str]


def imageopt(*arguments: object, code: int = 0) -> str:
    command = [sys.executable, "-m", "imageopt", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def chain(engine: str, trivy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    there_before = labelled()
    folder = tmp_path_factory.mktemp("chain")
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    project = folder / "agent-buildkit"
    for script in ([SAMPLES / "agent-buildkit" / "make_leftovers.py", project], ["tests/trivydb.py", folder / "trivy"]):
        subprocess.run([sys.executable, *script], check=True, timeout=300, cwd=SAMPLES.parent)
    imageopt("analyze", project, "--build", "--format", f"json={folder / 'analysis.json'}")
    imageopt(
        "verify", project, "--trivy", trivy, "--trivy-cache", folder / "trivy",
        "--format", f"json={folder / 'verification.json'}",
    )  # fmt: skip
    analysis = json.loads((folder / "analysis.json").read_text())
    verification = json.loads((folder / "verification.json").read_text())
    yield Chain(project, analysis, verification, analysis["target"]["digest"], there_before)
    subprocess.run(["docker", "rmi", "-f", analysis["target"]["digest"]], check=False, capture_output=True, timeout=120)


def test_the_patient_is_as_fat_as_such_images_are(chain: Chain) -> None:
    unpacked = chain.analysis["image"]["sizes"]["unpacked_bytes"]
    assert 2_300_000_000 * 0.9 <= unpacked <= 2_300_000_000 * 1.1


def test_every_byte_is_accounted_for(chain: Chain) -> None:
    image = chain.analysis["image"]
    rows = image["composition"]
    assert sum(row["bytes"] for row in rows) == image["sizes"]["unpacked_bytes"]
    assert sum(row["bytes"] for row in rows if row["category"] == "other") < 0.02 * image["sizes"]["unpacked_bytes"]
    assert len({(row["category"], row["cause"]) for row in rows}) == len(rows)


def test_ten_causes_with_bytes_layer_and_line(chain: Chain) -> None:
    placed = {
        finding["rule"]
        for finding in chain.analysis["findings"]
        if finding["saving"]["bytes"] and finding["layers"] and finding["location"]
    }
    assert len(placed) >= 10


def test_the_rewrite_is_verified_and_saves_what_the_plan_asks_for(chain: Chain) -> None:
    verification = chain.verification
    assert verification["verdict"] == "verified", verification["reasons"]
    unpacked = verification["comparison"]["unpacked_bytes"]
    assert unpacked["saved"] / unpacked["before"] >= 0.9
    vulnerabilities = verification["comparison"]["vulnerabilities"]
    assert vulnerabilities["fixed"]["advisories"]
    assert not vulnerabilities["introduced"]["advisories"]


def test_what_left_the_image_carries_rule_layer_and_line(chain: Chain, tmp_path: Path) -> None:
    """By an independent reader: paths and contents of all layers of both images, of which 95 % must be explained."""
    subprocess.run([sys.executable, "-m", "imageopt", "rewrite", chain.project, "--apply"], check=True, timeout=300,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    try:
        tag = "imageopt-acceptance:after"
        subprocess.run(
            ["docker", "build", "-q", "-t", tag, chain.project], check=True, timeout=900, stdout=subprocess.DEVNULL
        )
        after = {(path, content) for path, content, _, _ in stored(tag, tmp_path / "after.tar")}
        subprocess.run(["docker", "rmi", "-f", tag], check=True, capture_output=True, timeout=120)
    finally:
        imageopt("rewrite", chain.project, "--undo")
    lines = {layer["index"]: layer["instruction"] for layer in chain.analysis["image"]["layers"]}
    explained_layers: dict[int, set[str]] = {}
    for row in chain.analysis["image"]["composition"]:
        for layer in row["layers"]:
            explained_layers.setdefault(layer, set()).add(str(row["cause"]))
    removed = [(layer, size) for path, content, layer, size in stored(chain.image, tmp_path / "before.tar")
               if (path, content) not in after]  # fmt: skip
    total = sum(size for _, size in removed)
    with_line = sum(size for layer, size in removed if lines[layer] is not None)
    assert with_line == total
    files = chain.verification["comparison"]["files"]
    assert files["explained_bytes"] >= 0.95 * files["removed_bytes"]
    assert files["removed_bytes"] == pytest.approx(total, rel=0.01)


def stored(image: str, archive: Path) -> list[tuple[str, bytes, int, int]]:
    """Path, content's digest, layer and size of every regular file in every layer, by the standard library."""
    subprocess.run(["docker", "save", image, "-o", archive], check=True, timeout=600)
    found = []
    with tarfile.open(archive) as outer:
        manifest = outer.extractfile("manifest.json")
        assert manifest is not None
        for number, name in enumerate(json.load(manifest)[0]["Layers"]):
            with tarfile.open(fileobj=outer.extractfile(name)) as layer:
                for member in layer:
                    if member.isreg() and not member.name.rpartition("/")[2].startswith(".wh."):
                        content = layer.extractfile(member)
                        assert content is not None
                        found.append((member.name, sha256(content.read()).digest(), number, member.size))
    archive.unlink()
    return found


def test_the_gate_says_no_before_and_yes_after(chain: Chain, tmp_path: Path) -> None:
    assert "fail" in imageopt("gate", chain.project, "--max-unpacked", "800MB", code=1)
    result = tmp_path / "verification.json"
    result.write_text(json.dumps(chain.verification))
    assert "pass" in imageopt("gate", result, "--max-unpacked", "800MB")


def test_nothing_of_the_run_is_left(chain: Chain) -> None:
    assert labelled() <= chain.there_before


def test_a_lean_project_is_left_alone(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    router = SAMPLES / "agent-router"
    before = {path: path.read_bytes() for path in router.iterdir() if path.is_file()}
    shown = imageopt("rewrite", router, "--build", "--apply")
    assert "nothing worth doing" in shown
    assert {path: path.read_bytes() for path in router.iterdir() if path.is_file()} == before
    subprocess.run(
        ["docker", "rmi", "-f", "imageopt/agent-router:latest"], check=False, capture_output=True, timeout=60
    )
