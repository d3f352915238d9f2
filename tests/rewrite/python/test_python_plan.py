"""Whole Python projects in, whole Dockerfiles out, as a reviewer would read them; and what is refused, with the reason.

`UPDATE_GOLDEN=1 pytest tests/rewrite` writes the golden files anew.
"""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from rewrite.node_shapes import evidence, write
from rewrite.python.python_shapes import FAT, FLASK, SHAPES
from rewrite.test_propose import shown

from imageopt.dockerfile.parser import parse
from imageopt.image.elf import ElfFacts
from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose
from imageopt.rewrite.python.base import links_system, python_image

GOLDEN = Path(__file__).parent / "golden"
NAIVE = SHAPES["flask"]["Dockerfile"]


def proposed(root: Path, files: dict[str, str], target: str = "auto") -> Rewrite:
    return propose(evidence(write(root, files)), FAT, target=target)


def reasons(rewrite: Rewrite) -> str:
    return "\n".join(f"{refusal.name}: {refusal.reason}" for refusal in rewrite.refusals)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_rewrite_of_a_shape_is_the_golden_one(name: str, tmp_path: Path) -> None:
    rewrite = proposed(tmp_path, SHAPES[name])
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(shown(rewrite), encoding="utf-8")
    assert shown(rewrite) == golden.read_text(encoding="utf-8")
    assert not parse(rewrite.changes[0].after).problems


@pytest.mark.parametrize(
    ("dockerfile", "reason"),
    [
        ("FROM python:3.11\nWORKDIR /a\nCOPY . .\n", "no RUN of it installs packages with pip, poetry or uv"),
        ("FROM python:3.11-alpine\nWORKDIR /a\nCOPY . .\nRUN pip install -r requirements.txt\n", "wheels for musl are not there"),
        ("FROM python:3.11\nCOPY . .\nRUN pip install -r requirements.txt\n", "it has no WORKDIR"),
        ("FROM python:3.11\nWORKDIR /a\nCOPY . .\nRUN pip install .\n", "`pip install .` is more than imageopt can move"),
        ("FROM python:3.11\nWORKDIR /a\nCOPY . .\nRUN uv sync --frozen\nRUN pip install -r requirements.txt\n", "`uv sync --frozen` is more than imageopt can move"),
        ("FROM python:3.11\nWORKDIR /a\nCOPY . .\nRUN poetry install\nRUN pip install -r requirements.txt\n", "`poetry install` is more than imageopt can move"),
        ("FROM python:3.11\nWORKDIR /a\nRUN for a in b; do pip install $a; done\nRUN pip install -r requirements.txt\n", "more than imageopt can move"),
        ("FROM python:3.11\nWORKDIR /a\nRUN python fetch.py\nRUN pip install -r requirements.txt\n", "`python fetch.py` is more than imageopt can move"),
        ("FROM python:3.11\nWORKDIR /a\nUSER app\nCOPY . .\nRUN pip install -r requirements.txt\nRUN pip install -r requirements.txt\n", "packages are installed as another user"),
        ('FROM python:3.11\nWORKDIR /a\nCOPY . .\nRUN pip install -r requirements.txt\nCMD ["/usr/local/bin/gunicorn"]\n', "it starts a program by its path"),
        ("FROM python:3.11\nWORKDIR /a\nCOPY . .\nRUN pip install -r other.txt\n", "no file of the project says which packages"),
        ("FROM python:3.11\nWORKDIR /a\nCOPY . .\nRUN pip install -r local.txt\n", "local.txt:2 installs from the project itself"),
        ("FROM python:3.11\nWORKDIR /a\nCOPY . .\nRUN pip install $PACKAGES\n", "`pip install $PACKAGES` is more than imageopt can move"),
    ],
)  # fmt: skip
def test_what_cannot_move_is_told(tmp_path: Path, dockerfile: str, reason: str) -> None:
    rewrite = proposed(tmp_path, {**FLASK, "local.txt": "flask\n-e ./lib\n", "Dockerfile": dockerfile})
    assert reason in reasons(rewrite)
    assert all(b"venv" not in change.after for change in rewrite.changes if change.path == "Dockerfile")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"requirements.txt": "python-magic\n"}, "slim: python-magic needs libmagic, which slim lacks"),
        ({"app/main.py": "import subprocess\nsubprocess.run(['git', 'log'])\n"}, "slim: the service may start git, which only the full image holds"),
        ({"Dockerfile": NAIVE.replace("curl -f http", "curl -f -H X:1 http")}, "slim: the HEALTHCHECK needs curl, and is no plain probe that Python could make"),
        ({"Dockerfile": NAIVE.replace("3.11-bookworm", "3.11-bookworm@sha256:" + "a" * 64)}, "slim: FROM does not name a version that has a slim image"),
        ({"Dockerfile": NAIVE.replace("3.11-bookworm", "latest")}, "slim: FROM does not name a version that has a slim image"),
    ],
)  # fmt: skip
def test_what_needs_the_full_image_keeps_it(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    rewrite = proposed(tmp_path, {**SHAPES["flask"], **files})
    assert reason in reasons(rewrite)
    tree = parse(rewrite.changes[0].after)
    assert tree.stages[0].base == tree.stages[1].base


def test_the_wished_base_is_minded(tmp_path: Path) -> None:
    assert b"slim" not in proposed(tmp_path, SHAPES["flask"], "keep").changes[0].after
    asked = proposed(tmp_path, SHAPES["flask"], "alpine")
    assert "base-swap: alpine: wheels for musl are not there for every package" in reasons(asked)


@pytest.mark.parametrize(
    ("written", "kind", "slim"),
    [
        ("python:3.11", "full", "python:3.11-slim"),
        ("docker.io/library/python:3.11.4-bookworm", "full", "docker.io/library/python:3.11.4-slim-bookworm"),
        ("registry:5000/python:3.13rc1-slim-trixie", "slim", None),
        ("python:3.11-alpine3.19", "alpine", None),
        ("python", "full", None),
        ("python:3.11-windowsservercore", None, None),
        ("acme/python:3.11", None, None),
        ("node:20", None, None),
    ],
)
def test_images_of_python(written: str, kind: str | None, slim: str | None) -> None:
    image = python_image(written, written)
    assert (image and (image.kind, image.slim)) == (kind and (kind, slim))


@pytest.mark.parametrize(
    ("path", "needed", "links"),
    [
        ("opt/x/site-packages/a.so", ("libpq.so.5",), True),
        ("opt/x/site-packages/a.so", ("libc.so.6", "libz.so.1", "libbundled-1a.so.5"), False),
        ("usr/bin/tool", ("libpq.so.5",), False),
    ],
)
def test_an_image_shows_what_its_packages_link_against(
    tmp_path: Path, path: str, needed: tuple[str, ...], links: bool
) -> None:
    image: Any = SimpleNamespace(
        elf={
            path: ElfFacts("x86-64", "", needed, "", static=False),
            "opt/x/site-packages/a.libs/libbundled-1a.so.5": ElfFacts("x86-64", "", (), "", static=False),
        }
    )
    known = replace(evidence(write(tmp_path, {"Dockerfile": "FROM a\n"})), image=image)
    assert links_system(known, ()) is links
