"""Python projects: the manager, its files, and the version that is wanted."""

from collections.abc import Mapping

import pytest
from project.conftest import Write

from imageopt.project.model import Fact, Python
from imageopt.project.python import read_python

PROJECT = '[project]\nname = "a"\nrequires-python = ">=3.11"\ndependencies = ["FastAPI[all]>=0.1", "x"]\n'
POETRY = '[tool.poetry]\nname = "b"\n[tool.poetry.dependencies]\npython = "^3.12"\nflask = "*"\n'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pyproject.toml": PROJECT, "uv.lock": ""}, Python("a", "uv", "pyproject.toml", "uv.lock", (Fact(">=3.11", "pyproject.toml project.requires-python"),), "fastapi")),
        ({"pyproject.toml": PROJECT, ".python-version": "3.12\n"}, Python("a", "pip", "pyproject.toml", "", (Fact("3.12", ".python-version"), Fact(">=3.11", "pyproject.toml project.requires-python")), "fastapi")),
        ({"pyproject.toml": PROJECT, "poetry.lock": ""}, Python("a", "poetry", "pyproject.toml", "poetry.lock", (Fact(">=3.11", "pyproject.toml project.requires-python"),), "fastapi")),
        ({"pyproject.toml": POETRY}, Python("b", "poetry", "pyproject.toml", "", (Fact("^3.12", "pyproject.toml tool.poetry.dependencies.python"),), "flask")),
        ({"Pipfile": '[packages]\ndjango = "*"\n[requires]\npython_version = "3.11"\n', "Pipfile.lock": ""}, Python("", "pipenv", "Pipfile", "Pipfile.lock", (Fact("3.11", "Pipfile requires.python_version"),), "django")),
        ({"requirements.txt": "# x\n-r other.txt\nDjango==5.0\n", "runtime.txt": "python-3.12.1\n"}, Python("", "pip", "requirements.txt", "", (Fact("3.12.1", "runtime.txt"),), "django")),
        ({"requirements/prod.txt": "requests\n", "pyproject.toml": "[tool.ruff]\n"}, Python("", "pip", "requirements/prod.txt", "", (), "")),
        ({"pyproject.toml": "[tool.ruff]\n"}, None),
        ({"pyproject.toml": "[["}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_python_projects(project: Write, files: Mapping[str, str], expected: Python | None) -> None:
    assert read_python(project(files)) == expected
