"""Which series are pushed: whoever pushes may make up names, and each has a file from its first figure on."""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

DAY_S = 86_400
KEEP_EVERY_S = 10.0
KEPT_DAYS = 30
"""A series that was not pushed for so long makes room for another one."""


class PushSettings(Struct, frozen=True, kw_only=True):
    """Figures that come to the hub's API.

    Attributes:
        device: series that may be pushed of one device; new ones beyond are refused, those that there are go on. One
            that was not pushed for 30 days is none of them.
        collector: the same of all devices of this collector together.
    """

    device: Annotated[int, Meta(ge=0, le=1_000_000)] = 1000
    collector: Annotated[int, Meta(ge=0, le=10_000_000)] = 20_000


class SeriesBook:
    """Knows the series that were pushed.

    Args:
        data: what was kept; None for nothing.
    """

    def __init__(self, settings: PushSettings, data: bytes | None) -> None:
        self._settings = settings
        self._devices: dict[str, dict[bytes, int]] = _load(data)
        self._count = sum(map(len, self._devices.values()))
        self._changed = False
        self._kept_at = float("-inf")

    def refusal(self, device: str, component: str, source: str, now: float) -> str:
        """Why a series may not be pushed, as a sentence; empty where it may."""
        held = self._devices.get(device, {})
        if _mark(component, source) in held:
            return ""
        if len(held) >= self._settings.device:
            self._tidy(now, device)
            held = self._devices.get(device, {})
        if len(held) >= self._settings.device:
            return (
                f"device {device} has {len(held)} series that are pushed, as many as may be, and this would be one "
                "more; push to those that there are, or set [push] device in the settings of tocsin-probe"
            )
        if self._count >= self._settings.collector:
            self._tidy(now)
        if self._count >= self._settings.collector:
            return (
                f"the collector has {self._count} series that are pushed, as many as may be, and this would be one "
                "more; push to those that there are, or set [push] collector in the settings of tocsin-probe"
            )
        return ""

    def taken(self, device: str, component: str, source: str, now: float) -> None:
        """A figure of a series was taken."""
        held, mark, day = self._devices.setdefault(device, {}), _mark(component, source), int(now // DAY_S)
        if held.get(mark) != day:
            self._count += mark not in held
            held[mark] = day
            self._changed = True

    def forget(self, device: str) -> None:
        """A device has left."""
        gone = self._devices.pop(device, {})
        self._count -= len(gone)
        self._changed = self._changed or bool(gone)

    def is_due(self, now: float) -> bool:
        """Whether it is to be kept: it is large, and what is lost of it is there again with the next figures."""
        return self._changed and not 0 <= now - self._kept_at < KEEP_EVERY_S

    def dump(self, now: float) -> bytes:
        """As bytes, which are kept; where that fails, `lost` follows."""
        self._changed, self._kept_at = False, now
        return msgspec.msgpack.encode(self._devices)

    def lost(self) -> None:
        """What was to be kept is not."""
        self._changed, self._kept_at = True, float("-inf")

    def _tidy(self, now: float, device: str = "") -> None:
        oldest = int(now // DAY_S) - KEPT_DAYS
        for name in [device] if device else list(self._devices):
            held = self._devices.get(name, {})
            gone = [mark for mark, day in held.items() if day < oldest]
            for mark in gone:
                del held[mark]
            self._count -= len(gone)
            self._changed = self._changed or bool(gone)


def _load(data: bytes | None) -> dict[str, dict[bytes, int]]:
    """What was kept; of another shape it is forgotten rather than trusted."""
    try:
        return msgspec.msgpack.decode(data, type=dict[str, dict[bytes, int]]) if data is not None else {}
    except msgspec.MsgspecError:
        return {}


def _mark(component: str, source: str) -> bytes:
    told = f"{len(component)}:{component}:{source}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(told, digest_size=8).digest()
