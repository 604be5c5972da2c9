"""Asks a collector what it holds, and takes down only so much that it has no business with.

A collector may hold what nobody here knows of: its hub was restored from a backup, or the collector lies. All of it
goes in the end, some thousands at a time; so no claim costs more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from common.digests import digest_of_all
from common.errors import TransientError
from common.wire import HeldRequest
from hub.interfaces import ISession

MAX_HELD = 200_000
MAX_FOREIGN = 10_000


class Holdings(Struct, frozen=True):
    """What a collector says that it holds: digests by device, and how many more there are that are foreign here."""

    digests: dict[str, str]
    left_out: int = 0


async def ask_holdings(
    session: ISession, expected: Callable[[], dict[str, str]], concerns: Callable[[str], bool]
) -> Holdings:
    """Ask what is held; page through it only if it is not what it should be.

    Args:
        session: of the daemon.
        expected: what it should hold, now.
        concerns: whether hub and collector have a device in common, so that its line must be right.

    Raises:
        TransientError: what it says cannot be, or has changed meanwhile.
    """
    page = await session.held(HeldRequest())
    wanted = expected()
    if page.all == digest_of_all(wanted):
        return Holdings(wanted)
    claims = _Claims(concerns)
    claims.take(page.configs)
    while page.more:
        after = page.configs[-1][0] if page.configs else ""
        page = await session.held(HeldRequest(after))
        claims.take(page.configs)
        if not page.configs or min(device for device, _ in page.configs) <= after or claims.total > MAX_HELD:
            raise TransientError("what it says it holds makes no sense: its pages do not go on, or never end")
    if not claims.left_out and digest_of_all(claims.digests) != page.all:
        raise TransientError("what it says it holds has changed while it was asked")
    return Holdings(claims.digests, claims.left_out)


class _Claims:
    """Gathers pages."""

    def __init__(self, concerns: Callable[[str], bool]) -> None:
        self._concerns = concerns
        self._foreign = 0
        self.digests: dict[str, str] = {}
        self.total = self.left_out = 0

    def take(self, configs: Sequence[tuple[str, str]]) -> None:
        self.total += len(configs)
        for device, digest in configs:
            if not self._concerns(device) and device not in self.digests:
                if self._foreign == MAX_FOREIGN:
                    self.left_out += 1
                    continue
                self._foreign += 1
            self.digests[device] = digest
