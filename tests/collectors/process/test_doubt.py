"""Which tables are looked at twice, and who is asked for one by one."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.doubt import ASK_ALIVE, changed_hands, has_shrunk, whom_to_ask
from collectors.process.memory import DeviceMemory, SetMemory


def row(pid: int) -> ProcessRow:
    return ProcessRow(
        pid=pid, name="x", path="", parameters="", started=None, cpu_s=0.0, memory_bytes=0, status="runnable",
        alive=True,
    )  # fmt: skip


def table(pids: Iterable[int]) -> ProcessTable:
    return ProcessTable(at=0.0, monotonic=0.0, rows={pid: row(pid) for pid in pids}, complete=True, full=True)


def memory(pids: Iterable[int], **sets: list[int]) -> DeviceMemory:
    known = {name: SetMemory(definition=name, since=0.0, pids=dict.fromkeys(own)) for name, own in sets.items()}
    cpu_s = dict.fromkeys(pids, 1.0)
    return DeviceMemory(sets=known, cpu_s=cpu_s, rows=len(cpu_s))


def test_nobody_is_asked_for_while_nothing_is_strange() -> None:
    kept = memory(range(1, 101), web=[50, 60])
    assert whom_to_ask(kept, table(range(1, 101)), []) == []
    assert whom_to_ask(kept, table([*range(1, 60), *range(61, 120)]), []) == []  # one exit before the last row
    assert whom_to_ask(kept, table(range(1, 90)), []) == []  # others that are gone are nobody's business
    assert whom_to_ask(DeviceMemory(), table([1]), []) == []


def test_of_a_set_that_is_gone_its_processes_are_asked_for_and_some_others() -> None:
    kept = memory(range(1, 101), web=[50, 60])
    shown = [pid for pid in range(1, 99) if pid not in {50, 60}]
    assert whom_to_ask(kept, table(shown), ["web"]) == [60, 50, 100, 99]


def test_who_is_in_the_table_as_somebody_else_is_not_asked_for() -> None:
    kept = memory(range(1, 101), web=[50, 60])
    assert whom_to_ask(kept, table(range(1, 101)), ["web"]) == []


def test_a_set_whose_processes_are_there_as_somebody_else_is_looked_at_twice() -> None:
    kept = memory(range(1, 101), web=[50, 60])
    assert changed_hands(kept, table(range(1, 56)), ["web"])
    assert not changed_hands(kept, table(range(1, 50)), ["web"])
    assert not changed_hands(kept, table(range(1, 101)), ["never"])


def test_a_set_that_loses_processes_behind_the_last_row_is_strange() -> None:
    kept = memory(range(1, 101), web=[50, 95])
    assert whom_to_ask(kept, table(range(1, 90)), []) == [95, 100, 99, 98, 97]


def test_a_set_without_known_processes_that_is_gone_is_judged_by_others() -> None:
    kept = memory(range(1, 101), web=[])
    assert whom_to_ask(kept, table(range(1, 90)), ["web", "never"]) == [100, 99, 98, 97]


def test_so_many_are_asked_for_at_most() -> None:
    kept = memory(range(1, 301), web=list(range(200, 301)))
    asked = whom_to_ask(kept, table(range(1, 101)), ["web"])
    assert len(asked) == len(set(asked)) == ASK_ALIVE
    assert all(pid > 100 for pid in asked)


def test_a_table_that_lost_most_of_its_rows_has_shrunk() -> None:
    kept = memory(range(1, 101))
    assert has_shrunk(kept, table(range(1, 50)))
    assert not has_shrunk(kept, table(range(1, 51)))
    assert not has_shrunk(DeviceMemory(), table([1]))
    assert whom_to_ask(kept, table(range(1, 50)), []) == [100, 99, 98, 97]
