"""The modeler, as the framework sees it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zope.interface import implementer

from collectors.framework.interfaces import CollectorContext, ICollector
from collectors.framework.local.own import OwnDaemons
from collectors.framework.snmp.factory import client_factory
from collectors.framework.snmp.interfaces import SnmpClientFactory
from collectors.framework.source_local import local_source
from collectors.modeler import host, report
from collectors.modeler.facts import Facts, HostRows, Plugin
from collectors.modeler.modelling import modelled
from collectors.modeler.outbox import Outbox
from collectors.modeler.plugins import processes
from collectors.modeler.plugins.catalogue import PLUGINS, chosen
from collectors.modeler.plugins.packages import Brought, brought
from collectors.modeler.read_local import LocalReader
from collectors.modeler.read_snmp import SnmpReader
from collectors.modeler.task import FAILED, REFUSED, Ask, ModelTask, Reader, state_key
from common.configs import DeviceConfig, SourceKind
from common.errors import NotFoundError, PermanentError
from common.events import CLASS_MODEL
from common.masking import mask_mistakes
from common.matching import check_definition, check_regex
from common.queries import Decision, Done, ModelQuery, Query, Result
from common.wire import ModelReport


@implementer(ICollector)
class ModelerCollector:
    """Makes a task for each device, and tells it when somebody asks.

    Args:
        context: what the framework offers.
        make_client: for SNMP; the framework's own clients when None.
        find: gives the plugins that packages bring.
    """

    def __init__(
        self,
        context: CollectorContext,
        make_client: SnmpClientFactory | None = None,
        find: Callable[[Mapping[str, Plugin[Any]]], Brought] = brought,
    ) -> None:
        self._context = context
        self._make_client = make_client or client_factory(
            context.reactor, context.clock, random.SystemRandom(), context.networks.learn
        )
        local = local_source(context.wall, context.clock.seconds, lambda _row: False)
        self._local = LocalReader(context.reactor, host.READERS, local, clock=context.clock)
        self._brought = find(PLUGINS)
        context.problem_of("plugins")("; ".join(self._brought.refused))
        self._own = OwnDaemons(context.data_dir)
        self._tasks: dict[str, ModelTask] = {}
        self._outbox = Outbox(context.clock, context.rng, context.send_model, self)

    def validate(self, config: DeviceConfig) -> None:
        """Refuse what cannot be modelled by."""
        mistakes = [
            f"process set {definition.id}: {mistake}"
            for definition in config.process_sets
            for mistake in check_definition(definition)
        ]
        mistakes += mask_mistakes(config)
        if config.source is SourceKind.SNMP and not config.address:
            mistakes.append("it has no address")
        if config.model is not None:
            for field in ("interfaces_ignore", "filesystems_ignore"):
                pattern = getattr(config.model, field)
                if pattern and (wrong := check_regex(pattern)):
                    mistakes.append(f"{field}: {wrong}")
        if mistakes:
            raise PermanentError(f"{config.device} cannot be modelled: {mistakes[0]}", mistakes)

    def make_task(self, config: DeviceConfig) -> ModelTask:
        """Make the task of a device."""
        task = self._tasks[config.device] = ModelTask(config, self._context, self._reader, self._outbox, self._chosen)
        return task

    def forget(self, device: str) -> None:
        """The device has left."""
        self._tasks.pop(device, None)
        self._context.states.forget(state_key(device))

    def decided(self, decision: Decision) -> bool:
        """Take note of what an operator made of an alarm; the next modelling goes by it."""
        if decision.event_class != CLASS_MODEL or decision.event_key not in {FAILED, REFUSED}:
            return False
        task = self._tasks.get(decision.device)
        if task is not None:
            task.decided(decision)
        return True

    def listening(self) -> tuple[int, int]:
        """It looks, and does not listen."""
        return 0, 0

    def services(self) -> Sequence[Any]:
        """What hands reports over."""
        return (self._outbox,)

    def figures(self) -> dict[str, Any]:
        """Reports that wait for the hub, and those that went because too many did."""
        return {
            "reports_waiting": self._outbox.waiting,
            "reports_dropped": self._outbox.dropped,
            "plugins_of_packages": sorted(self._brought.plugins),
            "plugins_refused": list(self._brought.refused),
        }

    async def answer(self, query: Query) -> Result:
        """Take note of who wants what to be modelled; the framework runs the tasks afterwards."""
        if not isinstance(query, ModelQuery):
            raise NotFoundError(f"{type(query).__name__} is not for the modeler")
        missing = [device for device in query.devices if device not in self._tasks]
        if missing:
            raise NotFoundError(f"not modelled here: {', '.join(missing[:10])}")
        for device in query.devices:
            self._tasks[device].ask(Ask(query.run, query.dry_run))
        return Done(len(query.devices))

    async def once(self, config: DeviceConfig, *, show_processes: bool, show_tables: bool) -> list[str]:
        """One modelling in words; nothing is sent.

        Raises:
            TocsinError: the device cannot be read.
        """
        plugins = self._chosen(config)
        facts = await self._reader(config).read(plugins)
        return [
            *report.heading(config),
            *(report.tables(facts) if show_tables else ()),
            *(report.processes(_command_lines(facts), config) if show_processes else ()),
            *report.found(modelled(plugins, facts, config)),
        ]

    # --- what became of a report --------------------------------------------------------------------------------------

    async def taken(self, handed: ModelReport) -> None:
        """The hub has it."""
        task = self._tasks.get(handed.device)
        if task is not None:
            await task.taken(handed)

    async def refused(self, handed: ModelReport, reason: str) -> None:
        """The hub will never take it."""
        task = self._tasks.get(handed.device)
        if task is not None:
            await task.refused(reason)

    def dropped(self, handed: ModelReport) -> None:
        """Too many wait."""
        task = self._tasks.get(handed.device)
        if task is not None:
            task.dropped(handed)

    def _chosen(self, config: DeviceConfig) -> list[Plugin[Any]]:
        return chosen(config, self._brought.plugins)

    def _reader(self, config: DeviceConfig) -> Reader:
        if config.source is SourceKind.LOCAL:
            return self._local.leaving_out(self._own) if config.exclude_own else self._local
        return SnmpReader(self._context.tap.clients(config, self._make_client), config)


def _command_lines(facts: Facts) -> list[str]:
    if isinstance(facts, HostRows):
        lines = facts.rows.get(processes.PLUGIN.name, ())
        return list(lines) if isinstance(lines, list) else []
    return list(processes.of_tables(facts)) if processes.RUNNING.name in facts.tables else []
