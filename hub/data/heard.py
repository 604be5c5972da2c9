"""What was last heard of the series of each device, for the time when its collector is away."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from common.configs import SERVICE_PROCESS
from common.queries import LastValue
from common.readings import HeardSeries, PointFacts, SeriesFacts

MAX_BYTES = 64 * 1024 * 1024
MAX_SERIES = 2000
"""Of a device."""
MAX_PLAIN = 1024 * 1024
"""Bytes of a device before they are packed: what takes longer to unpack would hold up the hub."""
RATIO = 8
"""What packs better than that is counted as if it did not, for it has to be unpacked."""
OVERHEAD = 400
"""Bytes that a device takes besides what is kept of it."""

_values = msgspec.msgpack.Decoder(list[HeardSeries])
_facts = msgspec.msgpack.Decoder(list[SeriesFacts])
_encode = msgspec.msgpack.Encoder().encode


class _Packed(Struct, frozen=True):
    """Rows; `size` is what they count."""

    data: bytes
    size: int

    def __bool__(self) -> bool:
        return bool(self.data)

    def plain(self) -> bytes:
        return zlib.decompress(self.data)


_NOTHING = _Packed(b"", 0)


class _Known:
    """Of one device from one daemon, packed: most of it is never asked for."""

    __slots__ = ("at", "facts", "facts_at", "values")

    def __init__(self) -> None:
        self.at = self.facts_at = 0.0
        self.values = self.facts = _NOTHING

    @property
    def size(self) -> int:
        return self.values.size + self.facts.size


class LastHeard:
    """Last values and what is kept, by device and daemon; of those heard of longest ago nothing, when it is too much.

    Names of components are those that collectors have.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._known: dict[tuple[str, str], _Known] = {}  # in order of when they were heard of
        self.size = 0

    def __len__(self) -> int:
        return len({device for device, _ in self._known})

    def take_values(self, device: str, values: Iterable[LastValue], now: float, daemon: str = SERVICE_PROCESS) -> None:
        """Keep the last values of all series of a device, as they were told at an epoch second."""
        self._take((device, daemon), [], values=_packed(_grouped(device, values)), now=now)

    def take_samples(self, series: Sequence[HeardSeries], now: float, daemon: str = SERVICE_PROCESS) -> None:
        """Keep newest samples of some series, of any devices; what else is known of these devices stays."""
        by_device: dict[str, dict[tuple[str, str], HeardSeries]] = {}
        for one in series:
            by_device.setdefault(one.device, {})[one.component, one.source] = one
        for device, fresh in by_device.items():
            before = self._known.get((device, daemon))
            kept = (
                {}
                if before is None or not before.values
                else {(one.component, one.source): one for one in _values.decode(before.values.plain())}
            )
            every = [*(kept | fresh).values()]
            if len(every) > MAX_SERIES:  # sets come and go, and these have gone longest ago
                every = sorted(every, key=lambda one: one.at)[-MAX_SERIES:]
            self._take((device, daemon), [], values=_packed(every), now=now)

    def take_facts(self, device: str, facts: Sequence[SeriesFacts], now: float, daemon: str = SERVICE_PROCESS) -> None:
        """Keep what is kept of all series of a device."""
        self._take((device, daemon), facts, values=None, now=now)

    def values(self, device: str, daemon: str = SERVICE_PROCESS) -> tuple[list[LastValue], float] | None:
        """Last values in order, and the epoch second at which they were heard; None when nothing was."""
        known = self._known.get((device, daemon))
        if known is None or not known.values:
            return None
        series = _values.decode(known.values.plain())
        series.sort(key=lambda one: (one.component, one.source))
        return [value for one in series for value in _told(one)], known.at

    def facts(self, device: str, daemon: str = SERVICE_PROCESS) -> tuple[list[SeriesFacts], float] | None:
        """What is kept, made of last values where only those were heard; None when nothing was."""
        known = self._known.get((device, daemon))
        if known is None:
            return None
        if known.facts:
            return _facts.decode(known.facts.plain()), known.facts_at
        series = sorted(_values.decode(known.values.plain()), key=lambda one: (one.component, one.source))
        return [_bare(one) for one in series], known.at

    def knows(self, device: str, daemon: str) -> bool:
        """Whether a daemon has told of a device."""
        return (device, daemon) in self._known

    def forget(self, device: str) -> None:
        """Let go of a device."""
        for key in [key for key in self._known if key[0] == device]:
            self._drop(key)

    def _drop(self, key: tuple[str, str]) -> None:
        known = self._known.pop(key)
        self.size -= known.size + OVERHEAD

    def _take(self, key: tuple[str, str], facts: Sequence[SeriesFacts], *, values: _Packed | None, now: float) -> None:
        known = self._known.pop(key, None) or _Known()
        self.size -= known.size + OVERHEAD if known.size else 0
        if values is None:
            known.facts, known.facts_at = _packed(facts), now
        else:
            known.values, known.at = values, now
        self._known[key] = known
        self.size += known.size + OVERHEAD
        while self.size > self._max_bytes and self._known:
            self._drop(next(iter(self._known)))


def _packed(rows: Sequence[Struct]) -> _Packed:
    """All of them, or the last ones where they are too much."""
    plain = _encode(rows)
    while len(plain) > MAX_PLAIN:
        rows = rows[(len(rows) + 1) // 2 :]
        plain = _encode(rows)
    data = zlib.compress(plain, 1)
    return _Packed(data, max(len(data), len(plain) // RATIO))


def _grouped(device: str, values: Iterable[LastValue]) -> list[HeardSeries]:
    by_source: dict[tuple[str, str], list[LastValue]] = {}
    for value in values:
        by_source.setdefault((value.component, value.source), []).append(value)
    return [
        HeardSeries(
            device=device,
            component=component,
            source=source,
            points=[PointFacts(name=one.point, kind=one.kind, unit=one.unit) for one in some],
            step_s=some[0].step_s,
            at=some[0].at or 0,
            values=[one.value for one in some],
            rates=[one.rate for one in some] if any(one.rate is not None for one in some) else None,
        )
        for (component, source), some in by_source.items()
    ]


def _told(series: HeardSeries) -> list[LastValue]:
    rates = series.rates or [None] * len(series.points)
    return [
        LastValue(
            component=series.component,
            source=series.source,
            point=point.name,
            kind=point.kind,
            unit=point.unit,
            step_s=series.step_s,
            at=series.at or None,
            value=value,
            rate=rate,
        )
        for point, value, rate in zip(series.points, series.values, rates, strict=False)
    ]


def _bare(series: HeardSeries) -> SeriesFacts:
    return SeriesFacts(
        component=series.component,
        source=series.source,
        points=series.points,
        step_s=series.step_s,
        live_at=series.at or None,
    )
