"""The sources of templates as the configs of the daemons that read them: one compiler for each service."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import msgspec

from common.configs import DeviceConfig
from common.errors import NotFoundError, PermanentError
from common.sources import DEVICE, SERVICE_PROBE, SERVICE_SNMP, ScrapeSource
from common.sources import Source as SourceOnWire
from hub.compile.device import SNMP, device_config
from hub.model.entities import Device
from hub.model.gathering import Bound, Gathered, gathered_of, handlers_of, left_out_in, services_of
from hub.model.model import Model
from hub.model.properties import Value, effective
from hub.model.retention import RETENTION

TAKEN = ("source", "interval_s", RETENTION)
"""Properties that all these daemons have to know."""
MAX_SHARED = 1000
MAX_ID = 100

Sources = tuple[SourceOnWire, ...]


class SourceCompiler:
    """Compiles devices of one model after the other; those that have their templates in common share the sources.

    Attributes:
        service: whose configs these are.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self._shared: dict[tuple[int, int, int], tuple[Gathered, tuple[Bound, ...], Sources]] = {}

    def has(self, model: Model, device: Device) -> bool:
        """Whether there is anything to read of a device; where there is nothing, it has no config."""
        return self.service in services_of(model, device)

    def compile(self, model: Model, device_id: str) -> DeviceConfig:
        """Compile one device.

        Raises:
            NotFoundError: there is no such device, or nothing to read of it.
            PermanentError: what the model says cannot be a config; the sentence says why.
        """
        device = model.device(device_id)
        if not self.has(model, device):
            raise NotFoundError(f"device {device_id!r} has nothing that {self.service} reads")
        gathered = gathered_of(model, device)
        if gathered.clash:
            raise PermanentError(f"device {device_id} cannot be made a config: {gathered.clash}")
        values = effective(model.properties_of(device))
        config = device_config(model, device, self._taken(values), **self._more())
        sources = self._sources(model, gathered, config.interval_s)
        sources = _addressed(sources, config)
        return msgspec.structs.replace(config, sources=_without(sources, left_out_in(model, device)))

    def _taken(self, values: Mapping[str, Value]) -> dict[str, Value]:
        of_snmp = [name for name in values if name.startswith(SNMP)] if self.service == SERVICE_SNMP else []
        return {name: values[name] for name in (*TAKEN, *of_snmp)}

    def _more(self) -> dict[str, object]:
        return {} if self.service == SERVICE_SNMP else {"snmp": None}

    def _sources(self, model: Model, gathered: Gathered, interval_s: int) -> Sources:
        handlers = handlers_of(model) if self.service == SERVICE_PROBE else ()
        key = id(gathered), id(handlers), interval_s
        found = self._shared.get(key)
        if found is None or found[0] is not gathered or found[1] is not handlers:
            bound = gathered.of(self.service)
            own = {(one.config.template, one.config.id) for one in bound}
            others = (one for one in handlers if (one.config.template, one.config.id) not in own)
            if len(self._shared) >= MAX_SHARED:
                self._shared.clear()
            found = self._shared[key] = gathered, handlers, tuple(_timed((*bound, *_apart(bound, others)), interval_s))
        return found[2]


def sources_of(service: str, model: Model, device_id: str) -> Sources:
    """What the daemon of a service reads of a device.

    Raises:
        NotFoundError: there is no such device.
        PermanentError: what the model says cannot be a config; the sentence says why.
    """
    compiler = SourceCompiler(service)
    return compiler.compile(model, device_id).sources if compiler.has(model, model.device(device_id)) else ()


def pushed_config(model: Model, device_id: str, handlers: Collection[str]) -> DeviceConfig:
    """The config of a device for figures that are pushed, with the sources of these handlers.

    Raises:
        NotFoundError: there is no such device.
        PermanentError: what the model says cannot be a config; the sentence says why.
    """
    device = model.device(device_id)
    values = effective(model.properties_of(device))
    config = device_config(model, device, {name: values[name] for name in TAKEN}, snmp=None)
    wanted = (one for one in handlers_of(model) if one.config.template in handlers)
    return msgspec.structs.replace(config, sources=tuple(_timed(wanted, config.interval_s)))


def _apart(bound: Iterable[Bound], handlers: Iterable[Bound]) -> Iterable[Bound]:
    """Handlers with ids that nothing else of the device has: series are called by them.

    Templates that extend one another have sources of one id. The handler that is called like its template keeps that id
    before others do; what gives way is called by both.
    """
    taken = {one.config.id for one in bound}
    for one in sorted(handlers, key=lambda one: (one.config.id != one.config.template, one.config.template)):
        config = one.config
        if config.id in taken:
            config = msgspec.structs.replace(config, id=f"{config.template}.{config.id}"[:MAX_ID])
        if config.id not in taken:
            taken.add(config.id)
            yield msgspec.structs.replace(one, config=config)


def _timed(bound: Iterable[Bound], interval_s: int) -> Iterable[SourceOnWire]:
    for one in bound:
        yield msgspec.structs.replace(one.config, interval_s=interval_s) if one.follows else one.config


def _addressed(sources: Sources, config: DeviceConfig) -> Sources:
    """The sources with the address and the name of the device in those urls that have a place for them."""
    if not any(isinstance(one, ScrapeSource) and "{" in one.url for one in sources):
        return sources
    host = f"[{config.address}]" if ":" in config.address else config.address
    return tuple(
        msgspec.structs.replace(one, url=one.url.replace("{address}", host).replace("{device}", config.device))
        if isinstance(one, ScrapeSource)
        else one
        for one in sources
    )


def _without(sources: Sources, left_out: Mapping[str, tuple[str, ...]]) -> Sources:
    """The sources, which leave out what is said to be, by kind of component."""
    if all(one.component not in left_out for one in sources):
        return sources
    return tuple(
        msgspec.structs.replace(one, left_out=left_out[one.component])
        if one.component != DEVICE and one.component in left_out
        else one
        for one in sources
    )
