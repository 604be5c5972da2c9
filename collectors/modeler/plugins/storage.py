"""hrStorageTable (HOST-RESOURCES-MIB, RFC 2790), which several plugins look at."""

from __future__ import annotations

from msgspec import Struct

from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.values import text
from collectors.modeler.facts import Tables, Unbelievable, Walk
from collectors.modeler.words import figure

HR_STORAGE: Oid = (1, 3, 6, 1, 2, 1, 25, 2, 3, 1)
TYPE, DESCR, UNITS, SIZE = (*HR_STORAGE, 2), (*HR_STORAGE, 3), (*HR_STORAGE, 4), (*HR_STORAGE, 5)
HR_STORAGE_TYPES: Oid = (1, 3, 6, 1, 2, 1, 25, 2, 1)

STORAGE = Walk(
    name="storage", what="the storage table (HOST-RESOURCES-MIB hrStorageTable)", columns=(TYPE, DESCR, UNITS, SIZE)
)

RAM, VIRTUAL_MEMORY = 2, 3
FIXED_DISK, REMOVABLE_DISK, RAM_DISK, FLASH, NETWORK_DISK = 4, 5, 8, 9, 10


class StorageRow(Struct, frozen=True, kw_only=True):
    """A row of the table.

    Attributes:
        kind: last number of the type below hrStorageTypes; 0 for a type from elsewhere.
        total_bytes: None when the row does not tell.
    """

    index: int
    kind: int
    descr: str
    total_bytes: int | None


def storage_rows(tables: Tables) -> list[StorageRow]:
    """All rows, in order of index.

    Raises:
        CutShort: the table was not read to its end.
    """
    kinds, descrs, units, sizes = tables.columns(STORAGE)
    return [
        StorageRow(
            index=index[0],
            kind=_kind(kinds.get(index)),
            descr=text(descrs.get(index)),
            total_bytes=total_bytes(sizes.get(index), units.get(index)),
        )
        for index in sorted(kinds.keys() | descrs.keys())
        if len(index) == 1
    ]


def no_storage() -> Unbelievable:
    """An agent without the table."""
    return Unbelievable(
        "the device shows no storage (HOST-RESOURCES-MIB hrStorageTable): load that part of the agent, or give this "
        "credential a view that includes 1.3.6.1.2.1.25"
    )


def total_bytes(size: SnmpValue, units: SnmpValue) -> int | None:
    """Bytes of a size in allocation units.

    hrStorageSize is a signed integer of 32 bits; agents let larger ones run over into the negative.
    """
    if not isinstance(size, int) or not isinstance(units, int) or units <= 0:
        return None
    return figure(unsigned(size) * units)


def unsigned(size: int) -> int:
    """A number of 32 bits that may have run over."""
    return size + 2**32 if -(2**31) <= size < 0 else size


def _kind(value: SnmpValue) -> int:
    if isinstance(value, tuple) and value[:-1] == HR_STORAGE_TYPES:
        return value[-1]
    return 0
