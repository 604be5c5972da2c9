"""What crosses between a daemon and its workers in words: errors, and messages for the log."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, formatEvent
from zope.interface import implementer

from collectors.framework.running.messages import Line
from common.errors import NotFoundError, PermanentError, RemoteError, TocsinError, TransientError
from common.logs import LogLines
from common.wire import Failure, FailureCode

MAX_TEXT = 4096
MAX_TRACE_LINES = 60


@implementer(ILogObserver)
class LogWords:
    """Hands messages for the log to the daemon.

    Attributes:
        level: messages of this level and worse.
        debug: also debug messages, whatever the level.
    """

    def __init__(self, say: Callable[[Line], object]) -> None:
        self._say = say
        self.level = "info"
        self.debug = False

    def __call__(self, event: LogEvent) -> None:
        """Hand one on."""
        if not LogLines(self.level, [], debug=self.debug).wants(event):
            return
        level = event.get("log_level", LogLevel.info).name
        failure = event.get("log_failure")
        trace = "" if failure is None else failure.getTraceback()
        text = formatEvent(event)[:MAX_TEXT].encode("utf-8", "replace").decode()
        self._say(
            Line(
                level,
                str(event.get("log_namespace", "-")),
                text,
                "\n".join(trace.splitlines()[-MAX_TRACE_LINES:]).encode("utf-8", "replace").decode(),
            )
        )


def log_line(line: Line, who: str) -> None:
    """Write what a worker has said for the log."""
    log = Logger(namespace=line.namespace)
    level = LogLevel.lookupByName(line.level)
    log.emit(level, "{who}: {text}", who=who, text=line.text)
    for part in line.trace.splitlines():
        log.emit(level, "{who}:     {text}", who=who, text=part)


def error_of(failure: Failure) -> TocsinError:
    """The error that a refusal stands for."""
    if failure.code is FailureCode.NOT_FOUND:
        return NotFoundError(failure.message, failure.details)
    if failure.code is FailureCode.UNAVAILABLE:
        return TransientError(failure.message, failure.details)
    if failure.code is FailureCode.FORBIDDEN:
        return PermanentError(failure.message, failure.details)
    return RemoteError(failure.code.value, failure.message, failure.details)
