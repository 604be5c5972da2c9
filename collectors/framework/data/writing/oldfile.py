"""A series file that is there, as one that is built of it needs it: its header, and its rows by source."""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Iterator
from math import isnan

from msgspec import Struct

from collectors.framework.data import rrdfile
from collectors.framework.data.rrdfile import Archive, Header
from collectors.framework.data.writing.resampling import Ring
from common import rrd
from common.series import Kind, Point

_RATES = (Kind.DERIVE, Kind.COUNTER, Kind.ABSOLUTE)


class Old(Struct, frozen=True, kw_only=True):
    """A file that is there.

    Attributes:
        points: what its samples were, as far as is known; a gauge may hold rates.
    """

    path: str
    points: tuple[Point, ...] = ()


def holds_rates(type_: str, known: Point | None) -> bool:
    """Whether a data source of a type holds rates, and not values."""
    return known.kind in _RATES if known is not None else type_ != "GAUGE"


def is_kept(type_: str, known: Point | None, wanted: Point) -> bool:
    """Whether the history of a data source still means the same as the figures of a point."""
    if known is not None and rrd.rrd_type(known.kind) != type_ and known.kind not in _RATES:
        known = None  # the file knows better
    return holds_rates(type_, known) == (wanted.kind in _RATES)


class OldFile:
    """One that is being read: its header, and its rows by source."""

    def __init__(self, fd: int, old: Old) -> None:
        self._fd = fd
        self.path = old.path
        self.header: Header = rrdfile.read_header(fd, old.path)
        self.points = {point.name: point for point in old.points}
        self._rows: dict[int, array[float]] = {}
        self._rings: dict[tuple[str, int], list[Ring]] = {}

    def place(self, point: Point) -> int | None:
        """Where the history of a point lies; None for nowhere."""
        place = self.header.source(point.name)
        if place is None:
            return None
        return place if is_kept(self.header.sources[place].type, self.points.get(point.name), point) else None

    def rings(self, cf: str, source: int) -> list[Ring]:
        """What is kept of a source, of each resolution once."""
        known = self._rings.get((cf, source))
        if known is not None:
            return known
        found: dict[int, int] = {}
        archives = self.header.archives
        for number, archive in enumerate(archives):
            if archive.cf == cf and (archive.steps not in found or archives[found[archive.steps]].rows < archive.rows):
                found[archive.steps] = number
        rings = self._rings[cf, source] = [self.ring(number, source) for number in found.values()]
        return rings

    def ring(self, archive: int, source: int) -> Ring:
        """What an archive has of a source."""
        if archive not in self._rows:
            self._rows[archive] = rrdfile.read_rows(self._fd, self.header, archive)
        values = self._rows[archive][source :: len(self.header.sources)]
        return Ring(self.header.archives[archive].steps * self.header.step_s, self.header.row_end(archive), values)

    def forget(self) -> None:
        """Let go of the rows that were read."""
        self._rows.clear()
        self._rings.clear()

    def same(self, archive: Archive, step_s: int) -> int | None:
        """Its archive of the same kind; None when there is none."""
        if self.header.step_s != step_s:
            return None
        return next(
            (
                number
                for number, mine in enumerate(self.header.archives)
                if (mine.cf, mine.steps, mine.known_share) == (archive.cf, archive.steps, archive.known_share)
            ),
            None,
        )

    def began(self) -> int:
        """About when its first known row begins, as exactly as its archives still know."""
        found = self.header.last
        rings = [
            self.ring(number, source)
            for number, archive in enumerate(self.header.archives)
            if archive.cf == "AVERAGE"
            for source in range(len(self.header.sources))
        ]
        for ring in sorted(rings, key=lambda ring: ring.every_s):
            known = next((i for i, value in enumerate(ring.values) if not isnan(value)), None)
            if known is None:
                continue
            begin = ring.begin + known * ring.every_s
            if begin + ring.every_s <= found or ring.every_s == self.header.step_s:
                found = min(found, begin)
        return found


@contextlib.contextmanager
def reading(old: Old) -> Iterator[OldFile]:
    """Read a file.

    Raises:
        PermanentError: it is damaged.
        OSError: it cannot be read.
    """
    fd = os.open(old.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        yield OldFile(fd, old)
    finally:
        os.close(fd)
