"""Asks collectors which files they have, and has them delete those of devices, a page and a slice at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from common.errors import RemoteError, TransientError
from common.holdings import HeldFile, Holdings, HoldingsQuery, Purged, PurgedDevice, PurgeQuery
from common.wire import FailureCode
from hub.interfaces import ISession

MOST_PAGES = 5_000
MOST_ASKED = 720
"""An answer comes within seconds: this is an hour."""


class Takes(Protocol):
    """Whoever looks at files."""

    def add(self, files: Iterable[HeldFile]) -> None:
        """Take some of them in."""


async def sort_in(session: ISession, sorting: Takes) -> None:
    """Read which files a collector has, all pages.

    Raises:
        TransientError: it does not answer, or is of a version that cannot.
    """
    after = ""
    for _ in range(MOST_PAGES):
        page = await _asked(session, HoldingsQuery(after=after))
        if not isinstance(page, Holdings):
            raise _strange(session, page)
        sorting.add(page.files)
        if not page.more or page.last <= after:
            return
        after = page.last


async def have_purged(session: ISession, devices: Sequence[str], token: str, by: str) -> list[PurgedDevice]:
    """Have what there is of devices deleted; wait until it is.

    Raises:
        TransientError: it was not done, or not all of it; it may be asked for again.
        RemoteError: the collector refuses.
    """
    for _ in range(MOST_ASKED):
        told = await _asked(session, PurgeQuery(devices=list(devices), token=token, by=by))
        if not isinstance(told, Purged):
            raise _strange(session, told)
        if told.done:
            wanted = set(devices)
            return [one for one in told.devices if one.device in wanted]
    raise TransientError(f"collector {session.collector} is still deleting; look again later")


async def _asked(session: ISession, query: HoldingsQuery | PurgeQuery) -> object:
    try:
        return await session.carry(query)
    except RemoteError as error:
        if error.code == FailureCode.BAD_REQUEST.value and isinstance(query, HoldingsQuery):
            raise TransientError(
                f"collector {session.collector} cannot tell which files it has ({error.message}); update it"
            ) from None
        raise


def _strange(session: ISession, told: object) -> TransientError:
    return TransientError(f"collector {session.collector} answered with {type(told).__name__}; update it")
