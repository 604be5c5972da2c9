"""Members of a pool stand in for each other: killed, or cut off and alive; nothing is read twice, no alarm is lost."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.pools import FAILOVER_S, INTERVAL_S, PoolStack, document
from tests.integration.stack import Watched, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

DEVICES = 12
WITHIN_S = 120
"""For each step: far more than it takes."""
MOVED_S = FAILOVER_S + WITHIN_S


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    yield made
    made.close()


@pytest.fixture
def stack() -> Iterator[PoolStack]:
    with tempfile.TemporaryDirectory(prefix="tocsin-test-") as folder:
        made = PoolStack(Path(folder))
        try:
            made.start()
            yield made
        finally:
            made.stop()


def begin(stack: PoolStack, name: str) -> tuple[dict[str, str], list[str]]:
    """Apply the model; tell who has what, and what c2 has."""
    stack.apply(document(name, DEVICES))
    owners = stack.owners()
    lost = [device for device, owner in owners.items() if owner == "c2"]
    assert lost
    assert set(owners.values()) == {"c1", "c2", "c3"}
    return owners, lost


def open_alarms(stack: PoolStack, name: str) -> dict[str, int]:
    """The open alarm of each device, which is one at most."""
    rows = list(stack.ask(f"events?component={name}&limit=1000")["events"])
    assert {row["event_key"] for row in rows} <= {"process_missing"}
    assert len({row["device"] for row in rows}) == len(rows), rows
    return {row["device"]: row["id"] for row in rows}


def test_a_member_that_is_killed_is_stood_in_for_and_no_alarm_is_lost_or_doubled(
    stack: PoolStack, watched: Watched
) -> None:
    name = f"pool-{uuid.uuid4().hex[:10]}"
    process = watched.start(name)
    before, lost = begin(stack, name)
    wait_for("all have been read", lambda: not open_alarms(stack, name) and stack.settled(), WITHIN_S)
    watched.kill(process)
    alarms = wait_for("all ring", lambda: len(found := open_alarms(stack, name)) == DEVICES and found, WITHIN_S)

    stack.kill("c2")
    wait_for("its devices are with others", lambda: stack.states()["c2"] == "absent", MOVED_S)
    wait_for("they run there", stack.settled, WITHIN_S)
    owners = stack.owners()
    assert {device for device in before if owners[device] != before[device]} == set(lost)
    time.sleep(4 * INTERVAL_S)  # they have been read there by now, and said what is missing
    assert open_alarms(stack, name) == alarms, "each is the alarm that it was"
    absence = stack.ask("events?device=c2&component=eu")["events"]
    assert [row["severity_name"] for row in absence] == ["warning"]
    assert "c2 is away since" in absence[0]["summary"]
    assert "c2 is away for" in stack.tocsin("status").stdout

    process = watched.start(name)
    wait_for("who stands in says that it is over", lambda: not open_alarms(stack, name), WITHIN_S)
    stack.collector("c2")
    wait_for("all have what they had", lambda: stack.owners() == before and stack.settled(), WITHIN_S)
    watched.kill(process)
    again = wait_for("all ring again", lambda: len(found := open_alarms(stack, name)) == DEVICES and found, WITHIN_S)
    assert not set(again.values()) & set(alarms.values())
    assert stack.ask("events?device=c2&component=eu")["events"] == []
    moves = stack.json("pool", "show", "eu")["moves"]
    assert sum(move["devices"] for move in moves) == 2 * len(lost)
    assert {move["why"] for move in moves if move["to"] == "c2"} == {"c2 is back"}


def test_a_member_that_is_cut_off_and_lives_never_collects_beside_who_stands_in(
    stack: PoolStack, watched: Watched
) -> None:
    name = f"pool-{uuid.uuid4().hex[:10]}"
    watched.start(name)
    before, lost = begin(stack, name)
    wait_for("all have been read", lambda: all(stack.times(device, name) for device in lost), WITHIN_S)
    assert stack.tunnel is not None
    stack.tunnel.silence()
    cut_at = time.time()
    not_yet = cut_at

    def absent() -> bool:
        nonlocal not_yet
        now = time.time()
        found = stack.states()["c2"] == "absent"
        not_yet = not_yet if found else now
        return found

    wait_for("others have its devices", absent, MOVED_S)
    wait_for("they are read there", lambda: all(stack.times(device, name) for device in lost), WITHIN_S)
    first = {device: stack.times(device, name)[0] for device in lost}
    time.sleep(3 * INTERVAL_S)  # whoever had not stopped would go on

    healed_at = time.time()
    stack.tunnel.heal()
    wait_for("all have what they had", lambda: stack.owners() == before and stack.settled(), WITHIN_S)
    back_at = time.time()
    wait_for("they are read again", lambda: all(stack.times(device, name)[-1] > back_at for device in lost), WITHIN_S)
    last = {device: max(at for at in stack.times(device, name) if at < healed_at) for device in lost}
    for device in lost:
        assert last[device] > cut_at + 5, "it went on for the time of its lease"
        assert last[device] <= first[device] + INTERVAL_S, f"{device} was collected by both"
        assert first[device] >= not_yet - INTERVAL_S
    moves = stack.json("pool", "show", "eu")["moves"]
    assert sum(move["devices"] for move in moves) == 2 * len(lost)
