"""Processes by name on this host: real ones, which only the test's own arguments name, with psutil as witness."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence

import psutil
import pytest

from collectors.framework.local.host import LocalHost
from collectors.framework.local.own import OwnDaemons
from collectors.framework.local.source_psutil import PsutilSource
from collectors.status.passes import ProcessFigures, ProcessName
from collectors.status.processes import ProcessReader, at_once
from collectors.status.ways import local_processes, psutil_ways
from common.sources import Follow, Match
from tests.fakes.threads import until

NOBODY = 0
Clock = Callable[[], float]
BUSY = "import sys\nwhile True:\n for _ in range(10000): pass"


def host() -> LocalHost:
    """One to which the test's processes are not its own."""
    host = LocalHost()
    host.own = OwnDaemons(None, pid=NOBODY, owner=lambda _: None)
    return host


MADE: list[ProcessReader] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """Files that readers keep open are closed."""
    yield
    while MADE:
        at_once(MADE.pop()._source.close())


def by_proc(monotonic: Clock = time.monotonic, shared: LocalHost | None = None) -> ProcessReader:
    MADE.append(local_processes(time.time, monotonic, shared or host()))
    return MADE[-1]


def by_psutil(monotonic: Clock = time.monotonic) -> ProcessReader:
    shared = host()
    source = PsutilSource(time.time, monotonic, lambda _: False, shared)
    return ProcessReader(source, shared, psutil_ways(time.time))


both = pytest.mark.parametrize("make", [by_proc, by_psutil])


@contextlib.contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a session of its own, which ends with all its children."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def shown(reader: ProcessReader, name: ProcessName) -> dict[int, ProcessFigures]:
    return dict(reader.read((name,), 1.0).names[name].processes)


@both
def test_a_process_is_found_by_any_of_its_arguments_and_is_what_psutil_tells(make: Callable[[], ProcessReader]) -> None:
    mark = f"tocsin-test-{uuid.uuid4().hex}"
    with running(sys.executable, "-c", "print(flush=True); input()", mark) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (found,) = shown(make(), ProcessName(name=mark[:-1])).values()
        witness = psutil.Process(process.pid)
        memory = witness.memory_info()
        assert found.pid == process.pid
        assert found.rss == pytest.approx(memory.rss, rel=0.2)
        assert found.vms == pytest.approx(memory.vms, rel=0.2)
        assert found.shared == pytest.approx(memory.shared, rel=0.2)
        assert found.memory_percent == pytest.approx(witness.memory_percent(), rel=0.2)
        assert found.cpu_affinity == tuple(sorted(witness.cpu_affinity() or ()))
        assert shown(make(), ProcessName(name=mark, match=Match.EXACT)).keys() == {process.pid}
        assert shown(make(), ProcessName(name=f"^{mark}$", match=Match.REGEX)).keys() == {process.pid}
        assert shown(make(), ProcessName(name=mark[:-1], match=Match.EXACT)) == {}


@both
def test_a_busy_process_uses_what_the_kernel_says_that_it_used(make: Callable[[Clock], ProcessReader]) -> None:
    mark = f"tocsin-test-{uuid.uuid4().hex}"
    name = ProcessName(name=mark)
    at: list[float] = []

    def clock() -> float:
        at.append(time.monotonic())
        return at[-1]

    reader = make(clock)
    shown(reader, name)
    with running(sys.executable, "-c", BUSY, mark) as process:
        witness = psutil.Process(process.pid)

        def used_s() -> float:
            times = witness.cpu_times()
            return times.user + times.system

        until(lambda: used_s() > 0.05)
        (first,) = shown(reader, name).values()
        assert first.cpu_percent is not None
        assert first.cpu_percent > 0
        until(lambda: used_s() > (first.cpu_s or 0.0) + 0.3)
        before_s = used_s()
        (second,) = shown(reader, name).values()
        assert first.cpu_s is not None
        assert second.cpu_s is not None
        assert before_s - 0.001 <= second.cpu_s <= used_s() + 0.001
        assert second.cpu_percent == pytest.approx(100 * (second.cpu_s - first.cpu_s) / (at[-1] - at[-2]))


def children_of(pid: int, count: int) -> Sequence[int]:
    """Pids of those that descend from it, the oldest first, once they are so many."""
    found: list[psutil.Process] = []

    def there() -> bool:
        found[:] = psutil.Process(pid).children(recursive=True)
        return len(found) == count and all(one.name() == "sleep" for one in found)

    until(there)
    return [one.pid for one in sorted(found, key=lambda one: (one.create_time(), one.pid))]


@both
def test_a_script_stands_for_what_it_runs_as_it_is_followed(make: Callable[[], ProcessReader]) -> None:
    mark = f"tocsin-test-{uuid.uuid4().hex}"
    script = "sleep 1000 & sleep 1000 & wait"
    with running("bash", "-c", script, mark) as process:
        children = children_of(process.pid, 2)
        reader = make()
        assert shown(reader, ProcessName(name=mark, follow=Follow.SELF)).keys() == {process.pid}
        assert shown(reader, ProcessName(name=mark)).keys() == {children[0]}
        assert shown(reader, ProcessName(name=mark, follow=Follow.TREE)).keys() == {process.pid, *children}
        os.kill(process.pid, signal.SIGSTOP)
        until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
        assert shown(reader, ProcessName(name=mark, follow=Follow.SELF)) == {}
        assert shown(reader, ProcessName(name=mark)).keys() == {children[0]}
        os.kill(process.pid, signal.SIGCONT)
    assert shown(reader, ProcessName(name=mark)) == {}


def test_this_process_and_its_children_are_left_out() -> None:
    mark = f"tocsin-test-{uuid.uuid4().hex}"
    reader = by_proc(shared=LocalHost())
    with running(sys.executable, "-c", "input()", mark):
        until(lambda: bool(shown(by_proc(), ProcessName(name=mark, follow=Follow.SELF))))
        assert shown(reader, ProcessName(name=mark, follow=Follow.SELF)) == {}
