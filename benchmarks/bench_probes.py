"""What 100 probes a minute cost: CPU time of a run, against a bare fork and exec of the same program.

The daemon's side, the process that runs probes and the processes beside them are real; what becomes of the figures is
in `collector`. `spawnProcess` is Twisted's own way, from a daemon with as much memory in use as a collector has.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol

from collectors.probes.claims import Claims
from collectors.probes.found.folders import PYCHILD
from collectors.probes.handlers import Handlers
from collectors.probes.launch.launching import Launching
from collectors.probes.launch.orders import Run
from collectors.probes.plan import PATH, Work
from collectors.probes.readings import Reader
from common.daemon_run import install_reactor

Row = tuple[str, float, str, str]

RUNS = 200
A_MINUTE = 100
SHELL = "/bin/sh"
TEXT = 'echo \'{"worker": {"data": 476, "stack": "136"}}\''


def cpu_s() -> float:
    """Of this process and of all its children that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def bare(argv: list[str]) -> float:
    """Fork, exec, wait, and nothing else: CPU seconds of one of many runs."""
    begun = cpu_s()
    for _ in range(RUNS):
        null = os.open(os.devnull, os.O_WRONLY)
        actions = [(os.POSIX_SPAWN_DUP2, null, 1)]
        pid = os.posix_spawn(argv[0], argv, {"PATH": PATH}, file_actions=actions)
        os.waitpid(pid, 0)
        os.close(null)
    return (cpu_s() - begun) / RUNS


class Ended(ProcessProtocol):
    """Tells when a process has ended."""

    def __init__(self) -> None:
        self.ended: Deferred[None] = Deferred()

    def processEnded(self, reason: Any) -> None:  # noqa: D102 - see Twisted
        self.ended.callback(None)


async def each(run: Callable[[], Awaitable[object]]) -> float:
    """CPU seconds of one of many runs."""
    await run()
    begun = cpu_s()
    for _ in range(RUNS):
        await run()
    return (cpu_s() - begun) / RUNS


async def measure(reactor: Any) -> list[Row]:
    alone = bare([SHELL, "-c", TEXT])
    python = bare([sys.executable, "-I", "-c", "pass"])
    ballast = [bytearray(1 << 20) for _ in range(60)]

    async def spawned() -> None:
        ended = Ended()
        reactor.spawnProcess(ended, SHELL, [SHELL, "-c", TEXT], env={"PATH": PATH})
        await ended.ended

    twisted = await each(spawned)
    launched = await through(reactor, [SHELL, "-c", TEXT])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.py"
        path.write_text("def probe():\n    return {'worker': {'data': 476}}\n")
        function = await through(reactor, [sys.executable, "-I", PYCHILD, str(path)])
    assert len(ballast) == 60
    ms = "ms a run"
    share = "% of a core"
    return [
        ("a shell script, by bare fork and exec", alone * 1e3, ms, "the baseline"),
        ("the same, by spawnProcess of a daemon with 60 MiB more", twisted * 1e3, ms, ""),
        ("the same, as a probe: limits, tree, output taken apart", launched * 1e3, ms, ""),
        ("of it ours", (launched - alone) * 1e3, ms, ""),
        ("as a probe, against bare fork and exec", launched / alone, "times", ""),
        ("a bare start of Python, which does nothing", python * 1e3, ms, "the baseline"),
        ("a Python function as a probe", function * 1e3, ms, ""),
        ("as a probe, against the bare start", function / python, "times", ""),
        ("100 shell probes a minute, ours", (launched - alone) * A_MINUTE / 60 * 100, share, "under 1"),
        ("100 shell probes a minute, all", launched * A_MINUTE / 60 * 100, share, ""),
        ("100 Python functions a minute, ours", (function - python) * A_MINUTE / 60 * 100, share, ""),
        ("100 Python functions a minute, all", function * A_MINUTE / 60 * 100, share, ""),
    ]


async def through(reactor: Any, argv: list[str]) -> float:
    """CPU seconds of a run as a probe, all processes; those of the launcher are told when it has ended."""
    launching = Launching(reactor, reactor)
    launching.startService()
    order = Run(number=0, argv=argv, environment={"PATH": PATH})
    work = Work("worker", "worker", 60, order)
    reader, handlers = Reader("localhost", Claims()), Handlers(())
    at = 0.0

    async def run() -> None:
        nonlocal at
        at += 60
        outcome = await launching.run(order)
        assert outcome.parsed.components, outcome
        reader.results(work, outcome, handlers, int(at), at)

    begun = cpu_s()
    for _ in range(5):
        await run()
    await launching.stopService()
    short = cpu_s() - begun
    launching = Launching(reactor, reactor)
    launching.startService()
    begun = cpu_s()
    for _ in range(5 + RUNS):
        await run()
    await launching.stopService()
    return (cpu_s() - begun - short) / RUNS


def run() -> list[Row]:
    """Measure."""
    reactor = install_reactor()
    found: list[Row] = []
    failed: list[Any] = []

    async def all_of_it() -> None:
        found.extend(await measure(reactor))

    def begin() -> None:
        done = Deferred.fromCoroutine(all_of_it())
        done.addErrback(failed.append)
        done.addBoth(lambda _: reactor.stop())

    reactor.callLater(0, begin)
    reactor.run()
    for failure in failed:
        failure.raiseException()
    return found
