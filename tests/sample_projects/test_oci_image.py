"""The small image in the repository is what its script writes."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "sample_projects"
COMMITTED = SAMPLES / "oci-image"


def test_every_blob_is_what_its_name_says_and_the_whole_is_small() -> None:
    blobs = list((COMMITTED / "blobs" / "sha256").iterdir())
    assert {blob.name for blob in blobs} == {hashlib.sha256(blob.read_bytes()).hexdigest() for blob in blobs}
    assert sum(blob.stat().st_size for blob in blobs) < 1_000_000


def test_the_script_writes_the_committed_image(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SAMPLES / "make_oci_image.py", tmp_path], check=True, timeout=60)
    assert layers(tmp_path) == layers(COMMITTED)


def layers(folder: Path) -> object:
    """The image's configuration: it names each layer by the digest of its tar, whatever gzip made of it."""

    def blob(described: dict[str, str]) -> dict[str, object]:
        path = folder / "blobs" / "sha256" / described["digest"].removeprefix("sha256:")
        document: dict[str, object] = json.loads(path.read_bytes())
        return document

    index = json.loads((folder / "index.json").read_bytes())
    manifest = blob(index["manifests"][0])
    config = manifest["config"]
    assert isinstance(config, dict)
    return blob(config)
