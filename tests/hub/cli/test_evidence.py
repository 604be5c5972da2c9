"""`tocsin events show` with what was there when the alarm opened."""

from __future__ import annotations

from typing import Any

from tests.fakes.api import FakeApi
from tests.hub.cli.conftest import Run

AT, BEFORE = "2026-11-21T10:00:00.000Z", "2026-11-21T09:59:00.000Z"


def process(pid: int, **fields: Any) -> dict[str, Any]:
    given = {
        "pid": pid, "set": "web", "name": "web", "command": f"/usr/bin/web --worker {pid}", "started_at": None,
        "cpu_percent": 12.5, "memory_bytes": 2**30, "state": "sleeping", "gone": False,
    }  # fmt: skip
    return given | fields


def evidence(**fields: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "event": 1, "id": "0" * 20, "device": "web1", "collector": "local", "at": AT, "before_at": BEFORE,
        "processes": 312, "more_sets": 0, "by_cpu": [], "by_memory": [process(9, set=None, command="greedy")],
        "sets": [
            {"set": "web", "before": [process(1, gone=True)], "now": [], "more_before": 3, "more_now": 0},
            {"set": "db", "before": None, "now": [process(7, cpu_percent=None)], "more_before": 0, "more_now": 0},
        ],
        "host": {
            "load": [7.5, 3.0, 1.0], "processors": 4, "memory_bytes": 8 * 2**30, "available_bytes": 2**28,
            "swap_bytes": 0, "swap_free_bytes": None, "pressure": {"memory_full": 40.0, "io": 0.0}, "problem": "",
        },
    }  # fmt: skip
    return given | fields


def add(fake: FakeApi, found: dict[str, Any] | None) -> str:
    event = fake.state.add_event(details={"evidence": "0" * 20, "pids": []})
    if found is not None:
        fake.state.evidence[event["id"]] = found
    return str(event["id"])


def test_it_is_shown_in_tables(run: Run, fake: FakeApi) -> None:
    done = run("events", "show", add(fake, evidence()))
    assert (done.code, done.err) == (0, "")
    for text in (
        "312 processes; load 7.50 3.00 1.00 on 4 processors, memory 8 GiB, available 256 MiB, swap 0 B, ",
        "waiting for memory full 40.0 %",
        "web before:",
        "gone   /usr/bin/web --worker 1",
        "and 3 more",
        "web then: no process",
        "db before: not known",
        "Of the host, by CPU: no process",
        "Of the host, by memory:",
        "greedy",
    ):
        assert text in done.out, text


def test_with_json_it_is_a_part_of_the_event(run: Run, fake: FakeApi) -> None:
    shown = run("events", "show", add(fake, evidence()), "--json").json
    assert (shown["evidence"], shown["evidence_problem"]) == (evidence(), "")


def test_where_it_cannot_be_had_the_event_is_shown_all_the_same(run: Run, fake: FakeApi) -> None:
    number = add(fake, None)
    done = run("events", "show", number)
    assert done.code == 0
    assert "nginx is missing" in done.out
    assert "cannot be shown: event" in done.err
    shown = run("events", "show", number, "--json").json
    assert shown["evidence"] is None
    assert "has no evidence" in shown["evidence_problem"]


def test_an_event_that_names_none_asks_for_none(run: Run, fake: FakeApi) -> None:
    done = run("events", "show", "1", "--json")
    assert "evidence" not in done.json
    assert not any("evidence" in str(request) for request in fake.state.requests)


def test_a_host_of_which_nothing_is_known_and_one_that_is_hostile(run: Run, fake: FakeApi) -> None:
    nasty = "\x1b[31m\u202e[bold]x"
    found = evidence(
        host={"problem": nasty, "load": None},
        sets=[{"set": nasty, "before": [process(1, command=nasty)], "now": [], "more_before": 0, "more_now": 0}],
    )
    done = run("events", "show", add(fake, found))
    assert done.code == 0
    assert "of the host nothing is known" in done.out
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
