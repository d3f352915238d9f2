"""Help, version, and what each of them may import: start-up is slow when the wrong module comes along."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from imageopt import __version__
from imageopt.cli.main import COMMANDS

pytestmark = pytest.mark.slow  # whole processes, or a whole screen

HEAVY = {"docker", "requests", "jinja2", "rich", "tomlkit", "sqlite3", "xxhash", "nodesemver", "isal"}


def imported(code: str) -> set[str]:
    """The top-level modules that a Python process has loaded after the code."""
    show = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    finished = subprocess.run(
        [sys.executable, "-c", show], env=unmeasured, capture_output=True, text=True, timeout=60, check=True
    )
    return set(finished.stdout.splitlines()[-1].split())


def test_version_imports_nothing() -> None:
    loaded = imported("sys.argv = ['imageopt', '--version']\nimport imageopt.__main__ as m\nm.main()")
    assert not loaded & (HEAVY | {"click", "json", "argparse"})


def test_help_imports_click_alone() -> None:
    loaded = imported("sys.argv = ['imageopt', '--help']\nimport imageopt.__main__ as m\nm.main()")
    assert "click" in loaded
    assert not loaded & HEAVY


def test_a_plain_file_is_linted_with_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text('FROM node:20\nUSER node\nCMD ["node", "server.js"]\n')
    loaded = imported(f"sys.argv = ['imageopt', 'lint', {str(path)!r}]\nimport imageopt.__main__ as m\nm.main()")
    assert not loaded & {*HEAVY, "json", "shlex", "unicodedata", "hashlib", "tempfile", "concurrent"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_s_help_loads_no_engine_no_template_no_table(name: str) -> None:
    loaded = imported(f"sys.argv = ['imageopt', '{name}', '--help']\nimport imageopt.__main__ as m\nm.main()")
    assert not loaded & {"docker", "requests", "jinja2", "rich", "sqlite3"}


def test_lint_loads_no_hash_library_for_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM node:20\nENV MODE=x\nRUN npm install\n")
    arguments = ["imageopt", "lint", str(tmp_path / "Dockerfile")]
    run = f"sys.argv = {arguments!r}\nimport imageopt.__main__ as m\nm.main()"
    assert not imported(run) & (HEAVY | {"hashlib", "dataclasses", "subprocess", "tempfile"})


def test_the_version_is_the_package_s() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "imageopt", "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert finished.stdout == f"imageopt {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_has_help(name: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "imageopt", name, "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert finished.stdout.startswith(f"Usage: imageopt {name}")
    below = finished.stdout.splitlines()[1:]
    assert [line for line in below if len(line) > 80 or line.endswith("...")] == []
    assert not re.search(r"^  imageopt [^;\n]* imageopt ", finished.stdout, re.MULTILINE)
    assert finished.stderr == ""
