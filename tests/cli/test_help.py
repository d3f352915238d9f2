"""Help, version, and what each of them may import: start-up is slow when the wrong module comes along."""

import os
import subprocess
import sys

import pytest

from imageopt import __version__
from imageopt.cli.main import COMMANDS

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


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_s_help_loads_no_engine_no_template_no_table(name: str) -> None:
    loaded = imported(f"sys.argv = ['imageopt', '{name}', '--help']\nimport imageopt.__main__ as m\nm.main()")
    assert not loaded & {"docker", "requests", "jinja2", "rich", "sqlite3"}


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
    assert finished.stderr == ""
