"""What a worker says for the log stands in the daemon's, and its refusals are the errors that they were."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.logger import Logger, LogLevel, LogPublisher, globalLogPublisher

from collectors.framework.running.messages import Line
from collectors.framework.running.words import MAX_TEXT, LogWords, error_of, log_line
from common.edge.answers import failure_of
from common.errors import NotFoundError, PermanentError, RemoteError, TocsinError, TransientError


def said(words: LogWords, lines: list[Line], level: str, text: str) -> list[Line]:
    lines.clear()
    Logger("tasks", observer=LogPublisher(words)).emit(LogLevel.lookupByName(level), "{text}", text=text)
    return list(lines)


def test_what_the_daemon_would_log_is_handed_on() -> None:
    lines: list[Line] = []
    words = LogWords(lines.append)
    assert said(words, lines, "info", "hello") == [Line("info", "tasks", "hello")]
    assert said(words, lines, "debug", "hello") == []
    words.debug = True
    assert said(words, lines, "debug", "hello") == [Line("debug", "tasks", "hello")]
    words.level, words.debug = "error", False
    assert said(words, lines, "warn", "hello") == []
    (line,) = said(words, lines, "error", "\ud800" + "x" * 10_000)
    assert len(line.text) == MAX_TEXT
    line.text.encode()


def test_a_traceback_comes_line_by_line() -> None:
    lines: list[Line] = []
    log = Logger("tasks", observer=LogPublisher(LogWords(lines.append)))
    try:
        raise KeyError("pid")
    except KeyError:
        log.failure("defect")
    assert lines[0].trace.splitlines()[-1].endswith("KeyError: 'pid'")

    seen: list[str] = []

    def observe(event: dict[str, Any]) -> None:
        seen.append(f"{event['log_namespace']} {event['log_level'].name} {event['who']}: {event['text']}")

    publisher: Any = globalLogPublisher
    publisher.addObserver(observe)
    try:
        log_line(lines[0], "worker 2")
    finally:
        publisher.removeObserver(observe)
    assert seen[0] == "tasks critical worker 2: defect"
    assert seen[-1].endswith("KeyError: 'pid'")


@pytest.mark.parametrize(
    "error", [NotFoundError("no such device"), TransientError("busy"), PermanentError("bad"), RemoteError("busy", "x")]
)
def test_an_error_crosses_as_it_is(error: TocsinError) -> None:
    again = error_of(failure_of(error))
    assert (type(again), again.message) == (type(error), error.message)
