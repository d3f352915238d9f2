"""Small images made in code: layers from a few words, then the ways in which tools save them.

layer(file("app/a", b"x"), whiteout("app/old"))      the bytes of a layer's tar
docker_archive(path, [layer(...), layer(...)])       what `docker save` writes
"""

import gzip
import hashlib
import io
import json
import tarfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Item(NamedTuple):
    """One tar entry: its header and its content."""

    header: tarfile.TarInfo
    content: bytes = b""


def file(name: str, content: bytes = b"", *, mode: int = 0o644, uid: int = 0) -> Item:
    return Item(_header(name, tarfile.REGTYPE, mode=mode, uid=uid, size=len(content)), content)


def folder(name: str) -> Item:
    return Item(_header(name, tarfile.DIRTYPE, mode=0o755))


def symlink(name: str, target: str) -> Item:
    return Item(_header(name, tarfile.SYMTYPE, link=target))


def hardlink(name: str, target: str) -> Item:
    return Item(_header(name, tarfile.LNKTYPE, link=target))


def device(name: str, kind: bytes = tarfile.CHRTYPE) -> Item:
    return Item(_header(name, kind))


def whiteout(name: str) -> Item:
    parent, _, last = name.rpartition("/")
    return file(f"{parent}/.wh.{last}" if parent else f".wh.{last}")


def opaque(name: str) -> Item:
    return file(f"{name}/.wh..wh..opq" if name else ".wh..wh..opq")


def layer(*items: Item, format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002
    """The tar of the items, in their order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for item in items:
            tar.addfile(item.header, io.BytesIO(item.content))
    return out.getvalue()


def config(
    layers: Sequence[bytes],
    *,
    created_by: Sequence[str | None] | None = None,
    settings: Mapping[str, Any] | None = None,
    **more: Any,
) -> bytes:
    """The configuration of an image with these (uncompressed) layers; a None in `created_by` is an empty entry."""
    texts = created_by if created_by is not None else [f"RUN step {index}" for index in range(len(layers))]
    document = {
        "os": "linux",
        "architecture": "amd64",
        "created": "2026-01-01T00:00:00Z",
        "config": dict(settings or {}),
        "rootfs": {"type": "layers", "diff_ids": [digest(data) for data in layers]},
        "history": [
            {"created_by": text} if text is not None else {"created_by": "ENV A=1", "empty_layer": True}
            for text in texts
        ],
        **more,
    }
    return json.dumps(document).encode()


def docker_archive(path: Path, layers: Sequence[bytes], *, tag: str = "app:1", **more: Any) -> Path:
    """What Docker 25 and later saves: blobs named by digest, with a manifest.json."""
    settings = config(layers, **more)
    names = [blob_name(data) for data in layers]
    manifest = [{"Config": blob_name(settings), "RepoTags": [tag], "Layers": names}]
    files = dict(zip(names, layers, strict=True))
    return write_tar(path, {**files, blob_name(settings): settings, "manifest.json": json.dumps(manifest).encode()})


def oci_folder(path: Path, layers: Sequence[bytes], *, packed: bool = True, **more: Any) -> Path:
    """An OCI image layout; `packed` layers are gzip."""
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    settings = config(layers, **more)
    stored = [gzip.compress(data, mtime=0) if packed else data for data in layers]
    kind = "application/vnd.oci.image.layer.v1.tar"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": {"digest": digest(settings), "size": len(settings)},
            "layers": [
                {"mediaType": f"{kind}+gzip" if packed else kind, "digest": digest(data), "size": len(data)}
                for data in stored
            ],
        }
    ).encode()
    for data in (settings, manifest, *stored):
        (blobs / digest(data).removeprefix("sha256:")).write_bytes(data)
    index = {"schemaVersion": 2, "manifests": [{"digest": digest(manifest), "size": len(manifest)}]}
    (path / "index.json").write_text(json.dumps(index))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return path


def write_tar(path: Path, files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> Path:
    """A tar of named files, and symlinks from a name to a target."""
    items = [file(name, data) for name, data in files.items()]
    items += [symlink(name, target) for name, target in (links or {}).items()]
    path.write_bytes(layer(*items))
    return path


def split_record(data: bytes) -> bytes:
    """What an engine notes down about a layer's tar: raw bytes, and name, size and checksum of each content."""
    lines: list[dict[str, object]] = []
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        begin = 0
        for member in tar:
            content = member.size if member.isreg() else 0
            lines.append({"type": 2, "payload": b64(data[begin : member.offset_data])})
            raw = member.name.encode("utf-8", "surrogateescape")
            named = {"name": member.name} if raw == member.name.encode("utf-8", "replace") else {"name_raw": b64(raw)}
            lines.append({"type": 1, **named, "size": content, "payload": b64(bytes(8))})
            begin = member.offset_data + content
    lines.append({"type": 2, "payload": b64(data[begin:])})
    return b"\n".join(json.dumps(line).encode() for line in lines)


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def blob_name(data: bytes) -> str:
    return f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"


def _header(
    name: str, kind: bytes, *, mode: int = 0o644, uid: int = 0, size: int = 0, link: str = ""
) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type, header.mode, header.uid, header.size, header.linkname = kind, mode, uid, size, link
    return header
