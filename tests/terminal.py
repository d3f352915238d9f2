"""A command at a terminal of its own: what it shows there, and how it ended."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def at_a_terminal(command: list[str], environment: Mapping[str, str], folder: Path | None = None) -> tuple[int, bytes]:
    """The exit code, and stdout and stderr as they came together."""
    main, other = os.openpty()
    cleared = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    known = {**cleared, "TERM": "xterm-256color", **environment}
    with subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=known, cwd=folder) as process:
        os.close(other)
        shown = b""
        try:
            while part := os.read(main, 65536):
                shown += part
        except OSError:  # the other end is closed: Linux's way of saying so
            pass
        os.close(main)
    return process.returncode, shown
