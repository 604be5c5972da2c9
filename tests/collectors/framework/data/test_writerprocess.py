# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred

from collectors.framework.data.writerprocess import HUNG_S, SILENT_S, WriterProcess
from collectors.framework.data.writing.files import Tally
from collectors.framework.data.writing.writer import Report
from tests.fakes.processes import FakeProcess, FakeReactor


def says(process: FakeProcess, **report: Any) -> None:
    process.says(msgspec.json.encode(Report(tally=Tally(), **report)) + b"\n")


@pytest.fixture
def reactor() -> FakeReactor:
    return FakeReactor()


def begun(reactor: FakeReactor) -> tuple[WriterProcess, list[str]]:
    told: list[str] = []
    process = WriterProcess(reactor, reactor, [], lambda: told.append(process.problem))
    process.start()
    return process, told


def changes(told: list[str]) -> list[str]:
    """Problems as the daemon hears them, once each."""
    return [now for before, now in zip([None, *told], told, strict=False) if now != before]


def test_one_that_hangs_is_told_once_killed_and_the_problem_ends_with_the_next_answer(reactor: FakeReactor) -> None:
    process, told = begun(reactor)
    says(reactor.started[0], done=1)
    process.nudge()
    reactor.advance(SILENT_S)
    assert "has not answered" in process.problem
    reactor.advance(HUNG_S)
    assert reactor.started[0].signals == ["KILL"]
    reactor.advance(1.0)  # it is started again
    assert len(reactor.started) == 2
    assert reactor.started[1].written == [b"go\n"]
    assert "has not answered" in process.problem  # one event, until it is over
    says(reactor.started[1], done=2)
    assert process.problem == ""
    assert [bool(one) for one in changes(told)] == [False, True, False]


def test_one_whose_disk_hangs_is_killed_again_and_again_and_never_given_up(reactor: FakeReactor) -> None:
    process, _ = begun(reactor)
    says(reactor.started[0], done=1)
    reactor.started[0].dies = False  # until the disk comes back
    process.nudge()
    reactor.advance(SILENT_S)
    reactor.pump([HUNG_S] * 3)
    assert reactor.started[0].signals == ["KILL"] * 3
    assert len(reactor.started) == 1
    reactor.started[0].ends()
    reactor.advance(1.0)
    says(reactor.started[1], done=2)
    assert process.problem == ""


def test_an_answer_in_time_is_no_problem_and_who_is_asked_nothing_may_be_silent(reactor: FakeReactor) -> None:
    process, told = begun(reactor)
    for _ in range(3):
        process.nudge()
        reactor.advance(SILENT_S - 1)
        says(reactor.started[0], done=1)
    reactor.advance(10 * HUNG_S)
    assert set(told) == {""}
    assert reactor.started[0].signals == []


@pytest.mark.parametrize("behind", [False, True])
def test_a_flush_tells_whether_all_was_read(reactor: FakeReactor, *, behind: bool) -> None:
    process, _ = begun(reactor)
    answers: list[bool] = []
    Deferred.fromCoroutine(process.flush(["web1"])).addBoth(lambda done: answers.append(bool(done)))
    assert reactor.started[0].written[-1] == b'flush 1 ["web1"]\n'
    says(reactor.started[0], done=1, flushed=1, behind=behind)
    assert answers == [not behind]


def test_what_is_no_report_is_left_out(reactor: FakeReactor) -> None:
    process, _ = begun(reactor)
    reactor.started[0].protocol.outReceived(b"Segmentation fault\n")
    says(reactor.started[0], done=7)
    assert process.report is not None
    assert process.report.done == 7
