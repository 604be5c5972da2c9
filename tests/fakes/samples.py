"""A sample sink that keeps what it accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zope.interface import implementer

from collectors.framework.data.spool.intake import Intake, Latest, Row
from collectors.framework.running.interfaces import IRowSink
from common.series import Layout, Sample, SeriesKey


@implementer(IRowSink)
class FakeSampleSink:
    """Judges samples as the real sink does, and keeps the good ones in memory.

    Attributes:
        accepted: in the order in which they came.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._intake = Intake()
        self.accepted: list[Sample] = []

    @property
    def dropped(self) -> int:
        """Samples that were not accepted."""
        return sum(self._intake.drops.values())

    def write(self, samples: Sequence[Sample]) -> None:
        """Accept samples (see `ISampleSink`)."""
        for sample in samples:
            before = len(self._intake.waiting)
            self._intake.accept([sample], self._wall())
            if len(self._intake.waiting) > before:
                self.accepted.append(sample)

    def series_of(self, key: SeriesKey, layout: Layout) -> Latest | None:
        """What rows of a series are written under."""
        return self._intake.series_of(key, layout)

    def write_rows(self, rows: Sequence[Row]) -> None:
        """Accept rows (see `IRowSink`)."""
        for latest, at, values in rows:
            before = len(self._intake.waiting)
            self._intake.accept_rows([(latest, at, values)], self._wall())
            if len(self._intake.waiting) > before:
                named = dict(zip(latest.grid.names, values, strict=True))
                self.accepted.append(Sample(key=latest.key, layout=latest.layout, at=at, values=named))
