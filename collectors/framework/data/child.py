"""A process of ours that is kept alive: started, watched, started again, ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.interfaces import IDelayedCall, IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

import common
from common.endings import how_it_ended

_log = Logger()

BACKOFF_S = (0.2, 30.0)
STEADY_S = 60.0
"""A process that has lived this long has earned the shortest pause again."""
LOG_LINE_BYTES = 500
ENVIRONMENT = ("PATH", "HOME", "TZ", "XDG_CACHE_HOME", "TMPDIR", "FONTCONFIG_FILE", "FONTCONFIG_PATH")


class Child:
    """Runs `python -m MODULE ARGUMENTS` for as long as it is wanted.

    Args:
        clock: monotonic.
        on_data: takes the bytes of its standard output.
        on_up: called when it was started.
        on_down: called with a reason when it ended without being asked to.
        on_steady: called when it has lived for a minute.

    Attributes:
        failures: how often it ended by itself since it was last steady.
    """

    def __init__(
        self,
        reactor: IReactorProcess,
        clock: IReactorTime,
        module: str,
        arguments: Sequence[str],
        *,
        on_data: Callable[[bytes], None],
        on_up: Callable[[], None],
        on_down: Callable[[str], None],
        on_steady: Callable[[], None] = lambda: None,
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self._module = module
        self._arguments = list(arguments)
        self.on_data = on_data
        self._on_up = on_up
        self._on_down = on_down
        self._on_steady = on_steady
        self._transport: Any = None
        self._wanted = False
        self._pause_s = BACKOFF_S[0]
        self._again: IDelayedCall | None = None
        self._ended: Deferred[None] | None = None
        self._steady: IDelayedCall | None = None
        self.failures = 0

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._transport is not None

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._transport.pid if self._transport is not None else None

    def start(self) -> None:
        """Keep it running from now on."""
        self._wanted = True
        self._spawn()

    def send(self, data: bytes) -> bool:
        """Put bytes on its standard input; False when it is not there."""
        if self._transport is None:
            return False
        self._transport.write(data)
        return True

    def kill(self) -> None:
        """End it at once; it is started again while it is wanted."""
        if self._transport is not None:
            self._transport.signalProcess("KILL")

    async def stop(self, within_s: float) -> None:
        """End it by closing its input; kill it when it has not gone in time."""
        self._wanted = False
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if self._transport is None:
            return
        self._ended = Deferred()
        self._transport.closeStdin()
        late = self._clock.callLater(within_s, self.kill)
        await self._ended
        if late.active():
            late.cancel()

    def ended(self, reason: Failure) -> None:
        """The process is gone (called by its protocol)."""
        self._transport = None
        if self._steady is not None and self._steady.active():
            self._steady.cancel()
        if not self._wanted:
            if self._ended is not None:
                self._ended.callback(None)
            return
        text = _how(reason)
        _log.warn("{module} ended and will be started again: {reason}", module=self._module, reason=text)
        self.failures += 1
        self._again = self._clock.callLater(self._pause_s, self._spawn)
        self._pause_s = min(BACKOFF_S[1], self._pause_s * 2)
        self._on_down(text)

    def _is_steady(self) -> None:
        self._pause_s = BACKOFF_S[0]
        self.failures = 0
        self._on_steady()

    def _spawn(self) -> None:
        self._again = None
        self._steady = self._clock.callLater(STEADY_S, self._is_steady)
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        # The same code as ours, wherever the daemon was started, and texts that every part of it reads as UTF-8.
        environment["PYTHONPATH"] = str(Path(common.__file__).resolve().parents[1])
        environment["LC_ALL"] = "C.UTF-8"
        self._transport = self._reactor.spawnProcess(
            _Protocol(self, self._module),
            sys.executable,
            [sys.executable, "-m", self._module, *self._arguments],
            env=environment,
        )
        self._on_up()


class _Protocol(ProcessProtocol):
    def __init__(self, child: Child, module: str) -> None:
        self._child = child
        self._module = module

    def outReceived(self, data: bytes) -> None:
        self._child.on_data(data)

    def errReceived(self, data: bytes) -> None:
        for line in data[: 20 * LOG_LINE_BYTES].splitlines()[:20]:
            text = line[:LOG_LINE_BYTES].decode("utf-8", "replace")
            _log.warn("{module}: {line}", module=self._module, line=text)

    def processEnded(self, reason: Failure) -> None:
        self._child.ended(reason)


def _how(reason: Failure) -> str:
    """How a process ended, as Twisted tells it."""
    ended = reason.value
    if not isinstance(ended, ProcessTerminated | ProcessDone):
        return reason.getErrorMessage()
    return how_it_ended(-ended.signal if ended.signal else ended.exitCode or 0)
