"""The seam between pools and the database."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from zope.interface import Interface

NEVER = 0.0
"""Since when a new member is away that has not come into its pool yet."""


class Absence(Struct, frozen=True):
    """A member whose devices others have, and since when it is away: epoch seconds, or `NEVER`."""

    pool: str
    collector: str
    since: float


class Move(Struct, frozen=True, kw_only=True):
    """Devices that went from one member to another.

    Attributes:
        at: epoch seconds.
        devices: how many.
        why: a sentence without its full stop.
    """

    at: float
    pool: str
    source: str
    target: str
    devices: int
    why: str


class Entry(Struct, frozen=True, kw_only=True):
    """What is to be remembered together."""

    gone: tuple[Absence, ...] = ()
    back: tuple[tuple[str, str], ...] = ()
    moves: tuple[Move, ...] = ()

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.gone or self.back or self.moves)


class IPoolStore(Interface):
    """What a restart of the hub must not forget of pools."""

    async def absences() -> list[Absence]:
        """All members whose devices others have."""

    async def record(entry: Entry) -> None:
        """Remember an entry, in one transaction; of moves, the newest are kept.

        Raises:
            TransientError: the database refused; nothing is changed.
        """

    async def moves(pool: str, limit: int) -> Sequence[Move]:
        """The last moves within a pool, the newest first."""
