"""What every `IProcessSource` of this host must do; run on each of them by tests/integration/test_process_source.py."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from twisted.internet.defer import Deferred

from collectors.framework.interfaces import IProcessSource
from collectors.framework.processtable import ProcessRow
from common.configs import DeviceConfig, SourceKind

T = TypeVar("T")
Wanted = Callable[[ProcessRow], bool]


def now(work: Awaitable[T]) -> T:
    """The result of something that does not wait."""
    results: list[Any] = []
    Deferred.fromCoroutine(work).addBoth(results.append)  # type: ignore[arg-type]  # every awaitable here is a coroutine
    (result,) = results
    if hasattr(result, "raiseException"):
        result.raiseException()
    found: T = result
    return found


@contextmanager
def child(name: str, code: str = "pass") -> Iterator[subprocess.Popen[bytes]]:
    """A process of a given name that has done some work and now lives until its input ends."""
    text = f"import sys; {code}; print(flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([name, "-c", text], executable=sys.executable, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"\n"
            yield process
        finally:
            process.kill()


class LocalSourceContract:
    """Subclasses make a source."""

    def make(self, wanted: Wanted) -> IProcessSource:
        raise NotImplementedError

    def scan(self, source: IProcessSource) -> Mapping[int, ProcessRow]:
        table = now(source.scan(full=False))
        assert table.complete
        return table.rows

    def test_a_process_is_seen_as_psutil_sees_it(self) -> None:
        with child("watched-one") as process:
            source = self.make(lambda row: row.pid == process.pid)
            row = self.scan(source)[process.pid]
            real = psutil.Process(process.pid)
            assert row.path == "watched-one"
            assert row.parameters.startswith("-c import sys")
            assert row.alive
            # The kernel reckons anew at each look in which whole second it booted.
            assert row.started == pytest.approx(real.create_time(), abs=1.1)
            assert row.cpu_s == pytest.approx(sum(real.cpu_times()[:2]), abs=0.1)
            assert row.memory_bytes == pytest.approx(real.memory_info().rss, rel=0.2)
            assert row.extra is not None
            assert row.extra["threads"] == 1
            assert row.extra["fds"] == real.num_fds()

    def test_further_figures_are_read_only_for_what_is_wanted(self) -> None:
        rows = self.scan(self.make(lambda row: row.pid == os.getpid()))
        assert [row.pid for row in rows.values() if row.extra is not None] == [os.getpid()]

    def test_the_parent_is_told_of_every_process(self) -> None:
        with child("with-parent") as process:
            rows = self.scan(self.make(lambda _row: False))
            assert rows[process.pid].parent == os.getpid()

    def test_whom_a_process_runs_as_is_told_of_what_is_wanted(self) -> None:
        nobody = pwd.getpwnam("nobody")
        if os.geteuid() != 0:
            pytest.skip("only root may run something as somebody else")
        with child("of-nobody", f"import os; os.setuid({nobody.pw_uid})") as process:
            row = self.scan(self.make(lambda row: row.pid == process.pid))[process.pid]
            assert row.user == "nobody"
            assert self.scan(self.make(lambda _row: False))[process.pid].user is None

    def test_a_program_that_left_the_disk_is_told_of_what_is_wanted(self, tmp_path: Path) -> None:
        program = tmp_path / "worker"
        shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
        with subprocess.Popen([program, "600"]) as process:
            try:
                source = self.make(lambda row: row.pid == process.pid)
                assert not self.scan(source)[process.pid].replaced
                program.unlink()
                assert self.scan(source)[process.pid].replaced
            finally:
                process.kill()

    @pytest.mark.parametrize("exclude", [True, False])
    def test_own_processes_are_marked_where_the_config_excludes_them(self, exclude: bool) -> None:
        source = self.make(lambda _row: False)
        device = DeviceConfig(device="x", address="", source=SourceKind.LOCAL, interval_s=60, exclude_own=exclude)
        source.update(device)
        with child("of-ours") as process:
            rows = self.scan(source)
        assert (rows[os.getpid()].own, rows[process.pid].own, rows[1].own) == (exclude, exclude, False)

    def test_identity_is_the_same_from_scan_to_scan(self) -> None:
        source = self.make(lambda _row: False)
        first, second = self.scan(source), self.scan(source)
        for pid in first.keys() & second.keys():
            assert first[pid].started == second[pid].started

    def test_a_process_that_ended_is_gone_and_does_not_answer(self) -> None:
        source = self.make(lambda _row: False)
        with child("short-lived") as process:
            assert process.pid in self.scan(source)
            assert now(source.alive([process.pid])) == {process.pid}
        assert process.pid not in self.scan(source)
        assert now(source.alive([process.pid])) == frozenset()

    def test_a_zombie_does_not_run(self) -> None:
        source = self.make(lambda _row: False)
        with child("dying") as process:
            process.kill()
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            assert not self.scan(source)[process.pid].alive

    def test_a_name_with_brackets_and_strange_bytes_is_read(self) -> None:
        source = self.make(lambda _row: False)
        name = b"odd) (name \xff 7"
        with subprocess.Popen([name, "600"], executable="/bin/sleep") as process:
            try:
                row = self.scan(source)[process.pid]
                assert row.path.startswith("odd)")
                assert row.cpu_s is not None
            finally:
                process.kill()
