"""A baseline is a file or any earlier result; a new one is never above the old one."""

import json
from pathlib import Path
from typing import Any

import pytest

from imageopt.errors import InputError
from imageopt.gate.baseline import dumped, history_file, lowered, read_baseline
from imageopt.gate.model import Baseline

SIZES = {"download_bytes": 40, "unpacked_bytes": 100, "live_bytes": None, "wasted_bytes": 3}


def test_a_ratchet_turns_one_way(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    assert read_baseline(path) is None
    path.write_text(dumped(lowered(None, SIZES)))
    first = read_baseline(path)
    assert first == Baseline("b.json", SIZES)
    path.write_text(dumped(lowered(first, {"download_bytes": 50, "unpacked_bytes": 90, "live_bytes": 7})))
    second = read_baseline(path)
    assert second is not None
    assert second.sizes == {"download_bytes": 40, "unpacked_bytes": 90, "live_bytes": 7, "wasted_bytes": 3}


def test_an_earlier_result_is_a_baseline(tmp_path: Path, result: dict[str, Any]) -> None:
    path = tmp_path / "verified.json"
    path.write_text(json.dumps(result))
    found = read_baseline(path)
    assert found is not None
    assert found.sizes["unpacked_bytes"] == 120_000_000


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"schema": "imageopt.baseline/1"}', '{"schema": "imageopt.baseline/1", "sizes": []}',
     '{"schema": "imageopt.baseline/1", "sizes": {"unpacked_bytes": "7"}}', '{"schema": "imageopt.baseline/1", "sizes": {"live_bytes": -1}}',
     '{"schema": "imageopt.lint/1"}', '{"schema": "imageopt.analysis/1"}'],
)  # fmt: skip
def test_anything_else_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(InputError):
        read_baseline(path)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_baseline(tmp_path)


def test_the_history_is_of_a_folder_and_an_image_of_any_tag(tmp_path: Path) -> None:
    digest = "sha256:" + "a" * 64
    alike = ["app:1", "app:2", f"app@{digest}", f"docker:app:3@{digest}"], ["host:5000/app", "host:5000/app:3"], [None]
    files = [{history_file(tmp_path, name) for name in names} for names in alike]
    assert [len(found) for found in files] == [1, 1, 1]
    assert len(set.union(*files, {history_file(tmp_path / "x", None)})) == 4
