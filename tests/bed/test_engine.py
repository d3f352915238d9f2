"""The bed's engine notices a store that lost files: a deletion that was cut off fails builds far from its cause."""

import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root has an engine of its own")

SCRIPT = Path(__file__).with_name("engine.sh")


def test_a_layer_without_its_files_is_noticed(tmp_path: Path) -> None:
    store = tmp_path / "bed" / "docker"
    layer = store / "image/overlay2/layerdb/sha256/0a"
    layer.mkdir(parents=True)
    (layer / "cache-id").write_text("kept")  # the engine ends it without a newline
    files = store / "overlay2/kept"
    files.mkdir(parents=True)
    assert check(store.parent) == (0, "")
    files.rmdir()
    assert check(store.parent) == (1, "engine: layers have lost their files\n")


def test_wiping_finishes_what_an_earlier_one_left(tmp_path: Path) -> None:
    (tmp_path / "bed/docker").mkdir(parents=True)
    (tmp_path / "bed.discarded.1/docker").mkdir(parents=True)
    subprocess.run([SCRIPT, "wipe"], env=os.environ | {"IMAGEOPT_BED": str(tmp_path / "bed")}, check=True)
    assert list(tmp_path.iterdir()) == []


def test_wiping_takes_what_a_killed_engine_left_mounted(tmp_path: Path) -> None:
    store = tmp_path / "bed" / "docker"
    store.mkdir(parents=True)
    if subprocess.run(["mount", "--bind", store, store], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    subprocess.run([SCRIPT, "wipe"], env=os.environ | {"IMAGEOPT_BED": str(tmp_path / "bed")}, check=True)
    assert list(tmp_path.iterdir()) == []


def check(bed: Path) -> tuple[int, str]:
    done = subprocess.run(
        [SCRIPT, "check"], env=os.environ | {"IMAGEOPT_BED": str(bed)}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr
