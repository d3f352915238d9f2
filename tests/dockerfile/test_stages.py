"""Stages: names, bases with their arguments put in, parents, targets."""

import pytest

from imageopt.dockerfile import parse
from imageopt.dockerfile.model import Stage
from imageopt.dockerfile.stages import with_build_args


def stages(text: str) -> tuple[Stage, ...]:
    return parse(text.encode()).stages


def test_a_stage_holds_what_follows_its_from() -> None:
    first, second = stages("ARG x\nFROM a AS one\nRUN b\nFROM c\nRUN d\nRUN e\n")
    assert ([i.arguments for i in first.instructions], first.name, first.index) == (["b"], "one", 0)
    assert ([i.arguments for i in second.instructions], second.name, second.index) == (["d", "e"], None, 1)


@pytest.mark.parametrize(
    ("head", "image", "base"),
    [
        ("", "node:20", "node:20"),
        ("ARG V=20", "node:$V", "node:20"),
        ("ARG V=20", "node:${V}-slim", "node:20-slim"),
        ("ARG V=20\nARG IMAGE=node:$V", "$IMAGE", "node:20"),
        ("ARG V", "node:${V:-22}", "node:22"),
        ("ARG V='20'", "node:$V", "node:20"),
        ("ARG V", "node:$V", None),
        ("", "node:$V", None),
        ("ARG IMAGE=node:$V", "$IMAGE", None),
        ("ARG V=", "node$V", "node"),
        ("", "${x", None),
        ("ARG X=", "$X", None),
    ],
)
def test_arguments_above_the_first_from_are_put_in(head: str, image: str, base: str | None) -> None:
    (stage,) = stages(f"{head}\nFROM {image}\n")
    assert stage.base == base


def test_an_argument_of_an_earlier_stage_is_none_of_from() -> None:
    assert stages("FROM a\nARG V=1\nFROM b:$V\n")[1].base is None


def test_parents_are_found_by_name_whatever_the_case_and_only_above() -> None:
    found = stages("FROM later\nFROM a AS Base\nFROM BASE AS later\nFROM later\n")
    assert [stage.parent for stage in found] == [None, None, 1, 2]
    assert [stage.name for stage in found] == [None, "base", "later", None]


def test_the_latest_of_two_stages_of_one_name_is_the_parent() -> None:
    assert stages("FROM a AS x\nFROM b AS x\nFROM x\n")[2].parent == 1


def test_a_number_in_from_is_an_image() -> None:
    assert stages("FROM a\nFROM 0\n")[1].parent is None


def test_the_platform_is_expanded_and_unknown_where_it_depends_on_the_build() -> None:
    text = "ARG P=linux/arm64\nFROM --platform=$P a\nFROM --platform=$BUILDPLATFORM b\nFROM c\n"
    assert [stage.platform for stage in stages(text)] == ["linux/arm64", None, None]


def test_build_arguments_change_the_bases() -> None:
    dockerfile = parse(b"ARG V=20\nARG W\nFROM node:$V AS b\nFROM b$W\n")
    assert dockerfile.stages[1].base is None
    changed = with_build_args(dockerfile, {"V": "24", "W": ""})
    assert [(stage.base, stage.parent) for stage in changed.stages] == [("node:24", None), ("b", 0)]
    assert changed.render() == dockerfile.render()


@pytest.mark.parametrize(
    ("name", "index"),
    [(None, 2), ("one", 0), ("ONE", 0), ("1", 1), ("2", 2), ("3", None), ("nope", None), ("-1", None)],
)
def test_targets(name: str | None, index: int | None) -> None:
    stage = parse(b"FROM a AS one\nFROM b\nFROM c\n").target(name)
    assert (stage.index if stage else None) == index


def test_without_a_stage_there_is_no_target() -> None:
    assert parse(b"").target() is None


@pytest.mark.parametrize(
    ("reference", "index"),
    [("build", 0), ("BUILD", 0), ("0", 0), ("1", 1), ("node:20", None), ("later", None), ("2", None)],
)
def test_copy_from_names_a_stage_above(reference: str, index: int | None) -> None:
    dockerfile = parse(f"FROM a AS build\nFROM b\nCOPY --from={reference} x y\nFROM c AS later\n".encode())
    stage = dockerfile.source_stage(dockerfile.instructions[2])
    assert (stage.index if stage else None) == index


def test_a_copy_without_from_has_no_source_stage() -> None:
    dockerfile = parse(b"FROM a\nCOPY x y\n")
    assert dockerfile.source_stage(dockerfile.instructions[-1]) is None


def test_what_stands_above_the_first_from_is_in_no_stage() -> None:
    dockerfile = parse(b"ARG a\nFROM b\n")
    assert dockerfile.stage_of(dockerfile.instructions[0]) is None
