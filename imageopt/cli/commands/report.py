"""`imageopt report`: a stored result, in any format."""

import json
from pathlib import Path
from typing import Any

import click

from imageopt.cli.options import Talk, config_option, read_alone, talk_options
from imageopt.cli.output import emit
from imageopt.errors import InputError


@click.command()
@click.argument("result", type=click.Path(readable=False))
@config_option
@talk_options
def command(result: str, **options: Any) -> int:
    """Show RESULT, the JSON of an earlier command, again."""
    read_alone(options.pop("config"))
    talk = Talk.of(options)
    try:
        document = json.loads(Path(result).read_bytes())
    except OSError as error:
        raise InputError(f"{result} cannot be read: {error.strerror}", "check the path") from None
    except (ValueError, RecursionError):
        raise InputError(f"{result} is not JSON", "write a result with --format json=FILE") from None
    emit(document if isinstance(document, dict) else {}, talk.formats, talk.color)
    return 0
