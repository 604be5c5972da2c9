"""Who listens to process events for the devices that are this host, and how that goes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from collectors.framework.interfaces import CollectorContext, IProcessSource
from collectors.framework.processevents.access import obstacle
from collectors.framework.processevents.connector import Connector
from collectors.framework.processevents.source import Watch, WatchingSource
from collectors.framework.processtable import ProcessRow
from collectors.process.settings import ProcessSettings
from collectors.process.task import ProcessTask
from common.roll import DeviceScan

SWITCHED_OFF = "the settings of this daemon have listen = false in [process_events]"


class Listeners:
    """The listening sources of a daemon, by device."""

    def __init__(self, context: CollectorContext) -> None:
        self._context = context
        settings = context.settings if isinstance(context.settings, ProcessSettings) else ProcessSettings()
        self._obstacle = obstacle if settings.process_events.listen else lambda: SWITCHED_OFF
        self._sources: dict[str, WatchingSource] = {}

    def listening(
        self, device: str, task: ProcessTask, source: IProcessSource, wanted: Callable[[ProcessRow], bool]
    ) -> IProcessSource:
        """A source that scans by another one, and has the task run as soon as a process of one of its sets dies."""

        def awaited(line: str) -> bool:
            component = task.tracker.set_of(line)
            kept = task.tracker.memory.sets.get(component) if component is not None else None
            return component is not None and (kept is None or not kept.pids)

        watch = Watch(wanted=wanted, awaited=awaited, wake=lambda: self._context.run_soon(task.name))
        made = self._sources[device] = WatchingSource(
            source,
            watch,
            self._context.reactor,
            self._context.clock,
            make_connector=partial(Connector, obstacle=self._obstacle),
        )
        return made

    def forget(self, device: str) -> None:
        """A device has left."""
        self._sources.pop(device, None)

    def told(self, scan: DeviceScan) -> DeviceScan:
        """A scan, with whether it is known what happens on its device between scans."""
        source = self._sources.get(scan.device)
        return scan if source is None else msgspec.structs.replace(scan, process_events=source.sentence())

    def counts(self) -> tuple[int, int]:
        """How many devices are listened to, and how many are not though they are this host."""
        on = sum(source.listening for source in self._sources.values())
        return on, len(self._sources) - on

    def figures(self) -> dict[str, Any]:
        """For `stats`; nothing where no device is this host."""
        if not self._sources:
            return {}
        return {
            "process_events": {device: source.figures() for device, source in self._sources.items()},
            "process_events_standing": "; ".join(sorted({source.sentence() for source in self._sources.values()})),
        }
