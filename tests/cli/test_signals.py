"""Signals belong to the main thread; from another one nothing is set, and nothing breaks."""

import signal
from concurrent.futures import ThreadPoolExecutor

from imageopt.cli.signals import ignore_signals, interrupt_on_signals


def test_another_thread_leaves_the_handlers_alone() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with ThreadPoolExecutor(1) as other:
        other.submit(interrupt_on_signals).result()
        other.submit(ignore_signals).result()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
