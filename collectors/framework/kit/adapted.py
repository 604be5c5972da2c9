"""A collector of the kit, as the framework sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from zope.interface import implementer

from collectors.framework.interfaces import CollectorContext, IManyTasks, ITask, Refreshed
from collectors.framework.kit import onceover
from collectors.framework.kit.collector import Collector
from collectors.framework.kit.devicejobs import DeviceJobs
from collectors.framework.sources.plans import source_mistakes
from collectors.framework.sources.taking import SourceTaker, state_key
from common.configs import DeviceConfig
from common.errors import PermanentError, TransientError
from common.queries import Decision, Query
from common.queries import Result as Answer

_log = Logger()


@implementer(IManyTasks)
class Adapted:
    """Has the jobs of a collector done.

    Args:
        collector: made with the context of the daemon.
        event_class: of what it has to tell of its own troubles.
    """

    def __init__(self, collector: Collector, context: CollectorContext, event_class: str) -> None:
        self._collector = collector
        self._context = context
        self._event_class = event_class
        self._devices: dict[str, DeviceJobs] = {}

    def validate(self, config: DeviceConfig) -> None:
        """Refuse what cannot be judged, and what the collector says is wrong."""
        mistakes = [*source_mistakes(config), *self._collector.check(config)]
        if mistakes:
            raise PermanentError(f"the config of {config.device} cannot be run: {mistakes[0]}", mistakes)

    def refresh(self, config: DeviceConfig) -> Refreshed:
        """Have the jobs of a device be those of a config."""
        device = self._devices.get(config.device)
        if device is None:
            taker = SourceTaker(self._collector.name, self._event_class, self._context, config)
            device = DeviceJobs(self._collector.name, self._context, taker)
        refreshed = device.refresh(config, self._collector.jobs)
        self._devices[config.device] = device
        settled = Deferred.fromCoroutine(device.taker.settle())
        settled.addErrback(_not_settled, config.device)
        return refreshed

    def make_task(self, config: DeviceConfig) -> ITask:
        """There is no one task of a device."""
        raise PermanentError(f"{config.device} has jobs, and not one task")

    def forget(self, device: str) -> None:
        """The device has left."""
        self._devices.pop(device, None)
        self._context.states.forget(state_key(self._collector.name, device))
        self._collector.forget(device)

    def decided(self, decision: Decision) -> bool:
        """Take note of what an operator made of an alarm; the next reading goes by it."""
        device = self._devices.get(decision.device)
        if (device is not None and device.taker.decided(decision)) or self._collector.decided(decision):
            return True
        return device is not None and device.taker.decided(decision, of_nobody=True)

    async def answer(self, query: Query) -> Answer:
        """What only this collector knows."""
        return await self._collector.answer(query)

    async def once(
        self,
        config: DeviceConfig,
        *,
        show_processes: bool,  # noqa: ARG002 - there are none
        show_tables: bool,  # noqa: ARG002 - there are none
    ) -> list[str]:
        """All jobs of a device once, in words; nothing is written or sent.

        Raises:
            TocsinError: nothing can be done by the config.
        """
        services = list(self._collector.services())
        for service in services:
            service.startService()
        try:
            taker = SourceTaker(self._collector.name, self._event_class, self._context, config)
            return await onceover.look(self._collector, taker, self._context, config)
        finally:
            for service in reversed(services):
                await maybeDeferred(service.stopService)

    def services(self) -> Sequence[Any]:
        """What the collector has started before its jobs."""
        return self._collector.services()

    def figures(self) -> dict[str, Any]:
        """Figures of the collector."""
        return self._collector.figures()

    def listening(self) -> tuple[int, int]:
        """It looks, and does not listen."""
        return 0, 0


def _not_settled(failure: Any, device: str) -> None:
    if failure.check(TransientError):
        _log.error("events of {device} wait: {error}", device=device, error=failure.getErrorMessage())
    else:
        _log.failure("defect while the config of {device} was taken", failure, device=device)
