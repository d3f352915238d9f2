"""Which other packages in production are a surprise: those that neither a lock file nor a manifest asks for."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from imagebuilder import file
from imageof import image_of
from msgspec.structs import replace

from imageopt.compare.production import Production, compare_production
from imageopt.evidence.model import BaseImage, Evidence
from imageopt.image.model import LibraryPackage, NpmPackage, Packages
from imageopt.project.read import read_project

Files = Mapping[str, str]
MANIFEST = json.dumps({"name": "tiny", "dependencies": {"koa": "^2.0.0", "pg": "8.1.0"}})
NOTHING = Production()


def lock(**versions: str) -> str:
    packages = {f"node_modules/{name}": {"version": version} for name, version in versions.items()}
    root = {"name": "tiny", "dependencies": {"koa": "^2.0.0", "pg": "8.1.0"}}
    return json.dumps({"name": "tiny", "lockfileVersion": 3, "packages": {"": root, **packages}})


LOCKED: Files = {"package.json": MANIFEST, "package-lock.json": lock(koa="2.1.0", pg="8.1.0", ms="2.0.0")}
RELOCKED: Files = {"package.json": MANIFEST, "package-lock.json": lock(koa="2.2.0", pg="8.1.0", ms="2.0.0")}
DRIFTED: Files = {"package.json": MANIFEST, "package-lock.json": lock(koa="1.0.0", pg="8.1.0", ms="2.0.0")}
FLOATING: Files = {"package.json": MANIFEST}


@pytest.fixture
def made(tmp_path: Path) -> "Maker":
    return Maker(tmp_path)


class Maker:
    """Evidence of an image with packages, `name@version` (a `dev:` before it: of development), and of its project."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0

    def __call__(self, packages: str, files: Files, *libraries: LibraryPackage) -> Evidence:
        self._number += 1
        root = self._folder / str(self._number)
        root.mkdir()
        for name, text in files.items():
            (root / name).write_text(text)
        found = []
        for number, word in enumerate(packages.split()):
            name, _, version = word.removeprefix("dev:").rpartition("@")
            place = f"app/node_modules/{number}/node_modules/{name}"
            found.append(NpmPackage(name, version, place, 1, word.startswith("dev:")))
        image = replace(image_of([file("app/x", b"x")]), packages=Packages(tuple(found), (), {}, libraries))
        project = read_project(root) if files else None
        return Evidence(image, None, "Dockerfile", project, BaseImage(0, "guessed", None), (), (), ())


OTHER_KOA = "npm koa 2.1.0 -> 2.2.0"


@pytest.mark.parametrize(
    ("before", "after", "project", "new_project", "unannounced"),
    [
        ("koa@2.1.0", "koa@2.2.0", LOCKED, LOCKED, (f"{OTHER_KOA} (package-lock.json holds 2.1.0)",)),
        ("koa@2.1.0", "koa@2.2.0", LOCKED, RELOCKED, ()),  # the lock file says so: that is the announcement
        ("koa@2.2.0", "koa@2.1.0", LOCKED, LOCKED, ()),  # as it says; what ran before did not heed it
        ("koa@2.1.0 koa@1.0.0", "koa@2.1.0", LOCKED, LOCKED, ()),  # fewer: whoever needs it will say so
        ("koa@2.1.0 dev:koa@2.2.0", "koa@2.2.0", LOCKED, LOCKED, ()),  # it was there
        ("koa@2.1.0", "koa@2.2.0", DRIFTED, DRIFTED, ()),  # an installation had to choose by itself
        ("koa@2.1.0", "koa@2.2.0", FLOATING, FLOATING, ()),  # within its range
        ("koa@2.1.0", "koa@3.0.0", FLOATING, FLOATING, ("npm koa 2.1.0 -> 3.0.0 (package.json asks for ^2.0.0)",)),
        ("pg@8.1.0", "pg@8.2.0", FLOATING, FLOATING, ("npm pg 8.1.0 -> 8.2.0 (package.json asks for 8.1.0)",)),
        ("koa@4.0.0", "koa@3.0.0", FLOATING, FLOATING, ()),  # it was outside before
        ("ms@2.0.0", "ms@3.0.0", FLOATING, FLOATING, ()),  # only another package asks for it
        ("koa@2.1.0", "koa@2.2.0", {}, {}, ()),  # nothing is known
        ("koa@2.1.0", "koa@2.1.0 ms@2.0.0", LOCKED, LOCKED, ()),  # such as that of another C library
        ("koa@2.1.0", "koa@2.1.0 xx@1.0.0", LOCKED, LOCKED, ("npm xx 1.0.0 (package-lock.json does not hold it)",)),
        ("koa@2.1.0 dev:xx@1.0.0", "koa@2.1.0 xx@1.0.0", LOCKED, LOCKED, ()),  # who knows that it is of development?
        ("koa@2.1.0", "koa@2.1.0 xx@1.0.0", FLOATING, FLOATING, ()),
    ],
)
def test_another_version_or_package_has_to_be_announced(
    made: Maker, before: str, after: str, project: Files, new_project: Files, unannounced: tuple[str, ...]
) -> None:
    assert compare_production(made(before, project), made(after, new_project)).unannounced == unannounced


def library(name: str, version: str, manager: str = "python") -> LibraryPackage:
    return LibraryPackage(manager, name, version, f"app/{name}", 1, 0, None, "", ())  # type: ignore[arg-type]


PYTHON: Files = {"pyproject.toml": "[project]\nname = 'tiny'\nversion = '1'\n", "uv.lock": "version = 1\n"}
LOOSE: Files = {"requirements.txt": "flask\n"}
PHP: Files = {"composer.json": "{}", "composer.lock": '{"packages": [], "packages-dev": []}'}


@pytest.mark.parametrize(
    ("manager", "project", "unannounced"),
    [
        ("python", PYTHON, ("python flask 3.0.0 -> 3.1.0 (uv.lock holds it to one)", "python rich 1.0.0 (new)")),
        ("python", LOOSE, ()),
        (
            "composer",
            PHP,
            ("composer flask 3.0.0 -> 3.1.0 (composer.lock holds it to one)", "composer rich 1.0.0 (new)"),
        ),
        ("composer", {"composer.json": "{}"}, ()),
    ],
)
def test_other_managers_hold_their_packages_by_a_lock_file_too(
    made: Maker, manager: str, project: Files, unannounced: tuple[str, ...]
) -> None:
    before = made("", project, library("flask", "3.0.0", manager))
    after = made("", project, library("flask", "3.1.0", manager), library("rich", "1.0.0", manager))
    assert compare_production(before, after).unannounced == unannounced


def test_what_installs_python_packages_is_no_package_of_the_project(made: Maker) -> None:
    before = made("", PYTHON, library("pip", "24.0"), library("setuptools", "70"))
    after = made("", PYTHON, library("pip", "25.0"), library("wheel", "1"))
    assert compare_production(before, after) == NOTHING


def test_what_floats_is_counted(made: Maker) -> None:
    """Without a lock file nobody knows which version is meant; that is told, and decides nothing."""
    found = compare_production(made("koa@2.1.0 ms@1.0.0", FLOATING), made("koa@2.2.0 ms@1.0.0 xx@1.0.0", FLOATING))
    assert (found.floating, found.unannounced) == (2, ())
    assert compare_production(made("koa@2.1.0", LOCKED), made("koa@2.2.0", RELOCKED)).floating == 0


def test_a_development_package_that_is_known_as_one_on_one_side_only_is_not_gone(made: Maker) -> None:
    found = compare_production(made("koa@2.1.0 xx@1.0.0", LOCKED), made("koa@2.1.0 dev:xx@1.0.0", LOCKED))
    assert (found.removed, found.added) == ((), ())
