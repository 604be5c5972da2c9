"""The filesystems of a device (HOST-RESOURCES-MIB, RFC 2790: hrStorageTable, and hrFSTable where there is one)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.values import text
from collectors.modeler.facts import Found, Plugin, Tables, Unbelievable, Walk
from collectors.modeler.plugins.storage import (
    FIXED_DISK,
    FLASH,
    NETWORK_DISK,
    RAM_DISK,
    REMOVABLE_DISK,
    STORAGE,
    StorageRow,
    no_storage,
    storage_rows,
)
from collectors.modeler.words import Ignored, distinct, known, name, phrase
from common.components import ComponentKind, FoundComponent
from common.configs import DeviceConfig, ModelConfig

HR_FS: Oid = (1, 3, 6, 1, 2, 1, 25, 3, 8, 1)
HR_FS_TYPES: Oid = (1, 3, 6, 1, 2, 1, 25, 3, 9)
MOUNT, REMOTE, TYPE, STORAGE_INDEX = (*HR_FS, 2), (*HR_FS, 3), (*HR_FS, 4), (*HR_FS, 7)

MOUNTS = Walk(
    name="mounts",
    what="the filesystem table (HOST-RESOURCES-MIB hrFSTable)",
    columns=(MOUNT, REMOTE, TYPE, STORAGE_INDEX),
)

MEDIA = {
    FIXED_DISK: "fixed disk",
    REMOVABLE_DISK: "removable disk",
    RAM_DISK: "RAM disk",
    FLASH: "flash",
    NETWORK_DISK: "network disk",
}
TYPES = {
    3: "ffs",
    4: "sys5fs",
    5: "fat",
    6: "hpfs",
    7: "hfs",
    8: "mfs",
    9: "ntfs",
    11: "journaled",
    12: "iso9660",
    14: "nfs",
    15: "netware",
    16: "afs",
    17: "dfs",
    22: "fat32",
    23: "ext2",
}
"""hrFSTypes that say something; others are left out."""


class FilesystemRow(Struct, frozen=True, kw_only=True):
    """A filesystem as it was read.

    Attributes:
        serial: of its medium, where the host tells it.
    """

    name: str
    total_bytes: int | None = None
    medium: str = ""
    type: str = ""
    mount: str = ""
    remote: str = ""
    label: str = ""
    serial: str = ""


def of_tables(tables: Tables) -> Sequence[FilesystemRow]:
    """A row for each storage that is a disk of some kind, and has room for anything.

    Raises:
        Unbelievable: the agent tells nothing of its storage, or what cannot be of all of it.
    """
    rows = storage_rows(tables)
    if not rows:
        raise no_storage()
    _doubt(rows)
    mounts, remotes, types, storages = tables.columns(MOUNTS)
    entries = {storage: index for index, storage in storages.items() if isinstance(storage, int) and storage > 0}
    filesystems: list[FilesystemRow] = []
    for row in rows:
        if row.kind not in MEDIA or row.total_bytes == 0:
            continue
        entry = entries.get(row.index, ())
        mount = name(text(mounts.get(entry)))
        called, label, serial = _drive(row.descr)
        filesystems.append(
            FilesystemRow(
                name=name(called) or mount or f"storage{row.index}",
                total_bytes=row.total_bytes,
                medium=MEDIA[row.kind],
                type=_type(types.get(entry)),
                mount=mount,
                remote=phrase(text(remotes.get(entry))),
                label=label,
                serial=serial,
            )
        )
    return filesystems


def _doubt(rows: Sequence[StorageRow]) -> None:
    """Refuse a table of which a whole column says nothing: its filesystems would seem to be gone, or be others."""
    disks = [row for row in rows if row.kind in MEDIA]
    fixed = [row for row in disks if row.kind == FIXED_DISK]
    if not any(row.kind for row in rows):
        raise _unlikely("of no row what it is", "hrStorageType")
    if disks and not any(row.descr.strip() for row in disks):
        raise _unlikely("of no disk what it is called", "hrStorageDescr")
    if fixed and not any(row.total_bytes != 0 for row in fixed):
        raise _unlikely("of every disk that it has no room", "hrStorageSize, hrStorageAllocationUnits")


def _unlikely(what: str, columns: str) -> Unbelievable:
    return Unbelievable(f"the storage table says {what}, which cannot be ({columns}); see what snmpwalk shows")


def found(rows: Sequence[FilesystemRow], config: DeviceConfig) -> Found:
    """A component for each filesystem that is not to be ignored; that there is none may be true."""
    ignored = Ignored((config.model or ModelConfig()).filesystems_ignore)
    kept = [row for row in rows if row.name not in ignored]
    names = distinct([row.name for row in kept])
    return Found(
        kinds=(ComponentKind.FILESYSTEM,),
        components=tuple(_component(one, row) for one, row in zip(names, kept, strict=True)),
    )


def _component(called: str, row: FilesystemRow) -> FoundComponent:
    return FoundComponent(
        kind=ComponentKind.FILESYSTEM,
        name=called,
        anchor=row.serial[:255],
        attributes=known(
            {
                "total_bytes": row.total_bytes,
                "medium": row.medium,
                "type": row.type,
                "mount": row.mount if row.mount != called else "",
                "remote": row.remote,
                "label": row.label,
                "serial": row.serial,
            }
        ),
    )


def _drive(descr: str) -> tuple[str, str, str]:
    r"""Name, label and serial number; Windows tells all three at once: `C:\ Label:System  Serial Number 1a2b`."""
    if not (descr[:1].isalpha() and descr[1:3] == ":\\"):
        return descr, "", ""
    _, _, label_on = descr.partition("Label:")
    label, _, serial = label_on.partition("Serial Number")
    return descr[:2], phrase(label), phrase(serial)


def _type(value: SnmpValue) -> str:
    if isinstance(value, tuple) and value[:-1] == HR_FS_TYPES:
        return TYPES.get(value[-1], "")
    return ""


PLUGIN = Plugin(name="filesystems", walks=(STORAGE, MOUNTS), of_tables=of_tables, found=found)
