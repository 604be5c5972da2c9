"""All sources of this host, /proc by hand, psutil, and one that listens too, keep one contract."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from twisted.internet.testing import MemoryReactorClock

from collectors.framework.interfaces import IProcessSource
from collectors.framework.local.source_psutil import PsutilSource
from collectors.framework.processevents.source import Watch, WatchingSource
from collectors.framework.processevents.values import ProcessLife
from collectors.framework.source_local import ProcSource
from tests.contracts.process_source import LocalSourceContract, Wanted, child, now
from tests.integration.stack import wait_for


class TestProcSource(LocalSourceContract):
    def make(self, wanted: Wanted) -> IProcessSource:
        return ProcSource(time.time, time.monotonic, wanted)

    def test_data_and_stack_are_those_of_the_status_file(self) -> None:
        with child("big-one", "x = bytearray(30_000_000)") as process:
            source = self.make(lambda row: row.pid == process.pid)
            extra = now(source.scan(full=False)).rows[process.pid].extra or {}
            assert extra["data"] > 30_000_000
            assert 0 < extra["stack"] < 10_000_000
            assert {"shared", "vms", "read_bytes", "write_bytes"} <= extra.keys()

    def test_a_program_that_never_was_a_file_was_not_replaced(self) -> None:
        memory = os.memfd_create("program")
        with Path(shutil.which("sleep") or "/bin/sleep").open("rb") as file:
            os.sendfile(memory, file.fileno(), 0, 1 << 24)
        path = f"/proc/self/fd/{memory}"
        with subprocess.Popen(["from-memory", "600"], executable=path, pass_fds=[memory]) as process:
            os.close(memory)
            try:
                row = self.scan(self.make(lambda row: row.pid == process.pid))[process.pid]
                assert str(Path(f"/proc/{process.pid}/exe").readlink()).endswith(" (deleted)")
                assert not row.replaced
            finally:
                process.kill()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may run something as somebody else")
    def test_whom_a_process_runs_as_is_its_effective_user(self) -> None:
        with child("of-somebody", "import os; os.seteuid(65534)") as process:
            row = self.scan(self.make(lambda row: row.pid == process.pid))[process.pid]
            assert row.user == pwd.getpwuid(65534).pw_name

    def test_what_cannot_be_read_is_counted_and_the_rest_goes_on(self, tmp_path: Path) -> None:
        (tmp_path / "17").mkdir()
        (tmp_path / "18").mkdir()
        fields = ["S", *["0"] * 51]
        (tmp_path / "18" / "stat").write_text(f"18 (a) b) {' '.join(fields)}")
        source = ProcSource(time.time, time.monotonic, lambda _row: False, tmp_path)
        assert list(now(source.scan(full=True)).rows) == [18]
        assert source.unreadable == 1


class TestPsutilSource(LocalSourceContract):
    def make(self, wanted: Wanted) -> IProcessSource:
        return PsutilSource(time.time, time.monotonic, wanted)


class TestWatchingSource(LocalSourceContract):
    @pytest.fixture(autouse=True)
    def _closed(self) -> Iterator[None]:
        self.made: list[WatchingSource] = []
        yield
        for source in self.made:
            now(source.close())

    def make(self, wanted: Wanted) -> IProcessSource:
        reactor: Any = MemoryReactorClock()  # type: ignore[no-untyped-call]  # Twisted has no types here
        watch = Watch(wanted=wanted, awaited=lambda _line: False, wake=lambda: None)
        source = WatchingSource(ProcSource(time.time, time.monotonic, wanted), watch, reactor, reactor)
        self.made.append(source)
        return source

    def test_what_happened_between_two_scans_is_in_the_table_where_the_kernel_tells(self) -> None:
        with child("to-be-ended") as process:
            source = self.make(lambda row: row.path == "to-be-ended" and row.pid == process.pid)
            assert now(source.scan(full=True)).happened is None
            if not self.made[0].listening:
                pytest.skip(self.made[0].sentence())
        lives: list[ProcessLife] = []

        def told() -> list[ProcessLife]:
            happened = now(source.scan(full=True)).happened
            assert happened is not None
            lives.extend(happened.lives)
            return lives

        wait_for("its end", told)  # which the kernel may tell a moment after it has let its parent go on
        assert [(life.pid, life.signal) for life in lives] == [(process.pid, 9)]


@pytest.mark.parametrize("kind", [ProcSource, PsutilSource])
def test_both_see_the_same_processes(kind: type[ProcSource | PsutilSource]) -> None:
    """Others begin and end meanwhile; who lives all the time is seen, and nobody is seen twice who is never there."""
    source, strangers = kind(time.time, time.monotonic, lambda _row: False), []
    for _ in range(2):
        before = set(psutil.pids())
        rows = now(source.scan(full=True)).rows
        after = set(psutil.pids())
        assert before & after <= rows.keys()
        strangers.append(rows.keys() - before - after)
    assert not strangers[0] & strangers[1]


HIDING = """
mount -t proc -o hidepid=2 proc /mnt || exit 99
exec setpriv --reuid $4 --regid $4 --clear-groups "$1" -c "$2" "$3"
"""
LOOKING = """
import pathlib, sys, time
sys.path.insert(0, sys.argv[1])
from collectors.framework.source_local import ProcSource
from tests.contracts.process_source import now
table = now(ProcSource(time.time, time.monotonic, lambda _: True, pathlib.Path("/mnt")).scan(False))
print(table.complete, len(table.rows), table.problem)
"""


def test_a_host_that_hides_processes_is_told_of_and_nobody_is_taken_for_dead() -> None:
    """Somebody looks who may not see what others run."""
    root = str(Path(__file__).parents[2])
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    somebody = str(40_000 + os.getpid() % 20_000)  # whom nobody else runs anything as
    command = ["unshare", "--mount", "sh", "-c", HIDING, "sh", sys.executable, LOOKING, root, somebody]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 99 or "unshare:" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    complete, count, problem = done.stdout.strip().split(" ", 2)
    assert (complete, int(count) < 5) == ("False", True), done.stderr
    assert problem.startswith("this host shows only a part of its processes")
