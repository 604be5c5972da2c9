"""What series get of passes."""

from __future__ import annotations

import msgspec
import pytest

from collectors.status.passes import Found, FoundProcesses, Pass, ProcessFigures, ProcessName, State
from collectors.status.rows import rows_of
from common.sources import Follow, StatusSource
from common.statuspoints import ITEMS

NAME = ProcessName(name="worker")


def source(item: str, *only: str) -> StatusSource:
    return StatusSource(id="s", template="t", interval_s=60, item=item, only=only)


def found(figures: dict[str, object], counts: dict[str, float] | None = None, state: State = State.OK) -> Found:
    return Found(state=state, at=90.0, since=1.0, figures=figures, counts=counts or {})


def a_pass(monotonic: float = 100.0, processes: FoundProcesses | None = None, **items: dict[str, Found]) -> Pass:
    return Pass(
        at=monotonic,
        monotonic=monotonic,
        elapsed_s=1.0,
        items=items,
        processes={NAME: processes} if processes else {},
        uptime_s=5.0,
    )


def of_name(spent_s: float, state: State = State.OK, **cpu_s: float) -> FoundProcesses:
    processes = {
        int(pid[1:]): ProcessFigures(
            pid=int(pid[1:]),
            started=1.0,
            cpu_s=seconds,
            cpu_percent=7.0,
            cpu_affinity=None,
            memory_percent=1.0,
            rss=1,
            vms=1,
            shared=1,
        )
        for pid, seconds in cpu_s.items()
    }
    figures = {"count": len(processes), "cpu_sum": 7.0, "cpu_max": 7.0, "rss_sum": 1}
    return FoundProcesses(state=state, at=90.0, since=1.0, figures=figures, processes=processes, spent_s=spent_s)


def test_a_row_for_each_name_or_for_all_that_there_are_and_none_of_what_is_not_there() -> None:
    now = a_pass(disks={"/": found({"total": 5, "percent": 1.5}), "/x": found({}, state=State.STUCK)})
    (row,) = rows_of(source("disks"), now, None)
    assert (row.component, row.values["total"], row.values["percent"], row.taken) == ("/", 5, 1.5, 90.0)
    assert set(row.values) == {point.name for point in ITEMS["disks"].points}
    assert [row.component for row in rows_of(source("disks", "/x", "/"), now, None)] == ["/"]
    assert rows_of(source("disks", "/y"), now, None) == []
    assert rows_of(source("nothing"), now, None) == ()


def test_counts_go_as_they_are_with_what_tells_that_they_began_anew() -> None:
    now = a_pass(interfaces={"eth0": found({"bytes_sent": 7}, {"index": 3.0})})
    (row,) = rows_of(source("interfaces"), now, None)
    assert (row.values["bytes_sent"], row.discontinuity, row.uptime_s) == (7, 3.0, 5.0)


def test_what_is_a_part_of_another_counts_only_by_name() -> None:
    part = msgspec.structs.replace(found({"busy": 2}), listed=False)
    now = a_pass(disk_io={"sda": found({"busy": 1}), "sda1": part})
    assert [row.component for row in rows_of(source("disk_io"), now, None)] == ["sda"]
    assert [row.component for row in rows_of(source("disk_io", "sda1"), now, None)] == ["sda1"]


def test_shares_of_processors_are_of_the_whole_step_and_unknown_without_one() -> None:
    def cpu(user: float, idle: float) -> dict[str, Found]:
        return {"": found({"cpu_busy": 99.0}, {"user": user, "idle": idle})}

    before, now = a_pass(40.0, cpu=cpu(10, 10)), a_pass(100.0, cpu=cpu(25, 55))
    (row,) = rows_of(source("cpu"), now, before)
    assert (row.component, row.values["cpu_busy"], row.values["cpu_steal"]) == ("", 25.0, None)
    assert rows_of(source("cpu"), now, None)[0].values["cpu_busy"] is None


def test_cpu_of_a_name_is_of_the_whole_step_with_those_that_have_ended() -> None:
    before = a_pass(40.0, of_name(100.0, p20=10.0, p21=10.0))
    now = a_pass(100.0, of_name(130.0, p20=16.0, p22=12.0))
    (row,) = rows_of(source("processes", "worker"), now, before)
    assert row.component == "worker"
    assert row.values["cpu_sum"] == pytest.approx(50)
    assert row.values["cpu_max"] == pytest.approx(20)
    assert row.values["count"] == 2
    again = msgspec.structs.replace(now.processes[NAME].processes[20], started=2.0)
    other = msgspec.structs.replace(now.processes[NAME], processes={20: again})
    (row,) = rows_of(source("processes", "worker"), a_pass(100.0, other), before)
    assert row.values["cpu_max"] == pytest.approx(100 * 16 / 60)  # another process, with a pid that was used before
    (first,) = rows_of(source("processes", "worker"), now, None)
    assert (first.values["cpu_sum"], first.values["cpu_max"], first.values["rss_sum"]) == (None, None, 1)


def test_a_name_without_a_process_counts_none_and_one_that_is_followed_otherwise_is_another() -> None:
    now = a_pass(100.0, of_name(0.0, State.GONE))
    (row,) = rows_of(source("processes", "worker"), now, a_pass(40.0, of_name(0.0)))
    assert (row.values["count"], row.values["cpu_sum"], row.values["cpu_max"]) == (0, 0.0, 0.0)
    other = StatusSource(id="s", template="t", interval_s=60, item="processes", only=("worker",), follow=Follow.TREE)
    assert rows_of(other, now, None) == []
