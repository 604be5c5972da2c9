from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.api import FakeApi
from tests.hub.cli.conftest import Run


def _at_once(*_: Any) -> None:
    pass


def rows(waiting: int = 0, failed: int = 0, **fields: Any) -> dict[str, Any]:
    files = [
        {"collector": "local", "device": "web1", "component": "nginx\x1b[31m", "source": "process",
         "reason": "extra is new", "failure": "the disk is full" if i < failed else ""}
        for i in range(waiting + failed)
    ]  # fmt: skip
    collector = {"collector": "local", "daemon": "process", "known": 9, "waiting": waiting, "failed": failed,
                 "done": 0, "problem": ""}  # fmt: skip
    return {
        "known": 9, "waiting": waiting, "failed": failed, "done": 0, "files": files[:3], "collectors": [collector],
    } | fields  # fmt: skip


def test_what_would_be_converted_is_listed(run: Run, fake: FakeApi) -> None:
    fake.state.conversions = [rows(waiting=4)]
    done = run("data", "convert", "--all", "--dry-run")
    assert done.code == 0, done.err
    assert "extra is new" in done.out
    assert "\x1b" not in done.out
    assert "9 files with samples: 4 would be converted, 0 failed" in done.out
    assert "1 more are not listed" in done.err
    assert fake.state.wishes == [{"devices": [], "all": True, "dry_run": True}]


def test_waiting_ends_when_all_is_converted(run: Run, fake: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.cli.convert.STEP_S", 0.0)
    monkeypatch.setattr("hub.cli.convert.wait_for_samples", _at_once)
    fake.state.conversions = [rows(waiting=2), rows(waiting=1), rows(done=2)]
    done = run("data", "convert", "web1", "--wait", "--json")
    assert done.code == 0
    assert (done.json["waiting"], done.json["done"]) == (0, 2)
    assert fake.state.wishes == [{"devices": ["web1"], "all": False, "dry_run": False}]


def test_what_failed_and_what_is_not_done_in_time_is_told(
    run: Run, fake: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.cli.convert.STEP_S", 0.0)
    monkeypatch.setattr("hub.cli.convert.wait_for_samples", _at_once)
    fake.state.conversions = [rows(waiting=1), rows(failed=1)]
    done = run("data", "convert", "web1", "--wait")
    assert done.code == 5
    assert "the disk is full" in done.out
    assert "1 file could not be converted" in done.err
    fake.state.conversions = [rows(waiting=1)]
    done = run("data", "convert", "web1", "--wait", "--timeout", "0.1")
    assert done.code == 5
    assert "1 file not converted in time" in done.err


def test_a_collector_that_is_away_is_told(run: Run, fake: FakeApi) -> None:
    away = {"collector": "far", "daemon": "process", "problem": "collector far is not connected"}
    fake.state.conversions = [rows(collectors=[away])]
    done = run("data", "convert", "--all", "--json")
    assert done.code == 5
    assert done.json["known"] == 9
    assert "far" in done.err


def test_either_devices_or_all(run: Run) -> None:
    for arguments in ([], ["web1", "--all"]):
        done = run("data", "convert", *arguments)
        assert done.code == 2
        assert "one of the two" in done.err


@pytest.mark.parametrize(
    ("typed", "sentence"), [("--dry-run --wait", "nothing to --wait for"), ("--timeout 3", "how long to --wait")]
)
def test_what_makes_no_sense_together_is_refused(run: Run, fake: FakeApi, typed: str, sentence: str) -> None:
    done = run("data", "convert", "web1", *typed.split())
    assert done.code == 2
    assert sentence in done.err
    assert fake.state.requests == []


def test_nothing_to_do_is_said_in_one_word(run: Run, fake: FakeApi) -> None:
    fake.state.conversions = [rows()]
    assert "9 files with samples: none is to be converted" in run("data", "convert", "web1").out
