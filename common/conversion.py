"""Files of series that are not as their samples want them: a query of the hub, and how things stand."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from common.names import DeviceId

MAX_DEVICES = 1000
MAX_TOLD = 200
_Name = Annotated[str, Meta(max_length=4096)]
_Sentence = Annotated[str, Meta(max_length=1000)]
_Count = Annotated[int, Meta(ge=0)]


class ConversionMode(enum.Enum):
    """What is wanted of a collector."""

    TELL = "tell"
    """How far it is."""
    LOOK = "look"
    """Which files would be converted."""
    BEGIN = "begin"
    """That it converts, these devices before others."""


class ConversionQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Convert files whose layout is not the one that their samples have now, or tell of it.

    Attributes:
        devices: whose files; empty for all that the collector has.
    """

    devices: Annotated[list[DeviceId], Meta(max_length=MAX_DEVICES)] = []
    mode: ConversionMode = ConversionMode.TELL


class Conversion(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One file that is not as its samples want it.

    Attributes:
        reason: in which way it is not.
        failure: why it could not be converted; empty while it waits.
    """

    device: _Name
    component: _Name
    source: _Name
    reason: _Sentence
    failure: _Sentence = ""


class ConversionState(Struct, frozen=True, tag=True, kw_only=True):
    """How things stand: with the devices that were named, or with all.

    Attributes:
        known: files whose wanted layout is known, since they have had samples since the collector started.
        waiting: of those, how many are to be converted.
        failed: could not be converted, and are written as they are; tried again later.
        done: converted since the collector started, of whatever device.
        files: those that wait or failed, not more than `MAX_TOLD`.
    """

    known: _Count
    waiting: _Count
    failed: _Count
    done: _Count
    files: Annotated[list[Conversion], Meta(max_length=MAX_TOLD)] = []
