"""What is odd and an image all the same: counted to the byte, however strange its documents or its headers are."""

import json
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import Item, config, file, layer, write_tar

from imageopt.cli.edge import run

ONE = layer(file("a", b"1" * 100))
LONG = 1 << 63  # more than a signed number of 64 bits holds


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("IMAGEOPT_CACHE", str(tmp_path / "cache"))


def saved(path: Path, settings: bytes, *layers: bytes, twice: bool = False) -> str:
    listed = [{"Config": "c.json", "RepoTags": ["app:1"], "Layers": [str(number) for number in range(len(layers))]}]
    manifest = json.dumps(listed * 2 if twice else listed).encode()
    files = {str(number): data for number, data in enumerate(layers)}
    return f"docker-archive:{write_tar(path, {'c.json': settings, 'manifest.json': manifest, **files})}"


def changed(**values: Any) -> bytes:
    """The configuration of an image of one layer with some of its values changed; None leaves one out."""
    document = json.loads(config([ONE])) | values
    return json.dumps({name: value for name, value in document.items() if value is not None}).encode()


def checked(**check: Any) -> bytes:
    return changed(config={"Healthcheck": {"Test": ["CMD", "true"], **check}})


def with_pax(**records: str) -> tuple[bytes, ...]:
    """The configuration and the one layer of an image whose file has these pax records."""
    member = file("a", b"1" * 100)
    member.header.pax_headers = records
    data = layer(member)
    return config([data]), data


def base_256(start: bytes) -> tuple[bytes, ...]:
    """The same with a time in GNU's base-256, of which `start` are the first of twelve bytes."""
    header = bytearray(ONE[:512])
    header[136:148] = start.ljust(12, b"\xff")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    data = bytes(header) + ONE[512:]
    return config([data]), data


ODD: dict[str, tuple[bytes, ...]] = {
    "a time before the universe": with_pax(mtime="-99999999999999999999"),
    "an owner of twenty digits": with_pax(uid="99999999999999999999"),
    "a time of 95 bits": base_256(b"\xbf"),
    "a time of 95 bits before 1970": base_256(b"\xc0"),
    "a health check once in an age": (checked(Interval=10**400), ONE),
    "a health check that is tried without end": (checked(Retries=10**30), ONE),
    "a health check before its time": (checked(StartPeriod=-5, Timeout=-1), ONE),
    "half a character in a step": (changed(history=[{"created_by": "RUN a \ud800 b"}]), ONE),
    "half a character in the settings": (
        changed(config={"Env": ["A=\ud800"], "Cmd": ["\udfff"], "Labels": {"\ud800": "\udc80"}}),
        ONE,
    ),
}


def sizes(reference: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What is said of the image, which is the same when it is known."""
    found = []
    for _ in range(2):
        code = run(["analyze", reference, "--format", "json"])
        out, err = capsys.readouterr()
        assert code == 0, err
        found.append(json.loads(out)["image"])
    assert found[0] == found[1]
    return dict(found[0])


@pytest.mark.parametrize("made", ODD.values(), ids=ODD)
def test_it_is_counted(made: tuple[bytes, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings, data = made
    found = sizes(saved(tmp_path / "a.tar", settings, data), capsys)["sizes"]
    assert (found["unpacked_bytes"], found["live_bytes"], found["wasted_bytes"]) == (100, 100, 0)
    assert found["overhead_bytes"] == len(data) - 100


SHOWN = {
    "analyze": ["terminal", "json", "markdown", "html", "sarif", "codequality", "github", "junit", "csv"],
    "compare": ["terminal", "json", "markdown", "html"],
    "gate": ["terminal", "json", "markdown", "html", "junit", "csv"],
}


@pytest.mark.parametrize(("command", "format"), [(name, each) for name, formats in SHOWN.items() for each in formats])
def test_half_a_character_in_a_step_can_be_shown(
    command: str,
    format: str,  # noqa: A002
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """JSON can spell it, and no output can hold it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "imageopt.toml").write_text('[budget]\nunpacked = "1 kB"\n')
    layers = [layer(file("a", b"1" * 2_000_000)), layer(file("a", b"1" * 2_000_000, uid=5))]
    history = [{"created_by": "RUN a \ud800 b"}, {"created_by": "RUN chown \udfff"}]
    settings = json.dumps(json.loads(config(layers)) | {"history": history}).encode()
    reference = saved(tmp_path / "a.tar", settings, *layers)
    other = [saved(tmp_path / "b.tar", config([ONE]), ONE)] if command == "compare" else []
    code = run([command, *other, reference, "--format", format])
    out, err = capsys.readouterr()
    assert code == (1 if command == "gate" else 0), err
    assert out.encode()


def test_sparse_files_that_claim_more_than_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each says that it is as long as a file can be; what counts is what the tar stores."""

    def sparse(name: str) -> Item:
        member = file(f"GNUSparseFile.0/{name}", b"1\n0\n512\n".ljust(512, b"\0") + b"x" * 512)
        member.header.pax_headers = {
            "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": name,
            "GNU.sparse.realsize": str(LONG - 1),
        }  # fmt: skip
        return member

    data = layer(*(sparse(str(number)) for number in range(4)))
    found = sizes(saved(tmp_path / "a.tar", config([data]), data), capsys)["sizes"]
    assert (found["unpacked_bytes"], found["logical_bytes"]) == (4096, 4 * (LONG - 1))


@pytest.mark.parametrize("diff_ids", [{}, {"diff_ids": None}, {"diff_ids": []}], ids=["none", "null", "empty"])
def test_an_image_of_no_layer(diff_ids: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`FROM scratch` and labels: the classic builder leaves the list out, BuildKit writes null."""
    history = [{"created_by": "LABEL a=b", "empty_layer": True}]
    settings = changed(rootfs={"type": "layers", **diff_ids}, history=history)
    image = sizes(saved(tmp_path / "a.tar", settings), capsys)
    assert image["layers"] == image["composition"] == []
    assert image["file_count"] == image["sizes"]["unpacked_bytes"] == image["sizes"]["overhead_bytes"] == 0


@pytest.mark.parametrize("choice", ["", ":app:1"])
def test_an_image_that_is_listed_twice_is_one(choice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference = saved(tmp_path / "a.tar", config([ONE]), ONE, twice=True)
    assert sizes(f"{reference}{choice}", capsys)["sizes"]["unpacked_bytes"] == 100
