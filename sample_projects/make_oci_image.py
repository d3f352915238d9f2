"""Writes `oci-image/`, the small image that can be analysed where no engine can be had.

`python make_oci_image.py [FOLDER]`. It is an OCI image layout with the habits of agent-buildkit in miniature: a base,
`COPY . .`, an install with development dependencies and its cache, a `chown -R`, a late `rm -rf`. Nothing in it runs.
No clock and no machine enters it, so the same bytes come out each time.
"""

import gzip
import hashlib
import io
import json
import random
import sys
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE / "agent-buildkit"
WRITTEN = "2026-01-05T06:00:00Z"
SOURCES = ("Dockerfile", "package.json", "tsconfig.json", "src", "public", "views", "config")
# name, version, development dependency or not, bytes
PACKAGES = (
    ("express", "4.19.2", False, 70_000),
    ("lodash", "4.17.20", False, 540_000),
    ("pino", "8.19.0", False, 90_000),
    ("jest", "29.7.0", True, 400_000),
    ("typescript", "5.3.3", True, 1_900_000),
    ("webpack", "5.90.3", True, 1_100_000),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of a layer; `content` None makes it a folder."""

    name: str
    content: bytes | None
    owner: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the history; without entries it made no layer."""

    created_by: str
    entries: tuple[Entry, ...] = ()


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0]) if arguments else HERE / "oci-image"
    write_image(folder, steps())
    return 0


def steps() -> list[Step]:
    """What a build would have left, oldest first."""
    copied = tuple(Entry(f"app/{name}", content) for name, content in context())
    installed = tuple(installed_packages())
    owned = tuple(
        Entry(entry.name, entry.content, 1000) for entry in (*copied, *installed) if entry.name.startswith("app/")
    )
    return [
        Step("/bin/sh -c #(nop) ADD file:base in / ", tuple(base())),
        Step('/bin/sh -c #(nop)  CMD ["node"]'),
        Step("WORKDIR /app", (Entry("app", None),)),
        Step("COPY . . # buildkit", copied),
        Step("RUN /bin/sh -c npm install # buildkit", installed),
        Step("RUN /bin/sh -c chown -R node:node /app # buildkit", owned),
        Step("RUN /bin/sh -c rm -rf logs # buildkit", (Entry("app/.wh.logs", b""),)),
        Step("EXPOSE map[3000/tcp:{}]"),
        Step('CMD ["npm" "start"]'),
    ]


def base() -> Iterable[Entry]:
    yield Entry("etc/os-release", b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    yield Entry("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n")
    status = "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4+deb12u12\n"
    yield Entry("var/lib/dpkg/status", status.encode())
    yield Entry("var/lib/dpkg/info/base-files.list", b"/.\n/etc\n/etc/os-release\n")
    yield Entry("usr/local/bin/node", text("node", 1_500_000))


def context() -> Iterable[tuple[str, bytes]]:
    """The sources of agent-buildkit and the logs somebody left between them."""
    for name in SOURCES:
        path = PROJECT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                yield file.relative_to(PROJECT).as_posix(), file.read_bytes()
    for day in (5, 6, 7):
        yield f"logs/app-2026-01-{day:02}.log", text(f"log {day}", 400_000)


def installed_packages() -> Iterable[Entry]:
    lock: dict[str, object] = {}
    for name, version, dev, size in PACKAGES:
        folder = f"app/node_modules/{name}"
        yield Entry(f"{folder}/package.json", json.dumps({"name": name, "version": version}).encode())
        yield Entry(f"{folder}/index.js", text(name, size))
        lock[f"node_modules/{name}"] = {"version": version, **({"dev": True} if dev else {})}
    hidden = {"name": "agent-buildkit", "version": "1.14.2", "lockfileVersion": 3, "packages": lock}
    yield Entry("app/node_modules/.package-lock.json", json.dumps(hidden, indent=2).encode())
    for name, _, _, size in PACKAGES:
        key = hashlib.sha512(name.encode()).hexdigest()
        yield Entry(
            f"root/.npm/_cacache/content-v2/sha512/{key[:2]}/{key[2:4]}/{key[4:]}", text(f"cache {name}", size // 5)
        )


def text(seed: str, size: int) -> bytes:
    """Lines that compress about thirtyfold, the same for the same seed."""
    dice = random.Random(seed)
    words = [f"{dice.getrandbits(24):06x}" for _ in range(40)]
    block = "".join(f"{' '.join(dice.choices(words, k=8))}\n" for _ in range(120)).encode()
    return (block * (size // len(block) + 1))[:size]


def write_image(folder: Path, history: list[Step]) -> None:
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def store(data: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": f"sha256:{digest}", "size": len(data)}

    tars = [layer(step.entries) for step in history if step.entries]
    layers = [store(gzip.compress(tar, 9, mtime=0), "layer.v1.tar+gzip") for tar in tars]
    config = {
        "created": WRITTEN,
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
            "Cmd": ["npm", "start"],
            "WorkingDir": "/app",
            "ExposedPorts": {"3000/tcp": {}},
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}" for tar in tars]},
        "history": [
            {"created": WRITTEN, "created_by": step.created_by, **({} if step.entries else {"empty_layer": True})}
            for step in history
        ],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": store(json.dumps(config).encode(), "config.v1+json"),
        "layers": layers,
    }
    described = store(json.dumps(manifest).encode(), "manifest.v1+json")
    described["annotations"] = {"org.opencontainers.image.ref.name": "agent-buildkit-small"}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}), encoding="utf-8")
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', encoding="utf-8")


def layer(entries: Iterable[Entry]) -> bytes:
    """An uncompressed tar of the entries, with the folders above them."""
    buffer = io.BytesIO()
    seen: set[str] = set()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            above = [parent.as_posix() for parent in reversed(Path(entry.name).parents) if parent.as_posix() != "."]
            for name in above if entry.content is not None else [*above, entry.name]:
                if name not in seen:
                    seen.add(name)
                    tar.addfile(header(name, entry.owner, folder=True))
            if entry.content is not None:
                info = header(entry.name, entry.owner, folder=False)
                info.size = len(entry.content)
                tar.addfile(info, io.BytesIO(entry.content))
    return buffer.getvalue()


def header(name: str, owner: int, *, folder: bool) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = (tarfile.DIRTYPE, 0o755) if folder else (tarfile.REGTYPE, 0o644)
    info.uid = info.gid = owner
    info.mtime = 1_767_592_800
    return info


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
