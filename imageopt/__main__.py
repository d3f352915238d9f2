"""`imageopt` and `python -m imageopt`. `--version` is answered before anything heavy is imported."""

import gc
import sys


def main() -> int:
    """Runs the command line; gives the exit code."""
    try:
        if sys.argv[1:] in (["--version"], ["-V"]):
            return _version()
        from imageopt.cli.edge import run
        from imageopt.cli.signals import ignore_signals, interrupt_on_signals
        from imageopt.cli.streams import prepare

        prepare()
        interrupt_on_signals()
        gc.disable()  # a command makes no cycles to speak of, and an image's many entries are costly to look through
        code = run(sys.argv[1:])
        gc.freeze()  # nor has what goes with the process to be looked through at its end
    except KeyboardInterrupt:  # before or after the command itself
        return 130
    ignore_signals()
    return code


def _version() -> int:
    from imageopt import __version__

    try:
        print(f"imageopt {__version__}", flush=True)  # noqa: T201 (the one line that needs no output machinery)
    except OSError as error:
        sys.stdout = None  # nothing may be tried again at the end
        print(f"error: the version cannot be written to standard output: {error.strerror}", file=sys.stderr)  # noqa: T201
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
