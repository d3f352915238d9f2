"""A change made of an image, told: sizes, causes, packages, paths, layers, configuration, each counted by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from imagebuilder import Item, config, docker_archive, file, folder, hardlink, layer, symlink, whiteout
from imageof import image_of
from msgspec.structs import replace

from imageopt.compare.difference import compare, contents_wanted
from imageopt.compare.matching import match
from imageopt.compare.model import ConfigChange, ImageDifference, LayerBytes, LayerChange, SizeChange
from imageopt.evidence.join import join
from imageopt.image.load import load_image
from imageopt.image.model import Image
from imageopt.source.documents import image_config
from imageopt.source.model import ImageRef

BASE = [folder("bin"), file("bin/sh", b"s" * 1000)]


def evidence(image: Image) -> Any:
    return join(image, None, None)


def differ(before: Image, after: Image, limit: int = 10) -> ImageDifference:
    return compare(evidence(before), evidence(after), limit=limit)


def images(before: Sequence[Sequence[Item]], after: Sequence[Sequence[Item]]) -> tuple[Image, Image]:
    return image_of(*before), image_of(*after)


def told(change: Any) -> tuple[str, dict[str, int]]:
    return change.path, {name: count for name, count in change.counts._asdict().items() if count}


def test_two_equal_images_are_identical() -> None:
    found = differ(*images([BASE], [BASE]))
    assert found.identical
    assert (found.causes, found.packages, found.paths.contents, found.layers.changes) == ((), (), (), ())
    assert found.sizes["unpacked_bytes"] == SizeChange(1000, 1000, 0, 0.0)


def test_a_date_alone_makes_no_other_image() -> None:
    one, other = images([BASE], [BASE])
    later = replace(other, config=replace(other.config, created="2027-01-01T00:00:00Z"))
    assert differ(one, later).identical


def test_paths_come_go_change_and_only_change_hands() -> None:
    before = [
        file("a", b"1"),
        file("b", b"22"),
        file("c", b"333"),
        file("d", b"4444"),
        symlink("l", "a"),
        symlink("m", "a"),
    ]
    after = [
        file("b", b"2"),
        file("c", b"333", uid=7),
        file("d", b"4x44"),
        file("e", b"5"),
        symlink("l", "b"),
        symlink("m", "a"),
    ]
    found = differ(*images([before], [after]))
    assert [told(row) for row in found.paths.contents] == [
        ("d", {"changed": 1, "changed_before_bytes": 4, "changed_after_bytes": 4}),
        ("b", {"changed": 1, "changed_before_bytes": 2, "changed_after_bytes": 1}),
        ("a", {"removed": 1, "removed_bytes": 1}),
        ("e", {"added": 1, "added_bytes": 1}),
        ("l", {"changed": 1}),
    ]
    assert [(row.path, row.detail) for row in found.paths.metadata] == [("c", "owner 0:0 -> 7:0")]
    assert found.paths.total.delta_bytes == found.sizes["live_bytes"].after - found.sizes["live_bytes"].before  # type: ignore[operator]


def test_owner_and_mode_are_told_together() -> None:
    found = differ(*images([[file("x", b"1")]], [[file("x", b"1", mode=0o755, uid=1000)]]))
    assert [row.detail for row in found.paths.metadata] == ["owner 0:0 -> 1000:0, mode 644 -> 755"]
    assert found.paths.contents == ()


def test_a_link_that_became_a_file_has_changed() -> None:
    found = differ(*images([[file("t", b"1"), symlink("x", "t")]], [[file("t", b"1"), file("x", b"1")]]))
    assert [told(row) for row in found.paths.contents] == [("x", {"changed": 1, "changed_after_bytes": 1})]


def test_a_chown_in_a_layer_of_its_own_is_waste_and_not_a_new_content() -> None:
    app = [file("app/a", b"a" * 500), file("app/b", b"b" * 300)]
    chowned = [file(item.header.name, item.content, uid=1000) for item in app]
    before, after = images([BASE, app], [BASE, app, chowned])
    found = differ(before, after)
    assert [(cause.category, cause.before, cause.after) for cause in found.causes] == [("overwritten", 0, 800)]
    assert found.causes[0].added == (LayerBytes(2, 800),)
    assert found.paths.contents == ()
    assert [(row.path, row.whole, row.counts.metadata) for row in found.paths.metadata] == [("app", True, 2)]
    assert found.sizes["wasted_bytes"] == SizeChange(0, 800, -800, None)


@pytest.mark.parametrize(
    "after",
    [
        [BASE, [file("app/a", b"1" * 10)]],
        [BASE, [file("app/a", b"1" * 10)], [whiteout("app/a")]],
        [[file("other", b"o" * 77)]],
        [BASE, [file("app/a", b"x"), hardlink("app/b", "app/a")], [file("app/b", b"now apart")]],
    ],
)
def test_the_causes_add_up_to_the_change_of_size(after: list[list[Item]]) -> None:
    found = differ(*images([BASE, [file("app/a", b"2" * 30)]], after))
    unpacked = found.sizes["unpacked_bytes"]
    assert unpacked.saved is not None
    assert sum(cause.after - cause.before for cause in found.causes) == -unpacked.saved
    assert (
        sum(part.bytes for cause in found.causes for part in cause.added)
        - sum(part.bytes for cause in found.causes for part in cause.removed)
        == -unpacked.saved
    )


def said(image: Image, *texts: str | None) -> Image:
    """The image with these texts in its history."""
    return replace(
        image,
        layers=tuple(replace(one, created_by=text) for one, text in zip(image.layers, texts, strict=True)),
    )


def test_layers_pair_by_what_their_instruction_says() -> None:
    tool = [file("tool", b"t" * 40)]
    before = said(
        image_of(BASE, [file("x", b"1")], tool, [file("y", b"2")], [file("gone", b"3")]),
        "ADD rootfs in /", "COPY file:0123456789ab in /app", "RUN make", "|1 A=1 /bin/sh -c step", "RUN old",
    )  # fmt: skip
    after = said(
        image_of(BASE, [file("x", b"9")], tool, [file("y", b"2"), folder("d")], [file("new", b"4")]),
        "ADD rootfs in /", "COPY file:ba9876543210 in /app", "RUN make", "|1 A=2 /bin/sh -c step", "RUN new",
    )  # fmt: skip
    layers = differ(before, after).layers
    assert layers.shared == 1
    assert layers.changes == (
        LayerChange("changed", 1, 1),
        LayerChange("same", 2, 2),
        LayerChange("rebuilt", 3, 3),
        LayerChange("removed", 4, None),
        LayerChange("added", None, 4),
    )
    assert layers.new_unpacked_bytes == 43
    assert (layers.pull_bytes, layers.pull_by_digest_bytes) == (None, None)


def test_without_a_history_only_equal_layers_pair() -> None:
    before = said(image_of(BASE, [file("x", b"1")]), None, None)
    after = said(image_of([file("z", b"1")], [file("x", b"1")]), None, None)
    assert differ(before, after).layers.changes == (
        LayerChange("removed", 0, None),
        LayerChange("added", None, 0),
        LayerChange("same", 1, 1),
    )


def downloads(image: Image, *layers: tuple[str, int]) -> Image:
    found = tuple(
        replace(one, digest=digest, download_bytes=size)
        for one, (digest, size) in zip(image.layers, layers, strict=True)
    )
    return replace(image, layers=found)


def test_what_a_pull_transfers_depends_on_the_engine() -> None:
    tool = [file("tool", b"t")]
    before = downloads(image_of(BASE, [file("x", b"1")], tool), ("base", 500), ("x", 20), ("tool", 300))
    after = downloads(image_of(BASE, [file("x", b"2")], tool), ("base", 500), ("y", 25), ("tool", 300))
    layers = differ(before, after).layers
    assert (layers.shared, layers.pull_bytes, layers.pull_by_digest_bytes) == (1, 325, 25)


def settings(**keys: Any) -> Any:
    return image_config(config([], settings=keys))


def test_the_configuration_is_told_without_its_secrets() -> None:
    before, after = images([BASE], [BASE])
    old = settings(Cmd=["npm", "start"], Env=["TOKEN=abc", "NODE_ENV=dev", "GONE=1"], Labels={"a": "1"})
    new = settings(Cmd=["node", "x"], User="node", Env=["TOKEN=def", "NODE_ENV=production", "NEW=2"], Labels={"a": "2"})
    found = differ(replace(before, config=old), replace(after, config=new))
    assert not found.identical
    assert found.config == (
        ConfigChange("User", None, "node"),
        ConfigChange("Cmd", "npm start", "node x"),
        ConfigChange("Env GONE", "set", None),
        ConfigChange("Env NEW", None, "set"),
        ConfigChange("Env NODE_ENV", "dev", "production"),
        ConfigChange("Env TOKEN", "set", "another value"),
        ConfigChange("Label a", "1", "2"),
    )


def test_a_health_check_is_told_with_its_times_where_they_differ() -> None:
    before, after = images([BASE], [BASE])
    old = settings(Healthcheck={"Test": ["CMD", "probe"], "Interval": 10**10, "Retries": 2})
    new = settings(Healthcheck={"Test": ["CMD", "probe"], "Interval": 0, "StartPeriod": 5 * 10**8})
    assert differ(replace(before, config=old), replace(after, config=new)).config == (
        ConfigChange(
            "Healthcheck",
            "CMD probe (every 10 s, 30 s each, unhealthy after 2, not in the first 0 s)",
            "CMD probe (every 30 s, 30 s each, unhealthy after 3, not in the first 0.5 s)",
        ),
    )
    none = settings(Healthcheck={"Test": ["NONE"]})
    (change,) = differ(replace(before, config=old), replace(after, config=none)).config
    assert change == ConfigChange("Healthcheck", "CMD probe", None)


def test_unlike_checksums_are_never_compared() -> None:
    before, after = images([BASE, [file("a", b"old"), file("b", b"1")]], [BASE, [file("a", b"new"), file("b", b"22")]])
    records = replace(after, checksums="crc-64")
    assert contents_wanted(before, records) == (False, True)
    assert contents_wanted(records, before) == (True, False)
    assert contents_wanted(before, after) == (False, False)
    found = differ(before, records)
    assert [told(row)[0] for row in found.paths.contents if row.counts.unknown] == ["a"]
    assert found.paths.total.changed == 1, "another size is another content"
    assert found.notes == ("not known whether the content changed: 1 of the files, whose name and size did not",)


def test_what_stems_from_the_same_layer_is_the_same_whatever_the_checksums() -> None:
    before, after = images([BASE], [BASE, [file("a", b"1")]])
    records = replace(after, checksums="crc-64")
    assert contents_wanted(before, records) == (False, False)
    assert [told(row)[0] for row in differ(before, records).paths.contents] == ["a"]


def test_contents_that_were_passed_over_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A big file in a plain archive has no checksum, as nothing within its own image calls for one."""
    monkeypatch.setattr("imageopt.image.load._READ_WHOLE", 1000)
    big = [bytes([number]) * 300_000 for number in (1, 2)]
    one, other = (
        load_image(
            ImageRef("docker-archive", str(docker_archive(tmp_path / f"{data[0]}.tar", [layer(file("big", data))])))
        )
        for data in big
    )
    assert {record.checksum for image in (one, other) for record in image.files} == {b""}
    assert contents_wanted(one, other) == (True, True)
    assert match(one, other).unknown == 1
    assert differ(one, other).paths.total.unknown == 1
    assert contents_wanted(one, one) == (False, False)
