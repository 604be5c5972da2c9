"""Figures that somebody pushes: how the hub hands them to the collector that keeps them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from common.configs import DeviceConfig
from common.series import Number, PointName

MAX_ROWS = 1000

Component = Annotated[str, Meta(max_length=255)]


class PushedRow(Struct, frozen=True, kw_only=True):
    """Figures of one component at one moment.

    Attributes:
        handler: id of the template that says what the points are; empty for none.
        at: epoch second; 0 for now.
        interval_s: step of the series of a row without a handler; 0 for the device's interval.
    """

    component: Component
    values: dict[PointName, Number | None]
    handler: str = ""
    at: float = 0.0
    interval_s: Annotated[int, Meta(ge=0, le=86400)] = 0


class PushQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Take these figures of a device.

    Attributes:
        config: of the device, with the sources of the handlers that are named.
    """

    config: DeviceConfig
    rows: Annotated[list[PushedRow], Meta(max_length=MAX_ROWS)]


class Pushed(Struct, frozen=True, tag=True, kw_only=True):
    """What became of them.

    Attributes:
        refused: place of each row that was not taken, and why.
    """

    taken: int
    refused: Annotated[list[tuple[int, str]], Meta(max_length=MAX_ROWS)] = []
