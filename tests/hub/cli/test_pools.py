"""`tocsin pool`: who stands in for whom."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.fakes.api import FakeApi, iso
from tests.hub.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("still")


def member(name: str, state: str, devices: int = 0, **times: float | None) -> dict[str, Any]:
    told = {key: None if at is None else iso(time.time() + at) for key, at in times.items()}
    return {"id": name, "state": state, "since": None, "until": None, "devices": devices, **told}


def eu(*members: dict[str, Any], **fields: Any) -> dict[str, Any]:
    devices = sum(one["devices"] for one in members)
    pool = {"id": "eu", "title": "Europe", "failover_after_s": 90, "when_alone": "stop", "devices": devices}
    return {**pool, "members": list(members), **fields}


def test_where_there_is_no_pool_it_is_said_how_to_make_one(run: Run) -> None:
    done = run("pool", "list")
    assert (done.code, done.out) == (0, "")
    assert "No pool. A document `kind: Pool`" in done.err
    assert run("pool", "list", "--json").json == {"pools": []}


def test_pools_are_listed_with_those_that_are_not_there(run: Run, fake: FakeApi) -> None:
    fake.state.pools = [
        eu(member("c1", "present", 40), member("c2", "away", 35, since=-20, until=70.5), member("c3", "unknown"))
    ]
    lines = run("pool", "list").out.splitlines()
    assert lines[0].lower().split() == ["pool", "title", "present", "members", "devices", "failover", "after", "alone"]
    assert lines[1].split() == ["eu", "Europe", "1", "of", "3", "c1,", "c2,", "c3", "75", "1m", "30s", "stop"]
    assert lines[2] == "eu: c2 is away for 20s; others take over in 1m 10s"
    assert lines[3] == "eu: c3 has never logged in; it has devices when it has logged in"


def test_a_pool_is_shown_with_members_and_moves(run: Run, fake: FakeApi) -> None:
    fake.state.pools = [
        eu(member("c1", "present", 75), member("c2", "absent", since=-700), member("c3", "returning", until=5.5))
    ]
    fake.state.moves = [
        {"at": iso(time.time() - 600), "from": "c2", "to": "c1", "devices": 35, "why": "c2 is away since 12:00"}
    ]
    done = run("pool", "show", "eu")
    assert done.code == 0
    text = " ".join(done.out.split())
    assert "failover after 1m 30s when alone stop: a member that does not hear the hub stops after that time" in text
    assert "c2 ✖ absent 11m 40s 0 has its devices back when it is connected again" in text
    assert "c3 ↻ returning - 0 has its devices back in 5s" in text.replace("–", "-").replace("—", "-")
    assert "35 c2 c1 c2 is away since 12:00" in text
    assert run("pool", "show", "eu", "--json").json["moves"][0]["devices"] == 35
    without = run("pool", "show", "eu", "--limit", "0").out
    assert "c2" in without
    assert "moved" not in without


def test_a_pool_in_which_nothing_happened(run: Run, fake: FakeApi) -> None:
    fake.state.pools = [eu(member("c1", "away", 3, since=-500), title="")]
    done = run("pool", "show", "eu")
    assert "No device has moved between its members" in done.out
    assert "nobody can take over" in done.out
    assert "nobody stands in" in done.out
    assert "title" not in done.out


def test_a_pool_that_is_not_there(run: Run) -> None:
    done = run("pool", "show", "nowhere")
    assert (done.code, done.out) == (3, "")
    assert "there is no pool 'nowhere'" in done.err


def test_status_names_members_whose_devices_others_have(run: Run, fake: FakeApi) -> None:
    assert "pool" not in run("status").out
    fake.state.absent_members = [{"pool": "eu", "collector": "c2", "since": iso(time.time() - 700)}]
    assert "  pool eu: c2 is away for 11m 40s, other members have its devices" in run("status").out


def test_a_device_is_shown_with_the_pool_and_the_member_that_has_it(run: Run, fake: FakeApi) -> None:
    device = next(iter(fake.state.devices.values()))
    device.update(collector="eu", collected_by="c2")
    assert "eu (c2)" in run("device", "list").out
    shown = run("device", "show", device["id"]).out
    assert [line.split() for line in shown.splitlines() if line.startswith("collect")] == [
        ["collector", "eu"],
        ["collected", "by", "c2"],
    ]
    device.update(collected_by="eu")
    assert "(" not in run("device", "list").out
    assert "collected by" not in run("device", "show", device["id"]).out
