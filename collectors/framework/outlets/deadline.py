"""An end to a call that blocks, in a process of its own whose main thread makes it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Have what is done in here end in time, whatever it waits for; only for the main thread.

    A limit for each read and each write is none for the whole: one byte now and then satisfies it for ever.

    Raises:
        TimeoutError: it took longer.
    """

    def over(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"no whole answer within {seconds:g} s")

    begun = time.monotonic()
    left_s, again_s = signal.setitimer(signal.ITIMER_REAL, 0)
    handler = signal.signal(signal.SIGALRM, over)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:  # also when the time was over in one of the lines above
        signal.signal(signal.SIGALRM, handler)
        if left_s:  # somebody else's alarm goes on
            signal.setitimer(signal.ITIMER_REAL, max(0.001, left_s - (time.monotonic() - begun)), again_s)
