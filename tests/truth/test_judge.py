"""The judge itself: what is right passes, and each kind of error is a verdict."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.sim.facts import Alive, Fact
from collectors.sim.scenario import Ailment, Happening
from common.configs import DeviceConfig, ProcessSetConfig, SnmpConfig, SourceKind
from common.events import CLASS_PROCESS, CLASS_SNMP, Event, Severity
from tests.truth.judge import DeviceJudge, Record, Scan
from tests.truth.ledger import Ledger

AILMENTS = {
    name: Ailment(happening=Happening(every_s=1.0), by_s=1.0, one_in=5)
    for name in ("silent", "slow", "truncated", "lossy", "non_increasing")
}


def config(**changes: Any) -> DeviceConfig:
    fields: dict[str, Any] = {"required": True, "restart_severity": Severity.INFO} | changes
    return DeviceConfig(
        device="a", address="192.0.2.1", source=SourceKind.SNMP, interval_s=60, snmp=SnmpConfig(),
        process_sets=(ProcessSetConfig(id="web", title="web", order=1, include="web", name="web", **fields),),
        flap_restarts=2, flap_window_s=600,
    )  # fmt: skip


def event(key: str, severity: Severity = Severity.ERROR, component: str = "web", **more: Any) -> Event:
    kind = CLASS_PROCESS if component else CLASS_SNMP
    return Event(
        device="a", component=component, event_class=kind, event_key=key, severity=severity, summary=key, at=0.0, **more
    )


def closed(key: str, component: str = "web") -> Event:
    return event(key, Severity.CLEAR, component)


class Case:
    """Two processes of one set, 1 and 2, and a judge of what is said of them."""

    def __init__(self, **changes: Any) -> None:
        self.record = Record()
        self.ledger = Ledger({"web": [Alive(1, 0.0, 50.0), Alive(2, 0.0, 50.0)]}, -1000.0, -2000.0)
        self.judge = DeviceJudge(config(**changes), self.ledger, self.record, AILMENTS)
        self.scan(0.0)

    def fact(self, t: float, what: str, **more: Any) -> None:
        self.ledger.take(Fact(t=t, device="a", what=what, **more))

    def ended(self, t: float, *pids: int) -> None:
        for pid in pids:
            self.fact(t, "exited", program="web", pid=pid, why="dies")

    def restarted(self, t: float, old: int, new: int) -> None:
        self.fact(t, "restarted", program="web", pid=new, old_pid=old, cpu_percent=50.0)

    def scan(self, t: float, *events: Event, lasting: float = 0.0, figures: tuple[int, int] | None = None) -> None:
        own = {"web": figures} if figures is not None else None
        self.judge.cycle(Scan(begin=t, end=t + lasting, at=t, events=events, figures=own))

    def failed(self, t: float, *events: Event) -> None:
        self.judge.cycle(Scan(begin=t, end=t, at=None, events=events))

    @property
    def kinds(self) -> list[str]:
        return [verdict.kind for verdict in self.record.verdicts]


MISSING = event("process_missing")


def test_what_is_right_passes() -> None:
    case = Case()
    case.ended(10, 1, 2)
    case.scan(60, MISSING)
    case.scan(120)
    case.fact(130, "started", program="web", pid=3)
    case.scan(180, closed("process_missing"))
    case.restarted(200, 3, 4)
    case.scan(240, event("process_restarted", Severity.INFO))
    assert case.kinds == []
    assert case.record.late == {
        "process_missing": [50.0], "process_missing closed": [50.0], "process_restarted": [40.0],
    }  # fmt: skip
    assert {"first scan, up", "all gone", "up again", "restarts"} <= case.record.cases.keys()


def test_what_is_not_told_is_a_miss() -> None:
    case = Case()
    case.ended(10, 1, 2)
    case.scan(60)
    assert case.kinds == ["miss"]
    again = Case()
    again.restarted(10, 1, 9)
    again.scan(60)
    assert again.kinds == ["miss"]


def test_what_did_not_happen_is_false() -> None:
    case = Case()
    case.scan(60, MISSING)
    assert case.kinds == ["false", "miss"]  # and it ought to be closed
    again = Case()
    again.scan(60, event("process_restarted", Severity.INFO))
    again.scan(120, event("process_count"))
    assert again.kinds == ["false", "false", "miss"]


def test_what_is_told_twice_is_doubled() -> None:
    case = Case()
    case.ended(10, 1, 2)
    case.scan(60, MISSING)
    case.scan(120, MISSING)
    case.scan(180, closed("process_count"))
    assert case.kinds == ["doubled", "doubled"]


def test_figures_are_judged_where_there_are_some() -> None:
    case = Case()
    case.scan(60, figures=(2, 0))
    assert case.kinds == []
    case.scan(120, figures=(1, 0))
    case.scan(180, figures=(2, 1))
    assert case.kinds == ["wrong", "wrong", "false"]


def test_what_ends_and_begins_between_two_scans_cannot_be_seen() -> None:
    case = Case()
    case.fact(10, "started", program="web", pid=5)
    case.ended(20, 5)
    case.restarted(30, 1, 6)
    case.restarted(40, 6, 7)
    case.scan(60, event("process_restarted", Severity.INFO, count=1))
    assert case.kinds == []


@pytest.mark.parametrize("events", [(), (event("process_restarted", Severity.INFO),)])
def test_what_happens_during_a_scan_may_be_seen_or_not(events: tuple[Event, ...]) -> None:
    case = Case()
    case.restarted(65, 1, 6)
    case.scan(60, *events, lasting=10.0)
    assert case.kinds == []


def test_a_pid_used_again_is_seen_by_a_cpu_time_that_fell_and_only_by_that() -> None:
    case = Case()
    case.scan(60)
    case.restarted(70, 1, 1)
    case.scan(120)  # 25 s, less than the 30 s before: it fell
    assert case.kinds == ["miss"]
    late = Case()
    late.restarted(1, 1, 1)
    late.scan(60)  # it had used nothing when it was seen last
    assert late.kinds == []


def test_missing_is_told_after_so_many_scans_and_a_gap_before_is_a_restart() -> None:
    case = Case(confirm=3)
    case.ended(10, 1, 2)
    case.scan(60)
    case.scan(120)
    case.fact(130, "started", program="web", pid=3)
    case.scan(180)
    assert case.kinds == ["miss"]
    assert "1 to 1" in case.record.verdicts[0].text
    longer = Case(confirm=2)
    longer.ended(10, 1, 2)
    longer.scan(60, MISSING)
    assert longer.kinds == ["false", "miss"]
    longer.scan(120)
    longer.scan(180)
    assert longer.kinds == ["false", "miss"]


def test_too_many_restarts_are_one_alarm() -> None:
    case = Case()
    for number in range(3):
        case.restarted(10 + 60 * number, 1 if not number else 100 + number, 101 + number)
        told = [event("process_restarted", Severity.INFO)] + [event("process_restarting")] * (number == 2)
        case.scan(60 + 60 * number, *told)
    case.scan(240)
    assert case.kinds == []
    case.scan(1000)
    assert case.kinds == ["miss"]
    case.scan(1060, closed("process_restarting"))
    assert case.kinds == ["miss"]


def test_returns_are_a_part_of_a_stream() -> None:
    case = Case()
    for number in range(3):
        pids = (1, 2) if not number else (100 + number, 200 + number)
        case.ended(10 + 120 * number, *pids)
        case.scan(60 + 120 * number, MISSING)
        case.fact(70 + 120 * number, "started", program="web", pid=101 + number, cpu_percent=50.0)
        case.fact(70 + 120 * number, "started", program="web", pid=201 + number, cpu_percent=50.0)
        case.scan(120 + 120 * number, closed("process_missing"), *[event("process_restarting")] * (number == 2))
    assert case.kinds == []


def test_a_set_that_must_not_run_may_be_absent() -> None:
    case = Case(count_max=0)
    assert case.kinds == ["miss"]
    case.ended(10, 1, 2)
    case.scan(60, closed("process_count"))
    assert case.kinds == ["miss", "doubled"]


def test_an_agent_that_is_silent_is_one_event_and_no_set_changes() -> None:
    case = Case()
    case.fact(50, "begins", ailment="silent")
    case.ended(55, 1, 2)
    case.failed(60, event("snmp_timeout", component=""))
    case.failed(120)
    assert case.kinds == []
    case.failed(180, MISSING)
    assert case.kinds == ["false"]
    case.fact(200, "ends", ailment="silent")
    case.scan(240, closed("snmp_timeout", ""), MISSING)
    assert case.kinds == ["false"]


def test_a_silence_that_is_not_told_or_not_true_is_noted() -> None:
    case = Case()
    case.failed(60, event("snmp_timeout", component=""))
    assert case.kinds == ["false", "false"]
    again = Case()
    again.fact(50, "begins", ailment="silent")
    again.failed(60)
    again.scan(120)
    assert again.kinds == ["miss", "false"]
    wrong = Case()
    wrong.fact(50, "begins", ailment="truncated")
    wrong.failed(60, event("snmp_timeout", component=""))
    wrong.fact(70, "ends", ailment="truncated")
    wrong.scan(120)
    assert wrong.kinds == ["false", "miss"]


def test_a_table_that_ends_early_takes_nobody_away() -> None:
    case = Case()
    case.fact(50, "begins", ailment="truncated")
    case.fact(55, "started", program="web", pid=9)  # may stand in the part that is not shown
    case.scan(60, figures=(2, 0))
    assert case.kinds == []
    case.scan(120, figures=(1, 0))
    assert case.kinds == ["wrong"]
    case.scan(180, MISSING)
    assert case.kinds == ["wrong", "false", "miss"]


def test_an_agent_that_came_up_anew_is_told_once_and_its_processes_do_not_restart() -> None:
    came_up = event("agent_restarted", component="")
    case = Case()
    case.fact(50, "agent_stopped")
    case.fact(55, "agent_started")
    case.scan(60, came_up)
    case.scan(120, closed("agent_restarted", ""))
    assert case.kinds == []
    miss = Case()
    miss.fact(50, "agent_stopped")
    miss.fact(55, "agent_started")
    miss.scan(60)
    miss.scan(120, came_up)
    assert miss.kinds == ["miss", "false"]


def test_a_host_is_not_an_agent() -> None:
    for summary, kinds in (("the host was started anew", []), ("the SNMP agent was started anew", ["wrong"])):
        case = Case()
        case.fact(20, "host_stopped")
        case.fact(30, "host_started", running={"web": [Alive(8, 0.0, 1.0)]})
        said = Event(
            device="a", event_class=CLASS_SNMP, event_key="agent_restarted", severity=Severity.WARNING,
            summary=summary, at=0.0,
        )  # fmt: skip
        case.scan(60, said)
        assert case.kinds == kinds


def test_a_daemon_that_was_killed_knows_older_cpu_times() -> None:
    case = Case()
    case.scan(60)
    case.restarted(70, 1, 1)
    case.judge.daemon_restarted()
    case.scan(120)
    assert case.kinds == []
