"""The collector of custom probes: which run for a device, and what becomes of each run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from collectors.framework.interfaces import CollectorContext
from collectors.framework.kit import Collector, Due, Job
from collectors.framework.sources.results import Problem, Result
from collectors.probes.claims import Claims
from collectors.probes.found.folders import Folders
from collectors.probes.found.watching import Watching
from collectors.probes.handlers import Handlers
from collectors.probes.launch.launching import Launching
from collectors.probes.plan import Work, plan
from collectors.probes.pushed.desk import PushDesk
from collectors.probes.readings import Reader, refusals
from collectors.probes.scraping.jobs import Scraping
from collectors.probes.settings import ProbeSettings
from collectors.probes.statsd.listening import Statsd
from common.configs import DeviceConfig
from common.pushed import PushQuery
from common.queries import Decision, Query
from common.queries import Result as Answer
from common.sources import SERVICE_PROBE

ROUND = "folders"
"""The job that tells what is not run."""
ROUND_S = 60
SPARE_S = 10.0
"""What the end of a probe that is late may take."""


class _Device(Struct):
    """What lasts of a device."""

    config: DeviceConfig
    reader: Reader
    handlers: Handlers


class ProbeCollector(Collector):
    """Runs probes: one job for each."""

    name = SERVICE_PROBE

    def __init__(self, context: CollectorContext) -> None:
        super().__init__(context)
        settings = context.settings
        self._settings = settings if isinstance(settings, ProbeSettings) else ProbeSettings()
        self._launching = Launching(context.reactor, context.clock)
        self._folders = Folders(self._settings.folders())
        self._folders.look()
        self._watching = Watching(context.reactor, context.clock, self._folders, self._anew)
        self._devices: dict[str, _Device] = {}
        self._scraping = Scraping(context.reactor, context.clock, context.wall, self._settings.prometheus.files)
        self._statsd = Statsd(context.reactor, context.clock, context.wall, self._settings.statsd)
        self._pushes = PushDesk(context, self._settings.push)

    def services(self) -> Sequence[Any]:
        """The process that runs probes, what looks at the folders, and those who take figures in."""
        return [self._launching, self._watching, self._scraping, self._statsd]

    def jobs(self, config: DeviceConfig) -> Iterable[Job]:
        """One for each probe and page of a device, and one that tells what is not run."""
        device = self._devices.get(config.device)
        handlers = Handlers(config.sources)
        if device is None:
            claims = Claims(self.context.states.load(claims_key(config.device)))
            device = self._devices[config.device] = _Device(config, Reader(config.device, claims), handlers)
        device.config, device.handlers = config, handlers
        planned = plan(config, self._folders.found, self._settings.probes)
        # Before anything has run, what will run is all that there can be: what is gone since has no claim any more.
        device.reader.claims.only({work.label for work in planned.works})
        yield Job(
            id=ROUND,
            intervals=[ROUND_S],
            run=partial(self._tell, list(planned.problems)),
            parameters=[(one.component, one.summary) for one in planned.problems],
        )
        for work in planned.works:
            yield Job(
                id=work.label,
                intervals=[work.interval_s],
                run=partial(self._run, device, work),
                parameters=work,
                timeout_s=work.order.timeout_s + SPARE_S,
            )
        yield from self._scraping.jobs(config)
        yield from self._statsd.jobs(config)

    def forget(self, device: str) -> None:
        """A device has left."""
        self._devices.pop(device, None)
        self.context.states.forget(claims_key(device))
        self._statsd.forget(device)
        self._pushes.forget(device)

    def decided(self, decision: Decision) -> bool:
        """Take note of what an operator made of an alarm of figures that were pushed."""
        return self._pushes.decided(decision)

    async def answer(self, query: Query) -> Answer:
        """Take figures that are pushed."""
        if isinstance(query, PushQuery):
            return await self._pushes.answer(query)
        return await super().answer(query)

    def figures(self) -> dict[str, Any]:
        """What is there, and what became of it."""
        found = self._folders.found
        return {
            "probes": sorted(found.probes),
            "probes_refused": [one.path for one in found.refused if one.told],
            "probe_runs": self._launching.begun,
            "probe_runs_lost": self._launching.failed,
            "pushed": self._pushes.taken,
            "pushed_refused": self._pushes.refused,
            **self._statsd.figures(),
        }

    async def _run(self, device: _Device, work: Work, due: Due) -> Sequence[Result]:
        outcome = await self._launching.run(work.order)
        step = due.steps[work.interval_s]
        results, changed = device.reader.results(work, outcome, device.handlers, step, self.context.wall())
        if changed:
            name = claims_key(device.config.device)
            await self.context.events.send((), name, device.reader.claims.dump())
        return results

    async def _tell(self, problems: Sequence[Problem], due: Due) -> Sequence[Result]:
        return refusals(problems, due.steps[ROUND_S])

    def _anew(self) -> None:
        """The folders are otherwise than before."""
        for name in list(self._devices):
            self.context.refresh_soon(name)


def claims_key(device: str) -> str:
    """Name of what is kept of a device, in the state store."""
    return f"probe-claims:{device}"
