"""The engine's copy of an image, to compare with: its layers, or nothing."""

import os
import subprocess
from typing import Any

import pytest

from imageopt.errors import ToolFailed
from imageopt.source import engine as engine_module
from imageopt.source.at_hand import layers_at_hand


class Client:
    def close(self) -> None:
        pass


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
    answer: dict[str, Any] | None, layers: tuple[str, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "connect", Client)
    monkeypatch.setattr(engine_module, "inspect_image", lambda *_: answer)
    assert layers_at_hand("alpine") == layers


def test_an_engine_that_breaks_off_is_nothing_to_compare_with(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ToolFailed("the engine broke off", "see that it runs")

    monkeypatch.setattr(engine_module, "connect", Client)
    monkeypatch.setattr(engine_module, "inspect_image", broken)
    assert layers_at_hand("alpine") is None


@pytest.mark.engine
def test_the_layers_are_the_engines_own(engine: str) -> None:
    shown = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{join .RootFS.Layers \" \"}}", "alpine:latest"],
        capture_output=True, text=True, check=True, timeout=60, env=dict(os.environ),
    )  # fmt: skip
    assert layers_at_hand("alpine:latest") == tuple(shown.stdout.split())
    assert layers_at_hand("alpine:no-such-tag") is None
