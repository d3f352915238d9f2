"""What is given as an image and is none, or a hostile one: exit 3, one line of cause, one of remedy, and soon."""

import gzip
import io
import json
import os
import random
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import blob_name, config, digest, docker_archive, file, layer, oci_folder, symlink, write_tar

from imageopt.cli.edge import run

pytestmark = pytest.mark.slow  # large images

ONE = layer(file("a", b"1" * 100))
SECONDS = 10  # a generous bound for a busy machine; each takes some hundredths
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


def written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return f"docker-archive:{path}"


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("manifest.json", "[]")
    return out.getvalue()


def fifo(path: Path) -> str:
    os.mkfifo(path)
    return f"docker-archive:{path}"


def dangling(path: Path) -> str:
    path.symlink_to("nowhere")
    return f"docker-archive:{path}"


def archive_of(path: Path, manifest: bytes, settings: bytes, *layers: bytes) -> str:
    files = {f"{number}": data for number, data in enumerate(layers)}
    return f"docker-archive:{write_tar(path, {'c.json': settings, 'manifest.json': manifest, **files})}"


def listing(*layers: str) -> bytes:
    return json.dumps([{"Config": "c.json", "RepoTags": ["app:1"], "Layers": layers}]).encode()


def layout_with(path: Path, index: Any, *blobs: bytes) -> str:
    layout = oci_folder(path, [ONE])
    for data in blobs:
        (layout / blob_name(data)).write_bytes(data)
    (layout / "index.json").write_bytes(index if isinstance(index, bytes) else json.dumps(index).encode())
    return f"oci:{layout}"


def tampered(path: Path, which: str) -> str:
    """A layout in which one blob is not what its digest promises, though as long."""
    layout = oci_folder(path, [ONE])
    manifest = layout / "blobs/sha256" / json.loads((layout / "index.json").read_text())["manifests"][0]["digest"][7:]
    document = json.loads(manifest.read_text())
    blob = {"manifest": manifest, "config": layout / "blobs/sha256" / document["config"]["digest"][7:],
            "layer": layout / "blobs/sha256" / document["layers"][0]["digest"][7:]}[which]  # fmt: skip
    data = blob.read_bytes()
    blob.write_bytes(
        gzip.compress(gzip.decompress(data), 1, mtime=7) if which == "layer" else data.replace(b": ", b":\t", 1)
    )
    return f"oci:{layout}"


def nested(depth: int) -> bytes:
    return b'{"manifests":' * depth + b"1" + b"}" * depth


def index_in_itself(path: Path) -> str:
    """No digest can lead back to itself, but each index may list the next one for as long as it likes."""
    inner = json.dumps({"manifests": []}).encode()
    blobs = [inner]
    for _ in range(50):
        listed = {"mediaType": INDEX, "digest": digest(blobs[-1])}
        blobs.append(json.dumps({"manifests": [listed, listed, listed]}).encode())
    return layout_with(path, {"manifests": [{"mediaType": INDEX, "digest": digest(blobs[-1])}]}, *blobs)


def doubling_indexes(path: Path) -> str:
    """Indexes that list the one below thirty times over: within the depth that is allowed, 30 to the seventh."""
    blobs = [json.dumps({"manifests": []}).encode()]
    for _ in range(7):
        blobs.append(json.dumps({"manifests": [{"mediaType": INDEX, "digest": digest(blobs[-1])}] * 30}).encode())
    return layout_with(path, {"manifests": [{"mediaType": INDEX, "digest": digest(blobs[-1])}]}, *blobs)


def hostile_pax(**records: str) -> bytes:
    member = file("a", b"1")
    member.header.pax_headers = records
    return layer(member)


def with_layer(path: Path, data: bytes) -> str:
    return archive_of(path, listing("0"), config([data]), data)


def bomb_of_documents(path: Path) -> str:
    """A configuration of 40 MB of blanks."""
    return archive_of(path, listing("0"), b" " * (40 << 20) + config([ONE]), ONE)


BAD: dict[str, Callable[[Path], str]] = {
    "random bytes": lambda path: written(path, random.Random(1).randbytes(100_000)),
    "a zip": lambda path: written(path, zipped()),
    "a text": lambda path: written(path, b"FROM node:20\n" * 200),
    "an empty file": lambda path: written(path, b""),
    "a few bytes": lambda path: written(path, b"\x1f\x8b"),
    "an archive that was packed": lambda path: written(path, gzip.compress(docker_archive(path, [ONE]).read_bytes())),
    "a tar of something else": lambda path: written(path, ONE),
    "a device": lambda _path: "docker-archive:/dev/zero",
    "a pipe": fifo,
    "nothing there": lambda path: f"docker-archive:{path}",
    "a folder for an archive": lambda path: f"docker-archive:{path.parent}",
    "a folder that is no layout": lambda path: f"oci:{path.parent}",
    "a file for a folder": lambda path: written(path, ONE).replace("docker-archive:", "oci:"),
    "a link to nowhere": dangling,
    "another manifest than promised": lambda path: tampered(path, "manifest"),
    "another configuration than promised": lambda path: tampered(path, "config"),
    "another layer than promised": lambda path: tampered(path, "layer"),
    "an index that leads down without end": index_in_itself,
    "indexes that multiply": doubling_indexes,
    "JSON a hundred thousand deep": lambda path: layout_with(path, nested(100_000)),
    "a configuration a hundred thousand deep": lambda path: archive_of(path, listing("0"), nested(100_000), ONE),
    "a configuration of 40 MB": bomb_of_documents,
    "a number of 5000 digits": lambda path: archive_of(path, listing("0"), b'{"rootfs": ' + b"9" * 5000 + b"}", ONE),
    "a key twice: the last counts": lambda path: archive_of(
        path, b'[{"Config": "c.json", "Config": "gone", "Layers": ["0"]}]', config([ONE]), ONE
    ),
    "a thousand layers of none": lambda path: archive_of(path, listing(*["0"] * 1000), config([ONE]), ONE),
    "a layer out of the archive": lambda path: archive_of(path, listing("../../../../etc/passwd"), config([ONE]), ONE),
    "a layer by its absolute path": lambda path: archive_of(path, listing("/etc/passwd"), config([ONE]), ONE),
    "a pax size of nothing": lambda path: with_layer(path, hostile_pax(size="")),
    "a pax size beyond the end": lambda path: with_layer(path, hostile_pax(size="99999999999999999999")),
    "a pax size below nothing": lambda path: with_layer(path, hostile_pax(size="-5")),
    "pax digits that are no digits": lambda path: with_layer(path, hostile_pax(uid="\u0663")),
    "a pax time of 5000 digits": lambda path: with_layer(path, hostile_pax(mtime="9" * 5000)),
    "a pax record longer than its header": lambda path: with_layer(path, hostile_pax(a="b").replace(b"6 a=b\n", b"9 a=b\n")),
    "a pax record of no length": lambda path: with_layer(path, hostile_pax(a="b").replace(b"6 a=b\n", b"0 a=b\n")),
}  # fmt: skip


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_exit_3_and_two_lines(make: Callable[[Path], str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference = make(tmp_path / "it")
    begin = time.monotonic()
    code = run(["analyze", reference, "--format", "json"])
    took = time.monotonic() - begin
    out, err = capsys.readouterr()
    told = [line for line in err.splitlines() if not line.startswith("imageopt: ")]  # the steps
    assert (code, out) == (3, ""), err
    assert [line.partition(": ")[0] for line in told] == ["error", "hint"], err
    assert all(line.isprintable() and len(line) < 1000 for line in told)
    assert took < SECONDS


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("random bytes", "it is no tar"),
        ("a zip", "it is no tar"),
        ("an archive that was packed", "is compressed"),
        ("a tar of something else", "there is neither a manifest.json nor an index.json"),
        ("a pipe", "is not a regular file"),
        ("another layer than promised", "is damaged"),
        ("an index that leads down without end", "leads back to itself"),
    ],
)
def test_the_cause_is_named(name: str, cause: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", BAD[name](tmp_path / "it")]) == 3
    assert cause in capsys.readouterr().err


HOSTILE = {
    "../../../etc/passwd": None, "/etc/../../shadow": None,  # lead out: left out, and said
    "/absolute": "absolute", "a\nb": "a\nb", "\x1b]0;owned\x07": "\x1b]0;owned\x07", "\x1b[2J": "\x1b[2J",
    "\u202egpj.exe": "\u202egpj.exe", "x" * 4096: "x" * 4096, "d/" * 1000 + "deep": "d/" * 1000 + "deep",
    "caf\udce9": "caf\udce9", "<script>": "<script>", "[bold]": "[bold]", "C:\\x": "C:\\x", "con": "con", "-rf": "-rf",
}  # fmt: skip


@pytest.mark.parametrize("shown", ["terminal", "json", "markdown", "html"])
def test_hostile_names_are_data(shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are counted like any other; none is written to, and none says anything to the terminal."""
    data = layer(*(file(name, b"1" * 1000) for name in HOSTILE), symlink("l", "\x1b[2J"))
    gone = layer(*(file(name, b"2" * 1000) for name in HOSTILE))
    labels = {"Labels": {"\x1b[2J": "a\nb"}, "Env": ["A=\x1b[2J"]}
    path = docker_archive(tmp_path / "a.tar", [data, gone], created_by=["RUN \x1b[2J", "RUN a\nb"], settings=labels)
    code = run(["analyze", f"docker-archive:{path}", "--format", shown, "--color", "never"])
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "\x1b" not in out + err
    assert "\x07" not in out
    assert "\u202e" not in out
    if shown == "json":
        image = json.loads(out)["image"]
        kept = len([name for name in HOSTILE.values() if name])
        assert image["sizes"]["unpacked_bytes"] == 2 * 1000 * kept
        assert image["file_count"] == kept
    assert sorted(each.name for each in tmp_path.iterdir() if each.name.startswith("a")) == ["a.tar"]


def test_a_thousand_positions_of_one_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is read once and laid over itself a thousand times."""
    data = layer(*(file(f"d/{number}", b"1" * 10) for number in range(20)))
    path = archive_of(tmp_path / "a.tar", listing(*["0"] * 1000), config([data] * 1000), data)
    begin = time.monotonic()
    assert run(["analyze", path, "--format", "json"]) == 0
    assert time.monotonic() - begin < SECONDS
    sizes = json.loads(capsys.readouterr().out)["image"]["sizes"]
    assert (sizes["unpacked_bytes"], sizes["live_bytes"]) == (200_000, 200)


MEASURE = """
import pathlib, re, sys
from imageopt.cli.edge import run
code = run(["analyze", sys.argv[1], "--format", "json=/dev/null"])
print(code, re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""


def long_names(path: Path) -> str:
    """8 MB of names in a few kilobytes."""
    folders = "/".join(["d" * 200] * 20)
    data = layer(*(file(f"{folders}/{number}", b"") for number in range(2000)))
    return archive_of(path, listing("0"), config([data]), gzip.compress(data, 6))


@pytest.mark.parametrize(
    ("make", "code"), [(long_names, 0), (bomb_of_documents, 3)], ids=["names of 4000 letters", "configuration"]
)
def test_a_bomb_is_read_within_memory(tmp_path: Path, make: Callable[[Path], str], code: int) -> None:
    reference = make(tmp_path / "a.tar")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, reference], capture_output=True, text=True, timeout=60, check=True
    )
    found, peak_kib = map(int, done.stdout.split())
    assert found == code, done.stderr
    assert peak_kib < 150 * 1024
