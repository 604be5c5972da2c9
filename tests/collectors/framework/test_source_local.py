"""What the source of /proc makes of what it finds there, on trees of files that say so."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from collectors.framework.local.handles import Handles
from collectors.framework.local.host import LocalHost
from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.framework.source_local import HIDDEN, KEEP_UP_TO_S, ProcSource
from common.configs import DeviceConfig, SourceKind
from tests.contracts.process_source import now

KERNEL_THREAD = 0x200000


class Tree:
    """A folder as /proc, with process 1 in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.host = LocalHost(Handles(100))
        self.wanted: set[int] = set()
        self.asked = 0
        self.source = ProcSource(time.time, time.monotonic, self._is_wanted, path, self.host)
        self.put(1, "init", "/sbin/init")

    def _is_wanted(self, row: ProcessRow) -> bool:
        self.asked += 1
        return row.pid in self.wanted

    def put(
        self, pid: int, name: str, line: str = "", *, started: int = 100, cpu: int = 0, stack: int = 7, flags: int = 0
    ) -> None:
        """Let a process be there, or be otherwise."""
        folder = self.path / str(pid)
        folder.mkdir(exist_ok=True)
        fields = ["0"] * 50
        fields[0], fields[1], fields[6], fields[11] = "S", "1", str(flags), str(cpu)
        fields[17], fields[19], fields[20], fields[21], fields[25] = "3", str(started), "8192", "2", str(stack)
        new = folder / ".new"
        new.write_text(f"{pid} ({name}) {' '.join(fields)}\n")
        (folder / "stat").write_bytes(new.read_bytes())  # in place: a file that is kept open tells it
        new.unlink()
        (folder / "cmdline").write_bytes(line.replace(" ", "\0").encode() + b"\0" * bool(line))

    def drop(self, pid: int) -> None:
        """Let a process end."""
        for file in (self.path / str(pid)).iterdir():
            file.unlink()
        (self.path / str(pid)).rmdir()

    def pace(self, interval_s: int) -> None:
        """Scan so often."""
        self.source.update(DeviceConfig(device="here", address="", source=SourceKind.LOCAL, interval_s=interval_s))

    def scan(self, *, full: bool = False) -> ProcessTable:
        return now(self.source.scan(full))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_process_that_has_not_changed_is_the_same_row_again(tree: Tree) -> None:
    tree.put(20, "web", "/web -n 1")
    first = tree.scan().rows
    asked = tree.asked
    assert tree.scan().rows[20] is first[20]
    assert tree.asked == asked
    tree.put(20, "web", "/web -n 1", cpu=250)
    assert tree.scan().rows[20].cpu_s == pytest.approx(first[20].cpu_s + 2.5, abs=0.01)  # type: ignore[operator]


def test_another_config_asks_for_every_process_again(tree: Tree) -> None:
    tree.put(20, "web", "/web")
    assert tree.scan().rows[20].extra is None
    tree.wanted = {20}
    tree.pace(60)
    assert tree.scan().rows[20].extra == {"threads": 3, "vms": 8192}


def test_another_program_under_the_same_pid_name_and_start_is_read_anew(tree: Tree) -> None:
    tree.put(20, "python", "python a.py")
    assert tree.scan().rows[20].parameters == "a.py"
    tree.put(20, "python", "python b.py", cpu=1)
    assert tree.scan().rows[20].parameters == "a.py"  # it only set its title, if anything: the full scan sees that
    tree.put(20, "python", "python b.py", stack=8)
    assert tree.scan().rows[20].parameters == "b.py"


def test_a_full_scan_reads_the_arguments_of_every_process_anew(tree: Tree) -> None:
    tree.put(20, "postgres", "postgres: idle")
    tree.scan()
    tree.put(20, "postgres", "postgres: SELECT")
    assert tree.scan().rows[20].parameters == "idle"
    assert tree.scan(full=True).rows[20].parameters == "SELECT"


def test_an_empty_command_line_is_looked_at_again_when_the_process_has_gone_on(tree: Tree) -> None:
    tree.put(20, "web")
    assert tree.scan().rows[20].path == ""
    tree.put(20, "web", "/web", cpu=1)
    assert tree.scan().rows[20].path == "/web"


def test_a_thread_of_the_kernel_has_no_arguments_that_could_be_read(tree: Tree) -> None:
    tree.put(2, "kthreadd", "not a real one", flags=KERNEL_THREAD)
    assert tree.scan(full=True).rows[2].path == ""


@pytest.mark.parametrize("interval_s", [1, KEEP_UP_TO_S + 1])
def test_a_pid_that_was_used_again_is_another_process(tree: Tree, interval_s: int) -> None:
    tree.pace(interval_s)
    tree.put(20, "web", "/web one")
    tree.scan()
    first = tree.scan().rows[20]
    tree.put(20, "web", "/web two", started=500)
    second = tree.scan().rows[20]
    assert (first.parameters, second.parameters) == ("one", "two")
    assert second.started > first.started  # type: ignore[operator]


def test_a_short_interval_keeps_files_open_and_closes_those_of_processes_that_ended(tree: Tree) -> None:
    tree.put(20, "web")
    tree.put(21, "web")
    tree.pace(1)
    tree.scan()
    assert tree.host.handles.kept == 0  # most that are new live shortly
    tree.scan()
    assert tree.host.handles.kept == 3
    tree.drop(21)
    assert sorted(tree.scan().rows) == [1, 20]
    assert tree.host.handles.kept == 2
    tree.pace(60)
    assert tree.host.handles.kept == 0
    tree.pace(1)
    tree.scan()
    now(tree.source.close())
    assert tree.host.handles.kept == 0


def test_a_pid_that_was_used_again_at_once_is_told_by_the_file_that_is_kept_open(tree: Tree) -> None:
    tree.pace(1)
    with subprocess.Popen(["sleep", "600"]) as process:
        tree.put(20, "old", "/old")
        stat = tree.path / "20" / "stat"
        stat.unlink()
        stat.symlink_to(f"/proc/{process.pid}/stat")
        tree.scan()
        started = int(tree.scan().rows[20].started or 0)
        process.kill()
    stat.unlink()
    tree.put(20, "sleep", "/new", started=round(100 * (started - tree.source._boot)))
    row = tree.scan().rows[20]
    assert (row.path, tree.host.handles.kept) == ("/new", 1)  # of process 1; that of the new one is kept from now on
    now(tree.source.close())


def test_no_more_files_are_kept_open_than_may_be(tree: Tree) -> None:
    tree.host.handles.most = 2
    for pid in range(20, 30):
        tree.put(pid, "web")
    tree.pace(1)
    tree.scan()
    assert len(tree.scan().rows) == 11
    assert tree.host.handles.kept == 2
    now(tree.source.close())


def test_what_makes_no_sense_is_counted_and_what_was_known_of_it_stands(tree: Tree) -> None:
    tree.put(20, "web", "/web")
    tree.scan()
    for pid in (20, 21):
        tree.put(pid, "x")
        for garbage in ("", "20", "20 (web", "20 (web) S 1", f"20 (web) S {'x ' * 50}"):
            (tree.path / str(pid) / "stat").write_text(garbage)
            table = tree.scan()
            assert table.complete
            assert table.rows[20].path == "/web"
            assert 21 not in table.rows
    assert tree.source.unreadable == 2
    assert tree.host.figures()["unread"]["processes"] == {"garbled": 15}
    tree.put(20, "web", "/web", cpu=100)
    assert tree.scan().rows[20].cpu_s == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("number", [9**40, -(9**40), 2**63])
def test_numbers_that_no_kernel_writes_are_garbage(tree: Tree, number: int) -> None:
    tree.put(20, "web", "/web", started=number)
    tree.put(21, "web", "/web", cpu=number)
    (tree.path / str(9**20)).mkdir()
    (tree.path / str(9**20) / "stat").write_bytes((tree.path / "1" / "stat").read_bytes())
    table = tree.scan()
    assert (table.complete, list(table.rows)) == (True, [1])
    assert tree.host.figures()["unread"]["processes"] == {"garbled": 2}


def test_a_process_that_ended_meanwhile_is_counted_and_gone(tree: Tree) -> None:
    tree.put(20, "web")
    tree.scan()
    (tree.path / "20" / "stat").unlink()
    table = tree.scan()
    assert (table.complete, list(table.rows)) == (True, [1])
    assert tree.host.figures()["unread"]["processes"] == {"ended": 1}


def test_a_failure_of_our_own_is_told_and_nobody_is_taken_for_dead(tree: Tree) -> None:
    """Too many open files, say: here a folder where a file should be."""
    tree.put(20, "web")
    tree.put(21, "web")
    tree.scan()
    (tree.path / "20" / "stat").unlink()
    (tree.path / "20" / "stat").mkdir()
    table = tree.scan()
    assert not table.complete
    assert table.problem == "process 20 cannot be read: Is a directory"
    assert sorted(table.rows) == [1, 20, 21]


def test_a_table_without_process_1_is_only_a_part_of_it(tree: Tree) -> None:
    tree.put(20, "web")
    tree.drop(1)
    table = tree.scan()
    assert (table.complete, table.problem) == (False, HIDDEN)


def test_no_proc_at_all_is_told(tmp_path: Path) -> None:
    source = ProcSource(time.time, time.monotonic, lambda _row: False, tmp_path / "proc", LocalHost(Handles(0)))
    table = now(source.scan(full=False))
    assert not table.complete
    assert table.problem.endswith("/proc/ cannot be read: No such file or directory")
