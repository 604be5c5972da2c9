"""Asks the collector of a device what its roll book has, page by page."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from common.errors import RemoteError
from common.queries import Query, RollAtQuery, RollBetweenQuery, RollChanges, RollTable
from common.roll import RollChange, RollGap, RollRow
from common.wire import FailureCode
from hub.data.asking import LIMIT_S, CollectorAwayError, T, TooSlowError
from hub.data.heap import Heap
from hub.data.reader import Reader

MAX_PAGES = 300


class Ran(Struct, frozen=True, kw_only=True):
    """Who ran at a moment; `gap` says why that is not known, if it is not."""

    scanned: float | None
    rows: list[RollRow]
    gap: RollGap | None


class Changed(Struct, frozen=True, kw_only=True):
    """What changed, as much of it as was wanted; with `more` there is more, to be asked for by `last`."""

    changes: list[RollChange]
    gaps: list[RollGap]
    more: bool
    last: tuple[int, int]


class RollReader:
    """Puts pages together; every method raises what those of `Reader` do."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def at(self, device: str, moment: float, sets: Sequence[str]) -> Ran:
        """Who ran at an epoch second, in one of these sets, or at all."""
        query = RollAtQuery(device=device, at=moment, sets=list(sets))
        heap, until = Heap(), self._reader.seconds() + LIMIT_S
        rows: list[RollRow] = []
        for _ in range(MAX_PAGES):
            page = await self._ask(device, query, RollTable)
            _check(heap.takes(page.rows), device)
            rows += page.rows
            if not page.more or not page.rows:
                return Ran(scanned=page.scanned, rows=rows, gap=page.gap)
            if self._reader.seconds() > until:
                break
            _check(rows[-1].pid > query.after_pid, device)
            query = replace(query, after_pid=rows[-1].pid)
        raise TooSlowError(f"the collector of {device} did not tell all within {LIMIT_S:g} s; ask for one set")

    async def between(
        self, device: str, start: float, end: float, sets: Sequence[str], after: tuple[int, int], limit: int
    ) -> Changed:
        """What started and ended, up to so many changes, and to as many as there are in half a minute."""
        changes: list[RollChange] = []
        gaps: dict[RollGap, None] = {}
        heap, until = Heap(), self._reader.seconds() + LIMIT_S
        more = True
        for _ in range(MAX_PAGES):
            query = RollBetweenQuery(
                device=device, start=start, end=end, sets=list(sets), after=after, limit=min(limit - len(changes), 1000)
            )
            page = await self._ask(device, query, RollChanges)
            _check(heap.takes([change.process for change in page.changes]) and heap.takes(page.gaps), device)
            changes += page.changes
            gaps |= dict.fromkeys(page.gaps)
            more = page.more and page.last > after
            after = page.last
            if not more or len(changes) >= limit or self._reader.seconds() > until:
                break
        return Changed(changes=changes, gaps=list(gaps), more=more, last=after)

    async def _ask(self, device: str, query: Query, answer: type[T]) -> T:
        try:
            return await self._reader.ask(device, query, answer)
        except RemoteError as error:
            if error.code == FailureCode.BAD_REQUEST.value:
                raise CollectorAwayError(
                    f"the collector of {device} is of a version that keeps no roll book; update it"
                ) from None
            raise


def _check(fits: bool, device: str) -> None:  # noqa: FBT001 - the one thing that it checks
    if not fits:
        raise CollectorAwayError(f"the collector of {device} answered with more than a device can have; see to it")
