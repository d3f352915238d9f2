"""What was said of an image before is said again, word for word; and only where nothing has changed that it rests on."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import file, layer, oci_folder, opaque, symlink, whiteout

from imageopt.api import analyze
from imageopt.build.options import BuildOptions
from imageopt.cli.edge import run
from imageopt.config import Config, load_config
from imageopt.image import known
from imageopt.report.analysis import analysis_document
from imageopt.rules import check

STATUS = b"Package: man-db\nStatus: install ok installed\nVersion: 1\n\n"
BASE = layer(file("etc/os-release", b"ID=debian\nVERSION_ID=11\n"), file("var/lib/dpkg/status", STATUS))
APP = layer(
    file("app/package.json", b'{"name": "a", "version": "1"}'), file("app/.env", b"A=b"), file("app/x.js", b"1" * 9000),
    file("root/.npm/_cacache/a", b"2" * 20_000), file("usr/bin/su", b"3" * 100, mode=0o4755), symlink("app/l", "x.js"),
)  # fmt: skip
OWNED = layer(file("app/x.js", b"1" * 9000, uid=1000), whiteout("root/.npm"))
IMAGES = {
    "one layer": ([APP], ["COPY . . # buildkit"]),
    "waste": ([BASE, APP, OWNED], ["/bin/sh -c #(nop) ADD file:a in /", "COPY . . # buildkit", "RUN /bin/sh -c chown -R 1000 /app"]),
    "opaque": ([BASE, APP, layer(opaque("app"), file("app/y", b"4"))], ["a", "b", "c"]),
    "no files": ([layer()], ["WORKDIR /app"]),
}  # fmt: skip
DAY = date(2026, 1, 1)
Judge = Callable[..., check.Judged]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMAGEOPT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One for each time that the rules were asked."""
    times: list[int] = []
    judge = check.judge

    def count(*arguments: Any, **more: Any) -> check.Judged:
        times.append(1)
        return judge(*arguments, **more)

    monkeypatch.setattr(check, "judge", count)
    return times


def image(folder: Path, name: str = "waste") -> str:
    layers, history = IMAGES[name]
    return f"oci:{oci_folder(folder / name, layers, history=[{'created_by': text} for text in history])}"


def document(target: str, **how: Any) -> dict[str, Any]:
    made = analysis_document(analyze(target, **{"now": DAY, **how}))
    del made["timing"]
    return made


@pytest.mark.parametrize("name", IMAGES)
def test_the_whole_document_is_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[int]
) -> None:
    target = image(tmp_path, name)
    bare = document(target)
    monkeypatch.setenv("IMAGEOPT_CACHE", str(tmp_path / "cache"))
    assert [document(target) for _ in range(3)] == [bare] * 3
    assert len(asked) == 2


def test_with_its_dockerfile_too(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, asked: list[int]
) -> None:
    """A folder is read for the project, whatever it holds; a Dockerfile alone comes with a builder's provenance."""
    target, options = image(tmp_path), BuildOptions(file="Dockerfile")
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text("FROM debian:11\nCOPY . .\nRUN chown -R 1000 /app\n")
    bare = document(target, options=options)
    monkeypatch.setenv("IMAGEOPT_CACHE", str(tmp_path / "cache"))
    assert [document(target, options=options) for _ in range(2)] == [bare] * 2
    assert len(asked) == 3


@pytest.mark.parametrize("change", ["the day", "a severity", "a waiver", "the image's name", "the code"])
def test_whatever_it_rests_on_has_the_rules_asked_again(
    change: str, cached: Path, tmp_path: Path, folder: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    target, config, day = image(tmp_path), Config(), DAY
    before = document(target)
    match change:
        case "the day":
            day = date(2036, 1, 1)
        case "a severity":
            (folder / "imageopt.toml").write_text('[rules]\nruns-as-root = "off"\n')
            config = load_config(folder)
        case "a waiver":
            (folder / "imageopt.toml").write_text('[[ignore]]\nrule = "runs-as-root"\nreason = "it has to"\n')
            config = load_config(folder)
        case "the image's name":
            target = f"oci:{(tmp_path / 'waste').rename(tmp_path / 'other')}"
        case "the code":
            monkeypatch.setattr(known, "_code", lambda: [("rules/check.py", 1, 1)])
    after = document(target, config=config, now=day)
    assert len(asked) == 2
    monkeypatch.setenv("IMAGEOPT_CACHE", "")
    assert document(target, config=config, now=day) == after
    assert (after == before) == (change in ("the day", "the code"))  # no release is named here that could end


def test_a_damaged_entry_has_them_asked_again(cached: Path, tmp_path: Path, asked: list[int]) -> None:
    target = image(tmp_path)
    before = document(target)
    (entry,) = cached.rglob("*.judgement")
    data = entry.read_bytes()
    entry.write_bytes(data[:-3])
    assert document(target) == before
    assert entry.read_bytes() == data
    assert len(asked) == 2


def test_single_files_are_still_there_for_who_asks(cached: Path, tmp_path: Path, asked: list[int]) -> None:
    target = image(tmp_path)
    first, second = analyze(target, now=DAY), analyze(target, now=DAY)
    assert len(asked) == 1
    assert second.evidence.told is not None
    assert list(second.evidence.classes) == list(first.evidence.classes)
    assert second.evidence.files_of_causes == first.evidence.files_of_causes
    assert second.evidence.inventory == first.evidence.inventory
    for finding in second.findings:
        assert all(second.evidence.image.files[index] for index in finding.files)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze", "--format", "json"],
        ["analyze"],
        ["gate", "--max-unpacked", "1GB", "--max-wasted", "90%", "--max-layers", "9"],
        ["gate", "--max-unpacked", "1kB"],
    ],
    ids=["an analysis", "in the terminal", "a gate that passes", "a gate that fails"],
)
def test_nobody_looks_at_a_known_images_files(
    arguments: list[str],
    cached: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = image(tmp_path)
    analyze(target)
    code = run([*arguments, target])
    first = capsys.readouterr().out
    monkeypatch.delattr(known, "decompressed")
    assert run([*arguments, target]) == code
    assert untimed(capsys.readouterr().out) == untimed(first)


def untimed(text: str) -> str:
    return re.sub(r'"seconds": [\d.]+|in [\d.]+ s', "", text)
