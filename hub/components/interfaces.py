"""The seam between components and the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct
from zope.interface import Interface


class StoredComponents(Struct, frozen=True):
    """What a device consists of, as it is stored.

    Attributes:
        modelled_at: epoch seconds; None when no modelling has found out anything yet.
        body: JSON text.
    """

    device: str
    modelled_at: float | None
    body: str


class IComponentStore(Interface):
    """Components on disk."""

    async def load(after: str, limit: int) -> list[StoredComponents]:
        """The next devices after one, the empty name for the first; fewer than `limit` when these are the last.

        The order is the database's own.
        """

    async def store(rows: Sequence[StoredComponents], gone: Collection[str]) -> None:
        """Put these in the place of what is there, and remove those devices that are gone, in one transaction.

        Raises:
            TransientError: the database refused; nothing is changed.
        """
