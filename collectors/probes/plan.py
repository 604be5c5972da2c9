"""Which probes run for a device, and how (pure but for the users of this host)."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import PurePosixPath

from msgspec import Struct

from collectors.framework.sources.results import Problem
from collectors.probes.found.commands import probe_of
from collectors.probes.found.folders import Looked, Probe
from collectors.probes.found.users import check_user, user_of
from collectors.probes.handlers import Handlers
from collectors.probes.launch.orders import Run
from collectors.probes.settings import ProbesSettings
from collectors.probes.troubles import REFUSED, problem, slow
from common.configs import DeviceConfig, SourceKind
from common.errors import PermanentError
from common.sources import ProbeSource

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MAX_PROBES = 1000


class Work(Struct, frozen=True):
    """A probe that is run for a device.

    Attributes:
        label: its name among those of the device: the probe's own, or the id of the source that runs it.
        handler: which template has its points, unless the probe says.
        source: that runs it; None for one that was merely put into a folder.
    """

    label: str
    handler: str
    interval_s: int
    order: Run
    source: ProbeSource | None = None


class Planned(Struct, frozen=True):
    """What there is to do for a device, and what cannot be done."""

    works: Sequence[Work] = ()
    problems: Sequence[Problem] = ()


def plan(config: DeviceConfig, looked: Looked, settings: ProbesSettings) -> Planned:
    """What runs for a device: what its templates say, and on the collector's own host what lies in the folders.

    A probe that a template runs is not run by itself beside that.
    """
    works: list[Work] = []
    problems: list[Problem] = []
    handlers = Handlers(config.sources)
    sources = [one for one in config.sources if isinstance(one, ProbeSource) and one.command]
    for source in sources:
        try:
            works.append(of_source(config, source, looked, settings))
        except PermanentError as error:
            problems.append(problem(REFUSED, source.id, f"source {source.id}: {error}"))
            continue
        wanted_s = None if source.points else handlers.interval_s(works[-1].handler)
        problems += slow(source.id, source.interval_s, works[-1].handler, wanted_s)
    if config.source is SourceKind.LOCAL:
        ordered = {source.command[0] for source in sources} | {work.label for work in works}
        for name, probe in looked.probes.items():
            if name in ordered or not probe.path:
                continue
            try:
                works.append(of_probe(config, probe, handlers, settings))
            except PermanentError as error:
                problems.append(problem(REFUSED, name, f"probe {name}: {error}"))
                continue
            problems += slow(name, works[-1].interval_s, works[-1].handler, handlers.interval_s(works[-1].handler))
        problems += [
            problem(REFUSED, PurePosixPath(refused.path).name, refused.why)
            for refused in looked.refused
            if refused.told
        ]
    return Planned(works[:MAX_PROBES], problems)


def of_source(config: DeviceConfig, source: ProbeSource, looked: Looked, settings: ProbesSettings) -> Work:
    """A probe that a template runs.

    Raises:
        PermanentError: it is none that is run here.
    """
    probe = probe_of(source.command, looked.probes, settings.allow)
    check_user(source.user, {*settings.users, settings.user, probe.said.user})
    arguments = [_filled(one, config) for one in source.command[1:]] or list(probe.said.arguments)
    order = _order(config, source.id, probe, arguments, source.interval_s, settings, user=source.user)
    order = _limited(order, source)
    return Work(source.id, probe.said.handler or probe.name, source.interval_s, order, source)


def of_probe(
    config: DeviceConfig,
    probe: Probe,
    handlers: Handlers,
    settings: ProbesSettings,
    arguments: Sequence[str] | None = None,
) -> Work:
    """A probe that lies in a folder.

    Args:
        config: of the device.
        probe: the probe.
        handlers: those of the device.
        settings: of this host.
        arguments: in place of those that its file says.

    Raises:
        PermanentError: its user cannot be had.
    """
    handler = probe.said.handler or probe.name
    interval_s = probe.said.interval_s or handlers.interval_s(handler) or settings.interval_s
    given = list(probe.said.arguments if arguments is None else arguments)
    order = _order(config, probe.name, probe, given, interval_s, settings)
    return Work(probe.name, handler, interval_s, order)


def _order(
    config: DeviceConfig,
    label: str,
    probe: Probe,
    arguments: Sequence[str],
    interval_s: int,
    settings: ProbesSettings,
    user: str = "",
) -> Run:
    if any("\0" in one for one in arguments):
        raise PermanentError("its arguments have a zero byte in them, which no program can be given")
    said = probe.said
    timeout_s = said.timeout_s or min(settings.timeout_s, float(interval_s))
    environment = {
        "PATH": PATH,
        "LC_ALL": "C.UTF-8",
        "HOME": "/",
        "TOCSIN_DEVICE": config.device,
        "TOCSIN_ADDRESS": config.address,
        "TOCSIN_PROBE": label,
        "TOCSIN_INTERVAL_S": str(interval_s),
    }
    if "TZ" in os.environ:
        environment["TZ"] = os.environ["TZ"]
    return Run(
        number=0,
        argv=[*probe.program, *arguments],
        program=probe.real,
        environment=environment,
        user=user_of(user or said.user or settings.user),
        timeout_s=timeout_s,
        cpu_s=said.cpu_s or math.ceil(timeout_s),
        memory_mib=said.memory_mib or settings.memory_mib,
        output_kib=said.output_kib or settings.output_kib,
        files=said.files or 256,
        nice=settings.nice if said.nice is None else said.nice,
    )


def _limited(order: Run, source: ProbeSource) -> Run:
    """With the limits of the source, or those of this host where they are narrower than what a file says."""
    return Run(
        number=0,
        argv=order.argv,
        environment=order.environment,
        user=order.user,
        timeout_s=source.timeout_s,
        cpu_s=math.ceil(source.timeout_s),
        memory_mib=source.memory_mib,
        output_kib=source.output_kib,
        files=order.files,
        nice=order.nice,
    )


def _filled(argument: str, config: DeviceConfig) -> str:
    """An argument with the device's address and name in it, where it says `{address}` and `{device}`."""
    for mark, text in (("{address}", config.address), ("{device}", config.device)):
        if mark in argument:
            if argument.startswith(mark) and text.startswith("-"):
                raise PermanentError(f"the {mark[1:-1]} {text[:60]!r} of the device would be an option of the program")
            argument = argument.replace(mark, text)
    return argument
