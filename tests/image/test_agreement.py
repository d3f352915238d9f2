"""Our numbers beside those of tools that count the same thing in another way, on images built or loaded for real."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import Item, config, digest, file, folder, hardlink, layer, opaque, symlink, whiteout, write_tar
from imageof import check_identities, image_of

from imageopt.image.load import load_image
from imageopt.image.model import Image
from imageopt.source.model import ImageRef

pytestmark = pytest.mark.engine
Mount = Callable[[str], AbstractContextManager[Path]]


@pytest.fixture(scope="module")
def image(built: str) -> Image:
    image = load_image(ImageRef("docker", built))
    check_identities(image)
    assert min(image.waste[kind] for kind in ("deleted", "overwritten_same")) > 0  # else it would prove little
    return image


def test_the_engine_says_the_same_size(image: Image, built: str) -> None:
    """`docker image inspect`: the content of the files of all layers."""
    shown = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Size}}", built], check=True, capture_output=True, timeout=60
    )
    assert image.sizes.unpacked_bytes == int(shown.stdout)


@pytest.mark.trivy
def test_trivy_says_the_same_layer_sizes(image: Image, built: str, trivy: Path, tmp_path: Path) -> None:
    """Trivy counts each layer's whole tar: content and overhead."""
    options = ["--quiet", "--scanners", "license", "--skip-db-update", "--offline-scan", "--format", "json"]
    shown = subprocess.run(
        [trivy, "image", *options, "--cache-dir", tmp_path, built], check=True, capture_output=True, timeout=120
    )
    metadata = json.loads(shown.stdout)["Metadata"]
    # a layer that stands at several positions, as the empty one does, is listed once
    sizes = {each.diff_id: each.unpacked_bytes + each.overhead_bytes for each in image.layers}
    assert {each["DiffID"]: each["Size"] for each in metadata["Layers"]} == sizes
    assert metadata["DiffIDs"] == [each.diff_id for each in image.layers]


def test_a_mounted_file_system_says_what_lives(image: Image, built: str, mounted: Mount) -> None:
    with mounted(built) as root:
        assert du(root) == image.sizes.live_bytes
        assert files_below(root) == image.file_count
        assert links_below(root) == dict(image.links)


def test_skopeo_says_the_same_of_the_archive_and_of_its_own_copy(
    image: Image, saved: Path, skopeo: str, tmp_path: Path
) -> None:
    """skopeo packs the layers of its copy itself: same image, and what a pull of it transfers."""
    of_archive = shown_by(skopeo, f"docker-archive:{saved}")
    archive = load_image(ImageRef("docker-archive", str(saved)))
    assert of_archive["Layers"] == [each.diff_id for each in archive.layers]
    assert (of_archive["Os"], of_archive["Architecture"]) == (archive.config.os, archive.config.architecture)
    assert of_archive["Labels"] == archive.config.labels == {"note": "a text"}
    assert of_archive["Env"] == list(archive.config.env)
    assert of_archive["Created"] == archive.config.created

    layout = tmp_path / "layout"
    copy = [skopeo, "--insecure-policy", "copy", "--quiet", f"docker-archive:{saved}", f"oci:{layout}:copy"]
    subprocess.run(copy, check=True, timeout=120)
    of_copy, manifest = shown_by(skopeo, f"oci:{layout}:copy"), shown_by(skopeo, f"oci:{layout}:copy", "--raw")
    copied = load_image(ImageRef("oci", str(layout)))
    assert of_copy["Digest"] == copied.digest
    assert of_copy["Layers"] == [each.digest for each in copied.layers]
    transferred = {each["digest"]: each["size"] for each in manifest["layers"]}
    assert copied.sizes.download_bytes == sum(transferred.values())
    for other in (archive, copied):
        assert (other.sizes.unpacked_bytes, other.sizes.live_bytes) == (
            image.sizes.unpacked_bytes,
            image.sizes.live_bytes,
        )
        assert (other.sizes.overhead_bytes, other.waste) == (image.sizes.overhead_bytes, image.waste)
        assert other.file_count == image.file_count
        assert other.links == image.links


# what this engine unpacks: no name twice in a layer, no whiteout of what its own layer has, no link before its target
A, B, C = b"a" * 5000, b"b" * 300, b"c" * 70
HARD: dict[str, list[list[Item]]] = {
    "a folder deleted": [[file("d/x", A), file("e", B)], [whiteout("d")]],
    "a folder deleted and made again": [[file("d/x", A), file("d/y", B)], [whiteout("d")], [file("d/x", C)]],
    "the marker after what is new": [[file("d/x", A), file("d/y", B)], [folder("d"), file("d/x", C), opaque("d")]],
    "an opaque folder, twice": [[file("d/x", A)], [folder("d"), opaque("d"), file("d/y", B)], [folder("d"), opaque("d")]],
    "a file over a folder": [[file("d/x", A), file("d/e/y", B)], [file("d", C)]],
    "a symlink over a folder, a folder over that": [[file("d/x", A)], [symlink("d", "e")], [folder("d"), file("d/z", B)]],
    "a folder over a folder": [[file("d/x", A)], [folder("d")]],
    "no folder has an entry": [[file("a/b/x", A)], [whiteout("a/b")], [file("a/c/y", B)]],
    "hardlinks of which one goes": [[file("x", A), hardlink("y", "x"), hardlink("d/z", "y")], [whiteout("x")]],
    "hardlinks that all go": [[file("x", A), hardlink("y", "x")], [whiteout("x")], [whiteout("y")]],
    "one of two names written anew": [[file("x", A), hardlink("y", "x")], [file("y", B)]],
    "a symlink of the same layer is followed": [[folder("usr"), folder("usr/lib"), symlink("lib", "usr/lib"), file("lib/x", A)]],
    "a symlink below gives way to a folder": [
        [folder("usr"), file("usr/lib/x", A), symlink("lib", "usr/lib")], [file("lib/y", B)],
    ],
    "a marker below a file": [[file("f", A)], [whiteout("f/x")]],
    "a whiteout of nothing": [[whiteout("x"), file("y", A)], [whiteout("d/e/x")]],
    "markers that are none": [[file("d/x", A)], [file(".wh..wh.aufs"), file("d/y", B)]],
    "a folder's place taken by a file, and that by a folder": [[file("d/x", A)], [file("d", B)], [file("d/x", C)]],
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The hard cases in the engine, all from one archive: the image's name by the case's."""
    files: dict[str, bytes] = {}
    manifest = []
    names = {case: f"imageopt-hard:{number}" for number, case in enumerate(HARD)}
    for case, layers in HARD.items():
        tars = [layer(*items) for items in layers]
        settings = config(tars)
        files[f"{digest(settings)[7:]}.json"] = settings
        files.update({f"{digest(tar)[7:]}/layer.tar": tar for tar in tars})
        manifest.append({
            "Config": f"{digest(settings)[7:]}.json", "RepoTags": [names[case]],
            "Layers": [f"{digest(tar)[7:]}/layer.tar" for tar in tars],
        })  # fmt: skip
    files["manifest.json"] = json.dumps(manifest).encode()
    path = write_tar(tmp_path_factory.mktemp("hard") / "hard.tar", files)
    subprocess.run(["docker", "load", "--quiet", "--input", path], check=True, timeout=120, stdout=subprocess.DEVNULL)
    yield names
    subprocess.run(["docker", "rmi", *names.values()], check=True, timeout=120, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("case", HARD)
def test_what_the_engine_makes_of_hard_cases(case: str, loaded: dict[str, str], mounted: Mount) -> None:
    """In place and from the tars alone we say what lives; the engine unpacked the layers, and the kernel lays them over."""
    expected = image_of(*HARD[case])
    found = load_image(ImageRef("docker", loaded[case]))
    assert (found.sizes, found.waste, found.links) == (expected.sizes, expected.waste, expected.links)
    with mounted(loaded[case]) as root:
        assert du(root) == expected.sizes.live_bytes
        assert files_below(root) == expected.file_count
        assert links_below(root) == dict(expected.links)
        for record in expected.files:
            if record.fate == "live":
                assert (root / record.path).stat().st_size == record.size


def du(root: Path) -> int:
    """What du counts of the regular files: their content, each inode once."""
    listed = subprocess.run(["find", root, "-type", "f", "-print0"], check=True, capture_output=True, timeout=60)
    count = ["du", "--bytes", "--total", "--files0-from=-"]
    counted = subprocess.run(count, input=listed.stdout, check=True, capture_output=True, timeout=60)
    return int(counted.stdout.splitlines()[-1].split()[0])


def files_below(root: Path) -> int:
    """How many names of regular files there are."""
    return sum(path.is_file() and not path.is_symlink() for path in root.rglob("*"))


def links_below(root: Path) -> dict[str, str]:
    """The symlinks and what is written in them."""
    return {str(path.relative_to(root)): str(path.readlink()) for path in root.rglob("*") if path.is_symlink()}


def shown_by(skopeo: str, reference: str, *options: str) -> dict[str, Any]:
    """What `skopeo inspect` prints."""
    shown = subprocess.run([skopeo, "inspect", *options, reference], check=True, capture_output=True, timeout=60)
    document: dict[str, Any] = json.loads(shown.stdout)
    return document
