"""The main job, as a user would try it: real daemons, a real snmpd, real processes that are killed and come back."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import mean
from typing import Any

import psutil
import pytest

from tests.integration.snmpd import COMMUNITY, snmpd
from tests.integration.stack import Stack, Watched, running_stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.xdist_group("stack")]

DEVICE = "thishost"
INTERVAL_S = 1
MEASURE_S = 30
STEP_S = 2
LATE_S = 5
"""So old a figure of an agent may be: a step, what it keeps, and a scan that was late."""
PROCESS_CACHE_S = "1.3.6.1.4.1.8072.1.5.3.1.2.1.3.6.1.2.1.25.4.2"
"""nsCacheTimeout of hrSWRunTable: net-snmp serves the table from a cache of 30 s unless told otherwise."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("--host-name", DEVICE, "--interval", str(INTERVAL_S)) as running:
        yield running


@pytest.fixture
def watched() -> Iterator[Watched]:
    processes = Watched()
    yield processes
    processes.close()


def definition(name: str, **fields: Any) -> str:
    """A process set document for processes whose command line begins with a name."""
    lines = "".join(f"{key}: {value}\n" for key, value in fields.items())
    return f"kind: ProcessSet\nid: {name}\ntitle: {name}\ninclude: '^{name} '\n{lines}---\n"


def fresh() -> str:
    """A name that no other test uses."""
    return f"e2e-{uuid.uuid4().hex[:10]}"


def open_events(stack: Stack, component: str) -> list[dict[str, Any]]:
    return stack.events(device=DEVICE, component=component, state="open")


def all_events(stack: Stack, component: str) -> list[dict[str, Any]]:
    return stack.events(device=DEVICE, component=component, state="new,acknowledged,closed,aged")


def test_a_killed_process_rings_and_its_return_closes_the_event(stack: Stack, watched: Watched) -> None:
    name = fresh()
    process = watched.start(name)
    stack.apply(definition(name))
    up = wait_for("the set is up", lambda: stack.sets(DEVICE).get(name))
    assert up["state"] == "up"
    assert up["pids"] == [process.pid]

    watched.kill(process)
    event = wait_for("process_missing", lambda: open_events(stack, name))[0]
    assert event["event_key"] == "process_missing"
    assert event["severity_name"] == "error"
    assert name in event["summary"]

    watched.start(name)
    wait_for("the event closes", lambda: not open_events(stack, name))
    (closed,) = all_events(stack, name)
    assert closed["state"] == "closed"
    assert closed["count"] == 1


def test_what_an_operator_closes_or_opens_again_is_set_right_by_the_next_scan(stack: Stack, watched: Watched) -> None:
    name = fresh()
    process = watched.start(name)
    stack.apply(definition(name))
    wait_for("the set is up", lambda: stack.sets(DEVICE).get(name))
    watched.kill(process)
    first = wait_for("process_missing", lambda: open_events(stack, name))[0]

    stack.tocsin("events", "close", str(first["id"]))
    again = wait_for("it rings again", lambda: open_events(stack, name))[0]
    assert again["id"] != first["id"]

    watched.start(name)
    wait_for("it closes", lambda: not open_events(stack, name))
    stack.tocsin("events", "reopen", str(again["id"]))
    wait_for("it closes once more", lambda: not open_events(stack, name))
    assert [event["count"] for event in all_events(stack, name)] == [1, 1]


def test_a_pool_that_shrinks_and_grows_rings_nothing(stack: Stack, watched: Watched) -> None:
    name = fresh()
    pool = [watched.start(name) for _ in range(3)]
    stack.apply(definition(name, restart_severity="warning"))
    wait_for("three are up", lambda: stack.sets(DEVICE).get(name, {}).get("count") == 3)
    watched.kill(pool[0])
    wait_for("two are left", lambda: stack.sets(DEVICE)[name]["count"] == 2)
    time.sleep(INTERVAL_S)  # within an interval it would be a restart
    watched.start(name)
    watched.start(name)
    wait_for("four are up", lambda: stack.sets(DEVICE)[name]["count"] == 4)
    assert all_events(stack, name) == []
    assert stack.sets(DEVICE)[name]["restarts"] == 0


def test_a_supervisor_that_is_faster_gives_a_restart(stack: Stack, watched: Watched) -> None:
    name = fresh()
    first = watched.start(name)
    stack.apply(definition(name, restart_severity="warning"))
    wait_for("it is up", lambda: stack.sets(DEVICE).get(name))
    with stack.between_scans(DEVICE):
        watched.start(name)
        watched.kill(first)
    wait_for("one restart", lambda: stack.sets(DEVICE)[name]["restarts"] == 1)
    events = wait_for("its event", lambda: open_events(stack, name))
    assert [event["event_key"] for event in events] == ["process_restarted"]


def test_a_device_that_speaks_snmp_is_live_at_once_and_its_series_agree_with_psutil(
    stack: Stack, watched: Watched
) -> None:
    name = fresh()
    process = watched.start_busy(name, 64_000_000)
    real = psutil.Process(process.pid)
    with snmpd("rwcommunity writer 127.0.0.1") as agent:
        set_agent(f"127.0.0.1:{agent.port}", PROCESS_CACHE_S, "1")
        stack.apply(definition(name))
        begun = time.monotonic()
        add_device(stack, "box", agent.port, COMMUNITY, f"interval_s={STEP_S}")
        assert time.monotonic() - begun < 20  # not by a time-out; benchmarks tell how fast
        seen = wait_for("the first table", lambda: stack.sets("box").get(name))
        assert seen["pids"] == [process.pid]
        wait_for("a first CPU figure", lambda: last_value(stack, "box", name, "cpu"))

        used = used_over(real, MEASURE_S)
        cpu = rows_of(stack, "box", name, "cpu", used[0][0] + LATE_S, used[-1][0])
        memory = rows_of(stack, "box", name, "memory", used[0][0] + LATE_S, used[-1][0])
        # A figure is of a moment ago, and how busy a process is depends on what else the machine does.
        shares = [share_of(used, [at - late_s for at in cpu]) for late_s in range(LATE_S + 1)]
        assert 0.95 * min(shares) <= mean(cpu.values()) <= 1.05 * max(shares)
        assert mean(memory.values()) == pytest.approx(real.memory_info().rss, rel=0.05)
    wait_for("the silent device rings", lambda: "snmp_timeout" in open_keys(stack, "box"))
    assert stack.sets("box")[name]["state"] == "unknown"
    stack.tocsin("device", "remove", "box", "--wait")


def evidence_of(stack: Stack, device: str, component: str, key: str) -> dict[str, Any]:
    """The evidence of the open event of that key, as `tocsin events show` tells it."""

    def found() -> list[dict[str, Any]]:
        events = stack.events(device=device, component=component, state="open")
        return [event for event in events if event["event_key"] == key]

    (event,) = wait_for(f"{key} of {device}", found)
    shown = stack.json("events", "show", str(event["id"]))
    assert shown["evidence_problem"] == ""
    evidence: dict[str, Any] = shown["evidence"]
    return evidence


def of_set(evidence: dict[str, Any], name: str) -> dict[str, Any]:
    """What is told of one set; those of whatever else runs here may have changed in the same scan."""
    (found,) = (one for one in evidence["sets"] if one["set"] == name)
    return dict(found)


def test_events_show_what_was_there_and_a_set_that_runs_twice_rings(stack: Stack, watched: Watched) -> None:
    name = fresh()
    first = watched.start(name)
    with snmpd("rwcommunity writer 127.0.0.1") as agent:
        set_agent(f"127.0.0.1:{agent.port}", PROCESS_CACHE_S, "1")
        stack.apply(definition(name, instances="{max: 1}"))
        add_device(stack, "ebox", agent.port, COMMUNITY, "interval_s=2")
        for device in (DEVICE, "ebox"):
            wait_for("the set is up", lambda device=device: stack.sets(device).get(name))  # type: ignore[misc]
        second = watched.start(name)
        twice = evidence_of(stack, DEVICE, name, "process_twice")
        assert {row["pid"] for row in of_set(twice, name)["now"]} == {first.pid, second.pid}
        watched.kill(first)
        watched.kill(second)
        for device in (DEVICE, "ebox"):
            gone = evidence_of(stack, device, name, "process_missing")
            those = of_set(gone, name)
            assert {row["pid"] for row in those["before"]} & {first.pid, second.pid}
            assert all(row["gone"] for row in those["before"])
            assert those["now"] == []
            assert len(gone["by_memory"]) == 10
            assert len(gone["host"]["load"]) == 3
            assert gone["host"]["memory_bytes"] > gone["host"]["available_bytes"] > 0
        keys = {event["event_key"] for event in stack.events(device="ebox", component=name, state="new,closed")}
        assert keys == {"process_missing"}  # an agent tells of no parents
    stack.tocsin("device", "remove", "ebox", "--wait")
    id_ = all_events(stack, name)[0]["id"]
    assert "What was there" in stack.tocsin("events", "show", str(id_)).stdout


def open_keys(stack: Stack, device: str) -> set[str]:
    return {event["event_key"] for event in stack.events(device=device, state="open")}


def set_agent(address: str, oid: str, value: str) -> None:
    subprocess.run(["snmpset", "-v2c", "-c", "writer", address, oid, "i", value], check=True, capture_output=True)


def add_device(stack: Stack, name: str, port: int, community: str, *settings: str) -> None:
    options = [part for setting in (f"snmp_port={port}", *settings) for part in ("--set", setting)]
    stack.tocsin(
        *("device", "add", name, "--address", "127.0.0.1", "--set", "snmp_community=-", *options, "--wait"),
        stdin=community + "\n",
    )


def used_over(process: psutil.Process, seconds: float) -> list[tuple[float, float]]:
    """Epoch seconds, and how many seconds of a CPU a process has used until then, over some time."""
    end = time.time() + seconds
    found: list[tuple[float, float]] = []
    while not found or found[-1][0] < end:
        times = process.cpu_times()
        found.append((time.time(), times.user + times.system))
        time.sleep(0.1)
    return found


def share_of(used: list[tuple[float, float]], ends: list[float]) -> float:
    """Percent of a CPU that were used in steps that end at these epoch seconds."""
    stamps = [at for at, _ in used]

    def by(at: float) -> float:
        place = min(max(bisect(stamps, at), 1), len(used) - 1)
        (before, first), (after, second) = used[place - 1], used[place]
        return first + (second - first) * (at - before) / (after - before)

    return mean(100 * (by(end) - by(end - STEP_S)) / STEP_S for end in ends)


def rows_of(stack: Stack, device: str, component: str, point: str, start: float, end: float) -> dict[float, float]:
    """The rows that lie wholly within a time, by their ends."""
    fetched = stack.json("data", "fetch", device, component, point, "--range", f"{iso(start)}..{iso(end)}")
    (series,) = fetched["series"] if isinstance(fetched, dict) else fetched
    assert series["step_s"] == STEP_S
    values = {seconds(at): value for at, value in series["rows"] if value is not None}
    values = {at: value for at, value in values.items() if start + STEP_S <= at <= end}
    assert len(values) >= (end - start) / STEP_S / 2, series
    return values


def seconds(at: float | str) -> float:
    """Epoch seconds of a stamp of the API."""
    return datetime.fromisoformat(at).timestamp() if isinstance(at, str) else float(at)


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def last_value(stack: Stack, device: str, component: str, point: str) -> float | None:
    done = stack.tocsin("data", "last", device, component, "--json", check=False)
    values = json.loads(done.stdout).get("values", [])  # none before the first sample
    return next((value["value"] for value in values if value["point"] == point), None)


def test_nothing_is_lost_or_doubled_when_hub_and_collector_are_killed_in_a_stream_of_events(
    stack: Stack, watched: Watched
) -> None:
    names = [fresh() for _ in range(24)]
    processes = {name: watched.start(name) for name in names}
    stack.apply("".join(definition(name) for name in names))
    wait_for("all are up", lambda: set(names) <= set(stack.sets(DEVICE)))
    for number, name in enumerate(names):
        watched.kill(processes[name])
        if number in {6, 18}:
            stack.kill_daemon("hub")
        if number == 12:
            stack.kill_daemon("process")
        time.sleep(0.4)
    wait_for("the hub is back", stack.ready, 120)

    def missing() -> bool:
        found = {event["component"]: event for event in stack.events(device=DEVICE, limit="500")}
        return all(name in found for name in names)

    wait_for("every set is reported", missing)
    for name in names:
        (event,) = all_events(stack, name)
        assert (event["event_key"], event["count"]) == ("process_missing", 1), event
