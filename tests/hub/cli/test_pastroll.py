"""`tocsin ps --at` and `--between`."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hub.cli.exits import CommandError
from hub.cli.figures import local_time
from hub.cli.pastroll import past, show_changes
from tests.fakes.api import FakeApi
from tests.hub.cli.conftest import Run

NOW = 1_800_000_000.0
HOSTILE = "x\x1b[2J\x07\u202e"


def row(pid: int, **fields: Any) -> dict[str, Any]:
    given = {
        "pid": pid,
        "set": "web",
        "name": "nginx",
        "command": "/usr/sbin/nginx -g x",
        "started_at": "2026-01-31T07:00:00Z",
        "seen_after": None,
        "seen_at": None,
    }
    return given | fields


def change(pid: int, what: str = "started", **fields: Any) -> dict[str, Any]:
    given = {"what": what, "at": None, "after": "2026-01-31T07:00:00Z", "by": "2026-01-31T07:00:10Z", "gap": False}
    shown = {name: value for name, value in row(pid).items() if not name.startswith("seen")}
    return shown | given | fields


def gap(why: str, start: str | None, end: str | None, problem: str = "") -> dict[str, Any]:
    return {"from": start, "to": end, "why": why, "problem": problem}


@pytest.mark.parametrize("text", ["2h", "-2h", "120m", "now", "2026-01-31 08:00", "2026-01-31T08:00:00+01:00"])
def test_a_moment_may_be_said_in_many_ways(text: str) -> None:
    at = past(text, NOW)
    assert at <= NOW
    if text.endswith(("h", "m")):
        assert at == NOW - 7200


@pytest.mark.parametrize("text", ["2999-01-01", "", "-", "yesterday", "2026-13-01"])
def test_what_is_no_moment_that_is_over_is_refused(text: str) -> None:
    with pytest.raises(CommandError):
        past(text, NOW)


def test_who_ran_is_a_table_with_what_no_set_matches(run: Run, fake: FakeApi) -> None:
    fake.state.roll = {
        "known": True,
        "gap": None,
        "scanned_at": "2026-01-31T08:00:00Z",
        "processes": [row(7), row(8, set=None, command="/bin/other " + HOSTILE, started_at=None)],
    }
    done = run("ps", "web1", "--at", "2026-01-31T08:00:00Z")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["PID", "SET", "STARTED", "AGE", "COMMAND"]
    assert lines[1].split()[:2] == ["7", "web"]
    assert "1h 00m" in lines[1]
    assert lines[2].split()[:4] == ["8", "–", "–", "–"]
    assert not any(char in done.out for char in "\x1b\x07\u202e")
    assert "2 processes of web1" in done.err
    assert run("ps", "web1", "--at", "2026-01-31T08:00:00Z", "--json").json["processes"][0]["pid"] == 7


def test_a_time_that_is_not_known_is_never_a_table_without_rows(run: Run, fake: FakeApi) -> None:
    missing = gap("unreadable", "2026-01-31T07:00:00Z", "2026-01-31T09:00:00Z", "no answer " + HOSTILE)
    fake.state.roll = {"known": False, "gap": missing, "scanned_at": None, "processes": None}
    done = run("ps", "web1", "--at", "2026-01-31T08:00:00Z")
    assert (done.code, done.out) == (0, "")
    assert "It is not known who ran on web1" in done.err
    assert "the device could not be read: no answer" in done.err
    assert "\x1b" not in done.err
    document = run("ps", "web1", "--at", "2026-01-31T08:00:00Z", "--json").json
    assert (document["known"], document["processes"]) == (False, None)


def test_what_changed_is_told_in_order_with_what_is_not_known(run: Run, fake: FakeApi) -> None:
    fake.state.roll_changes = [
        change(9, at="2026-01-31T07:00:03Z"),
        change(7, "ended", gap=True, by="2026-01-31T07:30:00Z", after="2026-01-31T07:29:50Z"),
        change(8, "changed", by="2026-01-31T07:40:00Z"),
    ]
    fake.state.roll_gaps = [gap("stopped", "2026-01-31T07:10:00Z", "2026-01-31T07:20:00Z")]
    done = run("ps", "web1", "--between", "2026-01-31T07:00:00Z", "2026-01-31T08:00:00Z")
    assert done.code == 0
    whats = [line for line in done.out.splitlines() if line][1:]
    told = ("started", "not known", "ended", "changed")
    assert [next(word for word in told if word in line) for line in whats] == list(told)
    assert whats[0].startswith(local_time(1769842803.0))
    assert "its collector did not run" in whats[1]
    assert " – " in whats[2]
    assert "1 started and 1 ended on web1" in done.err
    assert "1 of these happened somewhere in a time that is not known" in done.err
    document = run("ps", "web1", "--between", "2026-01-31T07:00:00Z", "2026-01-31T08:00:00Z", "--json").json
    assert [one["pid"] for one in document["changes"]] == [9, 7, 8]
    assert document["gaps"] == fake.state.roll_gaps


def test_no_more_is_shown_than_is_wanted(run: Run, fake: FakeApi) -> None:
    fake.state.roll_changes = [change(pid) for pid in range(9)]
    done = run("ps", "web1", "--between", "2026-01-31T07:00:00Z", "now", "--limit", "5", "--json")
    assert [one["pid"] for one in done.json["changes"]] == [0, 1, 2, 3, 4]
    assert done.json["more"] is True
    assert "the first 5" in run("ps", "web1", "--between", "2026-01-31T07:00:00Z", "now", "--limit", "5").err
    assert len(run("ps", "web1", "--between", "-900d", "now", "--json").json["changes"]) == 9


def test_answers_without_a_change_that_never_end_are_not_followed_for_ever(capsys: pytest.CaptureFixture[str]) -> None:
    class Endless:
        asked = 0

        def get(self, _path: str, _parameters: object) -> dict[str, Any]:
            self.asked += 1
            assert self.asked < 1000
            return {"changes": [], "gaps": [], "more": True, "next": f"{self.asked}.0"}

    api: Any = Endless()
    show_changes(api, "web1", ("2h", "1h"), [], 10, NOW, as_json=False)
    assert "0 started and 0 ended" in capsys.readouterr().err


def test_a_set_is_asked_for_by_its_name_or_that_of_its_definition(run: Run, fake: FakeApi) -> None:
    fake.state.roll = {"known": True, "gap": None, "scanned_at": None, "processes": []}
    run("ps", "web1", "--at", "1h", "--set", "sshd")
    assert "sshd" in fake.state.asked["set"]
    assert abs(float(fake.state.asked["at"][0]) - (time.time() - 3600)) < 60
    run("ps", "web1", "--at", "1h", "--set", "was called so")
    assert fake.state.asked["set"] == ["was called so"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--at", "1h", "--between", "2h", "1h"),
        ("--between", "1h", "2h"),
        ("--between", "1h"),
        ("--at", "2999-01-01"),
        ("--at", "soon"),
        ("--at", "1h", "--limit", "5"),
        ("--limit", "5"),
    ],
)
def test_what_makes_no_sense_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    done = run("ps", "web1", *arguments)
    assert done.code == 2
    assert done.out == ""


def test_a_device_that_nobody_has_is_not_found(run: Run) -> None:
    assert run("ps", "nobody", "--at", "1h").code == 3
