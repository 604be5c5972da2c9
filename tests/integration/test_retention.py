"""Plans, orphans and purging against the real hub and the real collector."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import Stack, Watched, running_stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400), pytest.mark.xdist_group("retention")]

LOCAL = "kind: Device\nid: {0}\nclass: /Server/Linux\nproperties: {{source: local, interval_s: 1}}\n"
OWN_WORD = f"kept-{uuid.uuid4().hex[:10]}"
SETS = f"""
kind: ProcessSet
id: kept-own
order: 1
include: '^{OWN_WORD} '
---
kind: ProcessSet
id: kept-others
order: 2
include: '.'
exclude: ''
"""
"""All that runs on this machine is in one of the two, so that whatever comes and goes meanwhile makes no other set."""
PLAN = "kind: RetentionPlan\nid: hours\nfull_days: 0.25\narchives: [{every_s: 60, days: 2}]\n"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with (
        contextlib.closing(Watched()) as watched,
        running_stack("--host-name", "thishost", "--interval", "1") as running,
    ):
        watched.start(OWN_WORD)
        running.apply(f"{PLAN}---\nkind: DeviceClass\nid: /Server\nproperties: {{retention: hours}}\n---{SETS}")
        yield running


def planned(stack: Stack, device: str) -> dict[str, Any]:
    (row,) = stack.json("data", "plan", device, "--devices")["devices"]
    return dict(row)


def has_files(stack: Stack, device: str) -> dict[str, Any]:
    """What is planned of a device, once it is modelled and has a file of each set."""
    row = planned(stack, device)
    return row if row["modelled"] and row["held_files"] == row["sets"] else {}


def files(stack: Stack) -> set[Path]:
    return set((stack.data / "process" / "rrd").glob("*/*/*.rrd"))


def test_files_are_as_large_as_it_was_told_before_there_were_any(stack: Stack) -> None:
    (plan,) = stack.json("data", "plan", "hours", "--step", "1s", "--points", "19", "--files", "100")["plans"]
    assert plan["fleet_bytes"] == 100 * plan["file_bytes"]
    stack.apply(LOCAL.format("web1"))
    row = wait_for("its files are there", lambda: has_files(stack, "web1"))
    assert (row["plan"], row["step_s"], row["modelled"], row["sets"]) == ("hours", 1, True, 2)
    # No daemon is here that would read the sources of templates.
    assert row["held_bytes"] == row["bytes"] - row["source_bytes"] == row["sets"] * row["file_bytes"]
    if row["points"] == 19:
        assert row["file_bytes"] == plan["file_bytes"]


def test_what_a_device_left_behind_goes_by_host_after_its_time(stack: Stack) -> None:
    before = files(stack)
    stack.apply(LOCAL.format("web10") + "---\n" + LOCAL.format("web"))
    for device in ("web10", "web"):
        wait_for(f"{device} has files", partial(has_files, stack, device))
    done = stack.tocsin("data", "purge", "web", "--yes", check=False)
    assert (done.returncode, "web is kept: it is in the model" in done.stderr) == (1, True)
    stack.tocsin("device", "remove", "web", "--wait")
    stack.tocsin("device", "remove", "web10", "--wait")
    orphans = stack.json("data", "orphans")["orphans"]
    assert [(one["reason"], one["device"]) for one in orphans] == [("left", "web"), ("left", "web10")]
    done = stack.tocsin("data", "purge", "web", check=False)
    assert (done.returncode, "it may be purged from" in done.stderr) == (1, True)
    others = {one["device"]: one for one in orphans}
    dry = stack.json("data", "purge", "web", "--grace", "0d", "--dry-run")
    assert [(one["files"], one["bytes"]) for one in dry["purged"]] == [(others["web"]["files"], others["web"]["bytes"])]
    gone = json.loads(stack.tocsin("data", "purge", "web", "--grace", "0d", "--yes", "--json").stdout)
    assert gone["purged"] == dry["purged"]
    (left,) = stack.json("data", "orphans")["orphans"]
    assert (left["device"], left["files"]) == ("web10", others["web10"]["files"])
    assert stack.json("data", "purge", "web", "--grace", "0d")["purged"] == []
    stack.tocsin("data", "purge", "--grace", "0d", "--yes")
    assert stack.json("data", "orphans")["orphans"] == []
    assert before <= files(stack)
    logs = "".join(path.read_text() for path in stack.data.glob("*/*.log"))
    assert "purged web at local" in logs
    assert "purged web: " in logs
