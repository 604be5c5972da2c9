from __future__ import annotations

import time
from typing import Any

import pytest

from hub.cli import settled
from hub.cli.exits import CommandError
from hub.cli.figures import iso
from hub.cli.settled import MAX_DEVICES, wait_for_samples

NOW = 1_800_000_000.0


class FakeApi:
    """Tells of each device what a test says, one answer after the other, the last again and again."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def get(self, path: str) -> Any:
        what = "series" if path.endswith("/series") else "device"
        self.asked.append(what)
        answers = self.answers[what]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def sampled(at: float, step_s: float = 0.01) -> dict[str, Any]:
    return {"values": [{"at": iso(at), "step_s": step_s}, {"at": None, "step_s": step_s}]}


def waited(api: Any, devices: list[str], within_s: float = 60.0) -> float:
    began = time.monotonic()
    wait_for_samples(api, devices, began + within_s, NOW)
    return time.monotonic() - began


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settled, "PAUSE_S", 0.0)


def test_first_the_config_then_the_next_sample() -> None:
    api = FakeApi(device=[{"in_sync": False}, {"in_sync": True}], series=[sampled(NOW - 9, 60), sampled(NOW + 1, 60)])
    waited(api, ["web1"])
    assert api.asked == ["device", "device", "series", "series"]


def test_a_silent_device_is_not_waited_for_longer_than_some_steps() -> None:
    assert waited(FakeApi(device=[{"in_sync": True}], series=[sampled(NOW - 1000)]), ["web1"], 60.0) < 30


def test_what_has_no_series_and_what_is_no_device_is_left_out() -> None:
    gone = CommandError("there is no such device")
    api = FakeApi(device=[gone], series=[gone])
    waited(api, ["local"])
    assert api.asked == ["device", "series"]


def test_the_deadline_ends_it() -> None:
    api = FakeApi(device=[{"in_sync": True}], series=[sampled(NOW - 9, 3600)])
    assert waited(api, ["web1"], 0.05) >= 0.05
    waited(FakeApi(device=[{"in_sync": False}], series=[sampled(NOW)]), ["web1"], 0.05)


def test_of_many_nobody_waits_for_the_next_sample() -> None:
    api = FakeApi()
    waited(api, [f"web{number}" for number in range(MAX_DEVICES + 1)])
    assert api.asked == []
