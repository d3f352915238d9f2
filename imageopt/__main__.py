"""`imageopt` and `python -m imageopt`. `--version` is answered before anything heavy is imported."""

import gc
import sys


def main() -> int:
    """Runs the command line; gives the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from imageopt import __version__

        print(f"imageopt {__version__}")  # noqa: T201 (the one line that needs no output machinery)
        return 0
    from imageopt.cli.edge import run

    gc.disable()  # a command makes no cycles to speak of, and an image's many entries are costly to look through
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
