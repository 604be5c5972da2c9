"""The seam between the configs that a daemon holds and what runs by them.

There are two implementations: all tasks in this process (`inprocess`), and in worker processes (`sharded`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from zope.interface import Interface

from collectors.framework.data.spool.intake import Latest, Row
from collectors.framework.interfaces import ISampleSink
from collectors.framework.judging.baselines import Learned
from common.configs import DeviceConfig
from common.queries import Decision, Query, Result
from common.series import Layout, SeriesKey


class Ran(Struct, frozen=True):
    """What became of configs that were to run.

    Attributes:
        refused: why those cannot run that cannot, by device; nothing runs of these any more.
        late: devices whose config is taken, and runs as soon as what runs it is there again.
    """

    refused: dict[str, str] = {}
    late: frozenset[str] = frozenset()


class Totals(Struct, frozen=True, kw_only=True):
    """How tasks fare, all together.

    Attributes:
        tasks: how many there are.
        running: runs that are under way.
        waiting: tasks whose turn it is, and that wait for a place.
        late_runs, failed_runs: since the start.
        silent: tasks of devices that do not answer.
        listening, deaf: as `ICollector.listening`.
        cpu_s, memory_bytes: of other processes that run them.
        dropped_samples: that did not leave these processes.
    """

    tasks: int = 0
    running: int = 0
    waiting: int = 0
    late_runs: int = 0
    failed_runs: int = 0
    silent: int = 0
    listening: int = 0
    deaf: int = 0
    cpu_s: float = 0.0
    memory_bytes: int = 0
    dropped_samples: int = 0


class IRowSink(ISampleSink):
    """A sample sink that also takes rows which a worker process has judged, at less cost."""

    def series_of(key: SeriesKey, layout: Layout) -> Latest | None:
        """What rows of a series are written under; None when there cannot be such a series."""

    def write_rows(rows: Sequence[Row]) -> None:
        """Accept rows: series, epoch second, values in the order of its layout; otherwise as `write`."""


class IRunner(Interface):
    """Runs the tasks of devices: in this process, or in others."""

    def refusal(config: DeviceConfig) -> str:
        """Why a config cannot be run; empty when it can."""

    def has(device: str) -> bool:
        """Whether the device is run here, or paused."""

    async def away(devices: Iterable[str]) -> frozenset[str]:
        """Those whose config cannot become live now, because the process that would run them is not there."""

    async def run(configs: Sequence[DeviceConfig]) -> Ran:
        """Run by these configs from now on, which were not refused, and at once; returns when they are live.

        New devices get a task, others another config; what was paused goes on.
        """

    def pause(devices: Iterable[str]) -> None:
        """Leave these out until they are run again, with all that is known of them; a run under way ends."""

    async def remove(devices: Iterable[str]) -> None:
        """End the tasks of devices that have left, and drop what is kept of these."""

    def run_now(devices: Iterable[str]) -> int:
        """Run these out of turn; returns how many there are."""

    def decided(decision: Decision) -> bool:
        """Take note of what an operator made of an alarm; False when that is not of a task."""

    def learned(lessons: Mapping[str, Sequence[Learned]]) -> None:
        """Lay down for their tasks what is new of the baselines of devices."""

    async def answer(query: Query) -> Result:
        """As `ICollector.answer`.

        Raises:
            NotFoundError: as there.
            TransientError: what would answer is not there, or does not answer in time.
        """

    def totals() -> Totals:
        """How the tasks fare, as far as is known now."""

    async def figures() -> dict[str, Any]:
        """What `stats` shows: those of the collector, and `task_list` with a `TaskFigures` for each task."""

    def under_way() -> list[str]:
        """Names of the tasks whose runs are under way in this very process."""

    def debug(*, on: bool) -> None:
        """Debug messages are wanted of other processes, too, or no more."""
