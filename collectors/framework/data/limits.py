"""How many files there may be: settings of the daemon, heeded by the writer process."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class FileSettings(Struct, frozen=True, kw_only=True):
    """How much disk the files of series may take. A series beyond that gets no file, which is told; the others go on.

    Attributes:
        device_gib: all files of one device, as large as they will ever be.
        source: components with a file of one source of a device; for figures that are pushed: series of a device.
        free_percent: so much of the disk is left free (256 MiB at most): new files wait until there is room.
    """

    device_gib: Annotated[float, Meta(gt=0, le=100_000)] = 10.0
    source: Annotated[int, Meta(ge=1, le=1_000_000)] = 5000
    free_percent: Annotated[float, Meta(ge=0, le=50)] = 2.0
