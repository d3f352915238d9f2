"""Many paths that differ become few rows: each path counted once, the heavy told apart, whole folders kept whole."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from imageopt.compare.folders import Difference, counted, fold, folders_of
from imageopt.compare.model import PathChange

ADDED, REMOVED = "added", "removed"


def difference(kind: str, size: int) -> Difference:
    return Difference("added", 0, size) if kind == ADDED else Difference("removed", size, 0)


def added(*paths: str, size: int = 100) -> dict[str, Difference]:
    return {path: difference(ADDED, size) for path in paths}


def removed(*paths: str, size: int = 100) -> dict[str, Difference]:
    return {path: difference(REMOVED, size) for path in paths}


def told(rows: Iterable[PathChange]) -> list[str]:
    """`a/b/ +3`, `rest of a/ -1`; a whole folder is marked with `!`."""
    return [
        f"{'rest of ' if row.rest else ''}{row.path}{'/' if row.folder else ''}"
        f"{' !' if row.whole else ''}"
        f"{f' +{row.counts.added}' if row.counts.added else ''}{f' -{row.counts.removed}' if row.counts.removed else ''}"
        for row in rows
    ]


def test_nothing_makes_no_row() -> None:
    assert fold({}, {""}, 10) == ()


def test_a_folder_that_came_whole_is_one_row() -> None:
    new = added("app/lib/a", "app/lib/b/c", "app/lib/b/d", "etc/x")
    assert told(fold(new, folders_of(["app/main", "etc/y"]), 10)) == ["app/lib/ ! +3", "etc/x +1"]


def test_a_single_path_is_told_by_its_own_name() -> None:
    assert told(fold(added("app/lib/a"), {""}, 10)) == ["app/lib/a +1"]


def test_a_folder_in_which_something_stayed_is_opened_to_its_files() -> None:
    assert told(fold(added("etc/x", "etc/y"), folders_of(["etc/z"]), 10)) == ["etc/x +1", "etc/y +1"]


def test_a_whole_folder_with_two_kinds_of_change_is_opened() -> None:
    mixed = {**added("a/x/1", "a/x/2", size=50), **removed("a/y/1", "a/y/2")}
    assert told(fold(mixed, {""}, 10)) == ["a/y/ ! -2", "a/x/ ! +2"]


def test_many_small_ones_stay_together_and_a_heavy_one_stands_out() -> None:
    many = {**added(*(f"lib/{number}" for number in range(50)), size=10), **added("lib/big", size=1000)}
    assert told(fold(many, folders_of(["lib/old"]), 10)) == ["lib/big +1", "rest of lib/ +50"]


def test_no_more_rows_than_asked_for_and_the_rest_is_told() -> None:
    three = {**added("a/x", size=900), **added("b/x", size=200), **added("c/x", size=100)}
    kept = folders_of(["a/o", "b/o", "c/o"])
    assert told(fold(three, kept, 10)) == ["a/x +1", "b/x +1", "c/x +1"]
    assert told(fold(three, kept, 2)) == ["a/x +1", "rest of / +2"]
    assert told(fold(three, kept, 1)) == ["/ +3"]


def test_without_a_limit_everything_is_opened() -> None:
    many = added(*(f"lib/{number:02}" for number in range(30)))
    assert len(fold(many, folders_of(["lib/old"]), 0)) == 30
    assert told(fold(many, {""}, 0)) == ["lib/ ! +30"]


def test_a_file_that_became_a_folder_stays_one_row() -> None:
    both = {**removed("a", size=5), **added("a/b", "a/c")}
    assert told(fold(both, {""}, 10)) == ["a/ ! +2 -1"]


def test_empty_files_count_too() -> None:
    assert told(fold(added("a/x", "b/x", size=0), folders_of(["a/o", "b/o"]), 10)) == ["a/x +1", "b/x +1"]


def test_a_detail_is_told_where_all_have_it() -> None:
    owner = Difference("metadata", detail="owner 0:0 -> 1:1")
    mode = Difference("metadata", detail="mode 644 -> 755")
    rows = fold({"a/x": owner, "a/y": owner, "b/x": mode, "b/y": owner}, folders_of(["c"]), 2)
    assert [(row.path, row.detail) for row in rows] == [("a", "owner 0:0 -> 1:1"), ("b", "")]


PATHS = st.lists(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=4).map("/".join), min_size=1, max_size=30, unique=True
)


@given(PATHS, PATHS, st.integers(0, 6), st.data())
def test_every_path_is_counted_in_exactly_one_row(
    paths: list[str], same: list[str], limit: int, data: st.DataObject
) -> None:
    differences = {
        path: difference(data.draw(st.sampled_from([ADDED, REMOVED])), data.draw(st.integers(0, 1000)))
        for path in paths
    }
    rows = fold(differences, folders_of(same), limit)
    assert all(sum(row.counts) > 0 for row in rows)
    assert [sum(column) for column in zip(*(row.counts for row in rows), strict=True)] == list(
        counted(differences.values())
    )
    assert not limit or len(rows) <= limit
