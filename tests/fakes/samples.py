"""A sample sink that keeps what it accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zope.interface import implementer

from collectors.framework.data.intake import Intake
from collectors.framework.interfaces import ISampleSink
from common.series import Sample


@implementer(ISampleSink)
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
