"""Real git in a test's own folder, without the configuration of the user who runs the tests."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., bytes]


def git_environment(patch: pytest.MonkeyPatch, home: Path) -> None:
    """No configuration but that of the repositories; what is kept of applied rewrites goes to the home, too."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        patch.delenv(name)
    patch.setenv("HOME", str(home))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv("XDG_STATE_HOME", str(home / "state"))


def git_in(folder: Path) -> Git:
    """A function that runs git in the folder, with an author, and returns what it prints; it fails with git."""

    def git(*arguments: str, stdin: bytes | None = None) -> bytes:
        who = ("-c", "user.name=Me", "-c", "user.email=me@example.com")
        done = subprocess.run(
            ["git", *who, *arguments], cwd=folder, input=stdin, check=False, capture_output=True, timeout=20
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
        return done.stdout

    return git
