"""The layers in plain text, on the screen before Textual is there to draw them: its import alone takes longer.

What surprises: the terminal's other screen is entered here and left by Textual, which takes it over as it is; it is
left here only where Textual does not get that far. Keys that are pressed meanwhile wait for it, unseen.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from imageopt.evidence.model import Evidence
from imageopt.explore.explain import line_and_text
from imageopt.report.names import harmless
from imageopt.units import format_bytes

_OTHER_SCREEN, _OWN_SCREEN = "\x1b[?1049h", "\x1b[?1049l"
_CUT_LINES, _WRAP_LINES = "\x1b[?7l", "\x1b[?7h"  # at the terminal's edge, whose width in cells is its own business
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_CLEAR = "\x1b[2J\x1b[H"


def layer_lines(evidence: Evidence) -> list[str]:
    """A line for each layer under their heads, as the screen's table has them."""
    image = evidence.image
    assert image is not None
    made_by = [line_and_text(evidence, layer.index) for layer in image.layers]
    lined = any(line for line, _ in made_by)
    head = f"{'#':>3}  {'size':>9}  {'wasted':>9}  {'line  ' if lined else ''}made by"
    lines = [harmless(f"{image.reference}: reading its files"), "", head]
    for layer, (line, text) in zip(image.layers, made_by, strict=True):
        wasted = format_bytes(layer.wasted_bytes) if layer.wasted_bytes else ""
        made = f"{line:>4}  {harmless(text)}" if lined else harmless(text)
        lines.append(f"{layer.index:>3}  {format_bytes(layer.unpacked_bytes):>9}  {wasted:>9}  {made}")
    return lines


@contextmanager
def first_screen(lines: Sequence[str]) -> Iterator[None]:
    """Shows as many of the lines as there is room for; the block is what Textual needs to begin."""
    room = shutil.get_terminal_size().lines
    text = "\r\n".join(lines[:room])
    _write(_OTHER_SCREEN + _CUT_LINES + _HIDE_CURSOR + _CLEAR + text + _WRAP_LINES)
    try:
        yield
    except BaseException:
        _write(_SHOW_CURSOR + _OWN_SCREEN)
        raise


@contextmanager
def unseen_keys() -> Iterator[None]:
    """While the block lasts, the terminal keeps the keys that are pressed for who reads next, and shows none."""
    import termios

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    quiet = [*before[:3], before[3] & ~(termios.ECHO | termios.ICANON), *before[4:]]
    termios.tcsetattr(terminal, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        with suppress(termios.error):  # it may be gone
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _write(text: str) -> None:
    sys.stdout.flush()
    os.write(sys.stdout.fileno(), text.encode(sys.stdout.encoding or "utf-8", "replace"))
