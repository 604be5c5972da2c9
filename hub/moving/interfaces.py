"""Moves of devices' files, and the seam to the database."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from zope.interface import Interface


class Move(Struct, frozen=True, kw_only=True):
    """The files of a device that one collector has, and another one should.

    Attributes:
        source: the collector that has them.
        target: the one that had the device when it was last looked at; it is the device's owner that counts.
        since: epoch second of when the device moved, or of when its files were found.
        done_at: epoch second of when all of them were there; None while they are not.
        files, bytes: how much has been moved.
        problem: why some of them are not; empty when that is not known.
    """

    device: str
    source: str
    target: str
    since: float
    done_at: float | None = None
    files: int = 0
    bytes: int = 0
    problem: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Device and source; there is one move of each."""
        return self.device, self.source


class IMoveStore(Interface):
    """What a restart of the hub must not forget of moves."""

    async def moves() -> list[Move]:
        """All that are known, the eldest first."""

    async def record(moves: Iterable[Move], gone: Iterable[tuple[str, str]] = ()) -> None:
        """Remember moves as they are now, and forget some by device and source, in one transaction.

        Of those that are done, the newest are kept.

        Raises:
            TransientError: the database refused; nothing is changed.
        """
