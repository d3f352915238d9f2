"""A `.dive-ci` beside the project is a budget of its own: it fails the gate, and what dive does not see is told."""

from pathlib import Path

import pytest
from imagebuilder import docker_archive, file, folder, layer, whiteout

from imageopt.cli.edge import run

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
