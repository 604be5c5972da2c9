"""Files that follow their devices, as they are told at the terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from hub.cli.exits import Exit
from hub.cli.moves import not_there, wait_for_files
from tests.fakes.api import FakeApi, iso
from tests.hub.cli.conftest import Run

MIB = 1024 * 1024


def row(state: str, reason: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "device": "web1",
        "from": "near",
        "to": "far",
        "state": state,
        "reason": reason,
        "since": "2026-11-21T10:00:00Z",
        "done_at": None,
        "files": 3,
        "files_in_all": 20,
        "bytes": 2 * MIB,
        "bytes_in_all": 13 * MIB,
        "problems": [],
        **fields,
    }


class Hub:
    """Answers one list of moves after the other, the last one for ever; time passes only while somebody waits."""

    def __init__(self, *answers: Sequence[dict[str, Any]]) -> None:
        self.answers = [list(answer) for answer in answers]
        self.now = 0.0

    def get(self, path: str) -> Any:
        assert path.endswith("moves/web1")
        return {"moves": self.answers.pop(0) if len(self.answers) > 1 else self.answers[0], "open": 1}

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.01)

    def wait(self, timeout_s: float = 30.0, known: set[tuple[object, object]] | None = None) -> list[dict[str, Any]]:
        return wait_for_files(self, "web1", timeout_s, known or set(), lambda: self.now, self.sleep)


def test_status_and_device_tell_what_is_on_its_way(run: Run, fake: FakeApi) -> None:
    fake.state.file_moves = [
        row("moving", since=iso(time.time() - 7230)),
        row("waiting", "collector near is not connected", since=iso(time.time() - 7230)),
        row("failed", "sshd / process: it is damaged", since=iso(time.time() - 7230)),
    ]
    for command in (("status",), ("device", "show", "web1")):
        text = " ".join(run(*command).out.split())
        assert "files of web1 from near to far: 3 of 20 files, 2.0 MiB of 13.0 MiB (since " in text
        assert "they wait: collector near is not connected (since 2h 0" in text
        assert "some stay: sshd / process: it is damaged" in text
    assert run("device", "show", "web1", "--json").json["moves"] == fake.state.file_moves


def test_what_is_done_is_not_told_of_a_device_any_more(run: Run, fake: FakeApi) -> None:
    fake.state.file_moves = [row("done")]
    assert "near" not in run("device", "show", "web1").out


def test_it_is_waited_until_all_are_there() -> None:
    hub = Hub([], [row("waiting")], [row("moving")], [row("done", files=20)])
    hub.answers = hub.answers[1:]
    rows = hub.wait()
    assert [one["files"] for one in rows] == [20]
    assert not_there("web1", rows, printed=False) is None


def test_moves_of_before_are_not_told() -> None:
    old = row("done", since="2026-11-01T10:00:00Z")
    assert Hub([old]).wait(known={("near", "2026-11-01T10:00:00Z")}) == []


def test_who_is_away_is_not_waited_for_to_the_end() -> None:
    hub = Hub([row("waiting", "collector near is not connected")])
    rows = hub.wait(600.0)
    assert hub.now < 20
    error = not_there("web1", rows, printed=False)
    assert error is not None
    assert error.exit_code == Exit.PARTLY
    assert "collector near is not connected" in error.details[0]


@pytest.mark.parametrize("state", ["moving", "failed"])
def test_what_stays_or_takes_too_long_is_an_error_with_its_reasons(state: str) -> None:
    rows = Hub([row(state, problems=["sshd / process: it is damaged"])]).wait(3.0)
    error = not_there("web1", rows, printed=True)
    assert error is not None
    assert (error.code, error.details[1]) == ("files_left", "sshd / process: it is damaged")
