"""What becomes of the readings of a device's sources: samples, alarms, events.

A reading is taken row by row: what cannot be taken is left out alone, and told; all else is taken.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct, field

from collectors.framework.interfaces import CollectorContext
from collectors.framework.judging.thresholdbook import Violation
from collectors.framework.sources.results import Result
from common.configs import DeviceConfig
from common.events import Event
from common.queries import Decision
from common.series import Sample


class Taken(Struct):
    """What was made of some readings.

    Attributes:
        samples: that were written.
        events: that were sent.
        violations: thresholds that are violated now, whether or not that has been said.
        refused: what was left out, each a sentence.
    """

    samples: list[Sample] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class SourceTaker:
    """Takes what is read of one device.

    Args:
        service: of the collector; with the device it names what is remembered.
        event_class: of problems that have none of their own.
    """

    def __init__(self, service: str, event_class: str, context: CollectorContext, config: DeviceConfig) -> None:
        raise NotImplementedError

    async def update(self, config: DeviceConfig, jobs: Collection[str]) -> list[Event]:
        """Go by another config, and by these jobs; alarms of what is gone end.

        Raises:
            TransientError: the disk refused; it is done with the next reading.
        """
        raise NotImplementedError

    async def take(self, results: Sequence[Result], job: str = "", failed: str = "") -> Taken:
        """Take what a job has read, or why it could not.

        Raises:
            TransientError: the disk refused; what was decided is decided anew by the next reading.
        """
        raise NotImplementedError

    def decided(self, decision: Decision) -> bool:
        """Take note of what an operator made of an alarm; False when it is none of these sources."""
        raise NotImplementedError
