"""When a task's next turn is: once in each step of the wall clock, always at the same place in it.

The place comes from the task's name, so that tasks spread over the step, and each keeps its own over restarts and
changes of its config. It stays clear of the step's ends, where a little jitter would put a sample into the wrong step.
"""

from __future__ import annotations

from common.hashing import number_of

FIRST, LAST = 0.05, 0.85
SHORTEST, LONGEST = 0.55, 1.5
"""Bounds of the time to the next turn, in intervals; however the wall clock is set."""


def phase(name: str) -> float:
    """A task's place in its step, as a share of it, from FIRST to LAST."""
    return FIRST + (LAST - FIRST) * number_of(name) / 2**64


def turn_of(name: str, every: int) -> int:
    """Which of so many turns is a task's own: what is done once in them all is not done by all tasks at once."""
    return number_of(f"{name} turn") % every


def slot(wall: float, interval_s: int) -> int:
    """Start of the step that a moment lies in, in epoch seconds: the stamp of that turn's samples."""
    return int(wall // interval_s) * interval_s


def delay_s(wall: float, interval_s: int, place: float) -> float:
    """Time from a turn that is taken now to the next one.

    The next turn lies in the next step, so that no step is left out or used twice; at the task's place, or as near to
    it as the bounds allow when this turn was elsewhere: the first one is taken at once, and a clock may have been set.
    """
    here = (wall % interval_s) / interval_s
    there = min(max(place, here + SHORTEST - 1.0), here + LONGEST - 1.0)
    return (1.0 - here + there) * interval_s
