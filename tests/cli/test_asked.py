"""`--with`: what is made only when asked for, listed, made, and refused by name."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from rewrite.node_shapes import package, write

from imageopt.cli.asked import _complete
from imageopt.cli.commands.rewrite import command
from imageopt.cli.commands.verify import command as verify
from imageopt.errors import UsageError
from imageopt.rewrite.asked.registry import ASKED

pytestmark = pytest.mark.slow  # a whole project for each

DOCKERFILE = 'FROM node:22-alpine\nARG NPM_TOKEN\nWORKDIR /app\nRUN npm ci\nUSER node\nCMD ["node", "a.js"]\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project whose Dockerfile is given a token, and no engine to ask."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return str(write(tmp_path / "app", {**package(prod={"express": "4.0.0"}), "a.js": "", "Dockerfile": DOCKERFILE}))


def test_what_could_be_asked_for_is_listed_and_not_made(folder: str) -> None:
    shown = CliRunner().invoke(command, [folder, "--format", "json"], catch_exceptions=False)
    document = json.loads(shown.stdout)
    offers = {one["name"]: one for one in document["on_request"]}
    assert list(offers) == [one.name for one in ASKED]
    assert (offers["secret-mounts"]["possible"], offers["secret-mounts"]["predicted_bytes"]) == (True, 0)
    assert not offers["pin-digests"]["possible"]
    assert "type=secret" not in document["diff"]
    plain = CliRunner().invoke(command, [folder], catch_exceptions=False).stdout
    assert "--with secret-mounts" in plain
    assert "--with pin-digests" not in plain


@pytest.mark.parametrize("format_", ["markdown", "html"])
def test_reports_list_it_too(folder: str, format_: str) -> None:
    assert "--with secret-mounts" in CliRunner().invoke(command, [folder, "--format", format_]).stdout


def test_what_is_asked_for_is_made_and_written(folder: str) -> None:
    CliRunner().invoke(command, [folder, "--with", "secret-mounts", "--apply"], catch_exceptions=False)
    assert "--mount=type=secret,id=NPM_TOKEN" in (Path(folder) / "Dockerfile").read_text("utf-8")


def test_a_patch_of_it_shows_where_the_token_comes_from_and_no_secret(folder: str) -> None:
    shown = CliRunner().invoke(command, [folder, "--with", "secret-mounts", "--patch", "-"], catch_exceptions=False)
    assert '+    export NPM_TOKEN="$(cat /run/secrets/NPM_TOKEN)"; \\\n' in shown.stdout


@pytest.mark.parametrize("options", [["--with", "tiny"], ["--with", "secret-mounts", "--with", "tiny"]])
def test_an_unknown_name_is_wrong_usage(folder: str, options: list[str]) -> None:
    for one in (command, verify):
        with pytest.raises(UsageError, match="there is no transformation 'tiny' to ask for"):
            CliRunner().invoke(one, [folder, *options], catch_exceptions=False)


@pytest.mark.parametrize("option", ["--undo", "--best", "--fix"])
def test_it_does_not_go_with_what_proposes_something_else(folder: str, option: str) -> None:
    with pytest.raises(UsageError, match="does not go with"):
        CliRunner().invoke(command, [folder, option, "--with", "secret-mounts"], catch_exceptions=False)


def test_it_is_for_the_proposed_rewrite(folder: str) -> None:
    with pytest.raises(UsageError, match="--with is for the proposed rewrite"):
        CliRunner().invoke(verify, [folder, "--after", "x", "--with", "secret-mounts"], catch_exceptions=False)


def test_the_shell_completes_its_names() -> None:
    assert "secret-mounts" in _complete(None, None, "sec")  # type: ignore[arg-type]
    assert _complete(None, None, "zzz") == []  # type: ignore[arg-type]


def proposal(folder: str, *options: str) -> dict[str, object]:
    shown = CliRunner().invoke(command, [folder, "--format", "json", *options], catch_exceptions=False)
    document = json.loads(shown.stdout)
    return {key: document[key] for key in ("outcome", "files", "transforms", "refusals", "diff")}


def test_distroless_as_a_base_is_slim_with_what_is_asked_for(folder: str) -> None:
    text = 'FROM node:22-slim\nWORKDIR /app\nCOPY a.js ./\nUSER node\nCMD ["node", "a.js"]\n'
    (Path(folder) / "Dockerfile").write_text(text)
    asked = proposal(folder, "--base", "slim", "--with", "distroless")
    assert "gcr.io/distroless/nodejs22" in str(asked["diff"])
    assert proposal(folder, "--base", "distroless") == asked
    (Path(folder) / "imageopt.toml").write_text('[rewrite]\ntarget = "distroless"\n')
    assert proposal(folder) == asked


def test_distroless_as_a_base_is_refused_with_its_reason(folder: str) -> None:
    (Path(folder) / "Dockerfile").write_text(
        'FROM node:22-slim\nWORKDIR /app\nCOPY . .\nRUN make\nCMD ["node", "a.js"]\n'
    )
    refused = proposal(folder, "--base", "distroless")["refusals"]
    assert isinstance(refused, list)
    assert "distroless" in [one["name"] for one in refused]
