"""What is on the screen before Textual is: the layers, and no key that was pressed too early."""

import os
import pty
import termios

import pytest
from msgspec.structs import replace

from imageopt.evidence.model import Evidence, Origin
from imageopt.explore import first
from imageopt.explore.first import first_screen, layer_lines, unseen_keys


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written to a terminal of four lines."""
    written: list[str] = []
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "4")
    monkeypatch.setattr(first, "_write", written.append)
    return written


def test_a_line_for_each_layer_as_the_table_has_them(evidence: Evidence) -> None:
    assert evidence.image is not None
    head, empty, names, *layers = layer_lines(evidence)
    assert (head, empty) == (f"{evidence.image.reference}: reading its files", "")
    assert names.split() == ["#", "size", "wasted", "made", "by"]
    assert len(layers) == len(evidence.image.layers)
    assert layers[0].split()[:5] == ["0", "5.15", "kB", "5.10", "kB"]


def test_a_line_is_its_number_so_that_a_narrow_screen_shows_it(evidence: Evidence) -> None:
    assert evidence.dockerfile is not None
    steps = evidence.dockerfile.stages[0].instructions
    origins = tuple(Origin(step, False) for step in steps if step.keyword in ("COPY", "RUN"))
    head, *layers = layer_lines(replace(evidence, origins=origins))[2:]
    assert head.endswith("wasted  line  made by")
    at = head.index("line")
    assert [line[at:].strip() for line in layers] == [
        "2  COPY . /app",
        "3  RUN chown -R 1 /app/node_modules",
        "4  RUN rm /app/a.txt",
    ]


def test_it_stays_for_textual_to_take_over(screen: list[str]) -> None:
    with first_screen(["a", "b", "c", "d", "too many"]):
        (text,) = screen
    assert "\x1b[?1049h" in text
    assert "\x1b[2J\x1b[Ha\r\nb\r\nc\r\nd\x1b[?7h" in text
    assert screen == [text]


def test_where_textual_does_not_begin_the_screen_is_as_it_was(screen: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), first_screen(["a"]):
        raise ZeroDivisionError
    assert screen[1:] == ["\x1b[?25h\x1b[?1049l"]


def test_keys_are_kept_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    before = termios.tcgetattr(theirs)
    with os.fdopen(theirs, "rb", buffering=0) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        with unseen_keys():
            os.write(ours, b"s")
            assert terminal.read(1) == b"s"
            with pytest.raises(BlockingIOError):  # no echo
                os.read(ours, 1)
        assert termios.tcgetattr(theirs) == before
        monkeypatch.undo()
    os.close(ours)
