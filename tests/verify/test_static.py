"""What two sides tell without being run, and the verdict that follows from it."""

import json
from pathlib import Path

import pytest
from imagebuilder import Item, file
from imageof import image_of
from msgspec.structs import replace

from imageopt.build.model import Built
from imageopt.compare.modules import Missing, ModuleGraph
from imageopt.evidence.model import BaseImage, Evidence
from imageopt.image.model import Image, NpmPackage, Packages
from imageopt.project.read import read_project
from imageopt.rules.model import EvidencePath, Finding, Fix, Location, Saving
from imageopt.verify.comparison import compare_sides
from imageopt.verify.model import NotDone, RunRecord, Side, Static
from imageopt.verify.static import compare_static
from imageopt.verify.verdict import decide

RUN = RunRecord(True, "", 0.1, "1000:1000", None, (), (), (), (), (), None, 0)
NOTHING = Evidence(None, None, "Dockerfile", None, BaseImage(0, "guessed", None), (), (), ())


def at_work(image: Image) -> Image:
    return replace(image, config=replace(image.config, working_dir="/app"))


def side(*items: Item, graph: ModuleGraph | None = None, findings: tuple[Finding, ...] = ()) -> Side:
    evidence = replace(NOTHING, image=at_work(image_of([file("app/main.js"), *items])))
    done = Built("sha256:1", "t", 1.0, 1, 0, ())
    return Side("", done, done, evidence, findings, RUN, NotDone("no scan"), graph or NotDone("no graph"))


def graph(*missing: tuple[str, str], words: tuple[str, ...] = ()) -> ModuleGraph:
    asked = frozenset(Missing(*one) for one in missing)
    return ModuleGraph("app/main.js", ("app/main.js",), asked, frozenset(words), cut=False)


def finding(rule: str, path: str = "", line: int = 3) -> Finding:
    shown = (EvidencePath(path, 1),) if path else ()
    place = Location("Dockerfile", line, 1, line)
    return Finding(rule, "IO1", "error", "high", "A secret lies open", "", Saving(None, "unknown"), place, (), shown, (), Fix("manual", None, "propose", ""))  # fmt: skip


def static(before: Side, after: Side) -> Static:
    found = compare_static(before, after)
    assert isinstance(found, Static)
    return found


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (graph(), graph(("app/main.js", "./routes")), [Missing("app/main.js", "./routes")]),
        (graph(("app/src/a.ts", "x")), graph(("app/dist/a.js", "x")), []),  # it was asked for in vain before
        (graph(("app/out/a-BfazKz-f.js", "x")), graph(("app/out/a-CyMsH42d.js", "x")), []),  # of another build
        (
            graph(("app/out/a-BfazKz-f.js", "x")),
            graph(("app/out/b-CyMsH42d.js", "x")),
            [("app/out/b-CyMsH42d.js", "x")],
        ),
        (graph(("app/src/main.ts", "x")), graph(("app/main.js", "x")), [Missing("app/main.js", "x")]),  # another's
        (None, graph(("app/main.js", "./routes")), [Missing("app/main.js", "./routes")]),
        (graph(), None, []),
    ],
)
def test_modules_that_the_program_lost(
    before: ModuleGraph | None, after: ModuleGraph | None, told: list[Missing]
) -> None:
    assert list(static(side(graph=before), side(graph=after)).missing_modules) == told


LOCALE = file("app/locales/de.json", b"{}")


@pytest.mark.parametrize(
    ("after", "named"),
    [
        (side(graph=graph(words=("locales",))), True),
        (side(graph=graph(words=("de.json",))), True),
        (side(graph=graph(words=("lang",))), False),
        (side(), False),  # nobody knows what the program spells
        (side(file("app/locales/en.json", b"x"), graph=graph(words=("locales",))), False),  # the folder is still there
        (side(file("app/x/de.json", b"x"), graph=graph(words=("de.json",))), False),  # another has the name
    ],
)
def test_a_loss_counts_where_the_code_that_is_left_names_it(after: Side, named: bool) -> None:
    (lost,) = static(side(LOCALE), after).lost
    assert bool(lost.named) is named
    verdict, reasons = decide(side(LOCALE), after, compare_sides(side(LOCALE), after)[0])
    assert (verdict == "behaviour-changed") is named
    if named:
        assert reasons == ("locales are gone that the code names: app/locales/de.json",)


@pytest.mark.parametrize(
    ("folder", "manifest", "path", "named"),
    [
        ("", "app/package.json", "usr/share/locale/ms/LC_MESSAGES/a.mo", False),  # Malay, and a package
        ("", "app/package.json", "app/locales/ms.json", True),
        ("", "package.json", "usr/share/locale/ms/LC_MESSAGES/a.mo", False),
        ("", "package.json", "locales/ms.json", True),
        ("", "other/package.json", "app/locales/ms.json", True),
        ("/app", "app/package.json", "usr/share/locale/ms/LC_MESSAGES/a.mo", False),
    ],
)
def test_without_a_workdir_the_code_tells_where_the_application_lies(
    folder: str, manifest: str, path: str, named: bool
) -> None:
    before, after = side(file(path, b"x")), side(file(manifest, b"{}"), graph=graph(words=("ms", "ms.json")))

    def at(one: Side) -> Side:
        assert one.evidence is not None
        assert one.evidence.image is not None
        image = replace(one.evidence.image, config=replace(one.evidence.image.config, working_dir=folder))
        return replace(one, evidence=replace(one.evidence, image=image))

    (lost,) = static(at(before), at(after)).lost
    assert bool(lost.named) is named


def test_new_findings_on_secrets_are_less_secure() -> None:
    before = side(findings=(finding("secret-in-arg-or-env"),))
    after = side(findings=(finding("secret-in-arg-or-env"), finding("secret-file-in-any-layer", "/app/.npmrc")))
    assert static(before, after).secrets == ("A secret lies open: /app/.npmrc",)
    assert decide(before, after, compare_sides(before, after)[0]) == (
        "less-secure",
        ("a secret comes in: A secret lies open: /app/.npmrc",),
    )
    assert static(side(), before).secrets == ("A secret lies open: line 3",)


def test_an_image_that_could_not_be_read_is_not_compared() -> None:
    assert compare_static(side(), replace(side(), evidence=None)) == NotDone("one of the images could not be read")


def test_a_package_that_the_project_asks_for_counts_unless_a_tracer_left_it_out(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"dependencies": {"pg": "8", "koa": "2"}}')

    def with_packages(*names: str) -> Side:
        made = side(*(file(f"app/node_modules/{name}/package.json", b"{}") for name in names))
        assert made.evidence is not None
        assert made.evidence.image is not None
        packages = tuple(NpmPackage(name, "8.0.0", f"app/node_modules/{name}", 1, False) for name in names)
        image = replace(made.evidence.image, packages=Packages(packages, (), {}))
        return replace(made, evidence=replace(made.evidence, image=image, project=read_project(tmp_path)))

    sides = with_packages("pg", "koa"), with_packages("koa")
    for traced in (False, True):
        comparison, notes = compare_sides(*sides, traced=traced)
        verdict, reasons = decide(*sides, comparison)
        assert (verdict == "behaviour-changed") is not traced
        assert ("the project asks for npm pg 8.0.0, which is not in the image any more" in reasons) is not traced
        assert ("packages that were left out because nothing was seen to load them" in notes) is traced


def with_versions(root: Path, *packages: str) -> Side:
    """A side whose image has these, `place@version`, and whose project is in the folder; koa needs ms 1."""
    manifests: dict[str, bytes] = {}
    found = []
    for package in packages:
        place, _, version = package.rpartition("@")
        name = place.rpartition("/")[2]
        needs = {"ms": "^1.0.0"} if name == "koa" else {}
        manifest = json.dumps({"name": name, "version": version, "dependencies": needs})
        manifests[f"app/node_modules/{place}/package.json"] = manifest.encode()
        found.append(NpmPackage(name, version, f"app/node_modules/{place}", 1, False))
    made = side(*(file(path, data) for path, data in manifests.items()))
    assert made.evidence is not None
    assert made.evidence.image is not None
    image = replace(made.evidence.image, packages=Packages(tuple(found), (), {}), contents=manifests)
    return replace(made, evidence=replace(made.evidence, image=image, project=read_project(root)))


def test_another_version_in_production_counts_where_a_lock_file_holds_it(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"dependencies": {"koa": "2"}}')
    sides = with_versions(tmp_path, "koa@2.0.0"), with_versions(tmp_path, "koa@2.0.1")
    comparison, notes = compare_sides(*sides)
    assert decide(*sides, comparison)[0] == "built-not-run"  # a program that says nothing
    assert "which versions of 1 packages that differ are meant, as no lock file holds them" in notes
    locked = {"lockfileVersion": 3, "packages": {"": {}, "node_modules/koa": {"version": "2.0.0"}}}
    (tmp_path / "package-lock.json").write_text(json.dumps(locked))
    sides = with_versions(tmp_path, "koa@2.0.0"), with_versions(tmp_path, "koa@2.0.1")
    comparison, notes = compare_sides(*sides)
    verdict, (reason,) = decide(*sides, comparison)
    assert verdict == "behaviour-changed"
    assert reason.startswith("production packages differ, and nothing announced it: npm koa 2.0.0 -> 2.0.1 (package-")
    assert [note for note in notes if "versions" in note] == []


def test_a_package_that_finds_another_version_than_it_needs_is_told_of(tmp_path: Path) -> None:
    both = ("koa@2.0.0", "ms@2.0.0", "koa/node_modules/ms@1.0.0")
    sides = with_versions(tmp_path, *both), with_versions(tmp_path, *both[:2])
    assert static(*sides).unmet_dependencies == (Missing("koa", "ms ^1.0.0"),)
    assert static(*reversed(sides)).unmet_dependencies == ()
    assert static(sides[0], sides[0]).unmet_dependencies == ()
