"""A result document to where it was asked for: files whole or not at all, the rest on stdout."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from imageopt.cli.options import is_terminal
from imageopt.errors import InputError, UsageError


def emit(document: dict[str, Any], formats: Iterable[str], color: str) -> None:
    """Renders the document in each format; without one, for the terminal. A format may stand once on stdout."""
    from imageopt.report.render import render

    wanted = parse_formats(tuple(formats) or ("terminal",))
    for name, file in wanted:
        if file is None:
            plain = not is_terminal() and color != "always" and not _forced()
            text = render(
                document,
                name,
                color=_colored(color),
                width=shutil.get_terminal_size().columns if is_terminal() else None,
                plain=plain,
            )
            sys.stdout.write(text)
        else:
            write_whole(file, render(document, name, color=False, width=None, plain=True))


def parse_formats(formats: Iterable[str]) -> list[tuple[str, Path | None]]:
    """`json=FILE` to its parts. Raises UsageError for a format that there is not, or two results on stdout."""
    from imageopt.report.render import FORMATS

    wanted = []
    for text in formats:
        name, _, file = text.partition("=")
        if name not in FORMATS:
            raise UsageError(f"there is no format {name!r}", f"the formats are {', '.join(FORMATS)}")
        wanted.append((name, Path(file) if file else None))
    if sum(1 for _, file in wanted if file is None) > 1:
        raise UsageError("two results cannot both go to stdout", "give one of them a file: --format json=FILE")
    return wanted


def write_whole(path: Path, text: str) -> None:
    """Writes a file so that it is never half there. Raises InputError where it cannot be written."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}", "choose another place") from None


def _colored(color: str) -> bool:
    """`--color`, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return _forced() or is_terminal()


def _forced() -> bool:
    return bool(os.environ.get("FORCE_COLOR")) and not os.environ.get("NO_COLOR")
