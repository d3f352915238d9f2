"""The engine's copy of an image, to compare with: its layers, or nothing."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from fakeengine import DOCKER, answering

from imageopt.source.at_hand import digest_at_hand, layers_at_hand


def test_without_an_engine_there_is_nothing_to_compare_with(no_engine: pytest.MonkeyPatch) -> None:
    assert layers_at_hand("alpine") is None


@pytest.mark.parametrize(
    ("answer", "layers"),
    [
        ({"RootFS": {"Layers": ["sha256:1", "sha256:2"]}}, ("sha256:1", "sha256:2")),
        ({"RootFS": {"Layers": None}}, None),
        ({"RootFS": None}, None),
        (None, None),
    ],
)
def test_it_gives_what_the_engine_says(
    answer: dict[str, Any] | None, layers: tuple[str, ...] | None, no_engine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = (200, answer) if answer is not None else (404, {"message": "no such image"})
    with answering(tmp_path / "s", DOCKER, {"/images/alpine/json": given}) as host:
        no_engine.setenv("DOCKER_HOST", host)
        assert layers_at_hand("alpine") == layers


def test_an_engine_that_breaks_off_is_nothing_to_compare_with(no_engine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with answering(tmp_path / "s", DOCKER, {"/images/alpine/json": (500, {"message": "broken"})}) as host:
        no_engine.setenv("DOCKER_HOST", host)
        assert layers_at_hand("alpine") is None


D = f"sha256:{'d' * 64}"


@pytest.mark.parametrize(
    ("reference", "known", "digest"),
    [
        ("node:22", [f"node@{D}"], D),
        ("docker.io/library/node:22", [f"node@{D}"], D),
        ("r.org:5000/a/node", [f"r.org:5000/a/node@{D}", "mirror/node@sha256:1"], D),
        ("node:22", [f"node@{D}", "node@sha256:2"], None),
        ("node:22", [f"mirror.org/node@{D}"], None),
        ("node:22", [], None),
        ("node:22", None, None),
    ],
)
def test_the_digest_is_the_one_it_was_pulled_by(
    reference: str, known: list[str] | None, digest: str | None, no_engine: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = (200, {"RepoDigests": known})
    with answering(tmp_path / "s", DOCKER, {f"/images/{reference}/json": given}) as host:
        no_engine.setenv("DOCKER_HOST", host)
        assert digest_at_hand(reference) == digest


@pytest.mark.engine
def test_the_layers_are_the_engines_own(engine: str) -> None:
    shown = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{join .RootFS.Layers \" \"}}", "alpine:latest"],
        capture_output=True, text=True, check=True, timeout=60, env=dict(os.environ),
    )  # fmt: skip
    assert layers_at_hand("alpine:latest") == tuple(shown.stdout.split())
    assert layers_at_hand("alpine:no-such-tag") is None
