"""What `init` would write: only what is missing, and what it writes is a configuration that is read."""

import tomllib
from pathlib import Path

import pytest

from imageopt.config import load_config
from imageopt.errors import InputError
from imageopt.init.plan import ci_of, plan
from imageopt.project.read import read_project

MEASURED = {"image": {"sizes": {"download_bytes": None, "unpacked_bytes": 151_000_000}}}
APP = {
    "Dockerfile": 'FROM node:20\nEXPOSE 8080\nCMD ["node", "server.js"]\n',
    "package.json": '{"name": "app"}',
    "server.js": 'const express = require("express")\nconst app = express()\napp.get("/health", (q, s) => s.send("ok"))\napp.listen(8080)\n',
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    for name, text in APP.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def planned(folder: Path, measured: object = None, *, hook: bool = False, ci: str | None = None) -> dict[str, str]:
    setup = plan(folder, read_project(folder), measured, ci, hook=hook)  # type: ignore[arg-type]
    return {change.path: change.after.decode() for change in setup.files}


def test_the_first_configuration_says_what_the_project_tells(app: Path) -> None:
    (text,) = planned(app).values()
    assert "# [budget]" in text
    assert "`imageopt rules` tells which rules are in force here" in text
    (app / "imageopt.toml").write_text(text)
    config = load_config(app)
    assert (config.verify.port, config.verify.paths) == (8080, ("/health",))
    assert config.budget.unpacked is None


def test_a_comment_stands_apart_from_a_long_value(app: Path) -> None:
    routes = "".join(f'app.get("/a-long-path-{number}", (q, s) => s.send("ok"))\n' for number in range(5))
    (app / "server.js").write_text(APP["server.js"] + routes)
    (text,) = planned(app).values()
    assert '"]  # what both versions are asked' in text


def test_where_nothing_is_known_everything_is_a_comment(tmp_path: Path) -> None:
    (text,) = planned(tmp_path).values()
    (tmp_path / "imageopt.toml").write_text(text)
    assert load_config(tmp_path).verify.port is None


def test_a_measured_budget_takes_the_place_of_the_comment(app: Path) -> None:
    (text,) = planned(app, MEASURED).values()
    assert "# [budget]" not in text
    (app / "imageopt.toml").write_text(text)
    assert load_config(app).budget.unpacked == 159_000_000


def test_a_configuration_that_is_there_keeps_its_bytes(app: Path) -> None:
    own = "# ours\n[verify]   # do not touch\nport = 1\n"
    (app / "imageopt.toml").write_text(own)
    assert planned(app) == {}
    assert planned(app, MEASURED)["imageopt.toml"].startswith(own)
    (app / "imageopt.toml").write_text("[budget]\nlayers = 3\n")
    assert planned(app, MEASURED) == {}


def test_a_job_is_written_where_there_is_none_and_shown_where_there_is_one(app: Path) -> None:
    assert list(planned(app, ci="gitlab")) == ["imageopt.toml", ".gitlab-ci.yml"]
    (app / ".gitlab-ci.yml").write_text("test:\n  script: [make]\n")
    setup = plan(app, read_project(app), None, None, hook=True)
    assert [path for path, _ in setup.snippets] == [".gitlab-ci.yml"]
    assert [change.path for change in setup.files] == ["imageopt.toml", ".pre-commit-config.yaml"]
    (app / ".gitlab-ci.yml").write_text("include:\n  - component: x/imageopt/imageopt@1\n")
    assert plan(app, read_project(app), None, None, hook=False).snippets == ()


def test_the_ci_is_found_above_the_folder_but_not_above_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text("")
    repository = tmp_path / "app"
    (repository / "services" / "api").mkdir(parents=True)
    (repository / ".git").mkdir()
    assert ci_of(repository / "services" / "api") == "none"
    (repository / ".github" / "workflows").mkdir(parents=True)
    assert ci_of(repository / "services" / "api") == "github"


def test_a_file_that_is_no_text_is_an_error(app: Path) -> None:
    (app / "imageopt.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"imageopt\.toml cannot be read"):
        planned(app)


def test_what_a_project_says_cannot_leave_its_comment(app: Path) -> None:
    (app / "server.js").write_text("const app = express()\napp.get('/a\\\"]', f)\napp.get('/ok', f)\napp.listen(1)\n")
    (text,) = planned(app).values()
    (app / "imageopt.toml").write_text(text)
    assert "x" not in tomllib.loads(text)
    assert "/ok" in load_config(app).verify.paths
