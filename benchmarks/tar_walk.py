"""The standard library's walk over every layer of a saved image, for comparison: prints seconds. `tar_walk.py FILE`."""

import sys
import tarfile
import time


def main(path: str) -> None:
    started = time.perf_counter()
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isfile() and member.size > 10_000 else None
            if stream is not None and stream.read(262)[257:262] == b"ustar":
                stream.seek(0)
                with tarfile.open(fileobj=stream) as layer:
                    for _ in layer:
                        pass
    print(f"{time.perf_counter() - started:.3f}")


if __name__ == "__main__":
    main(sys.argv[1])
