"""A team's own templates in `.imageopt/templates`: they replace ours or extend them, and a broken one says where."""

from pathlib import Path

import pytest
from rewrite.node_shapes import FAT, SHAPES, evidence, write

from imageopt.errors import UsageError
from imageopt.rewrite.propose import propose

NAME = ".imageopt/templates/node-service.Dockerfile.j2"


def made(root: Path, text: str, name: str = NAME, **more: str) -> str:
    files = {**SHAPES["typescript-express"], name: text, **more}
    return propose(evidence(write(root, files)), FAT).changes[0].after.decode()


def test_a_template_of_the_team_takes_the_place_of_ours(tmp_path: Path) -> None:
    text = made(tmp_path, "FROM {{ build.image }}\nCMD []\n")
    assert text == "FROM node:20-alpine\nCMD []\n"


def test_a_template_of_the_team_extends_ours(tmp_path: Path) -> None:
    text = made(
        tmp_path,
        """\
        {% extends "imageopt/node-service.Dockerfile.j2" %}
        {% block command %}
        LABEL team=agents
        {{ super() -}}
        {% endblock %}
        """,
    )
    assert "RUN npm ci" in text.replace("--mount=type=cache,target=/root/.npm ", "")
    assert text.endswith('LABEL team=agents\nEXPOSE 3000\nCMD ["node", "dist/server.js"]\n')


def test_a_part_of_ours_can_be_replaced_alone(tmp_path: Path) -> None:
    text = made(tmp_path, "FROM ours AS build\n", ".imageopt/templates/build-stage.j2")
    assert text.startswith("FROM ours AS build\n\nFROM node:20-alpine\n")


def test_the_folder_at_the_top_of_the_repository_counts(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, {NAME: "FROM {{ build.image }}\n"})
    files = SHAPES["typescript-express"]
    rewrite = propose(evidence(write(tmp_path / "service", files)), FAT)
    assert rewrite.changes[0].after == b"FROM node:20-alpine\n"


@pytest.mark.parametrize(
    ("text", "line", "cause"),
    [
        ("FROM a\n{% if %}\n", 2, "Expected an expression"),
        ("FROM a\n\n{{ bild.image }}\n", 3, "'bild' is undefined"),
        ("{{ build.image.__class__.__mro__ }}\n", 1, "access to attribute '__class__'"),
        ("FROM a\n{{ build.steps.append(1) }}\n", 2, "access to attribute 'append'"),
        ("{{ 'x' * 999999999 }}\n", 1, "neither multiplies nor formats"),
        ("{{ 'x' ** 9 }}\n", 1, "neither multiplies nor formats"),
        ("{{ 1 / 0 }}\n", 1, "division by zero"),
        ("{% for i in range(10 ** 9) %}{% endfor %}\n", 1, "neither multiplies"),
        ("{% for i in range(999999999) %}{% endfor %}\n", 1, "Range too big"),
        ('{% include "node-service.Dockerfile.j2" %}\n', 1, "recursion"),
        ('{% include "nowhere" %}\n', 1, "nowhere"),
    ],
)
def test_a_broken_template_is_one_line_with_its_place(tmp_path: Path, text: str, line: int, cause: str) -> None:
    with pytest.raises(UsageError) as error:
        made(tmp_path, text)
    assert error.value.cause.startswith(f"{tmp_path / NAME}:{line}: ")
    assert cause in error.value.cause
    assert "\n" not in error.value.cause


def test_an_endless_template_ends(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="more than 1000000 characters"):
        made(tmp_path, "{% for i in range(99999) %}0123456789ABCDEF{% endfor %}\n")


def test_a_name_that_replaces_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"node-servce\.Dockerfile\.j2: there is no template of that name"):
        made(tmp_path, "FROM a\n", ".imageopt/templates/node-servce.Dockerfile.j2")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("FROM secret\n")
    root = tmp_path / "project"
    (root / ".imageopt/templates").mkdir(parents=True)
    (root / NAME).symlink_to(tmp_path / "secret")
    rewrite = propose(evidence(write(root, SHAPES["typescript-express"])), FAT)
    assert b"secret" not in rewrite.changes[0].after
