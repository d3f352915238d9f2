"""Is it worth it, and who gets the credit for which byte?"""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from rewrite.node_shapes import evidence, finding

from imageopt.evidence.model import BaseImage, Evidence
from imageopt.image.model import DiveNumbers, FileRecord, Image, ImageSizes, Packages
from imageopt.rewrite.model import FileChange, Rewrite, Transformed
from imageopt.rewrite.worth import automatic, credit, is_worth_doing, less_new_base, swapped_base
from imageopt.rules.model import Finding, Saving
from imageopt.source.model import ImageConfig

MB = 1_000_000


def measured(tmp_path: Path, sizes: Sequence[int]) -> Evidence:
    """The evidence with an image whose files have these sizes."""
    (tmp_path / "Dockerfile").write_text("FROM node:20\n")
    files = tuple(FileRecord(str(i), size, 0, "live", None, b"", 0o644, 0, 0) for i, size in enumerate(sizes))
    total = sum(sizes)
    config = ImageConfig("linux", "amd64", "", "", (), (), (), "/app", (), (), {}, None, (), (), None, (), ())
    image = Image(
        source="docker", reference="x", digest=None, config=config, sizes=ImageSizes(None, total, total, 0, 0), waste={},
        layers=(), files=files, links={}, contents={}, packages=Packages((), (), {}), duplicate_content_bytes=0,
        file_count=len(files), dive=DiveNumbers(1.0, 0, 0.0), problems=(),
    )  # fmt: skip
    return replace(evidence(tmp_path), image=image)


def saves(transform: str, size: int | None = None, files: tuple[int, ...] = ()) -> Finding:
    return finding(f"rule-{transform}", transform, saving=Saving(size, "exact" if files else "estimate"), files=files)


@pytest.mark.parametrize(
    ("findings", "worth"),
    [
        ([], False),
        ([saves("prune-dev-deps", files=(0,), size=MB)], True),
        ([saves("prune-dev-deps", files=(1,), size=MB - 1)], False),
        ([saves("prune-dev-deps", files=(1, 2), size=MB)], True),
        ([saves("prune-dev-deps", files=(1,), size=1), saves("drop-caches", files=(2,), size=1)], False),
        ([saves("base-swap", size=MB)], True),
        ([saves("base-swap", size=0)], False),
        ([finding("runs-as-root", "run-as-node", saving=Saving(0, "exact"))], True),
        ([finding("runs-as-root", "run-as-node", saving=Saving(0, "exact"), severity="off")], False),
        ([finding("single-stage-with-build", "multi-stage")], True),
        ([finding("single-stage-with-build", "multi-stage", severity="info")], False),
        ([finding("npm-install-not-ci", "npm-ci")], False),
        ([finding("secret-in-history", None)], False),
        ([finding("odd", "no-such-transform")], False),
    ],
)
def test_worth_doing(tmp_path: Path, findings: list[Finding], worth: bool) -> None:
    assert is_worth_doing(measured(tmp_path, (MB, MB - 1, 1)), findings) is worth


def test_one_part_in_a_hundred_is_the_least_for_a_large_image(tmp_path: Path) -> None:
    large = measured(tmp_path, (300 * MB, 2 * MB, 2 * MB))
    assert not is_worth_doing(large, [saves("drop-caches", files=(1,), size=2 * MB)])
    assert is_worth_doing(large, [saves("drop-caches", files=(1, 2), size=4 * MB)])


def test_each_byte_is_credited_once_and_to_the_first(tmp_path: Path) -> None:
    seen = measured(tmp_path, (10, 20, 30, 40))
    findings = [
        saves("prune-dev-deps", files=(0, 1)),
        saves("multi-stage", files=(1, 2)),
        saves("copy-chown", files=(3,)),
    ]
    made, total, basis = credit(seen, findings, {"prune-dev-deps": "p", "multi-stage": "m", "node-env": "n"})
    assert [(item.name, item.rules, item.predicted_bytes) for item in made] == [
        ("multi-stage", ("rule-multi-stage",), 50),
        ("prune-dev-deps", ("rule-prune-dev-deps",), 10),
        ("node-env", (), 0),
    ]
    assert (total, basis) == (60, "estimate")


def test_estimates_and_unknowns_are_said(tmp_path: Path) -> None:
    seen = measured(tmp_path, (10,))
    exact = finding("a", "multi-stage", saving=Saving(10, "exact"), files=(0,))
    assert credit(seen, [exact], {"multi-stage": ""})[1:] == (10, "exact")
    assert credit(seen, [exact, saves("base-swap", size=7)], {"multi-stage": "", "base-swap": ""})[1:] == (
        17,
        "estimate",
    )
    assert credit(seen, [finding("a", "base-swap")], {"base-swap": ""})[1:] == (0, "estimate")


def test_a_base_that_is_no_finding_is_credited_with_what_it_brought(tmp_path: Path) -> None:
    """From slim to alpine: the new image is taken off the saving, so the old one must be in it."""
    seen = measured(tmp_path, (10, 20, 30))
    assert seen.image is not None
    files = tuple(file._replace(birth=layer) for file, layer in zip(seen.image.files, (0, 1, 2), strict=True))
    seen = replace(seen, image=replace(seen.image, files=files), base=BaseImage(2, "digest", "node:20-slim"))
    pruned = saves("prune-dev-deps", files=(1, 2))
    made, total, _ = credit(seen, [pruned], {"base-swap": "", "prune-dev-deps": ""})
    assert [(item.name, item.predicted_bytes) for item in made] == [("base-swap", 30), ("prune-dev-deps", 30)]
    assert total == 60
    unknown = replace(seen, base=BaseImage(None, "unknown", None))
    assert credit(unknown, [], {"base-swap": ""})[1] == 0


def test_without_an_image_nothing_is_predicted(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM node:20\n")
    made, total, basis = credit(evidence(tmp_path), [finding("a", "multi-stage")], {"multi-stage": "why"})
    assert (made[0].predicted_bytes, made[0].rules, total, basis) == (None, ("a",), None, "unknown")


def test_advice_is_not_automatic() -> None:
    assert automatic([finding("a", None), finding("b", "npm-ci")]) == (finding("b", "npm-ci"),)


def proposed(*transforms: Transformed, predicted: int | None) -> Rewrite:
    text = b"FROM node:20 AS build\nFROM node:20-alpine\n"
    changes = (FileChange(".dockerignore", None, b"FROM x\n"), FileChange("Dockerfile", b"FROM node:20\n", text))
    return Rewrite("proposed", changes, transforms, (), predicted, "estimate", ("first",))


def test_the_new_base_image_is_taken_off_the_saving() -> None:
    swap = Transformed("base-swap", "verify", "", (), 900 * MB)
    prune = Transformed("prune-dev-deps", "verify", "", (), 100 * MB)
    rewrite = proposed(swap, prune, predicted=1000 * MB)
    assert swapped_base(rewrite) == "node:20-alpine"
    less = less_new_base(rewrite, "node:20-alpine", 138 * MB)
    assert less.predicted_bytes == 862 * MB == sum(done.predicted_bytes or 0 for done in less.transformed)
    assert [done.predicted_bytes for done in less.transformed] == [762 * MB, 100 * MB]
    assert less.notes == ("first", "the saving counts the 138 MB of node:20-alpine that come in")


def test_where_no_base_is_swapped_or_nothing_is_predicted_nothing_is_taken_off() -> None:
    prune = Transformed("prune-dev-deps", "verify", "", (), 100)
    assert swapped_base(proposed(prune, predicted=100)) is None
    unknown = proposed(Transformed("base-swap", "verify", "", (), None), predicted=None)
    assert less_new_base(unknown, "node:20-alpine", 138) == unknown
