"""Decompresses an OCI layout's gzip layers with isal, one on each core: `decompress.py DIR` prints seconds.

What is decompressed is thrown away: the least that any reader of these layers must do.
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from isal import isal_zlib

CHUNK = 1 << 18


def layer(path: Path) -> None:
    decoder = isal_zlib.decompressobj(wbits=31)
    with path.open("rb") as stream:
        while data := stream.read(CHUNK):
            decoder.decompress(data)


def main(folder: str) -> None:
    blobs = [path for path in (Path(folder) / "blobs" / "sha256").iterdir() if path.read_bytes()[:2] == b"\x1f\x8b"]
    blobs.sort(key=lambda path: -path.stat().st_size)
    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(layer, blobs))
    print(f"{time.perf_counter() - started:.3f}")


if __name__ == "__main__":
    main(sys.argv[1])
