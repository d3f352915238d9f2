"""What earlier proofs measured, and what a prediction becomes by them."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from imageopt.rewrite.model import FileChange, Rewrite, Transformed
from imageopt.verify.history import History, Proof, expected, note, read_history
from imageopt.verify.isolated import Isolated


def proposed(**predicted: int) -> Rewrite:
    """A rewrite of transformations with what each is predicted to save."""
    made = tuple(Transformed(name, "verify", "", (), size) for name, size in predicted.items())
    return Rewrite("proposed", (), made, (), sum(predicted.values()), "exact", ())


STAGES = proposed(stages=1000, base=500)
WHOLE = ("base", "stages")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.parametrize(
    ("history", "expectation"),
    [
        (History(), (None, 0)),
        (History(here=(Proof(WHOLE, 1500, 1500), Proof(WHOLE, 1500, 1200))), (1200, 1)),  # the last one counts
        (History(here=(Proof(("stages",), 1000, 900),)), (1400, 1)),  # the base counts as predicted
        (History(here=(Proof(("other",), 1000, 1),)), (None, 0)),
        (History(elsewhere=((Proof(WHOLE, 10, 5),),) * 2), (None, 0)),  # two projects are chance
        (History(elsewhere=tuple((Proof(WHOLE, 10, ten),) for ten in (9, 5, 8))), (1200, 3)),
        (History(elsewhere=tuple((Proof(("base",), 10, ten),) for ten in (9, 5, 8))), (1400, 3)),
        (History(here=(Proof(WHOLE, 10, 1000),)), (3000, 1)),  # no count is a hundred times off
        (History(here=(Proof(WHOLE, 10, -1000),)), (0, 1)),
    ],
)
def test_what_is_to_be_expected(history: History, expectation: tuple[int | None, int]) -> None:
    found = expected(STAGES, history)
    assert (found.expected_bytes, found.expected_by) == expectation
    assert found.predicted_bytes == 1500


def test_what_was_not_predicted_is_not_expected() -> None:
    unknown = replace(STAGES, predicted_bytes=None)
    assert expected(unknown, History(here=(Proof(WHOLE, 1500, 1200),))) == unknown


def test_a_proof_is_kept_for_its_project_and_for_others(tmp_path: Path) -> None:
    alone = [Isolated("base", ("x", "y"), 500, 450), Isolated("new", ("x", "y"), None, 1)]
    note(tmp_path / "a", "Dockerfile", STAGES, 1200, alone)
    kept = (Proof(WHOLE, 1500, 1200), Proof(("base",), 500, 450))
    assert read_history(tmp_path / "a", "Dockerfile") == History(kept)
    assert read_history(tmp_path / "a", "Dockerfile.worker") == History(elsewhere=(kept,))
    assert read_history(tmp_path / "b", "Dockerfile") == History(elsewhere=(kept,))


def test_a_swap_to_another_image_is_another_transformation() -> None:
    slim, alpine = (
        replace(proposed(**{"base-swap": 1000}), changes=(FileChange("Dockerfile", None, f"FROM {base}".encode()),))
        for base in ("node:22-slim", "node:22-alpine")
    )
    history = History(here=(Proof(("base-swap to slim",), 1000, 400),))
    assert [expected(one, history).expected_bytes for one in (slim, alpine)] == [400, None]


@pytest.mark.parametrize("rewrite", [replace(STAGES, predicted_bytes=None), replace(STAGES, transformed=())])
def test_what_tells_nothing_is_not_kept(rewrite: Rewrite, tmp_path: Path, state: Path) -> None:
    note(tmp_path, "Dockerfile", rewrite, 1200)
    note(tmp_path, "Dockerfile", STAGES, None)
    assert not state.exists()


def test_a_damaged_file_and_a_folder_that_cannot_be_made_are_no_errors(tmp_path: Path, state: Path) -> None:
    note(tmp_path, "Dockerfile", STAGES, 1200)
    (file,) = state.rglob("*.json")
    for damaged in (b"{", b'[{"transforms": ["\xff"]}]'):
        file.write_bytes(damaged)
        assert read_history(tmp_path, "Dockerfile") == History()
    note(tmp_path, "Dockerfile", STAGES, 1100)
    assert read_history(tmp_path, "Dockerfile").here == (Proof(WHOLE, 1500, 1100),)
    file.unlink()
    file.parent.rmdir()
    file.parent.touch()
    note(tmp_path, "Dockerfile", STAGES, 1000)
    assert read_history(tmp_path, "Dockerfile") == History()
