"""The settings that only the collector of probes has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from collectors.framework.daemonsettings import CollectorSettings
from collectors.probes.pushed.book import PushSettings
from collectors.probes.statsd.settings import StatsdSettings


class ProbesSettings(Struct, frozen=True, kw_only=True):
    """Where probes lie, and what they may.

    Attributes:
        folders: an executable file that is put there, or a Python file with a function probe(), is run. One that begins
            with no slash counts from the folder above `folder`.
        allow: programs beside those that templates may have run, as paths; * stands for any part of a name, for example
            /usr/lib/nagios/plugins/*.
        users: whom templates may have probes run as, beside `user`.
        user: whom probes run as that do not say; empty for the user of the collector.
        interval_s: whole seconds from run to run of those that do not say.
        timeout_s: how long a run may take.
        memory_mib: how much address space it may have.
        output_kib: how much it may print.
        nice: how far probes stand back behind others.
    """

    folders: tuple[str, ...] = ("etc/probes", "/etc/tocsin/probes")
    allow: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    user: str = ""
    interval_s: Annotated[int, Meta(ge=1, le=86400)] = 60
    timeout_s: Annotated[float, Meta(gt=0, le=3600)] = 30.0
    memory_mib: Annotated[int, Meta(ge=16, le=65536)] = 512
    output_kib: Annotated[int, Meta(ge=1, le=16384)] = 1024
    nice: Annotated[int, Meta(ge=0, le=19)] = 5


class PageSettings(Struct, frozen=True, kw_only=True):
    """Files in the text form of Prometheus.

    Attributes:
        files: those that sources may read, as paths; * stands for any part of a name, for example
            /var/lib/prometheus/node-exporter/*.prom.
    """

    files: tuple[str, ...] = ()


class ProbeSettings(CollectorSettings, frozen=True, kw_only=True):
    """All settings of the collector of probes.

    Attributes:
        parallel: probes that run at the same time.
    """

    folder: Path = Path("var/probe")
    parallel: Annotated[int, Meta(ge=1)] = 20
    probes: ProbesSettings = ProbesSettings()
    prometheus: PageSettings = PageSettings()
    statsd: StatsdSettings = StatsdSettings()
    push: PushSettings = PushSettings()

    def folders(self) -> list[Path]:
        """Folders of probes, as paths."""
        return [self.folder.absolute().parent / one for one in self.probes.folders]
