"""The wheel, installed into a clean environment outside the checkout, does its work there."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from imagebuilder import docker_archive, file, layer

CHECKOUT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, CHECKOUT],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    (built,) = out.glob("*.whl")
    return built


def test_it_holds_the_rules_the_templates_and_the_types(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    rules = {path.relative_to(CHECKOUT) for path in (CHECKOUT / "rules").rglob("*.toml")}
    assert {f"imageopt/_data/{path}" for path in rules} <= set(names)
    for name in ("imageopt/py.typed", "imageopt/_data/dockerfile_templates/node-service.Dockerfile.j2",
                 "imageopt/report/schemas/analysis-1.schema.json"):  # fmt: skip
        assert name in names
    assert not [name for name in names if name.startswith(("tests/", "sample_projects/"))]


def test_it_works_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # its dependencies are this environment's; imageopt itself must come from the wheel
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "Dockerfile").write_text("FROM node:20\nCOPY . .\nRUN npm install\nCMD npm start\n")
    archive_path = docker_archive(tmp_path / "app.tar", [layer(file("a", b"1" * 100))])
    environment = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none.sock", "XDG_STATE_HOME": str(tmp_path)}

    def imageopt(*arguments: str) -> str:
        command = [str(home / "bin" / "python"), "-m", "imageopt", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout

    assert imageopt("--version").startswith("imageopt ")
    where = [str(home / "bin" / "python"), "-c", "import imageopt; print(imageopt.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True).stdout
    assert found.startswith(str(home))
    assert len(imageopt("rules").splitlines()) == len(list((CHECKOUT / "rules").rglob("*.toml")))
    document = json.loads(imageopt("analyze", str(archive_path), "--format", "json"))
    assert document["image"]["sizes"]["unpacked_bytes"] == 100
    assert "shell-form-cmd" in imageopt("analyze", str(project), "--format", "json")
