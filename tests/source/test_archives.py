"""Images on disk: every generation of archives, OCI layouts, and what is no image at all."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from imagebuilder import blob_name, config, digest, docker_archive, file, layer, oci_folder, write_tar

from imageopt.errors import ImageoptError, InputError, UsageError
from imageopt.image.load import load_image
from imageopt.image.model import Image
from imageopt.source.reference import parse_reference

ONE, TWO = layer(file("a", b"1" * 100)), layer(file("b", b"2" * 50))
SETTINGS = config([ONE, TWO])


def load(reference: str) -> Image:
    return load_image(parse_reference(reference))


def manifest(config_name: str, *layers: str, tags: list[str] | None = None) -> bytes:
    return json.dumps([{"Config": config_name, "RepoTags": tags, "Layers": list(layers)}]).encode()


def docker_25(folder: Path) -> str:
    return f"docker-archive:{docker_archive(folder / 'a.tar', [ONE, TWO])}"


def docker_legacy(folder: Path) -> str:
    """`ID/layer.tar`, with a layer that is a symlink to another image's, as docker saved until version 24."""
    files = {"c.json": SETTINGS, "x/layer.tar": ONE, "z/layer.tar": TWO}
    files["manifest.json"] = manifest("c.json", "x/layer.tar", "y/layer.tar")
    return f"docker-archive:{write_tar(folder / 'a.tar', files, links={'y/layer.tar': '../z/layer.tar'})}"


def kaniko(folder: Path) -> str:
    """Configuration named by digest, layers gzip: kaniko and crane."""
    files = {digest(SETTINGS): SETTINGS, "one.tar.gz": gzip.compress(ONE), "two.tar.gz": gzip.compress(TWO)}
    files["manifest.json"] = manifest(digest(SETTINGS), "one.tar.gz", "two.tar.gz")
    return f"docker-archive:{write_tar(folder / 'a.tar', files)}"


def oci(folder: Path) -> str:
    return f"oci:{oci_folder(folder / 'layout', [ONE, TWO])}"


def oci_archive(folder: Path) -> str:
    layout = oci_folder(folder / "layout", [ONE, TWO])
    files = {str(path.relative_to(layout)): path.read_bytes() for path in layout.rglob("*") if path.is_file()}
    return f"oci-archive:{write_tar(folder / 'a.oci.tar', files)}"


def oci_with_nested_index(folder: Path) -> str:
    """An index in the index, with an attestation beside the image, as BuildKit writes them."""
    layout = oci_folder(folder / "layout", [ONE, TWO])
    index = json.loads((layout / "index.json").read_text())
    attestation = {**index["manifests"][0], "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    inner = json.dumps({"manifests": [index["manifests"][0], attestation]}).encode()
    (layout / blob_name(inner)).write_bytes(inner)
    outer = {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest(inner), "size": len(inner)}
    (layout / "index.json").write_text(json.dumps({"manifests": [outer]}))
    return f"oci:{layout}"


@pytest.mark.parametrize(
    "save", [docker_25, docker_legacy, kaniko, oci, oci_archive, oci_with_nested_index], ids=lambda save: save.__name__
)
def test_the_same_image_from_every_kind_of_archive(tmp_path: Path, save: Callable[[Path], str]) -> None:
    image = load(save(tmp_path))
    assert [(record.path, record.size, record.birth) for record in image.files] == [("a", 100, 0), ("b", 50, 1)]
    assert [layer.diff_id for layer in image.layers] == [digest(ONE), digest(TWO)]
    assert [layer.created_by for layer in image.layers] == ["RUN step 0", "RUN step 1"]


def test_what_no_manifest_lists_and_nobody_packed_has_no_download_size(tmp_path: Path) -> None:
    assert load(docker_25(tmp_path)).sizes.download_bytes is None
    packed = load(oci(tmp_path))
    assert packed.sizes.download_bytes == len(gzip.compress(ONE, mtime=0)) + len(gzip.compress(TWO, mtime=0))
    plain = load(f"oci:{oci_folder(tmp_path / 'plain', [ONE, TWO, ONE], packed=False)}")
    assert [layer.download_bytes for layer in plain.layers] == [len(ONE), len(TWO), 0]
    assert plain.sizes.download_bytes == len(ONE) + len(TWO)


def test_a_layer_that_stands_twice_is_transferred_once_and_unpacked_twice(tmp_path: Path) -> None:
    image = load(f"oci:{oci_folder(tmp_path / 'layout', [ONE, ONE])}")
    assert [layer.download_bytes for layer in image.layers] == [len(gzip.compress(ONE, mtime=0)), 0]
    assert (image.sizes.unpacked_bytes, image.waste["overwritten_same"]) == (200, 100)


def test_several_images_in_one_archive_must_be_chosen_from(tmp_path: Path) -> None:
    one, two = config([ONE]), config([TWO])
    entries = [{"Config": "1.json", "RepoTags": ["app:1"], "Layers": ["1.tar"]},
               {"Config": "2.json", "RepoTags": ["app:2"], "Layers": ["2.tar"]}]  # fmt: skip
    files = {"1.json": one, "2.json": two, "1.tar": ONE, "2.tar": TWO, "manifest.json": json.dumps(entries).encode()}
    path = write_tar(tmp_path / "a.tar", files)
    with pytest.raises(UsageError, match="app:1; app:2"):
        load(f"docker-archive:{path}")
    assert load(f"docker-archive:{path}:app:2").sizes.unpacked_bytes == 50
    with pytest.raises(InputError, match="no image 'app:3'"):
        load(f"docker-archive:{path}:app:3")


def test_several_platforms_must_be_chosen_from(tmp_path: Path) -> None:
    layout = oci_folder(tmp_path / "layout", [ONE])
    other = oci_folder(tmp_path / "other", [TWO])
    for path in (other / "blobs" / "sha256").iterdir():
        path.rename(layout / "blobs" / "sha256" / path.name)
    manifests = []
    for folder, architecture in ((layout, "amd64"), (other, "arm64")):
        (listed,) = json.loads((folder / "index.json").read_text())["manifests"]
        manifests.append({**listed, "platform": {"os": "linux", "architecture": architecture}})
    (layout / "index.json").write_text(json.dumps({"manifests": manifests}))
    with pytest.raises(UsageError, match="linux/amd64"):
        load(f"oci:{layout}")
    image = load_image(parse_reference(f"oci:{layout}"), platform="linux/arm64")
    assert image.sizes.unpacked_bytes == 50
    with pytest.raises(InputError, match="no image in it fits"):
        load_image(parse_reference(f"oci:{layout}"), platform="linux/s390x")


@pytest.mark.parametrize("texts", [["only one"], ["one", "two", "three"], []], ids=["shorter", "longer", "missing"])
def test_a_history_that_does_not_fit_names_no_layer(tmp_path: Path, texts: list[str]) -> None:
    image = load(f"docker-archive:{docker_archive(tmp_path / 'a.tar', [ONE, TWO], created_by=texts)}")
    assert [layer.created_by for layer in image.layers] == [None, None]


def test_empty_history_entries_make_no_layer(tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "a.tar", [ONE, TWO], created_by=["one", None, "two", None])
    assert [layer.created_by for layer in load(f"docker-archive:{path}").layers] == ["one", "two"]


def broken(tmp_path: Path, name: str) -> str:
    """A reference to something that is damaged in the way its name says."""
    good = {"c.json": SETTINGS, "1": ONE, "2": TWO, "manifest.json": manifest("c.json", "1", "2")}
    archives: dict[str, dict[str, bytes]] = {
        "no documents": {"a": b"1"},
        "null manifest": {**good, "manifest.json": b"null"},
        "manifest is no JSON": {**good, "manifest.json": b"{"},
        "manifest of numbers": {**good, "manifest.json": b"[1]"},
        "missing configuration": {name: data for name, data in good.items() if name != "c.json"},
        "configuration is no JSON": {**good, "c.json": b"\xff"},
        "configuration without layers": {**good, "c.json": b"{}"},
        "missing layer": {name: data for name, data in good.items() if name != "2"},
        "fewer layers than the configuration": {**good, "manifest.json": manifest("c.json", "1")},
        "another layer's content": {**good, "2": ONE},
        "cut layer": {**good, "2": TWO[:600]},
        "configuration leads out": {**good, "manifest.json": manifest("../../../../etc/passwd", "1", "2")},
    }
    if name in archives:
        return f"docker-archive:{write_tar(tmp_path / 'a.tar', archives[name])}"
    if name == "not a tar":
        (tmp_path / "a.tar").write_bytes(b"hello" * 1000)
    elif name == "cut archive":
        data = docker_archive(tmp_path / "b.tar", [ONE, TWO]).read_bytes()
        (tmp_path / "a.tar").write_bytes(data[: len(data) // 2])
    elif name == "a folder":
        (tmp_path / "a.tar").mkdir()
    return f"docker-archive:{tmp_path / 'a.tar'}"


@pytest.mark.parametrize(
    "name",
    ["no documents", "null manifest", "manifest is no JSON", "manifest of numbers", "missing configuration",
     "configuration is no JSON", "configuration without layers", "missing layer",
     "fewer layers than the configuration", "another layer's content", "cut layer", "configuration leads out",
     "not a tar", "cut archive", "a folder", "nothing there"],
)  # fmt: skip
def test_damage_is_one_line_of_cause_and_one_of_remedy(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageoptError) as caught:
        load(broken(tmp_path, name))
    assert caught.value.exit_code == 3
    assert "\n" not in caught.value.cause + caught.value.remedy
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["no index", "itself", "bad digest", "blob gone", "no configuration"])
def test_damaged_layouts(tmp_path: Path, name: str) -> None:
    layout = oci_folder(tmp_path / "layout", [ONE])
    index = layout / "index.json"
    (listed,) = json.loads(index.read_text())["manifests"]
    nested = {"mediaType": "application/vnd.oci.image.index.v1+json"}
    if name == "no index":
        index.unlink()
    elif name == "itself":  # a digest cannot really lead back, but a hostile layout need not keep its promises
        (layout / "blobs" / "sha256" / "loop").write_text(
            json.dumps({"manifests": [{**nested, "digest": "sha256:loop"}]})
        )
        index.write_text(json.dumps({"manifests": [{**nested, "digest": "sha256:loop"}]}))
    elif name == "bad digest":
        index.write_text(json.dumps({"manifests": [{**listed, "digest": "sha256:../../x"}]}))
    elif name == "blob gone":
        (layout / "blobs" / "sha256" / listed["digest"][7:]).unlink()
    else:
        (layout / "blobs" / "sha256" / listed["digest"][7:]).write_text("{}")
    with pytest.raises(InputError):
        load(f"oci:{layout}")


def test_bare_paths_are_recognised(tmp_path: Path) -> None:
    archive = docker_archive(tmp_path / "a.tar", [ONE])
    layout = oci_folder(tmp_path / "layout", [ONE])
    assert load(str(archive)).source == "docker-archive"
    assert load(str(layout)).source == "oci"


@pytest.mark.parametrize("text", ["", "docker:", "-x", "a\x1b[31m"])
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reference(text)
