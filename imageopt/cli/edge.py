"""The edge: one handler turns every way to end into words on stderr and the designed exit code.

0 done, 1 the answer is no, 2 wrong usage, 3 could not be done, 70 a bug, 130 interrupted. click has codes of its own,
so it never decides here.
"""

import os
import platform
import sys
import traceback
from collections.abc import Sequence

from imageopt.errors import ImageoptError

BUG = 70
INTERRUPTED = 130


def run(arguments: Sequence[str]) -> int:
    """Runs a command line to its exit code; never raises."""
    import click

    from imageopt.cli.main import command

    try:
        code = command.main(args=list(arguments), prog_name="imageopt", standalone_mode=False)
        sys.stdout.flush()
    except ImageoptError as error:
        tell(error.cause, error.remedy)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.UsageError as error:
        hint = "see imageopt --help" if error.ctx is None else f"see {error.ctx.command_path} --help"
        tell(error.format_message(), hint)
        return 2
    except click.ClickException as error:
        tell(error.format_message(), "see imageopt --help")
        return 2
    except (KeyboardInterrupt, click.Abort):
        tell("interrupted", "everything that was started is gone")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads: nothing more to say
        return 0
    except Exception as error:  # noqa: BLE001 (the one place where everything ends)
        return _bug(error, arguments)
    return code if isinstance(code, int) else 0


def tell(cause: str, remedy: str) -> None:
    """An error: one line of cause, one of remedy, without control characters."""
    print(f"error: {_one_line(cause)}\nhint: {_one_line(remedy)}", file=sys.stderr)  # noqa: T201


def _bug(error: Exception, arguments: Sequence[str]) -> int:
    from imageopt import __version__

    tell(
        f"a bug in imageopt {__version__} (Python {platform.python_version()}): {type(error).__name__}: {error}",
        "please report it with the command and the output of --verbose",
    )
    if "--verbose" in arguments:
        traceback.print_exception(error)
    return BUG


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
