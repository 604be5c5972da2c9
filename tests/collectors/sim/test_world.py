"""What happens to a fleet is the same for the same seed, and is all told."""

from __future__ import annotations

import pytest

from collectors.framework.snmp import messages
from collectors.framework.snmp.interfaces import Oid
from collectors.framework.snmp.messages import PduType
from collectors.sim import oids
from collectors.sim.facts import Fact
from collectors.sim.host import Host
from collectors.sim.processes import cpu_cs
from collectors.sim.world import World
from common.errors import SettingsError
from tests.collectors.sim.worlds import COMMUNITY, RESTLESS, responder, scenario, world

HOUR_S = 3600.0


def test_the_same_seed_gives_the_same_happenings_in_any_steps() -> None:
    at_once = world(RESTLESS, devices=5).advance(HOUR_S)
    again = world(RESTLESS, devices=5)
    in_steps = [fact for second in range(1, 3601) for fact in again.advance(float(second))]
    assert len(at_once) > 500
    assert in_steps == at_once
    assert [fact.t for fact in at_once] == sorted(fact.t for fact in at_once)


def test_another_seed_gives_others_and_more_devices_leave_the_first_as_they_are() -> None:
    one = world(RESTLESS, devices=2).advance(HOUR_S)
    assert world(RESTLESS, devices=2, seed=8).advance(HOUR_S) != one
    more = world(RESTLESS, devices=4).advance(HOUR_S)
    assert [fact for fact in more if fact.device in {"sim0001", "sim0002"}] == one


def kept(pids: dict[str, set[int]], facts: list[Fact]) -> dict[str, set[int]]:
    """What runs by what was told."""
    for fact in facts:
        if fact.what == "started":
            pids[fact.program].add(fact.pid or 0)
        elif fact.what == "exited":
            pids[fact.program].remove(fact.pid or 0)
        elif fact.what == "restarted":
            pids[fact.program].remove(fact.old_pid or 0)
            pids[fact.program].add(fact.pid or 0)
        elif fact.what == "host_stopped":
            pids = {name: set() for name in pids}
        elif fact.running is not None:
            pids |= {name: {alive.pid for alive in alive_ones} for name, alive_ones in fact.running.items()}
    return pids


def running(host: Host) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {"web": set(), "old": set(), "db": set(), "mail": set(), "leaky": set()}
    for process in host.processes.values():
        if process.name in found:
            found[process.name].add(process.pid)
    return found


def test_who_follows_the_truth_knows_what_runs() -> None:
    made = world(RESTLESS, devices=1)
    (host,) = made.hosts
    pids = running(host)
    seen = set()
    for minute in range(1, 120):
        facts = made.advance(60.0 * minute)
        seen |= {(fact.what, fact.why) for fact in facts}
        pids = kept(pids, facts)
        assert pids == running(host)
        assert host.pids == sorted(host.processes)
    assert seen >= {
        ("restarted", "restarts"), ("restarted", "flaps"), ("exited", "dies"), ("started", "dies"), ("exited", "stops"),
        ("started", "stops"), ("started", "churns"), ("exited", "churns"), ("host_stopped", ""), ("host_started", ""),
        ("agent_stopped", ""), ("agent_started", ""), ("begins", ""), ("ends", ""),
    }  # fmt: skip


def test_a_zombie_stays_in_the_table_until_its_time_is_over_and_is_told_as_ended() -> None:
    made = world("programs: [{name: undead, path: /undead, cpu: 50%, zombies: {every: 1m, for: 20s}}]")
    (host,) = made.hosts
    facts = made.advance(HOUR_S)
    ended = [fact for fact in facts if fact.what == "exited"]
    begun = [fact for fact in facts if fact.what == "started"]
    assert len(ended) > 10
    assert {fact.why for fact in facts} == {"zombies"}
    assert [b.t - e.t for e, b in zip(ended, begun, strict=False)] == pytest.approx([20.0] * len(begun), abs=0.01)
    made = world("programs: [{name: undead, path: /undead, cpu: 50%, zombies: {every: 1m, for: 20s}}]")
    (host,) = made.hosts
    made.advance(ended[0].t + 0.001)
    zombie = host.processes[ended[0].pid or 0]
    assert zombie.zombie
    assert zombie.pid in host.pids
    assert host.counts() == {"undead": 0}
    assert cpu_cs(zombie, ended[0].t + 10) == cpu_cs(zombie, ended[0].t) > 0
    asked = request(1, 1, PduType.GET, (*oids.COLUMNS[oids.STATUS], zombie.pid))
    answer = responder().answer(host, asked, ended[0].t + 0.001)
    assert answer is not None
    assert messages.decode_varbinds(messages.decode_message(answer)[2])[0][2] == oids.INVALID
    made.advance(begun[0].t + 0.001)
    assert zombie.pid not in host.pids
    assert host.counts() == {"undead": 1}


def request(version: int, number: int, kind: PduType, oid: Oid) -> bytes:
    pdu = messages.encode_pdu(kind, number, 0, 0, messages.ask_for_all([oid]))
    return messages.encode_message(version, COMMUNITY.encode(), pdu)


def test_a_restart_with_the_same_pid_is_told_as_one() -> None:
    facts = world(RESTLESS, devices=3).advance(HOUR_S)
    old = [fact for fact in facts if fact.program == "old" and fact.what == "restarted"]
    assert old
    assert all(fact.pid == fact.old_pid for fact in old)
    assert all(fact.pid != fact.old_pid for fact in facts if fact.program == "web" and fact.what == "restarted")


def test_a_reboot_begins_everything_anew() -> None:
    made = world("agents: {reboots: {every: 1ms, for: 40s}}")
    (host,) = made.hosts
    made.advance(1.0)
    assert host.deaf
    assert host.pids == []
    facts = made.advance(60.0)
    assert [fact.what for fact in facts][:1] == ["host_started"]
    started = facts[0].t
    assert host.agent_since == pytest.approx(started, abs=0.01) or host.deaf


def test_an_agent_that_restarts_loses_its_uptime_and_not_its_processes() -> None:
    made = world("agents: {restarts: {every: 1h, for: 5s}}")
    (host,) = made.hosts
    before = list(host.pids), host.host_since
    facts = made.advance(10 * HOUR_S)
    stopped = [fact.t for fact in facts if fact.what == "agent_stopped"]
    started = [fact.t for fact in facts if fact.what == "agent_started"]
    assert started
    assert [round(b - a, 3) for a, b in zip(stopped, started, strict=False)] == pytest.approx(
        [5.0] * len(started), abs=0.01
    )
    assert (host.pids, host.host_since) == before
    assert host.agent_since == pytest.approx(started[-1], abs=0.01)


def test_tables_are_as_long_as_asked_for_and_part_of_the_devices_has_a_program() -> None:
    made = world("programs: [{name: some, path: /some, on: 30%}]", devices=300, processes=25)
    assert {len(host.pids) for host in made.hosts} == {25}
    having = sum("some" in host.counts() for host in made.hosts)
    assert 50 < having < 130
    names = [host.name for host in made.hosts]
    assert names[0] == "sim0001"
    assert len(set(names)) == 300


def test_a_scenario_that_needs_more_processes_than_there_shall_be_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"up to 7 processes .* make that 7 or more"):
        World(scenario("programs: [{name: a, count: [1, 5]}]"), 1, 6, 1)


def test_pids_are_free_ones_also_when_they_come_round() -> None:
    made = world("programs: [{name: a, path: /a, count: 5, restarts: {every: 1s}}]", processes=60)
    (host,) = made.hosts
    for step in range(1, 20):
        made.advance(step * 300.0)
        assert len(host.pids) == len(set(host.pids)) == 60
    assert any(pid > 300 for pid in host.pids)
