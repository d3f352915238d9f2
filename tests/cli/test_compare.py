"""`imageopt compare` from the command line to every format, on archives alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import config, docker_archive, file, folder, layer, oci_folder
from jsonschema import Draft202012Validator

from imageopt.cli.edge import run
from imageopt.resources import schema_file

BASE = layer(folder("bin"), file("bin/sh", b"s" * 5000))
TEXTS = ("ADD rootfs /", "WORKDIR /app", "COPY server.js ./ # buildkit", "RUN /bin/sh -c make build # buildkit")
DOCKERFILE = "FROM scratch\nADD rootfs /\nWORKDIR /app\nCOPY server.js ./\nRUN make build\n"


def app(version: bytes) -> list[bytes]:
    code = layer(folder("app"), file("app/server.js", b"// " + version))
    return [BASE, layer(folder("app")), code, layer(file("app/out.bin", version * 1000))]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two archives, and no engine in reach."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    docker_archive(Path("old.tar"), app(b"1"), created_by=TEXTS)
    docker_archive(Path("new.tar"), app(b"22"), created_by=TEXTS)
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], *line: str) -> str:
    assert run(["compare", *line, "--quiet"]) == 0
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *line: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shown(capsys, *line, "--format", "json"))
    Draft202012Validator(json.loads(schema_file("comparison-1").read_text())).validate(found)
    return found


def test_two_equal_images_take_one_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "old.tar", "old.tar") == (
        "old.tar -> old.tar: the same image: 4 layers and the configuration are equal\n"
    )


def test_the_line_that_made_the_difference_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("Dockerfile").write_text(DOCKERFILE)
    found = document(capsys, "old.tar", "new.tar")
    assert found["sizes"]["unpacked_bytes"] == {
        "before": 6004,
        "after": 7005,
        "delta": 1001,
        "percent": pytest.approx(16.67, abs=0.01),
    }
    assert found["layers"]["shared"] == 2
    assert [(change["change"], change["after"]) for change in found["layers"]["changes"]] == [
        ("changed", 2),
        ("changed", 3),
    ]
    lines = {layer["index"]: layer["instruction"]["line"] for layer in found["after"]["layers"]}
    assert lines == {0: 2, 1: 3, 2: 4, 3: 5}
    assert sum(cause["delta"] for cause in found["causes"]) == 1001
    assert found["notes"] == ["the lines are those of ./Dockerfile: it fits the image's history"]
    text = shown(capsys, "old.tar", "new.tar")
    assert "1.00 kB bigger (17 %) unpacked" in text
    assert "+1.00 kB  changed  Dockerfile:5  RUN make build" in text
    assert "+1.00 kB  /app/  changed, 2 files" in text


def test_one_dockerfile_serves_both_where_the_other_has_none(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    docker_archive(
        Path("other.tar"), [BASE, layer(file("app/x", b"x"))], created_by=("ADD other /", "RUN something else")
    )
    Path("Dockerfile").write_text(DOCKERFILE)
    found = document(capsys, "other.tar", "new.tar")
    assert [one["instruction"] for one in found["before"]["layers"]] == [None, None]
    assert any(note.startswith("BEFORE: no Dockerfile fits") for note in found["notes"])
    back = document(capsys, "new.tar", "other.tar")
    assert any(note.startswith("AFTER: no Dockerfile fits") for note in back["notes"])


def test_before_may_have_a_dockerfile_of_its_own(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("Dockerfile").write_text(DOCKERFILE)
    Path("old.Dockerfile").write_text("# moved\n\n" + DOCKERFILE)
    found = document(capsys, "old.tar", "new.tar", "--before-file", "old.Dockerfile")
    made = [found[side]["layers"][3]["instruction"] for side in ("before", "after")]
    assert [(place["file"], place["line"]) for place in made] == [("old.Dockerfile", 7), ("Dockerfile", 5)]


def test_any_two_sources_and_what_a_pull_transfers(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    oci_folder(Path("layout"), app(b"22"), created_by=TEXTS)
    found = document(capsys, "old.tar", "oci:layout")
    sizes = [one["download_bytes"] for one in found["after"]["layers"]]
    assert found["sizes"]["download_bytes"] == {"before": None, "after": sum(sizes), "delta": None, "percent": None}
    assert found["layers"]["pull_bytes"] == sizes[2] + sizes[3]
    assert "2 of 4 layers are shared; where the first image is there, a pull fetches" in shown(
        capsys, "old.tar", "oci:layout"
    )


def test_other_platforms_are_compared_and_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    docker_archive(Path("arm.tar"), app(b"1"), created_by=TEXTS, architecture="arm64")
    found = document(capsys, "old.tar", "arm.tar")
    assert found["config"] == [{"what": "Platform", "before": "linux/amd64", "after": "linux/arm64"}]
    text = shown(capsys, "old.tar", "arm.tar")
    assert "the same layers; the configuration alone differs" in text
    assert "Platform: linux/amd64 -> linux/arm64" in text


def test_big_contents_are_read_where_nothing_less_tells(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imageopt.image.load._READ_WHOLE", 1000)
    for name, content in (("one", b"1"), ("two", b"2")):
        docker_archive(Path(f"{name}.tar"), [BASE, layer(file("big", content * 300_000))])
    total = document(capsys, "one.tar", "two.tar")["paths"]["total"]
    assert (total["changed"], total["unknown"]) == (1, 0)


def test_the_limit_holds_for_every_list(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = [
        layer(
            *(file(f"d{number}/x", bytes(1000 + number)) for number in range(8)),
            *(file(f"d{number}/y") for number in range(8)),
        )
    ]
    few = [layer(*(file(f"d{number}/y") for number in range(8)))]
    docker_archive(Path("few.tar"), few)
    docker_archive(Path("many.tar"), many)
    assert [
        len(document(capsys, "few.tar", "many.tar", *limit)["paths"]["contents"])
        for limit in ([], ["--limit", "3"], ["--limit", "0"])
    ] == [8, 3, 8]


@pytest.mark.parametrize("format", ["terminal", "markdown", "html"])
def test_hostile_names_are_text(here: Path, capsys: pytest.CaptureFixture[str], format: str) -> None:  # noqa: A002
    hostile = "a\x1b[31m<script>x</script> | `c` [l](javascript:x)"
    docker_archive(
        Path("evil.tar"), [BASE, layer(file(hostile, b"1"), file("\udcff", b"2"))],
        created_by=("ADD x /", f"RUN {hostile}"), settings={"Labels": {hostile: hostile}, "User": hostile},
    )  # fmt: skip
    text = shown(capsys, "old.tar", "evil.tar", "--format", format)
    assert "\x1b" not in text
    assert "script" in text
    if format == "html":
        assert "<script>" not in text
    if format == "markdown":
        assert "<script>" not in text.replace("\\<script\\>", "")
        assert "[l](" not in text


def test_names_that_are_not_utf_8_are_kept(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    docker_archive(Path("odd.tar"), [BASE, layer(file("\udcff", b"2"))])
    rows = document(capsys, "old.tar", "odd.tar")["paths"]["contents"]
    assert [row["path_raw"] for row in rows if "path_raw" in row] == ["L/8="]  # /\xff


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (["compare", "old.tar"], 2, "Missing argument"),
        (["compare", "old.tar", "."], 2, "'.' is no image"),
        (["compare", "old.tar", "docker:none:1"], 3, "hint: "),
        (["compare", "old.tar", "docker-archive:gone.tar"], 3, "hint: "),
        (["compare", "old.tar", "new.tar", "--file", "Nowhere"], 3, "there is no Nowhere"),
        (["compare", "old.tar", "new.tar", "--limit", "-1"], 2, "--limit"),
    ],
)
def test_endings(here: Path, capsys: pytest.CaptureFixture[str], line: list[str], code: int, words: str) -> None:
    assert run(line) == code
    assert words in capsys.readouterr().err


def test_a_result_is_shown_again_as_it_was(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = shown(capsys, "old.tar", "new.tar", "--format", "terminal", "--format", "json=result.json")
    assert run(["report", "result.json"]) == 0
    assert capsys.readouterr().out == first


def test_the_configuration_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert config([BASE]) != config([BASE], settings={"User": "node"})
    docker_archive(Path("a.tar"), [BASE])
    docker_archive(Path("b.tar"), [BASE], settings={"User": "node", "Env": ["TOKEN=hunter2"]})
    text = shown(capsys, "a.tar", "b.tar")
    assert "User: (none) -> node" in text
    assert "hunter2" not in text
