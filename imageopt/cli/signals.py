"""SIGINT, SIGTERM and SIGHUP -> one KeyboardInterrupt: every command cleans up the same way and ends with 130."""

import signal
import time
from contextlib import suppress
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_CLEANING_SECONDS = 5.0  # further signals are ignored for so long: impatience must not cut the cleaning short


def ignore_signals() -> None:
    """For the very end: nothing is left to interrupt, and the exit code is known."""
    with suppress(ValueError):  # from another thread than the main one, where signals are none of our business
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def interrupt_on_signals() -> None:
    """Sets the handlers for this process; a signal that who started it wants ignored stays ignored."""
    last = float("-inf")

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal last
        if time.monotonic() - last < _CLEANING_SECONDS:
            return
        last = time.monotonic()
        raise KeyboardInterrupt

    with suppress(ValueError):  # as above
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, interrupt)
