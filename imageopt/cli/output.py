"""A result document to where it was asked for: files whole or not at all, the rest on stdout."""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from imageopt.cli.streams import columns, is_terminal
from imageopt.errors import InputError, UsageError, one_line
from imageopt.lazy_pattern import lazy_pattern
from imageopt.masking import sealed

_LONE_SURROGATE = lazy_pattern("[\ud800-\udfff]")  # a byte of a file name that is not UTF-8
LIST_FORMATS = ("terminal", "json")


def emit(document: dict[str, Any], formats: Iterable[str], color: str) -> None:
    """Renders the document in each format; without one, for the terminal. A format may stand once on stdout.

    What goes to stdout is shown first, and a file that cannot be written keeps no other from being written; the first
    such file is raised at the end, as InputError.
    """
    from imageopt.report.render import formats_of, render

    document = sealed(document)
    wanted = parse_formats(tuple(formats) or ("terminal",), formats_of(document.get("schema")))
    failed: InputError | None = None
    for name, file in sorted(wanted, key=lambda one: one[1] is not None):
        if file is None:
            _show(document, name, color)
            continue
        try:
            write_whole(file, render(document, name, color=False, width=None, plain=True))
        except InputError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def emit_list(document: dict[str, Any], text: Callable[[int | None], str], formats: Iterable[str]) -> None:
    """Shows what is no result but a list: as text of a width, as JSON, or both, on stdout and in files."""
    from imageopt.report.json_text import dumps

    for name, file in parse_formats(tuple(formats) or ("terminal",), LIST_FORMATS):
        width = columns() if file is None else None
        shown = text(width) if name == "terminal" else dumps(document)
        if file is None:
            sys.stdout.write(shown)
        else:
            write_whole(file, shown)


def say(text: str) -> None:
    """A line of talk that is no result, on stderr."""
    sys.stderr.write(f"imageopt: {one_line(text)}\n")


def add(text: str, *, quiet: bool) -> None:
    """A line below a result, for the person in front of it: what may come next. Nothing where a program reads it."""
    if text and not quiet and is_terminal() and sys.stderr.isatty():
        sys.stdout.flush()
        sys.stderr.write(f"\n{one_line(text)}\n")


def parse_formats(formats: Iterable[str], known: Sequence[str] | None = None) -> list[tuple[str, Path | None]]:
    """`json=FILE` to its parts; `json` and `json=-` mean stdout. `known` are the formats of the result.

    Raises UsageError for a format that there is not, or two results on stdout, and InputError for a file that could
    never be written: better now than after an hour of building.
    """
    from imageopt.report.render import ALL, FORMATS

    known = known or FORMATS
    wanted: list[tuple[str, Path | None]] = []
    for text in formats:
        name, _, file = text.partition("=")
        if name not in known:
            which = "this result cannot be shown as" if name in ALL else "there is no format"
            raise UsageError(f"{which} {name!r}", f"the formats are {', '.join(known)}")
        wanted.append((name, Path(file) if file not in ("", "-") else None))
    if sum(1 for _, file in wanted if file is None) > 1:
        raise UsageError("two results cannot both go to stdout", "give one of them a file: --format json=FILE")
    for _, path in wanted:
        if path is not None:
            check_place(path)
    return wanted


def wants_edits(wanted: Iterable[tuple[str, Path | None]]) -> bool:
    """Whether the edits that mend findings have to be worked out, which takes a moment: SARIF shows them."""
    return any(name == "sarif" for name, _ in wanted)


def wants_fingerprints(wanted: Iterable[tuple[str, Path | None]]) -> bool:
    """Whether findings have to be known again later: what people read in a terminal names no fingerprint."""
    return any(name != "terminal" for name, _ in wanted)


def check_place(path: Path) -> None:
    """Raises InputError where no file can be written at the path, as far as that can be told beforehand."""
    try:
        where = path.resolve()
        _is_special(path)
        if where.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not where.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, f"there is no folder {where.parent}")
        if not os.access(where.parent if not where.exists() else where, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, RuntimeError) as error:
        raise _unwritable(path, error) from None


def write_whole(path: Path, text: str | bytes) -> None:
    """Writes a file so that it is never half there. Raises InputError where it cannot be written.

    A symlink stays one. A device or a pipe is written to as it is: replacing it would take it from everybody else.
    """
    data = text if isinstance(text, bytes) else _LONE_SURROGATE.sub("\ufffd", text).encode("utf-8")
    try:
        if _is_special(path):
            with path.open("wb") as stream:
                stream.write(data)
            return
        import tempfile  # it loads much, and most results go to stdout

        target = path.resolve()
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".imageopt-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), mode)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except (OSError, RuntimeError) as error:
        raise _unwritable(path, error) from None


def _show(document: dict[str, Any], name: str, color: str) -> None:
    from imageopt.report.render import render

    sys.stdout.flush()
    speaks_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = render(
        document,
        name,
        color=_colored(color),
        width=columns(),
        plain=not speaks_utf8 or (not is_terminal() and color != "always" and not _forced()),
    )
    text = text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)
    if name == "terminal" or speaks_utf8:
        sys.stdout.write(text)
    else:  # for programs, whatever the terminal speaks
        sys.stdout.buffer.write(text.encode("utf-8"))
    sys.stdout.flush()


def _is_special(path: Path) -> bool:
    """Whether there is something that is neither a file nor a folder. Raises OSError where that cannot be told."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _umask() -> int:
    """The process's mask, which can only be read by setting it; commands have one thread when they write."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _unwritable(path: Path, error: Exception) -> InputError:
    reason = error.strerror if isinstance(error, OSError) else "it leads to itself"
    return InputError(f"{path} cannot be written: {reason}", "choose another place")


def _colored(color: str) -> bool:
    """`--color`, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal that knows colours."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return _forced() or (is_terminal() and os.environ.get("TERM") != "dumb")


def _forced() -> bool:
    return bool(os.environ.get("FORCE_COLOR")) and not os.environ.get("NO_COLOR")
