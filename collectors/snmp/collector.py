"""The SNMP collector, as the kit sees it: one job for each device, however many sources it has."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from twisted.application.service import Service

from collectors.framework.interfaces import CollectorContext
from collectors.framework.kit import Collector, Job
from collectors.framework.snmp.factory import client_factory
from collectors.snmp.device import Device, state_key
from collectors.snmp.ping import Pinger
from collectors.snmp.recipe import mistakes
from common.configs import DeviceConfig
from common.sources import SERVICE_SNMP, PingSource, SnmpSource


class SnmpCollector(Collector):
    """Reads sources of the types snmp and ping."""

    name = SERVICE_SNMP

    def __init__(self, context: CollectorContext) -> None:
        super().__init__(context)
        self._clients = client_factory(context.reactor, context.clock, random.SystemRandom(), context.networks.learn)
        self._pinger = Pinger(context.reactor, context.clock)
        self._devices: dict[str, Device] = {}

    def check(self, config: DeviceConfig) -> list[str]:
        """Sources that cannot be read at all."""
        found = [] if config.address or not _sources(config) else ["it has no address"]
        return found + [one for source in config.sources if isinstance(source, SnmpSource) for one in mistakes(source)]

    def jobs(self, config: DeviceConfig) -> Iterable[Job]:
        """One job for all that is read of a device, so that what is due together is asked for together."""
        sources = _sources(config)
        device = self._devices.get(config.device)
        if not sources:
            if device is not None:
                self._devices.pop(config.device).close()
            return
        if device is None:
            device = self._devices[config.device] = Device(config, self.context, self._clients, self._pinger)
        else:
            device.update(config)
        yield Job(
            id="",
            intervals=sorted({source.interval_s for source in sources}),
            run=device.run,
            parameters=(config.address, config.snmp, sources),
            timeout_s=device.timeout_s,
            lane=lambda: device.lane,
            rests=lambda: device.rests,
        )

    def forget(self, device: str) -> None:
        """A device has left."""
        known = self._devices.pop(device, None)
        if known is not None:
            known.close()
        self.context.states.forget(state_key(device))

    def services(self) -> Sequence[Any]:
        """What closes sockets at the end."""
        return (_Closing(self),)

    def figures(self) -> dict[str, Any]:
        """Echoes that were sent, and packets that were no answers to any."""
        return {"pings": self._pinger.sent, "ping_strays": self._pinger.strays}

    def close(self) -> None:
        """Close all sockets."""
        self._pinger.close()
        for device in self._devices.values():
            device.close()


class _Closing(Service):
    """Ends with the daemon."""

    def __init__(self, collector: SnmpCollector) -> None:
        self._collector = collector

    def stopService(self) -> None:
        """Twisted: the daemon ends."""
        super().stopService()  # type: ignore[no-untyped-call]  # of Twisted
        self._collector.close()


def _sources(config: DeviceConfig) -> tuple[SnmpSource | PingSource, ...]:
    return tuple(one for one in config.sources if isinstance(one, SnmpSource | PingSource))
