"""The edge: one handler turns every way to end into words on stderr and the designed exit code.

0 done, 1 the answer is no, 2 wrong usage, 3 could not be done, 70 a bug, 130 interrupted. click has codes of its own,
so it never decides here.
"""

import errno
import os
import sys
from collections.abc import Sequence

from imageopt.errors import ImageoptError, UsageError, one_line
from imageopt.masking import masked

FAILED = 3
BUG = 70
INTERRUPTED = 130


def run(arguments: Sequence[str]) -> int:
    """Runs a command line to its exit code; never raises."""
    try:
        return _run(arguments)
    except ImageoptError as error:
        tell(error.cause, error.remedy)
        return error.exit_code
    except KeyboardInterrupt:
        tell("interrupted", "everything that was started is gone")
        return INTERRUPTED
    except MemoryError:
        tell("there is not enough memory", "give it more, or look at a smaller image")
        return FAILED
    except OSError as error:
        tell(*_outside(error))
        _trace(error, arguments)
        return FAILED
    except Exception as error:  # noqa: BLE001 (the one place where everything ends)
        if _is_of_client(error):
            tell(f"the engine broke off: {error}", "see that it runs and that DOCKER_HOST is right")
            _trace(error, arguments)
            return FAILED
        import platform

        tell(
            f"a bug in imageopt {_version()} (Python {platform.python_version()}): {type(error).__name__}: {error}",
            "please report it with the command and the output of --verbose",
        )
        _trace(error, arguments)
        return BUG


def tell(cause: str, remedy: str) -> None:
    """An error: one line of cause, one of remedy, without control characters."""
    print(f"error: {masked(one_line(cause))}\nhint: {one_line(remedy)}", file=sys.stderr)  # noqa: T201


def _run(arguments: Sequence[str]) -> int:
    """click's ways to end become our own; anything else passes through."""
    import click

    from imageopt.cli.main import command

    try:
        code = command.main(args=list(arguments), prog_name="imageopt", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.UsageError as error:
        hint = "see imageopt --help" if error.ctx is None else f"see {error.ctx.command_path} --help"
        raise UsageError(error.format_message(), hint) from None
    except click.ClickException as error:
        raise UsageError(error.format_message(), "see imageopt --help") from None
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0
    return code if isinstance(code, int) else 0


def _outside(error: OSError) -> tuple[str, str]:
    """Cause and remedy of what the operating system, or the engine, refused and no command expected."""
    if _is_of_client(error):
        return f"the engine broke off: {error}", "see that it runs and that DOCKER_HOST is right"
    if error.errno == errno.ENAMETOOLONG:
        return f"{os.fsdecode(error.filename or '')[:80]}… is longer than a name may be", "check what you typed"
    reason = error.strerror or type(error).__name__
    if error.filename is not None:
        reason = f"{os.fsdecode(error.filename)}: {reason}" if not isinstance(error.filename, int) else reason
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return reason, "make room, or name a folder with room in TMPDIR"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return reason, "check who may read and write there"
    if error.errno == errno.ENOENT and error.filename is None:
        return "the current folder is gone", "change to a folder that exists"
    return reason, "see what --verbose adds"


def _is_of_client(error: Exception) -> bool:
    """Whether the engine's client, or what it is made of, raised it: the innermost call tells."""
    innermost = error.__traceback__
    while innermost is not None and innermost.tb_next is not None:
        innermost = innermost.tb_next
    where = innermost.tb_frame.f_globals.get("__name__", "") if innermost is not None else ""
    return {type(error).__module__.partition(".")[0], where.partition(".")[0]} & {
        "docker",
        "requests",
        "urllib3",
    } != set()


def _trace(error: Exception, arguments: Sequence[str]) -> None:
    if {"--verbose", "-v"} & set(arguments):
        import traceback

        traceback.print_exception(error)


def _version() -> str:
    from imageopt import __version__

    return __version__
