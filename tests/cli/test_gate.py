"""The gate from the command line: dive's rules, baselines, what a failure says; without an engine."""

import json
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import docker_archive, file, folder, layer, whiteout
from msgspec.structs import replace

from imageopt.cli.edge import run
from imageopt.image.load import load_image
from imageopt.image.model import Image
from imageopt.verify.model import ScanRecord

APP = [folder("app"), *(file(f"app/{number}", bytes(1000)) for number in range(30))]


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "here").mkdir()
    (tmp_path / "images").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    layers = [layer(file("base", bytes(50_000))), layer(*APP), layer(whiteout("app"))]
    return docker_archive(tmp_path / "images" / "app.tar", layers)


def test_the_file_alone_is_a_budget(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gate", str(archive)]) == 2
    Path(".dive-ci").write_text("rules:\n  highestWastedBytes: 1MB\n")
    capsys.readouterr()
    assert run(["gate", str(archive)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:5] == [
        "pass  dive.lowestEfficiency  100 % (limit >= 90 %)",
        "pass  dive.highestWastedBytes  0 B (limit 1.00 MB)",
        "pass  dive.highestUserWastedPercent  0 % (limit 10 %)",
    ]
    assert "dive says 100 % efficient, 0 B wasted; counted, 30.0 kB deleted later" in lines[6]
    assert lines[-1] == "gate: pass"


@pytest.mark.parametrize("place", [".dive-ci", "../images/.dive-ci"])
def test_the_file_stands_here_or_beside_the_target(
    archive: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(place).write_text("rules:\n  lowestEfficiency: 95\n")
    assert run(["gate", str(archive), "--max-unpacked", "1GB"]) == 2
    assert "a ratio from 0 to 1" in capsys.readouterr().err


def test_both_budgets_must_hold(archive: Path) -> None:
    Path(".dive-ci").write_text("rules:\n  lowestEfficiency: 0.9\n")
    assert run(["gate", str(archive), "--max-unpacked", "80kB"]) == 0
    assert run(["gate", str(archive), "--max-unpacked", "79kB"]) == 1


def test_a_baseline_is_written_and_only_ever_lowered(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    baseline = Path("imageopt-baseline.json")
    assert run(["gate", str(archive), "--update-baseline"]) == 0
    written = baseline.read_text()
    assert json.loads(written)["sizes"]["unpacked_bytes"] == 80_000
    assert "growth is judged from the next one on" in capsys.readouterr().out

    bigger = docker_archive(archive.with_name("big.tar"), [layer(file("base", bytes(81_000)))])
    assert run(["gate", str(bigger), "--max-growth", "1%", "--update-baseline"]) == 1
    assert run(["gate", str(bigger), "--max-growth", "2%", "--update-baseline"]) == 0
    assert json.loads(baseline.read_text())["sizes"] == {**json.loads(written)["sizes"], "wasted_bytes": 0}
    smaller = docker_archive(archive.with_name("small.tar"), [layer(file("base", bytes(10)))])
    assert run(["gate", str(smaller), "--max-growth", "0%"]) == 0
    assert json.loads(baseline.read_text())["sizes"]["unpacked_bytes"] == 80_000
    assert run(["gate", str(smaller), "--update-baseline"]) == 0
    assert json.loads(baseline.read_text())["sizes"]["unpacked_bytes"] == 10


def test_growth_against_another_image(archive: Path) -> None:
    main = docker_archive(archive.with_name("main.tar"), [layer(file("base", bytes(80_000)))])
    assert run(["gate", str(archive), "--baseline", f"docker-archive:{main}"]) == 0
    assert run(["gate", str(main), "--baseline", f"docker-archive:{archive}", "--max-growth", "0%"]) == 0
    less = docker_archive(archive.with_name("less.tar"), [layer(file("base", bytes(79_999)))])
    assert run(["gate", str(archive), "--baseline", f"docker-archive:{less}"]) == 1
    assert run(["gate", str(archive), "--baseline", f"docker-archive:{less}", "--update-baseline"]) == 2


def test_the_last_result_that_passed_is_remembered(
    archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(archive.parent / "state"))
    Path("imageopt.toml").write_text('[budget]\nbaseline = "history"\n')
    assert run(["gate", str(archive)]) == 0
    assert "from the next one on" in capsys.readouterr().out
    docker_archive(archive, [layer(file("base", bytes(80_001)))])
    assert run(["gate", str(archive)]) == 1
    assert "growth.unpacked" in capsys.readouterr().out
    docker_archive(archive, [layer(file("base", bytes(79_000)))])
    assert run(["gate", str(archive)]) == 0
    docker_archive(archive, [layer(file("base", bytes(80_000)))])
    assert run(["gate", str(archive)]) == 1


def test_a_failure_names_causes_with_lines_and_what_a_rewrite_saves(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("Dockerfile").write_text("FROM scratch\nWORKDIR /app\nCOPY . .\nRUN chown -R 1 /app\n")
    layers = [
        layer(folder("app")),
        layer(file("app/big.bin", bytes(50_000))),
        layer(file("app/big.bin", bytes(50_000), uid=1)),
    ]
    made = ("WORKDIR /app", "COPY . . # buildkit", "RUN /bin/sh -c chown -R 1 /app # buildkit")
    docker_archive(archive, layers, history=[{"created_by": text} for text in made])
    image = ("--image", f"docker-archive:{archive}")
    assert run(["gate", ".", *image, "--max-unpacked", "60kB", "--format", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    first = document["causes"][0]
    assert (first["location"], first["bytes"]) == ({"file": "Dockerfile", "line": 4}, 50_000)
    assert first["fix"]
    assert run(["gate", ".", *image, "--max-unpacked", "60kB"]) == 1
    assert f"50.0 kB  Dockerfile:4  {first['title']}" in capsys.readouterr().out


def test_a_limit_on_what_a_scanner_finds_has_the_engines_image_scanned(
    archive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The image is an archive that says it is the engine's; the scanner is a stand-in."""
    asked: list[str] = []

    def scan(image: str) -> ScanRecord:
        asked.append(image)
        return ScanRecord("Trivy", "1", None, (), ("npm-token /app/.npmrc",), (), (), {})

    monkeypatch.setattr("imageopt.verify.scan.scan", scan)
    Path("imageopt.toml").write_text("[budget]\nsecrets = 0\nvulnerabilities.high = 0\n")
    assert run(["gate", str(archive)]) == 1
    assert asked == []
    assert "no scan" in capsys.readouterr().out
    read = load_image

    def load(*arguments: Any, **more: Any) -> Image:
        return replace(read(*arguments, **more), source="docker", reference="app:1")

    monkeypatch.setattr("imageopt.image.load.load_image", load)
    assert run(["gate", str(archive)]) == 1
    assert asked == ["app:1"]
    out = capsys.readouterr().out
    assert "unknown  vulnerabilities.high  unknown (limit 0)  the scan had no vulnerability database" in out
    assert "fail  secrets  1 (limit 0)  npm-token /app/.npmrc" in out
