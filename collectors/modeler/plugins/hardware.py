"""Processors and memory of a device (HOST-RESOURCES-MIB, RFC 2790)."""

from __future__ import annotations

from msgspec import Struct

from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.values import text
from collectors.modeler.facts import Found, Plugin, Tables, Unbelievable, Walk
from collectors.modeler.plugins.storage import RAM, STORAGE, VIRTUAL_MEMORY, StorageRow, storage_rows, unsigned
from collectors.modeler.words import figure, known, phrase
from common.components import ComponentKind, FoundComponent
from common.configs import DeviceConfig

HR_MEMORY_SIZE: Oid = (1, 3, 6, 1, 2, 1, 25, 2, 2, 0)
HR_DEVICE: Oid = (1, 3, 6, 1, 2, 1, 25, 3, 2, 1)
HR_PROCESSOR: Oid = (1, 3, 6, 1, 2, 1, 25, 3, 3, 1)
TYPE, DESCR = (*HR_DEVICE, 2), (*HR_DEVICE, 3)
FIRMWARE, LOAD = (*HR_PROCESSOR, 1), (*HR_PROCESSOR, 2)
TYPE_PROCESSOR: Oid = (1, 3, 6, 1, 2, 1, 25, 3, 1, 3)
KIB = 1024

DEVICES = Walk(
    name="devices", what="the device table (HOST-RESOURCES-MIB hrDeviceTable)", columns=(TYPE, DESCR, FIRMWARE, LOAD)
)


class Hardware(Struct, frozen=True, kw_only=True):
    """Processors and memory as they were read.

    Attributes:
        cpus: the description of each processor, in the order of their numbers; none when nothing is known.
        memory_bytes: None when it is not known.
        swap_bytes: 0 when there is none.
    """

    cpus: tuple[str, ...]
    memory_bytes: int | None
    swap_bytes: int


def of_tables(tables: Tables) -> Hardware:
    """What the agent's tables tell."""
    types, descrs, firmwares, loads = tables.columns(DEVICES)
    processors = {index for index, kind in types.items() if kind == TYPE_PROCESSOR} | firmwares.keys() | loads.keys()
    rows = storage_rows(tables)
    return Hardware(
        cpus=tuple(phrase(text(descrs.get(index))) for index in sorted(processors)),
        memory_bytes=_memory_bytes(tables.values.get(HR_MEMORY_SIZE), rows),
        swap_bytes=sum(row.total_bytes or 0 for row in rows if _is_swap(row)),
    )


def found(hardware: Hardware, _config: DeviceConfig) -> Found:
    """A component for each processor, and each kind of memory; what an agent does not tell at all stays as it is."""
    kinds: list[ComponentKind] = []
    components: list[FoundComponent] = []
    if hardware.cpus:
        kinds.append(ComponentKind.CPU)
        components += [
            FoundComponent(kind=ComponentKind.CPU, name=f"cpu {number}", attributes=known({"description": description}))
            for number, description in enumerate(hardware.cpus)
        ]
    if hardware.memory_bytes:
        kinds.append(ComponentKind.MEMORY)
        components.append(_memory("physical", hardware.memory_bytes))
        if swap_bytes := figure(hardware.swap_bytes):
            components.append(_memory("swap", swap_bytes))
    if not kinds:
        raise Unbelievable(
            "the device shows neither processors nor memory (HOST-RESOURCES-MIB): load that part of the agent, or give "
            "this credential a view that includes 1.3.6.1.2.1.25"
        )
    return Found(kinds=tuple(kinds), components=tuple(components))


def _memory(called: str, total_bytes: int) -> FoundComponent:
    return FoundComponent(kind=ComponentKind.MEMORY, name=called, attributes={"total_bytes": total_bytes})


def _memory_bytes(size: SnmpValue, rows: list[StorageRow]) -> int | None:
    """HrMemorySize (in KiB, which may have run over), or the largest hrStorageRam."""
    if isinstance(size, int) and size:
        return figure(unsigned(size) * KIB)
    return max((row.total_bytes or 0 for row in rows if row.kind == RAM), default=0) or None


def _is_swap(row: StorageRow) -> bool:
    """HrStorageVirtualMemory is swap for some agents, and memory and swap together for others."""
    return row.kind == VIRTUAL_MEMORY and "swap" in row.descr.lower()


PLUGIN = Plugin(name="hardware", scalars=(HR_MEMORY_SIZE,), walks=(DEVICES, STORAGE), of_tables=of_tables, found=found)
