"""Filesystems of hrStorageTable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.snmp.interfaces import SnmpValue
from collectors.modeler.facts import CutShort, Tables, Unbelievable
from collectors.modeler.plugins.filesystems import HR_FS_TYPES, MOUNT, MOUNTS, PLUGIN, REMOTE, STORAGE_INDEX
from collectors.modeler.plugins.filesystems import TYPE as FS_TYPE
from collectors.modeler.plugins.storage import DESCR, HR_STORAGE_TYPES, SIZE, STORAGE, TYPE, UNITS, total_bytes
from tests.collectors.modeler.tables import Row, by_name, config, cut, found, indexed, names, table, tables


def storage(descr: str, kind: int = 4, size: SnmpValue = 1000, units: SnmpValue = 4096) -> Row:
    return {TYPE: (*HR_STORAGE_TYPES, kind), DESCR: descr.encode(), SIZE: size, UNITS: units}


def told(rows: dict[int, Row], *mounts: Row) -> Tables:
    return tables(storage=indexed(STORAGE, rows), mounts=table(MOUNTS, *mounts))


def test_disks_of_all_kinds_and_nothing_else() -> None:
    kinds = {
        1: "other",
        2: "Physical memory",
        3: "Swap",
        4: "/",
        5: "/usb",
        7: "/cd",
        8: "/ram",
        9: "/flash",
        10: "/nfs",
    }
    result = found(PLUGIN, told({n: storage(descr, kind=n) for n, descr in kinds.items()}))
    assert {one.name: one.attributes["medium"] for one in result.components} == {
        "/": "fixed disk",
        "/usb": "removable disk",
        "/ram": "RAM disk",
        "/flash": "flash",
        "/nfs": "network disk",
    }
    assert by_name(result)["/"].attributes["total_bytes"] == 4_096_000


def test_mounts_say_more() -> None:
    mount: Row = {MOUNT: b"/data", REMOTE: b"nas:/x\n", FS_TYPE: (*HR_FS_TYPES, 14), STORAGE_INDEX: 31}
    result = by_name(found(PLUGIN, told({31: storage("/data", 10), 32: storage("/")}, mount)))
    assert (result["/data"].attributes["type"], result["/data"].attributes["remote"]) == ("nfs", "nas:/x")
    assert "type" not in result["/"].attributes


def test_a_storage_without_a_name_is_called_by_its_mount_or_its_index() -> None:
    mount: Row = {MOUNT: b"/data", STORAGE_INDEX: 31}
    rows = {31: storage(""), 32: storage(" \0"), 33: storage("/")}
    assert names(found(PLUGIN, told(rows, mount))) == ["/data", "storage32", "/"]


def test_drives_of_windows_are_called_by_their_letter() -> None:
    (drive,) = found(PLUGIN, told({1: storage("C:\\ Label:The System  Serial Number 1a2b3c4d")})).components
    assert (drive.name, drive.anchor) == ("C:", "1a2b3c4d")
    assert (drive.attributes["label"], drive.attributes["serial"]) == ("The System", "1a2b3c4d")


def test_a_drive_without_a_medium_is_left_out() -> None:
    assert names(found(PLUGIN, told({1: storage("A:\\", 5, size=0), 2: storage("C:\\")}))) == ["C:"]


def test_a_size_that_ran_over_is_put_right() -> None:
    assert total_bytes(-(2**31), 4096) == 2**31 * 4096
    assert total_bytes(-1, 1) == 2**32 - 1


@given(
    st.one_of(st.none(), st.integers(-(2**70), 2**70), st.binary()),
    st.one_of(st.none(), st.integers(-(2**70), 2**70), st.binary()),
)
def test_a_size_is_one_that_can_be_kept_or_none(size: SnmpValue, units: SnmpValue) -> None:
    found_bytes = total_bytes(size, units)
    assert found_bytes is None or 0 <= found_bytes < 2**63


def test_a_size_that_makes_no_sense_is_not_told() -> None:
    (one,) = found(PLUGIN, told({1: storage("/", size=b"big")})).components
    assert "total_bytes" not in one.attributes


def test_one_device_mounted_under_one_name_twice_gives_two_names() -> None:
    assert names(found(PLUGIN, told({1: storage("/a"), 2: storage("/a")}))) == ["/a", "/a #2"]


def test_what_is_ignored_is_not_there_and_no_disk_at_all_may_be_true() -> None:
    rows = {1: storage("/"), 2: storage("/snap/x")}
    assert names(found(PLUGIN, told(rows), config(filesystems_ignore="^/snap/"))) == ["/"]
    assert names(found(PLUGIN, told({1: storage("Physical memory", 2)}))) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({TYPE: (1, 3)}, "of no row what it is"),
        ({TYPE: None}, "of no row what it is"),
        ({DESCR: b" "}, "of no disk what it is called"),
        ({SIZE: 0}, "of every disk that it has no room"),
        ({UNITS: 4096, SIZE: 0}, "of every disk that it has no room"),
    ],
)
def test_a_column_that_says_nothing_takes_no_filesystem_away(fields: Row, said: str) -> None:
    rows: dict[int, Row] = {number: {**storage(f"/{number}"), **fields} for number in (1, 2)}
    with pytest.raises(Unbelievable, match=said):
        found(PLUGIN, told(rows))
    assert names(found(PLUGIN, told({**rows, 3: storage("/")})))


def test_tables_that_end_early_or_are_not_there_say_nothing() -> None:
    whole = told({1: storage("/")})
    for name in ("storage", "mounts"):
        with pytest.raises(CutShort):
            found(PLUGIN, cut(whole, name))
    with pytest.raises(Unbelievable, match="shows no storage"):
        found(PLUGIN, told({}))
