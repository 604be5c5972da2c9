from __future__ import annotations

import pytest

from collectors.framework.processtable import ProcessRow
from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.process.columns import NO_MEMORY, UNKNOWN, Columns, program
from collectors.process.snmprows import Walked, draft_of, identities_of


def columns(*pids: int) -> Columns:
    """Processes, of which every third has used no known CPU time, and every fourth is dead."""
    return Columns(
        pids,
        [program(f"app{pid % 2}", f"/bin/app{pid % 2}", f"-n {pid}", b"app") for pid in pids],
        [UNKNOWN if pid % 3 == 0 else pid / 4 for pid in pids],
        [NO_MEMORY if pid % 5 == 0 else pid * 1024 for pid in pids],
        ["invalid" if pid % 4 == 0 else "running" for pid in pids],
        "invalid",
    )


def row(pid: int) -> ProcessRow:
    return ProcessRow(
        pid=pid,
        name=f"app{pid % 2}",
        path=f"/bin/app{pid % 2}",
        parameters=f"-n {pid}",
        started=None,
        cpu_s=None if pid % 3 == 0 else pid / 4,
        memory_bytes=None if pid % 5 == 0 else pid * 1024,
        status="invalid" if pid % 4 == 0 else "running",
        alive=pid % 4 != 0,
    )


def test_columns_are_a_mapping_of_rows() -> None:
    pids = (1, 3, 4, 5, 60, 2**31 - 1)
    rows = {pid: row(pid) for pid in pids}
    found = columns(*pids)
    assert dict(found) == rows
    assert found == rows
    assert (list(found), len(found)) == (list(rows), len(rows))
    assert (list(found.values()), list(found.items())) == (list(rows.values()), list(rows.items()))
    assert [pid for pid in range(-2, 70) if pid in found] == [1, 3, 4, 5, 60]
    assert (found.get(2), found.get(4)) == (None, rows[4])
    assert found.cpu == {pid: one.cpu_s for pid, one in rows.items() if one.cpu_s is not None}
    with pytest.raises(KeyError):
        found[61]
    assert not columns()


def test_the_same_program_is_one_object() -> None:
    first, second = columns(1, 2), columns(2, 1000)
    assert first.programs[1] is second.programs[0]
    assert first.programs[0].line == "/bin/app1 -n 1"


def walked(cells: dict[int, tuple[SnmpValue, ...]], *, whole: bool = False) -> Walked:
    """Columns of a walk from rows: name, state, CPU, memory, and with `whole` path and arguments."""
    found: list[dict[Oid, SnmpValue]] = [
        {(pid,): values[number] for pid, values in cells.items()} for number in range(6 if whole else 4)
    ]
    return Walked(*found)


CELLS: dict[int, tuple[SnmpValue, ...]] = {
    1: (b"init", 2, 500, 10, b"/sbin/init", b"splash"),
    7: (b"web", 1, 100, 20, b"/usr/bin/web", b"-d"),
    9: (b"web", 1, 100, 20, b"/usr/bin/web", b"-d"),
}


def whole() -> Columns:
    return draft_of(walked(CELLS, whole=True), None).columns()


def test_a_process_is_the_one_that_it_was_by_name_and_cpu_time() -> None:
    before = whole()
    changed = CELLS | {7: (b"web", 1, 99, 20), 9: (b"web", 1, 101, 30), 11: (b"new", 1, 0, 1)}
    draft = draft_of(walked(changed), before)
    assert draft.unknown() == [7, 11]
    assert draft.programs[2] is before.programs[2]
    assert draft_of(walked(CELLS | {7: (b"wep", 1, 100, 20)}), before).unknown() == [7]
    assert draft_of(walked(CELLS | {7: (b"web", 1, None, 20)}), before).unknown() == [7]
    assert draft_of(walked(CELLS), before).unknown() == []


def test_who_was_asked_is_put_in_and_who_is_gone_left_out() -> None:
    draft = draft_of(walked(CELLS), None)
    assert draft.unknown() == [1, 7, 9]
    draft.identify(identities_of([1, 7, 9], [b"init", b"/sbin/init", None, None, None, None, b"sh", b"/bin/sh", b"-c"]))
    found = draft.columns()
    assert list(found) == [1, 9]
    assert (found[1].path, found[1].cpu_s) == ("/sbin/init", 5.0)
    assert (found[9].name, found[9].cpu_s, found[9].memory_bytes) == ("sh", None, None)


def test_rows_that_are_out_of_order_or_no_process_are_put_right() -> None:
    cells = {9: CELLS[9], 2**31: CELLS[1], 7: CELLS[7]}
    read = walked(cells)
    names = {**read.names, (1, 2): b"no pid", (): b"none"}
    found = draft_of(Walked(names, read.states, read.cpus, read.memories), None).columns()
    assert list(found) == [7, 9]


def test_what_no_process_can_have_is_not_known() -> None:
    cells: dict[int, tuple[SnmpValue, ...]] = {
        1: (7, b"x", -1, 2**32),
        2: (b"a\0", 9, None, b"1"),
        3: (None, None, 2**32, -1),
    }
    found = draft_of(walked(cells), None).columns()
    assert [(one.name, one.cpu_s, one.memory_bytes, one.status) for one in found.values()] == [
        ("", None, None, "unknown"),
        ("a", None, None, "unknown"),
        ("", None, None, "unknown"),
    ]
