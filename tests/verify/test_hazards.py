"""Each hazard of the list is checked, or named with the reason why it was not."""

import pytest
from imagebuilder import Item, file
from imageof import image_of
from msgspec.structs import replace
from verify.conftest import RUN as QUIET

from imageopt.build.model import Built
from imageopt.compare.modules import ModuleGraph
from imageopt.evidence.model import BaseImage, Evidence
from imageopt.image.elf import ElfFacts
from imageopt.verify.comparison import compare_sides
from imageopt.verify.hazards import hazards
from imageopt.verify.model import Check, NotDone, Response, ScanRecord, Side

ALL = tuple(f"H{number}" for number in range(13, 32))
CHECKS = ("HEALTHCHECK", "listens on 3000", "writes /data", "addon x.node", "dns neighbour", "command node job.js")
RUN = replace(
    QUIET,
    user="1000:1000",
    responses=(Response("GET", "/", 200, "text/html", 3, "sha256:a", ()),),
    checks=tuple(Check(name, True, "", "") for name in CHECKS),
)
SCAN = ScanRecord("Trivy", "1", "2026-01-01", (), (), (), (), {})
BUILT = Built("sha256:1", "t", 1.0, 3, 0, ())
PACKAGE = file("app/node_modules/a/package.json", b'{"name": "a", "version": "1.0.0"}')


def side(*items: Item) -> Side:
    evidence = Evidence(
        image_of([PACKAGE, *items]), None, "Dockerfile", None, BaseImage(0, "guessed", None), (), (), ()
    )
    image = evidence.image
    assert image is not None
    known = replace(
        image, sizes=replace(image.sizes, download_bytes=1), elf={"a/x.node": ElfFacts("amd64", "", (), "", False)}
    )
    graph = ModuleGraph("app/a.js", ("app/a.js",), frozenset(), frozenset(), cut=False)
    return Side("", BUILT, BUILT, replace(evidence, image=known), (), RUN, SCAN, graph)


GLIBC = file("lib/ld-linux-x86-64.so.2")
MUSL = file("lib/ld-musl-x86_64.so.1")
FULL = side(GLIBC)


def unchecked(before: Side, after: Side) -> dict[str, str]:
    found = hazards(before, after, compare_sides(before, after)[0])
    assert tuple(hazard.id for hazard in found) == ALL
    return {hazard.id: hazard.reason for hazard in found if hazard.reason}


def test_all_of_them_can_be_checked() -> None:
    assert unchecked(FULL, FULL) == {}


NEVER_RAN = ("H21", "H22", "H23", "H24", "H25", "H26", "H27", "H28", "H30")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"run": NotDone("no engine")}, NEVER_RAN),
        ({"run": replace(RUN, started=False, reason="it ended")}, NEVER_RAN),
        ({"run": replace(RUN, checks=())}, ("H23", "H25", "H26", "H28", "H30")),
        ({"run": replace(RUN, checks=(), responses=(), port=None)}, ("H22", "H23", "H24", "H25", "H26", "H28", "H30")),
        ({"run": replace(RUN, stop_seconds=None)}, ("H27",)),
        ({"scan": NotDone("no Trivy")}, ("H18", "H20")),
        ({"scan": replace(SCAN, database=None)}, ("H18", "H20")),
        ({"modules": NotDone("no Node")}, ("H15",)),
        ({"modules": ModuleGraph("a", ("a",), frozenset(), frozenset(), cut=True)}, ("H15",)),
        ({"rebuild": NotDone("switched off")}, ("H31",)),
        ({"evidence": None}, ("H13", "H14", "H15", "H16", "H17", "H18", "H19")),
    ],
)
def test_what_was_not_done_is_not_checked(change: dict[str, object], missing: tuple[str, ...]) -> None:
    assert tuple(unchecked(replace(FULL, **change), FULL)) == missing


def test_what_could_not_be_tried_in_after_is_not_checked() -> None:
    bare = replace(RUN, checks=tuple(check for check in RUN.checks if not check.name.startswith(("writes", "keeps"))))
    assert unchecked(FULL, replace(FULL, run=bare)) == {"H26": "it could not be tried in after"}


def test_a_name_is_only_looked_up_in_vain_with_another_c_library() -> None:
    silent = replace(RUN, checks=tuple(check for check in RUN.checks if check.name != "dns neighbour"))
    assert unchecked(replace(FULL, run=silent), FULL) == {}
    assert tuple(unchecked(replace(FULL, run=silent), side(MUSL))) == ("H29",)
