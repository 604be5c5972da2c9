"""The settings of a collector daemon, as its settings file has them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from collectors.framework.data.limits import FileSettings
from collectors.framework.eventspool import SpoolSettings
from collectors.framework.linksettings import LinkSettings
from collectors.framework.networks import NetworkSettings
from collectors.framework.outlets.settings import MetricsSettings, RemoteWriteSettings
from common.logs import LogSettings


class HubSettings(LinkSettings, frozen=True, kw_only=True):
    """The hub that this collector belongs to."""

    certificates: Path = Path("/var/lib/tocsin/certs")


class CollectorSettings(Struct, frozen=True, kw_only=True):
    """All settings of a collector daemon.

    Attributes:
        folder: of this daemon alone: configs, events and samples that wait, RRD files, pid file, log.
        name: of this collector, until the hub has said it for the first time.
        parallel: devices that are read at the same time.
        key_file: keys that seal the configs on disk; empty for configs.key beside them.
        reactor: `asyncio` only for devices that are read with the SNMP engine pysnmp.
        events: What waits for the hub, and how much of it is kept.
        files: How much disk the files of series may take.
        networks: How devices share the line to their network, and how often those that do not answer are asked.
        metrics: A page for Prometheus and its like: last values, and how this daemon fares.
        remote_write: Where every sample is brought, too: what takes Prometheus remote write 1.0.
    """

    folder: Path = Path("var/process")
    name: str = "local"
    parallel: Annotated[int, Meta(ge=1)] = 100
    reactor: Literal["epoll", "asyncio"] = "epoll"
    key_file: str = ""
    hub: HubSettings = HubSettings()
    events: SpoolSettings = SpoolSettings()
    files: FileSettings = FileSettings()
    networks: NetworkSettings = NetworkSettings()
    metrics: MetricsSettings = MetricsSettings()
    remote_write: RemoteWriteSettings = RemoteWriteSettings()
    log: LogSettings = LogSettings()

    @property
    def cache_key(self) -> Path | None:
        """File of the keys that seal configs; None for the one beside them."""
        return Path(self.key_file) if self.key_file else None


class SharedSettings(CollectorSettings, frozen=True, kw_only=True):
    """All settings of a collector daemon whose tasks may run in processes of their own.

    Attributes:
        workers: processes that share the devices, where one core is not enough: 1, the daemon reads them itself; 0, one
            for each core. They share `parallel`, too.
    """

    workers: Annotated[int, Meta(ge=0, le=256)] = 1
