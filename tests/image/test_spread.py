"""Work spread over processes gives what work in one gives, whatever becomes of a child."""

import os
import select
import threading
from collections.abc import Callable, Sequence

import pytest

from imageopt.image.spread import spread

PARENT = os.getpid()


@pytest.fixture(autouse=True)
def _cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(3)))
    monkeypatch.setattr(threading, "active_count", lambda: 1)  # whatever other tests have left running


def _spread(work: Callable[[int], str], items: Sequence[int], least: int = 0) -> list[str]:
    return spread(work, items, [1] * len(items), encode=str.encode, decode=bytes.decode, least=least)


def _where(item: int) -> str:
    return f"{item} {os.getpid()}"


def test_order_is_kept_and_several_processes_work() -> None:
    done = _spread(_where, list(range(9)))
    assert [text.split()[0] for text in done] == [str(number) for number in range(9)]
    assert len({text.split()[1] for text in done}) == 3


def test_little_work_stays_here() -> None:
    assert {text.split()[1] for text in _spread(_where, [1, 2, 3], least=4)} == {str(os.getpid())}
    assert _spread(_where, []) == []


def test_what_a_child_cannot_do_is_done_here() -> None:
    def work(item: int) -> str:
        if os.getpid() != PARENT:
            raise ValueError(item)
        return f"{item}"

    assert _spread(work, [1, 2, 3, 4]) == ["1", "2", "3", "4"]


def test_a_child_that_is_killed_loses_nothing() -> None:
    def work(item: int) -> str:
        if os.getpid() != PARENT:
            os.kill(os.getpid(), 9)
        return f"{item}"

    assert _spread(work, [1, 2, 3, 4]) == ["1", "2", "3", "4"]


def test_an_error_is_raised_as_without_children_and_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(item: int) -> str:
        raise ValueError(item)

    children: list[int] = []
    fork = os.fork

    def noted() -> int:
        if pid := fork():
            children.append(pid)
        return pid

    monkeypatch.setattr(os, "fork", noted)
    with pytest.raises(ValueError, match=r"^1$"):
        _spread(work, [1, 2, 3, 4])
    assert len(children) == 2
    for child in children:
        with pytest.raises(ChildProcessError):  # nobody is left
            os.waitpid(child, os.WNOHANG)


def test_no_process_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    assert _spread(str, [1, 2, 3]) == ["1", "2", "3"]


def test_beside_other_threads_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the true count of threads
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(3)))
    waiting = threading.Event()
    other = threading.Thread(target=waiting.wait)
    other.start()
    try:
        assert {text.split()[1] for text in _spread(_where, [1, 2, 3])} == {str(os.getpid())}
    finally:
        waiting.set()
        other.join()


def test_the_longest_is_begun_first_and_here() -> None:
    done = spread(_where, [0, 1, 2, 3], [5, 1, 9, 4], encode=str.encode, decode=bytes.decode, least=0)
    assert done[2] == _where(2)


def test_who_is_free_takes_what_is_next() -> None:
    reader, writer = os.pipe()

    def work(item: int) -> str:
        if item:
            os.write(writer, b".")
        else:  # busy until all the others are done
            while len(told) < 8 and select.select([reader], [], [], 10)[0]:
                told.extend(os.read(reader, 8))
        return _where(item)

    told = bytearray()
    done = _spread(work, list(range(9)))
    os.close(reader)
    os.close(writer)
    assert [text for text in done if text.endswith(f" {PARENT}")] == [done[0]]


def test_no_room_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_name: str) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "memfd_create", refuse)
    assert _spread(_where, [1, 2]) == [_where(1), _where(2)]
