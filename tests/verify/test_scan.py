"""How Trivy is asked, and what is said where it cannot be."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from imageopt.process import Completed, run
from imageopt.verify import scan as module
from imageopt.verify.model import NotDone, ScanRecord
from imageopt.verify.scan import scan, scan_all

pytestmark = pytest.mark.slow  # whole processes

Program = Callable[[str, str], Path]
FAKE = """
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
if "--version" in sys.argv:
    print("Version: 0.99.0")
    sys.exit()
cache = pathlib.Path(sys.argv[sys.argv.index("--cache-dir") + 1])
if "--download-db-only" in sys.argv:
    if (here / "no-network").exists():
        said = (here / "no-network").read_text()
        print(f"2026-01-01T00:00:00Z\\tFATAL\\t{said}", file=sys.stderr)
        sys.exit(1)
    (cache / "db").mkdir(parents=True)
    (cache / "db" / "trivy.db").write_text("")
    (cache / "db" / "metadata.json").write_text("broken")
    sys.exit()
if (here / "fails").exists():
    print("2026-01-01T00:00:00Z\\tFATAL\\tError\\timage scan error: no such image", file=sys.stderr)
    sys.exit(1)
seen = {"argv": sys.argv[1:], "cache": os.listdir(cache), "folder": os.getcwd(), "host": os.environ["DOCKER_HOST"]}
(here / "seen.json").write_text(json.dumps(seen))
print(json.dumps({"SchemaVersion": 2, "ArtifactName": "app:1", "Results": []}))
"""


@pytest.fixture(autouse=True)
def _engine_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///somewhere.sock")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    (folder / "db").mkdir(parents=True)
    (folder / "db" / "trivy.db").write_text("")
    (folder / "db" / "metadata.json").write_text('{"UpdatedAt": "2026-01-01T00:00:00Z"}')
    (folder / "fanal").mkdir()
    return folder


def test_a_scan_uses_the_database_of_the_cache_and_nothing_else_of_it(program: Program, cache: Path) -> None:
    trivy = program("trivy", FAKE)
    record = scan("app:1", trivy=str(trivy), cache=cache)
    assert isinstance(record, ScanRecord)
    assert (record.version, record.database) == ("0.99.0", "2026-01-01T00:00:00Z")
    seen = json.loads((trivy.parent / "seen.json").read_text())
    assert seen["cache"] == ["db"]
    assert seen["host"] == "unix:///somewhere.sock"
    assert seen["argv"][0] == "image"
    assert seen["argv"][-1] == "app:1"
    assert {"--skip-db-update", "--skip-java-db-update", "--offline-scan"} <= set(seen["argv"])
    assert not Path(seen["folder"]).exists()  # the user's .trivyignore is not there, and the folder is gone


def test_a_missing_database_is_downloaded_into_the_cache(program: Program, tmp_path: Path) -> None:
    record = scan("app:1", trivy=str(program("trivy", FAKE)), cache=tmp_path / "new")
    assert isinstance(record, ScanRecord)
    assert record.database is None
    assert (tmp_path / "new" / "db" / "trivy.db").is_file()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("dial tcp: lookup ghcr.io: no such host", "offline, the registry that has it is out of reach"),
        ("GET https://ghcr.io/token: TOOMANYREQUESTS", "rate-limited, the registry that has it was asked too often"),
        ("the sky is falling", "the sky is falling"),
    ],
)
def test_without_a_database_there_is_no_scan(program: Program, tmp_path: Path, said: str, words: str) -> None:
    trivy = program("trivy", FAKE)
    (trivy.parent / "no-network").write_text(said)
    assert scan("app:1", trivy=str(trivy), cache=tmp_path / "new") == NotDone(
        f"Trivy has no vulnerability database and could not get one: {words}"
    )


def test_two_images_are_scanned_at_the_same_time(program: Program, cache: Path) -> None:
    """Each of the two scans waits for the other to have begun."""
    trivy = program("trivy", FAKE.replace('if (here / "fails")', TOGETHER + 'if (here / "fails")'))
    found = scan_all(["app:1", "app:2"], trivy=str(trivy), cache=cache)
    assert [type(record) for record in found] == [ScanRecord, ScanRecord]


TOGETHER = """
import time
(here / sys.argv[-1]).touch()
deadline = time.monotonic() + 20
while not ((here / "app:1").exists() and (here / "app:2").exists()):
    if time.monotonic() > deadline:
        sys.exit("alone")
    time.sleep(0.01)
"""


def test_the_parts_of_the_last_image_are_listed_from_its_report(program: Program, cache: Path, tmp_path: Path) -> None:
    convert = (
        'if sys.argv[1] == "convert":\n'
        '    name = json.loads(pathlib.Path(sys.argv[6]).read_text())["ArtifactName"]\n'
        '    pathlib.Path(sys.argv[5]).write_text(f"{sys.argv[3]} of {name}")\n'
        "    sys.exit()\n"
    )
    trivy = program("trivy", FAKE.replace('if "--version"', convert + 'if "--version"'))
    scan_all(["app:1", "app:2"], trivy=str(trivy), cache=cache, sbom=tmp_path / "sbom.json")
    assert (tmp_path / "sbom.json").read_text() == "cyclonedx of app:2"
    broken = program("trivy", FAKE.replace('if "--version"', convert.replace("exit()", "exit(2)") + 'if "--version"'))
    (record,) = scan_all(["app:1"], trivy=str(broken), cache=cache, sbom=tmp_path / "sbom.json")
    assert record == NotDone("Trivy could not list the parts: no reason given")


def test_a_scan_that_fails_says_why(program: Program, cache: Path) -> None:
    trivy = program("trivy", FAKE)
    (trivy.parent / "fails").touch()
    assert scan("app:1", trivy=str(trivy), cache=cache) == NotDone("Trivy failed: image scan error: no such image")


def test_without_trivy_the_reason_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = scan("app:1")
    assert isinstance(found, NotDone)
    assert "not installed" in found.reason
    assert "https://trivy.dev" in found.reason
    assert scan("app:1", trivy="/no/trivy") == NotDone("there is no program /no/trivy")


@pytest.mark.parametrize("variable", ["TRIVY_CACHE_DIR", "XDG_CACHE_HOME"])
def test_the_users_own_cache_is_used_where_none_is_named(
    program: Program, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("TRIVY_CACHE_DIR", raising=False)
    if variable == "XDG_CACHE_HOME":
        cache.rename(tmp_path / "trivy")
    monkeypatch.setenv(variable, str(tmp_path if variable == "XDG_CACHE_HOME" else cache))
    record = scan("app:1", trivy=str(program("trivy", FAKE)))
    assert isinstance(record, ScanRecord)
    assert record.database == "2026-01-01T00:00:00Z"


@pytest.mark.engine
@pytest.mark.trivy
def test_trivy_finds_in_the_laid_out_image_what_it_finds_in_the_export(
    engine: str, trivy: Path, trivy_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine)
    asked: list[str] = []

    def noted(arguments: Sequence[str], **more: Any) -> Completed:
        asked.extend(argument for argument in arguments if argument in ("--input", "--image-src"))
        return run(arguments, **more)

    monkeypatch.setattr(module, "run", noted)
    quick = scan("node:20-alpine", trivy=str(trivy), cache=trivy_cache)
    monkeypatch.setattr(module, "_source", lambda image, *_: ["--image-src", "docker", image])
    assert quick == scan("node:20-alpine", trivy=str(trivy), cache=trivy_cache)
    assert isinstance(quick, ScanRecord)
    assert quick.system.startswith("alpine ")
    assert quick.packages
    assert asked == ["--input", "--image-src"] or os.geteuid() != 0
