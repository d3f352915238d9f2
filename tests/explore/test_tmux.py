"""explore in a real terminal: tmux draws what a person would see, and types what they would press."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

IMAGE = Path(__file__).parents[2] / "sample_projects" / "oci-image"
_SECONDS = 30


class Terminal:
    """A terminal of 110 columns and 30 lines."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def tmux(self, *words: str) -> str:
        """What tmux says to the command."""
        command = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout

    def shows(self, *texts: str) -> str:
        """The screen, as soon as it shows all of them."""
        end = time.monotonic() + _SECONDS
        while True:
            screen = self.tmux("capture-pane", "-p")
            if all(text in screen for text in texts):
                return screen
            assert time.monotonic() < end, f"{texts} did not come:\n{screen}"
            time.sleep(0.05)

    def press(self, *keys: str) -> None:
        """Types the keys, by tmux's names."""
        self.tmux("send-keys", *keys)


@pytest.fixture
def terminal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """A shell that runs explore and then says with which exit code it ended."""
    if shutil.which("tmux") is None:
        request.getfixturevalue("engine")  # the bed brings it along, if it makes an engine of its own
    if shutil.which("tmux") is None:
        pytest.skip("there is no tmux")
    shell = Terminal(tmp_path / "tmux")
    run = f"{sys.executable} -m imageopt explore oci:{IMAGE}; echo ended with $?; sleep 60"
    shell.tmux("new-session", "-d", "-x", "110", "-y", "30", f"sh -c '{run}'")
    yield shell
    shell.tmux("kill-server")


@pytest.mark.engine
def test_a_layer_is_looked_at_and_explained_and_the_shell_is_back(terminal: Terminal) -> None:
    screen = terminal.shows("q Quit", "COPY . .", "app/")
    assert "RUN /bin/sh -c npm install" in screen
    terminal.press("Up")
    terminal.shows("layer 2, this layer")
    terminal.press("e")
    terminal.shows("stored by layer 2: COPY . .")
    terminal.press("Escape", "Tab", "q")
    assert "COPY . ." not in terminal.shows("ended with 0")
