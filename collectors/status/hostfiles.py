"""Figures of a Linux host from files of /proc; proc(5) describes them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from collectors.framework.local.procfs import KIB
from common.statuspoints import CPU_STATES

Figures = dict[str, float | int | None]
PART_BYTES, MOST_PARTS = 32 * 1024, 1000
SECTOR_BYTES = 512
_RECEIVED = ("bytes_recv", "packets_recv", "errin", "dropin")
_SENT = ("bytes_sent", "packets_sent", "errout", "dropout")
_MEMORY = re.compile(
    rb"^(MemTotal|MemFree|MemAvailable|Buffers|Cached|SReclaimable|SwapTotal|SwapFree): +(\d+)", re.MULTILINE
)
_SWAPPED = re.compile(rb"^pswp(in|out) (\d+)", re.MULTILINE)
_PARTITION = re.compile(r"(?<=\d)p\d+\Z|(?<=\D)\d+\Z")


class ProcHost:
    """Reads them.

    Args:
        root: where /proc is.
    """

    def __init__(self, root: str = "/proc") -> None:
        self._root = root
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._tick_s = 1.0 / os.sysconf("SC_CLK_TCK")

    def interfaces(self) -> dict[str, Figures]:
        """Counts of each interface of this network namespace."""
        found: dict[str, Figures] = {}
        for line in self._read("net/dev").decode("utf-8", "replace").splitlines()[2:]:
            name, _, rest = line.rpartition(":")
            words = rest.split()
            if len(words) >= 12:
                found[name.strip()] = {
                    **dict(zip(_SENT, map(int, words[8:12]), strict=True)),
                    **dict(zip(_RECEIVED, map(int, words[:4]), strict=True)),
                }
        return found

    def cpu_s(self) -> dict[str, Mapping[str, float]]:
        """Seconds that all processors, under the empty name, and each of them have spent in each state."""
        found: dict[str, Mapping[str, float]] = {}
        for line in self._read("stat").split(b"\n"):
            if not line.startswith(b"cpu"):
                break  # they come first
            word, *rest = line.split()
            name = word[3:].decode()
            spent = (int(ticks) * self._tick_s for ticks in rest)
            found[f"cpu {name}" if name else ""] = dict(zip(CPU_STATES, spent, strict=False))
        return found

    def memory(self) -> Figures:
        """Memory in bytes; used is what is not available to programs that are yet to begin."""
        told = self._memory()
        total, free = told[b"MemTotal"], told[b"MemFree"]
        buffers, cached = told.get(b"Buffers", 0), told.get(b"Cached", 0) + told.get(b"SReclaimable", 0)
        available = min(total, told.get(b"MemAvailable", free + buffers + cached))
        return {
            "mem_total": total,
            "mem_used": total - available,
            "mem_free": free,
            "mem_available": available,
            "mem_buffers": buffers,
            "mem_cached": cached,
            "mem_percent": 100.0 * (total - available) / total if total else None,
        }

    def swap(self) -> Figures:
        """Swap space in bytes, and what went in and out."""
        told = self._memory()
        total, free = told.get(b"SwapTotal", 0), told.get(b"SwapFree", 0)
        moved = {way: int(pages) * self._page_bytes for way, pages in _SWAPPED.findall(self._read("vmstat"))}
        return {
            "swap_total": total,
            "swap_used": total - free,
            "swap_free": free,
            "swap_percent": 100.0 * (total - free) / total if total else None,
            "swap_in": moved.get(b"in"),
            "swap_out": moved.get(b"out"),
        }

    def disk_io(self) -> dict[str, Figures]:
        """Counts of each block device that was ever used."""
        found: dict[str, Figures] = {}
        for line in self._read("diskstats").split(b"\n"):
            words = line.split()
            if len(words) < 13 or (words[3] == b"0" and words[7] == b"0"):
                continue
            found[words[2].decode("utf-8", "replace")] = {
                "reads": int(words[3]),
                "writes": int(words[7]),
                "read_bytes": int(words[5]) * SECTOR_BYTES,
                "write_bytes": int(words[9]) * SECTOR_BYTES,
                "busy": int(words[12]),
            }
        return found

    def load(self) -> Figures:
        """Processes that run or wait for a disk, over 1, 5 and 15 minutes."""
        return dict(zip(("load1", "load5", "load15"), map(float, self._read("loadavg").split()[:3]), strict=True))

    def uptime_s(self) -> float:
        """Seconds since this host was started."""
        return float(self._read("uptime").split()[0])

    def _memory(self) -> dict[bytes, int]:
        return {word: int(kib) * KIB for word, kib in _MEMORY.findall(self._read("meminfo"))}

    def _read(self, name: str) -> bytes:
        """A whole file, which the kernel tells in parts.

        Raises:
            OSError: it cannot be read.
        """
        descriptor = os.open(f"{self._root}/{name}", os.O_RDONLY)
        try:
            parts = [os.read(descriptor, PART_BYTES)]
            while parts[-1] and len(parts) < MOST_PARTS:
                parts.append(os.read(descriptor, PART_BYTES))
        finally:
            os.close(descriptor)
        return b"".join(parts)


def is_partition(name: str, names: Mapping[str, object]) -> bool:
    """Whether a block device is a part of another one that is there."""
    disk = _PARTITION.sub("", name)
    return disk != name and disk in names
