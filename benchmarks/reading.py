"""Reads one image and prints the seconds that took, without the interpreter's start: `reading.py [--verify] REFERENCE`.

Reading is from the reference to the accounted image: what dive, syft and `docker save` spend their time on too.
"""

import gc
import sys
import time

from imageopt.image.cache import user_cache
from imageopt.image.load import load_image
from imageopt.source.reference import parse_reference


def main(arguments: list[str]) -> None:
    gc.disable()  # as the command line does
    verify = "--verify" in arguments
    started = time.perf_counter()
    load_image(parse_reference(arguments[-1]), cache=user_cache(), verify_digests=verify)
    print(f"{time.perf_counter() - started:.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
