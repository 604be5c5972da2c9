"""Figures of a host by psutil: for hosts without /proc, and the witness of `ProcHost`."""

from __future__ import annotations

import time
from collections.abc import Mapping

import psutil

from collectors.status.hostfiles import Figures
from common.statuspoints import CPU_STATES

_COUNTS = ("bytes_sent", "bytes_recv", "packets_sent", "packets_recv", "errin", "errout", "dropin", "dropout")


class PsutilHost:
    """As `ProcHost`; what a system does not tell is left out."""

    def interfaces(self) -> dict[str, Figures]:
        """Counts of each interface."""
        told = psutil.net_io_counters(pernic=True, nowrap=False)
        return {name: {count: getattr(one, count) for count in _COUNTS} for name, one in told.items()}

    def cpu_s(self) -> dict[str, Mapping[str, float]]:
        """Seconds that all processors, under the empty name, and each of them have spent in each state."""
        told = {"": psutil.cpu_times()}
        told |= {f"cpu {number}": times for number, times in enumerate(psutil.cpu_times(percpu=True))}
        return {
            name: {state: getattr(times, state) for state in CPU_STATES if hasattr(times, state)}
            for name, times in told.items()
        }

    def memory(self) -> Figures:
        """Memory in bytes."""
        told = psutil.virtual_memory()
        used = told.total - told.available
        return {
            "mem_total": told.total,
            "mem_used": used,
            "mem_free": told.free,
            "mem_available": told.available,
            "mem_buffers": getattr(told, "buffers", None),
            "mem_cached": getattr(told, "cached", None),
            "mem_percent": 100.0 * used / told.total if told.total else None,
        }

    def swap(self) -> Figures:
        """Swap space in bytes, and what went in and out."""
        told = psutil.swap_memory()
        return {
            "swap_total": told.total,
            "swap_used": told.used,
            "swap_free": told.free,
            "swap_percent": 100.0 * told.used / told.total if told.total else None,
            "swap_in": told.sin,
            "swap_out": told.sout,
        }

    def disk_io(self) -> dict[str, Figures]:
        """Counts of each block device."""
        told = psutil.disk_io_counters(perdisk=True, nowrap=False) or {}
        return {
            name: {
                "reads": one.read_count,
                "writes": one.write_count,
                "read_bytes": one.read_bytes,
                "write_bytes": one.write_bytes,
                "busy": getattr(one, "busy_time", None),
            }
            for name, one in told.items()
        }

    def load(self) -> Figures:
        """Processes that run or wait for a disk, over 1, 5 and 15 minutes."""
        return dict(zip(("load1", "load5", "load15"), psutil.getloadavg(), strict=True))

    def uptime_s(self) -> float:
        """Seconds since this host was started."""
        return time.time() - psutil.boot_time()
