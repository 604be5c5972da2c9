"""What a daemon and a fleet have written becomes cycles, and is judged."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from collectors.sim.facts import Alive, Fact, TruthFile
from collectors.sim.visits import Visit
from common.events import CLASS_PROCESS, CLASS_SNMP, Event, Severity
from tests.truth.evidence import judge_fleet, read_cycles, read_truth
from tests.truth.test_judge import AILMENTS, config

BEGAN = 1_800_000_000.0


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    file = TruthFile(tmp_path / "truth", BEGAN)
    running = {"web": [Alive(1, 0.0, 0.0), Alive(2, 0.0, 0.0)]}
    about = {"address": "127.0.0.1", "port": 1, "agent_since": -100.0, "host_since": -200.0, "running": running}
    file.begin([{"what": "fleet"}, {"what": "device", "device": "a"} | about])
    file.write(Fact(t=30.0, device="a", what="exited", program="web", pid=pid, why="dies") for pid in (1, 2))
    file.write([Fact(t=170.0, device="a", what="begins", ailment="silent")])
    file.close()
    return tmp_path / "truth"


def visits(folder: Path, *spans: tuple[float, float]) -> Path:
    lines = [Visit(device="a", t=t, until=until, at=BEGAN + t, requests=3) for t, until in spans]
    (folder / "visits").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in lines))
    return folder / "visits"


def said(t: float, key: str, kind: str = CLASS_PROCESS) -> Event:
    component = "web" if kind == CLASS_PROCESS else ""
    return Event(
        device="a", component=component, event_class=kind, event_key=key, severity=Severity.ERROR, summary=key,
        at=BEGAN + t,
    )  # fmt: skip


def test_readings_that_follow_at_once_are_one_cycle(tmp_path: Path) -> None:
    file = visits(tmp_path, (60.0, 60.2), (0.0, 0.5), (1.2, 1.9), (61.9, 62.0))
    assert read_cycles(file, timeout_s=1.0) == {"a": [(0.0, 1.9), (60.0, 60.2), (61.9, 62.0)]}


def test_a_last_line_that_is_cut_short_is_left_out(truth: Path) -> None:
    whole = read_truth(truth)
    truth.write_bytes(truth.read_bytes()[:-5])
    cut = read_truth(truth)
    assert (whole.began, len(whole.facts["a"]), len(cut.facts["a"])) == (BEGAN, 3, 2)


@pytest.mark.parametrize(
    ("events", "kinds"),
    [
        ([said(60.4, "process_missing"), said(185.0, "snmp_timeout", CLASS_SNMP)], []),
        ([said(185.0, "snmp_timeout", CLASS_SNMP)], ["miss", "miss"]),
        ([said(60.4, "process_missing"), said(60.4, "process_missing")], ["doubled", "false"]),
        ([said(0.1, "process_missing"), said(185.0, "snmp_timeout", CLASS_SNMP)], ["false", "miss"]),
    ],
    ids=["right", "missed", "twice, and silence believed", "too soon"],
)
def test_events_are_judged_by_the_cycle_that_they_belong_to(
    tmp_path: Path, truth: Path, events: list[Event], kinds: list[str]
) -> None:
    cycles = read_cycles(visits(tmp_path, (0.0, 0.2), (60.0, 60.3), (120.0, 120.3), (180.0, 184.0)), 1.0)
    record, judges = judge_fleet(read_truth(truth), cycles, events, [config()], AILMENTS, until=240.0)
    assert [verdict.kind for verdict in record.verdicts] == kinds, [str(verdict) for verdict in record.verdicts]
    assert set(judges) == {"a"}
    assert json.loads(truth.read_text().splitlines()[0])["what"] == "fleet"


def test_a_cycle_that_was_cut_off_is_told_when_the_next_one_has_begun(tmp_path: Path, truth: Path) -> None:
    facts = read_truth(truth)
    facts.facts["a"] = [Fact(t=50.0, device="a", what="begins", ailment="slow"), *facts.facts["a"][:2]]
    facts.facts["a"].append(Fact(t=110.0, device="a", what="ends", ailment="slow"))
    cycles = read_cycles(visits(tmp_path, (0.0, 0.2), (60.0, 114.0), (120.0, 120.3)), 1.0)
    events = [said(120.01, "task_failed", CLASS_SNMP), said(120.3, "process_missing")]
    events.append(msgspec.structs.replace(events[0], severity=Severity.CLEAR, at=BEGAN + 120.3))
    record, _ = judge_fleet(facts, cycles, events, [config()], AILMENTS, until=240.0)
    assert record.verdicts == []


def test_what_began_after_the_end_is_not_judged(tmp_path: Path, truth: Path) -> None:
    cycles = read_cycles(visits(tmp_path, (0.0, 0.2), (60.0, 60.3)), 1.0)
    record, _ = judge_fleet(read_truth(truth), cycles, [], [config()], AILMENTS, until=30.0)
    assert record.verdicts == []
