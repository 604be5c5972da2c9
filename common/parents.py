"""Processes that end with the one that started them, however that one ends (Linux, prctl(2))."""

from __future__ import annotations

import ctypes

PR_SET_PDEATHSIG = 1

_prctl = getattr(ctypes.CDLL(None), "prctl", None)  # looked up here: after a fork nothing may be loaded any more


def end_with_parent(signal: int) -> None:
    """Have the kernel send this process a signal when its parent dies; elsewhere than on Linux nothing happens.

    It may be called between fork and exec, where a change of user would undo it. Who calls it in a program that was
    started long ago looks whether the parent is still there.
    """
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, int(signal), 0, 0, 0)
