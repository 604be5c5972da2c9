"""How a host is at this moment: its load, memory and pressure; what cannot be had is unknown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from zope.interface import Interface

from collectors.framework.local import procfs
from collectors.framework.snmp.interfaces import Oid, SnmpValue
from common.errors import TocsinError
from common.evidence import HostEvidence

SHOWN_PROBLEM = 200
PRESSURES = ("cpu", "memory", "io")

_UCD: Oid = (1, 3, 6, 1, 4, 1, 2021)
LOADS = tuple((*_UCD, 10, 1, 3, number) for number in (1, 2, 3))
SWAP, SWAP_FREE, REAL, REAL_FREE, BUFFERS, CACHED = ((*_UCD, 4, number, 0) for number in (3, 4, 5, 6, 14, 15))
HR_MEMORY: Oid = (1, 3, 6, 1, 2, 1, 25, 2, 2, 0)
ASKED: tuple[Oid, ...] = (*LOADS, SWAP, SWAP_FREE, REAL, REAL_FREE, BUFFERS, CACHED, HR_MEMORY)
"""UCD-SNMP-MIB's laLoad and memory group, which net-snmp has, and hrMemorySize: one GET."""
KIB = 1024


class IHostFacts(Interface):
    """A source that can tell how its host is."""

    async def host() -> HostEvidence:
        """How it is now; what cannot be had is unknown.

        Raises:
            TocsinError: it could not be asked.
        """


def local_host(root: Path = Path("/proc")) -> HostEvidence:
    """This host, by proc(5)."""
    memory = _meminfo(procfs.text(root / "meminfo"))
    load = _load(procfs.text(root / "loadavg").split()[:3])
    pressure = {
        name: value
        for part in PRESSURES
        for name, value in _pressure(part, procfs.text(root / "pressure" / part)).items()
    }
    return HostEvidence(
        load=load,
        processors=os.cpu_count(),
        memory_bytes=memory.get("MemTotal"),
        available_bytes=memory.get("MemAvailable"),
        swap_bytes=memory.get("SwapTotal"),
        swap_free_bytes=memory.get("SwapFree"),
        pressure=pressure or None,
        problem="" if load or memory else f"{root} has neither loadavg nor meminfo",
    )


def snmp_host(values: Sequence[SnmpValue]) -> HostEvidence:
    """A host, by what its agent has answered to `ASKED`."""
    found = dict(zip(ASKED, values, strict=True))
    sizes = {oid: _kib(found[oid]) for oid in (SWAP, SWAP_FREE, REAL, REAL_FREE, BUFFERS, CACHED, HR_MEMORY)}
    load = _load([_text(found[oid]) for oid in LOADS])
    free = sizes[REAL_FREE]
    known = load is not None or any(size is not None for size in sizes.values())
    return HostEvidence(
        load=load,
        memory_bytes=sizes[REAL] if sizes[REAL] is not None else sizes[HR_MEMORY],
        available_bytes=None if free is None else free + (sizes[BUFFERS] or 0) + (sizes[CACHED] or 0),
        swap_bytes=sizes[SWAP],
        swap_free_bytes=sizes[SWAP_FREE],
        problem="" if known else "the agent tells neither load nor memory",
    )


def unknown_host(error: Exception) -> HostEvidence:
    """A host that could not be asked."""
    text = error.message if isinstance(error, TocsinError) else "it did not answer in time"
    return HostEvidence(problem=text[:SHOWN_PROBLEM])


def _load(words: Sequence[str]) -> tuple[float, float, float] | None:
    try:
        one, five, fifteen = (float(word) for word in words)
    except ValueError:
        return None
    return (one, five, fifteen) if all(0 <= value < 1e9 for value in (one, five, fifteen)) else None


def _meminfo(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        figure = rest.split()[:1]
        if figure and figure[0].isdigit():
            found[name] = int(figure[0]) * KIB
    return found


def _pressure(part: str, text: str) -> dict[str, float]:
    """`some avg10=0.00 …` and `full avg10=0.00 …`."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        name, _, value = rest.split(" ", 1)[0].partition("=")
        if name == "avg10" and kind in {"some", "full"} and not (part == "cpu" and kind == "full"):
            try:
                found[part if kind == "some" else f"{part}_full"] = float(value)
            except ValueError:
                continue
    return found


def _kib(value: SnmpValue) -> int | None:
    return value * KIB if isinstance(value, int) and 0 <= value < 2**53 else None


def _text(value: SnmpValue) -> str:
    return value.decode("ascii", "replace")[:20] if isinstance(value, bytes) else ""
