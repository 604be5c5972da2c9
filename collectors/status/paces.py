"""What is read more seldom than passes are taken, and stands in between (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct

PACES_S: Mapping[str, float] = {"mounts": 10.0, "users": 10.0, "sensors": 10.0, "units": 60.0}
_EARLY_S = 0.25
"""A pass that comes so little before its time counts as in time."""


class Kept(Struct, frozen=True, kw_only=True):
    """What was read last.

    Attributes:
        value: or the error that it ended with.
        at: epoch second when it was read, and `monotonic` when it was asked for.
    """

    value: Any
    at: float
    monotonic: float


class Paces:
    """Knows what is due."""

    def __init__(self, paces_s: Mapping[str, float] = PACES_S) -> None:
        self._paces_s = paces_s
        self._kept: dict[str, Kept] = {}

    def due(self, names: Collection[str], now: float) -> frozenset[str]:
        """Those that are to be read now; what is read in each pass always is."""
        return frozenset(name for name in names if self._is_due(name, now))

    def keep(self, name: str, value: object, at: float, now: float) -> None:
        """Something was read."""
        self._kept[name] = Kept(value=value, at=at, monotonic=now)

    def last(self, name: str) -> Kept | None:
        """What was read last of it."""
        return self._kept.get(name)

    def forget_all_but(self, names: Collection[str]) -> None:
        """What is not wanted any more is not kept."""
        self._kept = {name: kept for name, kept in self._kept.items() if name in names}

    def _is_due(self, name: str, now: float) -> bool:
        kept, pace_s = self._kept.get(name), self._paces_s.get(name)
        return kept is None or pace_s is None or now - kept.monotonic >= pace_s - _EARLY_S
