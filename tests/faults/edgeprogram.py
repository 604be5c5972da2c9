"""A whole collector daemon, with tasks that only count: each run raises events that bear the next numbers.

The last number is the task's state, stored in one transaction with the events, so that it tells exactly which events
there must be. The file `per_run` in the daemon's folder says how many a run raises, `runs` has a line for each run:
device, slot, monotonic time. A config whose address is `REFUSED` cannot be run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zope.interface import implementer

from collectors.framework.interfaces import CollectorContext, CollectorSpec, ICollector, ITask
from collectors.framework.pbdaemon import main as run_daemon
from common.configs import SERVICE_PROCESS, DeviceConfig
from common.errors import NotFoundError, PermanentError
from common.events import CLASS_PROCESS, Event, Severity
from common.queries import Decision, Query, Result

REFUSED = "192.0.2.66"
KEY = "counted"


def state_key(device: str) -> str:
    """Where a task keeps its last number."""
    return f"counter:{device}"


@implementer(ITask)
class CountingTask:
    """Raises the next events of its device."""

    timeout_s = 30.0
    lane = ""
    rests = False

    def __init__(self, context: CollectorContext, config: DeviceConfig) -> None:
        self.name = f"count:{config.device}"
        self.interval_s = config.interval_s
        self._context = context
        self._device = config.device

    async def run(self, slot: int) -> None:
        """Raise as many as the file says."""
        folder: Path = self._context.data_dir
        with (folder / "runs").open("a") as runs:
            runs.write(f"{self._device} {slot} {time.monotonic():.3f}\n")
        count = int((folder / "per_run").read_text())
        last = int(self._context.states.load(state_key(self._device)) or 0)
        events = [
            Event(
                device=self._device,
                component=f"n{number:07}",
                event_class=CLASS_PROCESS,
                event_key=KEY,
                severity=Severity.WARNING,
                summary=f"event {number} of {self._device}",
                at=self._context.wall(),
            )
            for number in range(last + 1, last + 1 + count)
        ]
        if events:
            await self._context.events.send(events, state_key(self._device), str(last + count).encode())

    def update(self, config: DeviceConfig) -> None:
        """Run as often as it says now."""
        self.interval_s = config.interval_s

    async def close(self) -> None:
        """Nothing is open."""


@implementer(ICollector)
class CountingCollector:
    """Makes counting tasks."""

    def __init__(self, context: CollectorContext) -> None:
        self._context = context

    def validate(self, config: DeviceConfig) -> None:
        """Refuse one address."""
        if config.address == REFUSED:
            raise PermanentError(f"{config.device}: address {REFUSED} cannot be counted")

    def make_task(self, config: DeviceConfig) -> CountingTask:
        """Make the task of a device."""
        return CountingTask(self._context, config)

    def forget(self, device: str) -> None:
        """Drop its number."""
        self._context.states.forget(state_key(device))

    def decided(self, decision: Decision) -> bool:
        """No alarm of ours follows an operator."""
        return False

    async def answer(self, query: Query) -> Result:
        """Nothing can be asked."""
        raise NotFoundError(f"{type(query).__name__} is not answered here")

    async def once(self, config: DeviceConfig, *, show_processes: bool, show_tables: bool) -> list[str]:
        """Nothing is read."""
        return [f"{config.device} {show_processes} {show_tables}"]

    def listening(self) -> tuple[int, int]:
        """To nothing."""
        return 0, 0

    def services(self) -> Sequence[Any]:
        """Nothing beside."""
        return ()

    def figures(self) -> dict[str, Any]:
        """Nothing beside."""
        return {}


SPEC = CollectorSpec(
    service=SERVICE_PROCESS,
    program="tocsin-process",
    title="Counts, for tests of faults",
    make_collector=CountingCollector,
)

if __name__ == "__main__":
    sys.exit(run_daemon(SPEC))
