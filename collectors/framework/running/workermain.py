"""A worker process: the tasks of some of a daemon's devices, with a core of its own.

Started by the daemon as `python -m collectors.framework.running.workermain --spec MODULE:NAME ...`. Orders come on its
standard input, news go out on what was its standard output. When the input ends, which means that the daemon has gone,
the process ends at once: all that was kept is with the daemon.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Protocol
from twisted.internet.stdio import StandardIO
from twisted.logger import Logger, globalLogBeginner

from collectors.framework.interfaces import CollectorSpec
from collectors.framework.running.messages import MAX_BYTES, News, Up, encode, read_order
from collectors.framework.running.words import LogWords
from collectors.framework.running.worker import Worker
from common.daemon import install_reactor
from common.parents import end_with_parent
from common.pipes import MessageError, Messages

_log = Logger()


class Pipe(Protocol):
    """The worker's end of the pipes; with them ends the process."""

    def __init__(self) -> None:
        self._messages = Messages(MAX_BYTES)
        self.worker: Worker | None = None

    def say(self, news: News) -> None:
        """Send news."""
        if self.transport is not None:
            self.transport.write(encode(news))

    def dataReceived(self, data: bytes) -> None:
        """Hear orders; what cannot be heard ends the process, and the daemon starts another one."""
        try:
            for body in self._messages.bodies(data):
                assert self.worker is not None
                self.worker.heard(read_order(body))
        except MessageError as error:
            sys.stderr.write(f"{error}\n")
            leave(1)
        except Exception:  # noqa: BLE001 - the supervisor of orders
            _log.failure("defect while an order was carried out")

    def connectionLost(self, _reason: Any = None) -> None:
        """The daemon has gone."""
        leave(0)


def leave(status: int) -> None:
    """End at once: whatever is worth keeping is with the daemon."""
    sys.stderr.flush()
    os._exit(status)


def end_with(daemon: int) -> None:
    """End when the daemon does, also while this process is stopped or hangs."""
    end_with_parent(signal.SIGKILL)
    if os.getppid() != daemon:
        leave(0)


def find_spec(name: str) -> CollectorSpec:
    """The spec that `MODULE:NAME` stands for."""
    module, _, attribute = name.partition(":")
    spec: CollectorSpec = getattr(importlib.import_module(module), attribute)
    return spec


def main(argv: Sequence[str] | None = None) -> int:
    """Be a worker until the daemon wants no more."""
    parser = argparse.ArgumentParser(description="A worker process of a collector daemon; it is not for people.")
    parser.add_argument("--spec", required=True)
    parser.add_argument("--folder", required=True, type=Path)
    parser.add_argument("--reactor", required=True, choices=["epoll", "asyncio"])
    parser.add_argument("--daemon", required=True, type=int)
    parser.add_argument("--name", required=True)
    options = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # they are meant for the daemon, which ends its workers in order
    end_with(options.daemon)
    news = os.dup(1)  # what is printed by mistake must not come between the news
    os.dup2(2, 1)
    reactor = install_reactor(options.reactor)
    pipe = Pipe()
    words = LogWords(pipe.say)
    globalLogBeginner.beginLoggingTo([words], redirectStandardIO=False, discardBuffer=True)
    pipe.worker = Worker(find_spec(options.spec), options.folder, reactor, pipe.say, words)
    pipes: Any = StandardIO  # its types are those of another system
    pipes(pipe, stdin=0, stdout=news, reactor=reactor)
    pipe.say(Up())
    reactor.run(installSignalHandlers=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
