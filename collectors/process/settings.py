"""The settings that only the process collector has."""

from __future__ import annotations

from msgspec import Struct

from collectors.framework.daemonsettings import SharedSettings


class ProcessEventSettings(Struct, frozen=True, kw_only=True):
    """What the kernel tells of processes as it happens (Linux), where the collector's own host is a device.

    Attributes:
        listen: deaths are known at once, restarts between scans are counted, events say why processes ended. Without,
            scans alone tell.
    """

    listen: bool = True


class ProcessSettings(SharedSettings, frozen=True, kw_only=True):
    """All settings of the process collector."""

    process_events: ProcessEventSettings = ProcessEventSettings()
