"""In which state each thing is, since when, and whether it was ever there (pure)."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

import psutil

from collectors.status.passes import Found, State

_ABSENT = frozenset({errno.ENOENT, errno.ENXIO, errno.ENODEV})
_DENIED = frozenset({errno.EACCES, errno.EPERM})
Key = tuple[str, object]


class States:
    """Remembers the states of the pass before."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[State, float, bool]] = {}
        self._next: dict[Key, tuple[State, float, bool]] = {}

    def judge(self, key: Key, state: State, at: float) -> tuple[State, float]:
        """What is to be said of a state: what is absent and was there is gone. Returns it, and since when."""
        before = self._known.get(key)
        was_there = before is not None and before[2]
        if state is State.ABSENT and was_there:
            state = State.GONE
        since = before[1] if before is not None and before[0] is state else at
        self._next[key] = (state, since, was_there or state is State.OK)
        return state, since

    def found(
        self,
        key: Key,
        state: State,
        at: float,
        *,
        sentence: str = "",
        figures: Mapping[str, Any] | None = None,
        counts: Mapping[str, float] | None = None,
        since: float | None = None,
        listed: bool = True,
    ) -> Found:
        """One thing of a pass; `since` is known where it is in its state from another time on than this pass."""
        state, held = self.judge(key, state, at if since is None else since)
        return Found(
            state=state,
            at=at,
            since=held,
            sentence=sentence,
            figures=figures or {},
            counts=counts or {},
            listed=listed,
        )

    def end(self) -> None:
        """A pass is over: what was not in it is forgotten."""
        self._known, self._next = self._next, {}


def state_of(error: Exception) -> State:
    """What an error of the system says of the thing that was asked for."""
    if isinstance(error, psutil.AccessDenied):
        return State.DENIED
    if isinstance(error, OSError):
        return State.ABSENT if error.errno in _ABSENT else State.DENIED if error.errno in _DENIED else State.ERROR
    return State.ERROR


def reason_of(error: Exception) -> str:
    """An error as words: what the system calls it, or what it says itself."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:500] or type(error).__name__
