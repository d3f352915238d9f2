"""What the tree shows of a layer, and of all layers up to it."""

from hypothesis import given
from hypothesis import strategies as st

from imageopt.evidence.model import Evidence
from imageopt.explore.tree import MARKS, Row, view
from imageopt.image.model import FileRecord


def _shown(rows: list[Row]) -> list[tuple[str, int, str | None]]:
    return [(row.name, row.bytes, row.mark) for row in rows]


def test_a_layer_shows_what_it_did(evidence: Evidence) -> None:
    assert evidence.image is not None
    files = evidence.image.files
    assert _shown(view(files, 1, below=False).rows("app/node_modules/left-pad/")) == [("index.js", 5000, "modified")]
    assert _shown(view(files, 2, below=False).rows()) == [("app/", 100, "removed"), ("etc/", 1, "added")]


def test_all_layers_up_to_one_show_what_is_there(evidence: Evidence) -> None:
    assert evidence.image is not None
    whole = view(evidence.image.files, 1, below=True)
    assert whole.total().bytes == 5150
    assert _shown(whole.rows("app/")) == [
        ("node_modules/", 5040, None), ("a.txt", 100, "unmodified"), ("b/", 10, "unmodified")
    ]  # fmt: skip
    assert [row.name for row in whole.rows("app/", "name")] == ["a.txt", "b/", "node_modules/"]
    assert whole.rows("app/", "waste")[0].name == "a.txt"


def test_what_is_shown_can_be_narrowed(evidence: Evidence) -> None:
    assert evidence.image is not None
    files = evidence.image.files
    assert [item.path for item in view(files, 0, below=False, only_waste=True).items] == [
        "app/a.txt", "app/node_modules/left-pad/index.js"
    ]  # fmt: skip
    assert view(files, 2, below=True, text="left-pad").total().files == 2
    assert view(files, 2, below=True, marks=frozenset({"removed"})).total().bytes == 100


names = st.text("ab/0.-", min_size=1, max_size=6).filter(lambda name: "//" not in f"/{name}/" and name not in "..")
records = st.builds(
    FileRecord, names, st.integers(0, 9), st.integers(0, 2), st.just("live"), st.none(), st.just(b""), st.just(0), st.just(0), st.just(0)
)  # fmt: skip


@given(st.lists(records, max_size=30))
def test_the_lines_of_a_folder_add_up_to_it(files: list[FileRecord]) -> None:
    shown = view(files, 2, below=True, marks=frozenset(MARKS))

    def check(row: Row) -> None:
        rows = shown.rows(row.path)
        assert sum(below.bytes for below in rows) == row.bytes
        assert sum(below.files for below in rows) == row.files
        for below in rows:
            if below.record is None:
                check(below)

    check(shown.total())
    assert shown.total().bytes == sum(file.size for file in files)
