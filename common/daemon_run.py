"""A service in the foreground: the reactor it runs on, its signals, its beginning and its end."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec
from twisted.application.service import IService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ReactorAlreadyInstalledError
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from common.daemon_notify import SystemdNotifier
from common.errors import PermanentError, TocsinError
from common.logs import LogLines

STOP_S = 30.0
EXIT_FAILED = 1
SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2})

ReactorKind = Literal["epoll", "asyncio"]

_log = Logger()


@runtime_checkable
class Ready(Protocol):
    """A service that needs a while before it does its work."""

    async def ready(self) -> None:
        """Return when it works; a TocsinError says why it cannot start."""


@runtime_checkable
class Figures(Protocol):
    """A service that has figures to show."""

    def figures(self) -> dict[str, Any] | Awaitable[dict[str, Any]]:
        """How it fares, as JSON can have it."""


@runtime_checkable
class HasProcesses(Protocol):
    """A service that has processes of its own."""

    def debug(self, *, on: bool) -> None:
        """Debug messages are wanted of these, too, or no more."""


def install_reactor(kind: ReactorKind = "epoll") -> Any:
    """Install the reactor with a clock that nobody can set, and return it.

    In the stock reactors a wall clock that is set back an hour stops every timer for that hour.

    Raises:
        PermanentError: another reactor is installed already, which is a defect of the program.
    """
    try:
        if kind == "asyncio":
            from twisted.internet import asyncioreactor

            asyncio_module: Any = asyncioreactor
            asyncio_module.AsyncioSelectorReactor.seconds = staticmethod(time.monotonic)
            asyncio_module.install()
        else:
            from twisted.internet import epollreactor

            epoll_module: Any = epollreactor  # it has no types
            epoll_module.EPollReactor.seconds = staticmethod(time.monotonic)
            epoll_module.install()
    except ReactorAlreadyInstalledError:
        raise PermanentError("a reactor was imported before it could be chosen; this is a defect") from None
    from twisted.internet import reactor

    return reactor


def hold_signals() -> None:
    """Keep the signals that a daemon answers to waiting: they would end a process that does not listen to them yet."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def release_signals() -> None:
    """Let them come, those that waited at once."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


class Foreground:
    """Runs one service until it is told to stop.

    Args:
        name: of the daemon, for messages.
        stats_file: where figures go on SIGUSR2.
        report: takes a sentence for the one who started us: why we cannot start.
        on_ready: called when the service works.
    """

    def __init__(
        self,
        reactor: Any,
        name: str,
        lines: LogLines,
        stats_file: Path,
        report: Callable[[str], None],
        on_ready: Callable[[], None],
        notifier: SystemdNotifier,
    ) -> None:
        self._reactor = reactor
        self._name = name
        self._lines = lines
        self._stats_file = stats_file
        self._report = report
        self._on_ready = on_ready
        self._notifier = notifier
        self._began = reactor.seconds()
        self._service: Any = None
        self._status = 0
        self._ends = False

    def run(self, service: IService) -> int:
        """Run to the end; returns the exit status."""
        self._service = service
        self._tell_debug()
        self._reactor.callLater(0, self._start)  # the asyncio loop does not run yet when callWhenRunning fires
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stop)
        self._listen_to(signal.SIGUSR1, self._toggle_debug)
        self._listen_to(signal.SIGUSR2, lambda: Deferred.fromCoroutine(self._write_stats()))
        self._reactor.run()
        return self._status

    def _start(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._listen_to(number, self._end)  # the reactor's own do not bear to be asked twice
        release_signals()  # before any process or thread of ours begins, which would inherit the wait
        Deferred.fromCoroutine(self._begin())

    async def _begin(self) -> None:
        service = self._service
        try:
            service.startService()
            if isinstance(service, Ready):
                await service.ready()
        except TocsinError as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - the supervisor of the start
            _log.failure("defect while starting")
            self._fail(f"an error of ours ({type(error).__name__}: {error}); the traceback is in the log")
        else:
            self._notifier.tell("READY=1", f"STATUS={self._name} works")
            if self._notifier.watchdog_s is not None:
                beat = LoopingCall(self._notifier.tell, "WATCHDOG=1")
                beat.clock = self._reactor
                beat.start(self._notifier.watchdog_s).addErrback(lambda failure: _log.failure("watchdog", failure))
            _log.info("{name} works (pid {pid})", name=self._name, pid=os.getpid())
            self._on_ready()

    def _fail(self, sentence: str) -> None:
        _log.error("cannot start: {sentence}", sentence=sentence)
        self._report(sentence)
        self._status = EXIT_FAILED
        self._end()

    def _end(self) -> None:
        """End, once, however often that is asked for."""
        if self._reactor.running and not self._ends:
            self._ends = True
            self._reactor.stop()

    def _stop(self) -> Deferred[None]:
        self._notifier.tell("STOPPING=1")
        _log.info("{name} stops", name=self._name)
        stopping: Deferred[Any] = maybeDeferred(self._service.stopService)
        stopping.addTimeout(STOP_S, self._reactor)
        stopping.addErrback(lambda failure: _log.failure("the daemon did not stop cleanly", failure))
        return stopping

    def _listen_to(self, number: int, action: Callable[[], object]) -> None:
        def arrived(_number: int, _frame: FrameType | None) -> None:
            self._reactor.callFromThread(action)

        signal.signal(number, arrived)

    def _toggle_debug(self) -> None:
        self._lines.debug = not self._lines.debug
        self._tell_debug()
        _log.info("debug messages are {state}", state="on" if self._lines.debug else "off")

    def _tell_debug(self) -> None:
        if isinstance(self._service, HasProcesses):
            self._service.debug(on=self._lines.debug)

    async def _write_stats(self) -> None:
        figures: dict[str, Any] = {
            "daemon": self._name,
            "pid": os.getpid(),
            "uptime_s": round(self._reactor.seconds() - self._began, 1),
            "cpu_s": round(time.process_time(), 2),
            "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
        try:
            if isinstance(self._service, Figures):
                found = self._service.figures()
                figures.update(await found if isinstance(found, Awaitable) else found)
            partial = self._stats_file.with_name(f".{self._stats_file.name}.new")
            partial.write_bytes(msgspec.json.encode(figures, enc_hook=str))
            partial.replace(self._stats_file)
        except Exception:  # noqa: BLE001 - figures that cannot be shown must not end the daemon
            _log.failure("figures could not be written")


def run_to_end(work: Callable[[Any], Awaitable[int]], kind: ReactorKind = "epoll") -> int:
    """Install a reactor, await one coroutine on it, and return what it gives.

    Raises:
        whatever the coroutine raises.
    """
    reactor = install_reactor(kind)
    outcome: list[Any] = []

    async def task() -> None:
        outcome.append(await work(reactor))

    def start() -> None:
        done = Deferred.fromCoroutine(task())
        done.addErrback(outcome.append)
        done.addBoth(lambda _: reactor.stop())

    reactor.callLater(0, start)
    reactor.run()
    if not outcome:
        return 128 + signal.SIGINT
    if isinstance(outcome[0], Failure):
        outcome[0].raiseException()
    return int(outcome[0])
