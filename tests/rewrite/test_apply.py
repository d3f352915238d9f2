"""All of a rewrite or nothing of it, and back again to the byte."""

import errno
import json
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from imageopt.errors import InputError
from imageopt.rewrite.apply import apply, undo
from imageopt.rewrite.model import FileChange, Rewrite
from imageopt.rewrite.undo import state_folder


@pytest.fixture(autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_bytes(b"FROM a\r\n\xff")
    return tmp_path


def rewrite(*changes: FileChange) -> Rewrite:
    return Rewrite("proposed", changes, (), (), None, "unknown", ())


CHANGE = FileChange("Dockerfile", b"FROM a\r\n\xff", b"FROM b\n")
NEW = FileChange(".dockerignore", None, b"node_modules\n")


def contents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.iterdir()}


def test_apply_writes_and_undo_restores_every_byte(root: Path) -> None:
    (root / "Dockerfile").chmod(0o640)
    apply(root, rewrite(CHANGE, NEW))
    assert contents(root) == {"Dockerfile": b"FROM b\n", ".dockerignore": b"node_modules\n"}
    assert stat.S_IMODE((root / "Dockerfile").stat().st_mode) == 0o640
    assert undo(root) == ("Dockerfile", ".dockerignore")
    assert contents(root) == {"Dockerfile": b"FROM a\r\n\xff"}
    assert stat.S_IMODE((root / "Dockerfile").stat().st_mode) == 0o640
    with pytest.raises(InputError, match="no rewrite was applied"):
        undo(root)


def test_rewrites_are_taken_back_in_turn(root: Path) -> None:
    apply(root, rewrite(CHANGE))
    apply(root, rewrite(FileChange("Dockerfile", b"FROM b\n", b"FROM c\n")))
    undo(root)
    assert contents(root) == {"Dockerfile": b"FROM b\n"}
    undo(root)
    assert contents(root) == {"Dockerfile": b"FROM a\r\n\xff"}


def test_an_empty_rewrite_leaves_no_trace(root: Path, state: Path) -> None:
    apply(root, Rewrite("nothing", (), (), (), None, "unknown", ()))
    assert list(state.rglob("*.json")) == []


def test_nothing_lies_in_the_project_that_was_not_there(root: Path, state: Path) -> None:
    apply(root, rewrite(CHANGE))
    assert sorted(contents(root)) == ["Dockerfile"]
    (record,) = state_folder(root).iterdir()
    assert record.is_relative_to(state)
    assert stat.S_IMODE(record.stat().st_mode) == 0o600  # it may hold what the Dockerfile holds


@pytest.mark.parametrize(
    "change",
    [FileChange("Dockerfile", b"other", b"x"), FileChange("Dockerfile", None, b"x"), FileChange("gone", b"a", b"x")],
)
def test_a_file_that_changed_meanwhile_stops_everything(root: Path, state: Path, change: FileChange) -> None:
    before = contents(root)
    with pytest.raises(InputError, match="was changed since it was read"):
        apply(root, rewrite(NEW, change))
    assert contents(root) == before
    assert list(state.rglob("*.json")) == []


def test_a_symlink_out_of_the_project_is_refused(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "file"
    outside.write_bytes(b"precious")
    (root / ".dockerignore").symlink_to(outside)
    for path in (".dockerignore", "../x", "."):
        with pytest.raises(InputError, match="leads out of the project"):
            apply(root, rewrite(FileChange(path, b"precious", b"x")))
    assert outside.read_bytes() == b"precious"


def test_a_symlink_inside_the_project_stays_one(root: Path) -> None:
    (root / "Dockerfile").rename(root / "real")
    (root / "Dockerfile").symlink_to("real")
    apply(root, rewrite(CHANGE))
    assert (root / "Dockerfile").is_symlink()
    assert (root / "real").read_bytes() == b"FROM b\n"


def test_a_folder_in_the_place_of_a_file_is_an_input_error(root: Path) -> None:
    (root / ".dockerignore").mkdir()
    with pytest.raises(InputError, match="is no file"):
        apply(root, rewrite(NEW))


def test_a_failure_in_the_middle_puts_everything_back(root: Path, monkeypatch: pytest.MonkeyPatch, state: Path) -> None:
    before = contents(root)
    replace = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if target.name == ".dockerignore":
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(InputError, match="No space left on device"):
        apply(root, rewrite(CHANGE, NEW))
    assert contents(root) == before
    assert list(state_folder(root).iterdir()) == []


def test_a_failure_to_prepare_leaves_no_temporary_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(descriptor: int, mode: int) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    before = contents(root)
    monkeypatch.setattr("os.fchmod", failing)
    with pytest.raises(InputError, match="Operation not permitted"):
        apply(root, rewrite(CHANGE))
    assert contents(root) == before


def test_an_edit_after_the_rewrite_is_not_lost(root: Path) -> None:
    apply(root, rewrite(CHANGE, NEW))
    (root / ".dockerignore").write_text("mine\n")
    with pytest.raises(InputError, match=r"\.dockerignore was edited since"):
        undo(root)
    assert contents(root) == {"Dockerfile": b"FROM b\n", ".dockerignore": b"mine\n"}


def test_what_was_taken_back_by_hand_is_no_obstacle(root: Path) -> None:
    apply(root, rewrite(CHANGE, NEW))
    (root / ".dockerignore").unlink()
    undo(root)
    assert contents(root) == {"Dockerfile": b"FROM a\r\n\xff"}


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"schema": "other/1", "files": []}', '{"schema": "imageopt.undo/1", "files": [{"path": "x"}]}']
)
def test_a_damaged_record_is_an_input_error(root: Path, text: str) -> None:
    apply(root, rewrite(CHANGE))
    next(state_folder(root).glob("*.json")).write_text(text)
    with pytest.raises(InputError, match="is damaged"):
        undo(root)


def test_a_record_cannot_lead_out_of_the_project(root: Path) -> None:
    apply(root, rewrite(CHANGE))
    record = next(state_folder(root).glob("*.json"))
    data = json.loads(record.read_text())
    data["files"][0]["path"] = "../elsewhere"
    record.write_text(json.dumps(data))
    with pytest.raises(InputError, match="leads out of the project"):
        undo(root)


def test_a_state_folder_that_cannot_be_made_is_an_input_error(root: Path, state: Path) -> None:
    (state / "imageopt").write_text("a file")
    with pytest.raises(InputError, match="cannot be kept"):
        apply(root, rewrite(CHANGE))
    assert contents(root)["Dockerfile"] == CHANGE.before


def test_without_the_variable_the_state_lies_in_the_home(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_folder(root).parent == tmp_path / ".local" / "state" / "imageopt"


def test_an_interrupt_between_two_files_leaves_neither(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.replace
    calls: list[Path] = []

    def interrupted(self: Path, target: Path) -> Path:
        calls.append(self)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        apply(root, rewrite(CHANGE, NEW))
    assert contents(root) == {"Dockerfile": b"FROM a\r\n\xff"}
    assert list(state_folder(root).iterdir()) == []


def test_a_full_disk_leaves_no_half_record(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(InputError, match=r"cannot be kept in .*: No space left on device"):
        apply(root, rewrite(CHANGE))
    assert list(state_folder(root).iterdir()) == []
    assert contents(root) == {"Dockerfile": b"FROM a\r\n\xff"}


def test_of_several_at_once_one_writes_and_the_others_find_it_done(root: Path) -> None:
    endings: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: endings.append(apply(root, rewrite(CHANGE)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(endings) == [()] * 7 + [("Dockerfile",)]
    undo(root)
    assert contents(root) == {"Dockerfile": b"FROM a\r\n\xff"}


def test_of_several_that_differ_one_writes_and_the_others_are_refused(root: Path) -> None:
    endings: list[str] = []

    def one(number: int) -> None:
        try:
            apply(root, rewrite(FileChange("Dockerfile", CHANGE.before, b"FROM %d\n" % number)))
            endings.append("applied")
        except InputError as error:
            endings.append(error.cause)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(endings) == ["Dockerfile was changed since it was read"] * 5 + ["applied"]


def test_what_is_already_there_is_not_written_again(root: Path, state: Path) -> None:
    assert apply(root, rewrite(CHANGE, NEW)) == ("Dockerfile", ".dockerignore")
    assert apply(root, rewrite(CHANGE, NEW)) == ()
    assert len(list(state.rglob("*.json"))) == 1


def test_force_writes_over_an_edit_and_undo_brings_the_edit_back(root: Path) -> None:
    (root / "Dockerfile").write_bytes(b"mine")
    assert apply(root, rewrite(CHANGE), force=True) == ("Dockerfile",)
    assert contents(root) == {"Dockerfile": b"FROM b\n"}
    undo(root)
    assert contents(root) == {"Dockerfile": b"mine"}


def test_force_takes_a_rewrite_back_over_an_edit(root: Path) -> None:
    apply(root, rewrite(CHANGE, NEW))
    (root / ".dockerignore").write_text("mine\n")
    (root / "Dockerfile").unlink()
    undo(root, force=True)
    assert contents(root) == {"Dockerfile": b"FROM a\r\n\xff"}


def test_two_names_of_one_file_are_refused(root: Path) -> None:
    (root / ".dockerignore").symlink_to("Dockerfile")
    both = (CHANGE, FileChange(".dockerignore", CHANGE.before, b"x\n"))
    with pytest.raises(InputError, match="is another changed file too"):
        apply(root, rewrite(*both))
    assert (root / "Dockerfile").read_bytes() == CHANGE.before


def test_a_new_file_has_the_mode_that_the_user_gives_to_new_files(root: Path) -> None:
    mask = os.umask(0o027)
    try:
        apply(root, rewrite(NEW))
    finally:
        os.umask(mask)
    assert stat.S_IMODE((root / ".dockerignore").stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_stays(root: Path) -> None:
    os.chown(root / "Dockerfile", 1234, 2345)
    apply(root, rewrite(CHANGE))
    assert ((root / "Dockerfile").stat().st_uid, (root / "Dockerfile").stat().st_gid) == (1234, 2345)
    undo(root)
    assert ((root / "Dockerfile").stat().st_uid, (root / "Dockerfile").stat().st_gid) == (1234, 2345)


def test_an_editor_that_saves_in_the_middle_is_not_overwritten(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def saving(descriptor: int) -> None:
        fsync(descriptor)
        (root / "Dockerfile").write_bytes(b"saved")

    monkeypatch.setattr("os.fsync", saving)
    with pytest.raises(InputError, match="Dockerfile is being edited"):
        apply(root, rewrite(CHANGE, NEW))
    assert contents(root) == {"Dockerfile": b"saved"}


def test_it_is_quick(root: Path) -> None:
    started = time.monotonic()
    apply(root, rewrite(CHANGE, NEW))
    undo(root)
    assert time.monotonic() - started < 1
