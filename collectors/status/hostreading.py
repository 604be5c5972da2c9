"""Figures of the host as a whole, all in one go; one that fails leaves the others."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import psutil

from collectors.status.disks import mounted

Figures = Mapping[str, Any]
Rows = Mapping[str, Figures]
ALL_DISKS = "mounts"
INDEXES = "indexes"


class Host(Protocol):
    """What tells them: `ProcHost`, `PsutilHost`."""

    def interfaces(self) -> Rows:
        """By name."""

    def cpu_s(self) -> Mapping[str, Mapping[str, float]]:
        """By name, of all together under the empty name."""

    def memory(self) -> Figures:
        """In bytes."""

    def swap(self) -> Figures:
        """In bytes."""

    def disk_io(self) -> Rows:
        """By device."""

    def load(self) -> Figures:
        """Of 1, 5 and 15 minutes."""

    def uptime_s(self) -> float:
        """Since this host was started."""


class HostReader:
    """Reads the items that answer at once.

    Args:
        host: what tells them.
        wall: epoch seconds.
    """

    def __init__(self, host: Host, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._readers: Mapping[str, Callable[[], object]] = {
            "interfaces": host.interfaces,
            INDEXES: _indexes,
            ALL_DISKS: mounted,
            "cpu": host.cpu_s,
            "memory": lambda: {"": host.memory()},
            "swap": lambda: {"": host.swap()},
            "disk_io": host.disk_io,
            "load": lambda: {"": host.load()},
            "uptime": lambda: {"": self._uptime(host.uptime_s())},
            "users": lambda: {"": users()},
        }

    def read(self, items: frozenset[str]) -> dict[str, Any]:
        """By item what it tells, or the error that it ended with."""
        found: dict[str, Any] = {}
        for item, reader in self._readers.items():
            if item in items:
                try:
                    found[item] = reader()
                except Exception as error:  # noqa: BLE001 - it is shown with the item
                    found[item] = error
        return found

    def _uptime(self, uptime_s: float) -> Figures:
        return {"uptime": uptime_s, "boot": round(self._wall() - uptime_s)}


def users() -> Figures:
    """Who is logged in."""
    told = psutil.users()
    return {"users": len(told), "names": sorted({one.name for one in told})}


def _indexes() -> dict[str, int]:
    return {name: index for index, name in socket.if_nameindex()}
