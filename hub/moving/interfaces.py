"""Moves of devices' files, and the seam to the database."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from zope.interface import Interface

from common.configs import SERVICE_PROCESS

Key = tuple[str, str, str]
"""Of a move: device, source and daemon."""
Place = tuple[str, str]
"""Where files are: collector and daemon."""


class Move(Struct, frozen=True, kw_only=True):
    """The files of a device that a daemon of one collector has, and the same daemon of another one should.

    Attributes:
        source: the collector that has them.
        target: the one that had the device when it was last looked at; it is the device's owner that counts.
        since: epoch second of when the device moved, or of when its files were found.
        done_at: epoch second of when all of them were there; None while they are not.
        files, bytes: how much has been moved.
        problem: why some of them are not; empty when that is not known.
        daemon: of either collector.
    """

    device: str
    source: str
    target: str
    since: float
    done_at: float | None = None
    files: int = 0
    bytes: int = 0
    problem: str = ""
    daemon: str = SERVICE_PROCESS

    @property
    def key(self) -> Key:
        """Device, source and daemon; there is one move of each."""
        return self.device, self.source, self.daemon

    @property
    def origin(self) -> Place:
        """The daemon that has them."""
        return self.source, self.daemon

    @property
    def aim(self) -> Place:
        """The daemon that should."""
        return self.target, self.daemon


class IMoveStore(Interface):
    """What a restart of the hub must not forget of moves."""

    async def moves() -> list[Move]:
        """All that are known, the eldest first."""

    async def record(moves: Iterable[Move], gone: Iterable[Key] = ()) -> None:
        """Remember moves as they are now, and forget some by their keys, in one transaction.

        Of those that are done, the newest are kept.

        Raises:
            TransientError: the database refused; nothing is changed.
        """
