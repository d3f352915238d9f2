"""The screen, driven by its keys; what it shows is data."""

import asyncio
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from imagebuilder import docker_archive, file, layer
from textual.pilot import Pilot
from textual.widgets import DataTable, Static, Tree

from imageopt.cli.commands.explore import command
from imageopt.errors import UsageError
from imageopt.evidence.model import Evidence
from imageopt.explore.app import Explanation, Explorer, Files, Keys

pytestmark = pytest.mark.slow  # whole processes, or a whole screen


def drive(evidence: Evidence, steps: Callable[[Explorer, Pilot[None]], Awaitable[None]]) -> None:
    async def run() -> None:
        app = Explorer(evidence, dict)
        async with app.run_test(size=(120, 30)) as pilot:
            await pilot.pause()
            await steps(app, pilot)

    asyncio.run(run())


def lines(app: Explorer) -> list[str]:
    return [str(node.label).split(maxsplit=2)[2] for node in app.query_one(Files).root.children]


def totals(app: Explorer) -> str:
    return str(app.query_one("#totals", Static).render())


def test_it_starts_at_the_layer_that_wastes_most(evidence: Evidence) -> None:
    async def steps(app: Explorer, pilot: Pilot[None]) -> None:
        assert app.query_one(DataTable).cursor_row == 0
        assert "layer 0, this layer · 4 files · 5.15 kB · 5.10 kB wasted · by size" in totals(app)
        await pilot.press("down")
        assert "layer 1" in totals(app)
        assert lines(app) == ["app/"]

    drive(evidence, steps)


def test_what_is_shown_follows_the_keys(evidence: Evidence) -> None:
    async def steps(app: Explorer, pilot: Pilot[None]) -> None:
        await pilot.press("down", "down", "ctrl+a")
        assert "all up to it · 5 files" in totals(app)
        await pilot.press("s")
        assert "by waste" in totals(app)
        await pilot.press("w")
        assert "1 file ·" in totals(app)
        assert "only waste" in totals(app)
        await pilot.press("w", "tab", "ctrl+r")
        assert "4 files" in totals(app)
        await pilot.press("slash", *"left-pad", "enter")
        assert "2 files" in totals(app)
        await pilot.press("escape")
        assert "4 files" in totals(app)

    drive(evidence, steps)


def test_the_keys_are_those_that_do_something_and_can_be_clicked_on(evidence: Evidence) -> None:
    async def steps(app: Explorer, pilot: Pilot[None]) -> None:
        keys = app.query_one(Keys)
        layers = " tab Switch  q Quit  e Explain  / Search  s Sort  w Waste  ^a Aggregated  ^l This layer "
        assert str(keys.render()) == layers
        await pilot.click(Keys, offset=(layers.index("Sort"), 0))
        assert "by waste" in totals(app)
        await pilot.press("tab")
        await pilot.pause()
        assert " ^a Added  ^r Removed  m Modified  ^u Unmodified " in str(keys.render())

    drive(evidence, steps)


def test_folders_open_and_names_are_no_markup(evidence: Evidence) -> None:
    async def steps(app: Explorer, pilot: Pilot[None]) -> None:
        tree = app.query_one(Files)
        await pilot.press("tab", "down", "space")
        await pilot.pause()
        (folder,) = tree.root.children
        assert [str(node.label).split()[2] for node in folder.children] == ["node_modules/", "a.txt", "b/"]
        last = folder.children[-1]
        last.expand()
        await pilot.pause()
        assert "[red]c.txt" in str(last.children[0].label)

    drive(evidence, steps)


def test_e_explains_a_layer_a_folder_and_a_file(evidence: Evidence) -> None:
    async def steps(app: Explorer, pilot: Pilot[None]) -> None:
        await pilot.press("e")
        assert isinstance(app.screen, Explanation)
        await pilot.press("escape", "tab", "down", "e")
        assert "4 files" in str(app.screen.query_one(Static).render())
        await pilot.press("escape", "space")
        await pilot.pause()
        await pilot.press("down", "down", "e")
        assert "/app/a.txt" in str(app.screen.query_one(Static).render())

    drive(evidence, steps)


def test_an_empty_layer_is_no_trouble(evidence: Evidence) -> None:
    async def steps(app: Explorer, pilot: Pilot[None]) -> None:
        await pilot.press("down", "slash", *"nothing", "enter", "e")
        assert isinstance(app.screen, Explanation)
        assert not len(app.screen_stack[0].query_one(Tree).root.children)

    drive(evidence, steps)


def test_it_needs_a_terminal() -> None:
    assert isinstance(CliRunner().invoke(command, ["app.tar"], standalone_mode=False).exception, UsageError)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen[bytes], bytes]]:
    """The near end of a terminal in which explore stands, in a session of its own, and what it wrote so far."""
    docker_archive(tmp_path / "app.tar", [layer(file("app/big.bin", b"b" * 9000))])
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    with subprocess.Popen(
        [sys.executable, "-m", "imageopt", "explore", "app.tar"],
        cwd=tmp_path, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        seen = b""
        end = time.monotonic() + 60
        while not (b"Explain" in seen and b"app/" in seen) and time.monotonic() < end:
            if select.select([ours], [], [], 1)[0]:
                seen += os.read(ours, 65536)
        yield ours, process, seen
        process.kill()


def test_in_a_real_terminal(terminal: tuple[int, subprocess.Popen[bytes], bytes]) -> None:
    ours, process, seen = terminal
    os.write(ours, b"q")
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        if select.select([ours], [], [], 0.2)[0]:
            try:
                seen += os.read(ours, 65536)
            except OSError:
                break
    assert process.wait(timeout=30) == 0
    os.close(ours)
    assert seen.index(b"app.tar: reading its files") < seen.index(b"app/")
    assert b"\x1b[?1049l" in seen  # the screen is as it was before


def test_a_terminal_that_is_gone_ends_it_without_a_signal(
    terminal: tuple[int, subprocess.Popen[bytes], bytes],
) -> None:
    ours, process, _ = terminal
    os.close(ours)
    assert process.wait(timeout=30) == 130
