"""Hands figures that somebody pushes to the collectors that keep them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from twisted.internet.defer import Deferred, DeferredList

from common.configs import DeviceConfig
from common.errors import NotFoundError, PermanentError, RemoteError, TocsinError
from common.matching import printable
from common.pushed import MAX_ROWS, Pushed, PushedRow, PushQuery
from hub.data.asking import Asker, CollectorAwayError, TooSlowError, is_unread

MOST_NAMED = 5
MAX_PAGE_BYTES = 128 * 1024
"""Of rows in one question: with a config it has to fit into a message."""
MAX_REASON = 500
AT_ONCE = 32
"""So many devices are asked about at the same time: a request may name thousands."""

ConfigOf = Callable[[str, frozenset[str]], DeviceConfig]
"""The config of a device with the sources of these handlers."""


class Figure(Struct, frozen=True, kw_only=True):
    """One figure, as it was pushed.

    Attributes:
        device: its id.
        row: where it belongs, and its value.
    """

    device: str
    row: PushedRow


class Refused(Struct, frozen=True):
    """A figure that was not taken.

    Attributes:
        place: in the order of what was pushed.
        later: the same may be taken later.
    """

    place: int
    why: str
    later: bool = False


class PushDesk:
    """Hands figures on, each collector's beside those of others.

    Args:
        asker: of the daemons that take figures.
        config_of: makes configs.
    """

    def __init__(self, asker: Asker, config_of: ConfigOf) -> None:
        self._asker = asker
        self._config_of = config_of

    async def push(self, figures: Sequence[Figure]) -> list[Refused]:
        """Hand figures on, and give those that were not taken, in order."""
        refused: list[Refused] = []
        of_device: dict[str, list[int]] = {}
        for place, figure in enumerate(figures):
            of_device.setdefault(figure.device, []).append(place)

        waiting = iter(of_device.items())
        silent: dict[str, TocsinError] = {}

        async def some() -> None:
            for device, places in waiting:
                refused.extend(await self._device(device, _rows(figures, places), silent))

        count = min(AT_ONCE, len(of_device))
        await DeferredList([Deferred.fromCoroutine(some()) for _ in range(count)], fireOnOneErrback=True)
        return sorted(refused, key=lambda found: found.place)

    async def _device(
        self, device: str, rows: Sequence[tuple[PushedRow, list[int]]], silent: dict[str, TocsinError]
    ) -> list[Refused]:
        """Hand over the figures of one device, in pages.

        Args:
            device: its id.
            rows: each with the places of its figures.
            silent: collectors that did not answer about another device, and why.
        """
        refused: list[Refused] = []
        start = 0
        while start < len(rows):
            page = _page_of(rows, start)
            try:
                answer = await self._page(device, [row for row, _ in page], silent)
            except (CollectorAwayError, TooSlowError) as error:
                rest = [place for _, places in rows[start:] for place in places]
                return [*refused, *(Refused(place, error.message, later=True) for place in rest)]
            except TocsinError as error:
                rest = [place for _, places in rows[start:] for place in places]
                return [*refused, *(Refused(place, error.message) for place in rest)]
            # Each once, and only what was asked about, whatever a collector says.
            for number, why in dict(answer.refused).items():
                if 0 <= number < len(page):
                    refused += [Refused(place, printable(why, MAX_REASON)) for place in page[number][1]]
            start += len(page)
        return refused

    async def _page(self, device: str, rows: list[PushedRow], silent: dict[str, TocsinError]) -> Pushed:
        session = self._asker.of(device)
        if session.collector in silent:
            raise silent[session.collector]
        config = self._config_of(device, frozenset(row.handler for row in rows if row.handler))
        known = {source.template for source in config.sources}
        unknown = sorted({row.handler for row in rows if row.handler} - known)
        if unknown:
            named = ", ".join(unknown[:MOST_NAMED])
            raise NotFoundError(f"no template {named} has a source of type probe without a command, which is a handler")
        try:
            return await self._asker.in_time(self._asker.ask(session, PushQuery(config=config, rows=rows), Pushed))
        except (CollectorAwayError, TooSlowError) as error:
            silent[session.collector] = error
            raise
        except RemoteError as error:
            if is_unread(error):
                raise PermanentError(f"collector {session.collector} takes no figures; update it") from None
            raise


def _page_of(rows: Sequence[tuple[PushedRow, list[int]]], start: int) -> Sequence[tuple[PushedRow, list[int]]]:
    """As many rows as one question may have; one at least."""
    end, size = start, 0
    while end < len(rows) and end - start < MAX_ROWS:
        row = rows[end][0]
        size += 60 + len(row.component.encode("utf-8", "replace")) + len(row.handler) + 40 * len(row.values)
        if size > MAX_PAGE_BYTES and end > start:
            break
        end += 1
    return rows[start:end]


def _rows(figures: Sequence[Figure], places: Sequence[int]) -> list[tuple[PushedRow, list[int]]]:
    """Figures of one component and moment as one row, each point once."""
    rows: dict[tuple[str, str, float, int], list[tuple[dict[str, float | int | None], list[int]]]] = {}
    times: dict[tuple[str, str, float, int, str], int] = {}
    for place in places:
        row = figures[place].row
        key = row.component, row.handler, row.at, row.interval_s
        some = rows.setdefault(key, [])
        for name, value in row.values.items():
            point = (*key, name)
            before = times.get(point, 0)  # so many rows have this point already, the first ones
            times[point] = before + 1
            if before == len(some) or not row.handler:
                some.append(({name: value}, [place]))
            else:
                some[before][0][name] = value
                some[before][1].append(place)
    return [
        (PushedRow(component=component, handler=handler, at=at, interval_s=interval_s, values=values), named)
        for (component, handler, at, interval_s), some in rows.items()
        for values, named in some
    ]
