"""The option `--with`: transformations that `rewrite` and `verify` make only when asked for by their names."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def asked_option(function: Function) -> Function:
    """Adds the option, which the command finds as `asked`. A name that is unknown ends it with exit code 2."""
    option = click.option(
        "--with",
        "asked",
        multiple=True,
        metavar="NAME",
        callback=_checked,
        shell_complete=_complete,
        help="Also make a transformation that is made only when asked for; `rewrite` lists them. Repeatable.",
    )
    return option(function)


def _checked(ctx: click.Context, param: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ARG001
    if names:
        from imageopt.rewrite.asked.made import check_names

        check_names(names)
    return names


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    from imageopt.rewrite.asked.registry import ASKED

    return [asked.name for asked in ASKED if asked.name.startswith(incomplete)]
