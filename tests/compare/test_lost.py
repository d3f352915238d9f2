"""Files that go missing quietly: which are told of, and which only moved, or left with what they belong to."""

from pathlib import Path

import pytest
from imagebuilder import Item, file
from imageof import image_of
from msgspec.structs import replace

from imageopt.compare.lost import lost_files
from imageopt.compare.production import compare_production
from imageopt.evidence.model import BaseImage, Category, Evidence, FileClass
from imageopt.image.model import LibraryPackage, NpmPackage, Packages
from imageopt.project.read import read_project


def evidence(*items: Item) -> Evidence:
    return Evidence(image_of(list(items)), None, "Dockerfile", None, BaseImage(0, "guessed", None), (), (), ())


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("app/views/index.html", "views"),
        ("app/mail/welcome.hbs", "views"),
        ("app/locales/de.json", "locales"),
        ("app/src/i18n/fr.yml", "locales"),
        ("app/db/migrations/001.sql", "migrations"),
        ("etc/ssl/certs/ca-certificates.crt", "certificates"),
        ("app/keys/partner.pem", "certificates"),
        ("usr/share/fonts/dejavu/Sans.ttf", "fonts"),
        ("usr/share/zoneinfo/Europe/Berlin", "time zones"),
        ("app/api/orders.proto", "protocol definitions"),
        ("app/lib/resize.wasm", "WebAssembly"),
        ("app/public/logo.svg", "public files"),
    ],
)
def test_each_class_is_called_out(path: str, kind: str) -> None:
    (lost,) = lost_files(evidence(file(path, b"12345")), evidence(), lambda _: False)
    assert (lost.kind, lost.files, lost.bytes, lost.examples, lost.named) == (kind, 1, 5, (path,), ())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (file("app/src/main.ts", b"x"), file("app/dist/main.js", b"y")),  # of no class
        (file("app/public/a.svg", b"same"), file("app/dist/a.svg", b"same")),  # it moved
        (file("app/public/a.svg", b"one"), file("app/public/a.svg", b"two")),  # it is there
        (file("app/node_modules/dev/locales/de.json", b"x"), file("app/x", b"")),  # it went with its package
    ],
)
def test_what_is_not_lost(before: Item, after: Item) -> None:
    assert lost_files(evidence(before), evidence(after), lambda _: True) == ()


def test_a_package_that_stays_can_lose_files() -> None:
    package = file("app/node_modules/a/package.json", b"{}")
    before = evidence(package, file("app/node_modules/a/a.wasm", b"x"))
    (lost,) = lost_files(before, evidence(package), lambda path: path.endswith(".wasm"))
    assert lost.named == ("app/node_modules/a/a.wasm",)


def test_what_a_base_or_a_package_manager_brought_is_not_the_authors() -> None:
    before = replace(evidence(file("opt/x/views/a.html", b"x")), classes=(FileClass("base-image", None, 0),))
    assert lost_files(before, evidence(), lambda _: True) == ()


@pytest.mark.parametrize(
    ("path", "category", "kinds"),
    [
        ("usr/share/cmake-3.25/Templates/app.plist", "system-packages", []),
        ("usr/share/gitweb/static/favicon.png", "base-image", []),
        ("usr/share/fonts/dejavu/Sans.ttf", "system-packages", ["fonts"]),
        ("usr/share/nginx/html/assets/logo.svg", "application", ["public files"]),
    ],
)
def test_of_a_distribution_s_files_those_are_missed_that_programs_share(
    path: str, category: Category, kinds: list[str]
) -> None:
    before = replace(evidence(file(path, b"x")), classes=(FileClass(category, None, 0),))
    assert [lost.kind for lost in lost_files(before, evidence(), lambda _: True)] == kinds


def with_packages(*npm: NpmPackage, libraries: tuple[LibraryPackage, ...] = ()) -> Evidence:
    made = evidence(file("app/x", b"x"))
    assert made.image is not None
    return replace(made, image=replace(made.image, packages=Packages(npm, (), {}, libraries)))


def npm(name: str, version: str, *, dev: bool | None = False, path: str = "app/node_modules") -> NpmPackage:
    return NpmPackage(name, version, f"{path}/{name}", 1, dev)


def test_production_packages_are_compared_without_those_of_development_and_of_npm_itself() -> None:
    before = with_packages(
        npm("a", "1.0.0"), npm("b", "1.0.0"), npm("c", "1.0.0"), npm("jest", "29.0.0", dev=True),
        npm("npm", "10.0.0", path="usr/local/lib/node_modules"),
    )  # fmt: skip
    library = LibraryPackage("composer", "p/q", "1", "app/vendor/p/q", 1, 0, False, "", ())
    found = compare_production(before, with_packages(npm("a", "1.0.0"), npm("b", "2.0.0"), libraries=(library,)))
    assert (found.removed, found.added, found.changed, found.kept) == (
        ("npm c 1.0.0",),
        ("composer p/q 1",),
        ("npm b 1.0.0 -> 2.0.0",),
        1,
    )


@pytest.mark.parametrize(
    ("manifest", "left", "wanted"),
    [
        ('{"dependencies": {"pg": "8"}}', ("koa",), ("npm pg 8.0.0",)),
        ('{"dependencies": {"pg": "8"}}', ("koa", "pg"), ()),
        ('{"dependencies": {"koa": "2"}}', ("koa",), ()),  # only another package needed it, and that one will say so
        ('{"dependencies": {"pg": "8"}}', (), ()),  # the program is one bundle
        ('{"dependencies": {"pg": "8"}, "workspaces": ["x"]}', ("koa",), ()),  # it may be that of another workspace
        ("", ("koa",), ()),
    ],
)
def test_a_package_that_the_project_asks_for_is_missed(
    manifest: str, left: tuple[str, ...], wanted: tuple[str, ...], tmp_path: Path
) -> None:
    if manifest:
        (tmp_path / "package.json").write_text(manifest)
    before = replace(with_packages(npm("pg", "8.0.0"), npm("koa", "8.0.0")), project=read_project(tmp_path))
    assert compare_production(before, with_packages(*(npm(name, "8.0.0") for name in left))).wanted == wanted


def test_composer_itself_knows_what_production_needs() -> None:
    def library(name: str, *, dev: bool) -> LibraryPackage:
        return LibraryPackage("composer", name, "1", f"app/vendor/{name}", 1, 0, dev, "", ())

    before = with_packages(libraries=(library("p/q", dev=False), library("p/r", dev=False), library("p/t", dev=True)))
    found = compare_production(before, with_packages(libraries=(library("p/q", dev=False),)))
    assert found.wanted == ("composer p/r 1",)
