"""Everything is removed, whatever happens, and a second Ctrl-C does not cut it short."""

import os
import signal
import threading

import pytest

from imageopt.build.cleaning import LABEL, CleanUp, cleaning, new_run_id

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def test_the_last_registered_is_undone_first_and_a_failure_stops_nothing() -> None:
    done: list[str] = []

    def fails() -> None:
        done.append("fails")
        raise OSError

    with cleaning("1-a") as stack:
        stack.add(lambda: done.append("first"))
        stack.add(fails)
        stack.add(lambda: done.append("last"))
        assert done == []
        assert stack.labels == {LABEL: "1-a"}
    assert done == ["last", "fails", "first"]


def test_it_is_undone_after_an_error_too() -> None:
    done: list[str] = []

    def work() -> None:
        with cleaning("1-a") as stack:
            stack.add(lambda: done.append("undone"))
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 (any will do)
        work()
    assert done == ["undone"]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_interrupts_and_the_next_ones_are_ignored(number: signal.Signals) -> None:
    done: list[str] = []
    # whoever started the tests may ignore some of them
    before = {each: signal.signal(each, signal.default_int_handler) for each in SIGNALS}

    def undo() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("undone")

    def work() -> None:
        with cleaning("1-a") as stack:
            stack.add(undo)
            os.kill(os.getpid(), number)
            done.append("not reached")

    try:
        with pytest.raises(KeyboardInterrupt):
            work()
        assert done == ["undone"]
        assert {signal.getsignal(each) for each in SIGNALS} == {signal.default_int_handler}
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with cleaning("1-a"):
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_the_handlers_are_left_alone() -> None:
    done: list[str] = []

    def work() -> None:
        with cleaning("1-a") as stack:
            stack.add(lambda: done.append("undone"))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["undone"]


def test_run_ids_are_unlike_and_name_their_process() -> None:
    assert new_run_id() != new_run_id()
    assert new_run_id().startswith(f"{os.getpid()}-")
    assert CleanUp("7-x").labels == {LABEL: "7-x"}
