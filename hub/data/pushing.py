"""Hands figures that somebody pushes to the collectors that keep them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from twisted.internet.defer import Deferred, DeferredList

from common.configs import DeviceConfig
from common.errors import NotFoundError, PermanentError, RemoteError, TocsinError
from common.pushed import MAX_ROWS, Pushed, PushedRow, PushQuery
from hub.data.asking import Asker, CollectorAwayError, TooSlowError, is_unread

MOST_NAMED = 5

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

        async def one(device: str, places: list[int]) -> None:
            refused.extend(await self._device(device, _rows(figures, places)))

        await DeferredList([Deferred.fromCoroutine(one(*item)) for item in of_device.items()], fireOnOneErrback=True)
        return sorted(refused, key=lambda found: found.place)

    async def _device(self, device: str, rows: Sequence[tuple[PushedRow, list[int]]]) -> list[Refused]:
        """Hand over the figures of one device, in pages; each row stands for figures at some places."""
        refused: list[Refused] = []
        for start in range(0, len(rows), MAX_ROWS):
            page = rows[start : start + MAX_ROWS]
            try:
                answer = await self._page(device, [row for row, _ in page])
            except (CollectorAwayError, TooSlowError) as error:
                rest = [place for _, places in rows[start:] for place in places]
                return [*refused, *(Refused(place, error.message, later=True) for place in rest)]
            except TocsinError as error:
                rest = [place for _, places in rows[start:] for place in places]
                return [*refused, *(Refused(place, error.message) for place in rest)]
            for number, why in answer.refused:
                refused += [Refused(place, why) for place in page[number][1]] if number < len(page) else []
        return refused

    async def _page(self, device: str, rows: list[PushedRow]) -> Pushed:
        session = self._asker.of(device)
        config = self._config_of(device, frozenset(row.handler for row in rows if row.handler))
        known = {source.template for source in config.sources}
        unknown = sorted({row.handler for row in rows if row.handler} - known)
        if unknown:
            named = ", ".join(unknown[:MOST_NAMED])
            raise NotFoundError(f"no template {named} has a source of type probe without a command, which is a handler")
        try:
            return await self._asker.in_time(self._asker.ask(session, PushQuery(config=config, rows=rows), Pushed))
        except RemoteError as error:
            if is_unread(error):
                raise PermanentError(f"collector {session.collector} takes no figures; update it") from None
            raise


def _rows(figures: Sequence[Figure], places: Sequence[int]) -> list[tuple[PushedRow, list[int]]]:
    """Figures of one component and moment as one row, each point once."""
    rows: dict[tuple[str, str, float, int], list[tuple[dict[str, float | int | None], list[int]]]] = {}
    for place in places:
        row = figures[place].row
        some = rows.setdefault((row.component, row.handler, row.at, row.interval_s), [])
        for name, value in row.values.items():
            fitting = next((one for one in some if name not in one[0]), None)
            if fitting is None or not row.handler:
                some.append(({name: value}, [place]))
            else:
                fitting[0][name] = value
                fitting[1].append(place)
    return [
        (PushedRow(component=component, handler=handler, at=at, interval_s=interval_s, values=values), named)
        for (component, handler, at, interval_s), some in rows.items()
        for values, named in some
    ]
