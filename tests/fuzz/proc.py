"""One case: a collector that reads a /proc whose files are changed, cut, gone, or something else."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import structs

from collectors.framework.source_local import ProcSource
from collectors.framework.task import Outcome
from collectors.process.events import MISSING
from collectors.process.task import ProcessTask
from common.configs import SourceKind
from common.roll import SetState
from tests.fuzz.agents import PIDS_OF
from tests.fuzz.wholepath import SETS, SNMP, WholePath, fit_to_be_seen

LOCAL = structs.replace(SNMP, source=SourceKind.LOCAL, snmp=None, interval_s=60, address="")
PROCESSES: dict[int, tuple[str, str]] = {
    1: ("systemd", "/sbin/init\0splash\0"),
    2: ("kthreadd", ""),
    402: ("cron", "/usr/sbin/cron\0-f\0"),
    418: ("snmpd", "/usr/sbin/snmpd\0-LOw\0-f\0"),
    633: ("nginx", "nginx: master process /usr/sbin/nginx\0"),
    634: ("nginx", "nginx: worker process\0"),
    635: ("nginx", "nginx: worker process\0"),
    702: ("postgres", "/usr/lib/postgresql/15/bin/postgres\0-D\0/var/lib/postgresql/15/main\0"),
    705: ("postgres", "postgres: 15/main: checkpointer\0"),
    1290: ("java", "/usr/lib/jvm/java-17/bin/java\0-Xmx512m\0-jar\0/srv/orders/orders.jar\0"),
}
FILES = ("stat", "cmdline", "status", "io", "statm")
FIELDS = 52
NASTY_WORDS = (
    b"-1",
    b"0",
    b"x",
    b"",
    b"1.5",
    b"9" * 19,
    b"9" * 40,
    b"18446744073709551615",
    b"0x10",
    "\u0664\u0662".encode(),
    b"\xff",
)
NASTY_NAMES = (
    b"",
    b") R 1 (",
    b"a) S 1 2 3",
    b"new\nline",
    b"\x1b[2J\x1b]0;x\x07",
    b"\xff\xfe",
    b"(((",
    b")))",
    b"x" * 5000,
    "\u202ex".encode(),
)
NASTY_LINES = (
    b"",
    b"\0",
    b"\0\0\0\0",
    b"\xff" * 300,
    b"a\0" * 40_000,
    b"\x1b[2Jx\0y\n\r\0",
    b"no end",
    "\u202e\u2066x\0".encode() * 9,
)
STRANGE_FOLDERS = (
    "0",
    "00633",
    "99999999999999999999",
    "-1",
    "12x",
    "\u0664\u0662",
    "2147483647",
    "4194304",
    "1 2",
    "self",
)
HONEST, CHANGED, AFTER = 2, 8, 4  # with a full pass behind


def stat_of(pid: int, name: bytes, words: dict[int, bytes] | None = None) -> bytes:
    """A stat file; `words` replaces fields behind the name, by number."""
    fields = [b"0"] * (FIELDS - 2)
    fields[0], fields[1] = b"S", b"1"
    fields[11], fields[12], fields[17], fields[19] = b"120", b"30", b"1", str(1000 + pid).encode()
    fields[20], fields[21], fields[25] = b"8192000", b"500", b"140720000000000"
    for number, word in (words or {}).items():
        fields[number] = word
    return b"%d (%s) " % (pid, name) + b" ".join(fields) + b"\n"


class FakeProc:
    """A folder like /proc, and what is wrong in it.

    Attributes:
        wrong: processes whose stat or cmdline was once not as it was, or could not be read: what was read then is
            kept until all is read anew.
    """

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.wrong: set[int] = set()
        self._rng = random.Random(f"proc/{seed}")
        self.restore()

    def restore(self) -> None:
        """Have everything as it was."""
        for found in list(self.root.iterdir()):
            _remove(found)
        for pid, (name, line) in PROCESSES.items():
            folder = self.root / str(pid)
            (folder / "fd").mkdir(parents=True)
            (folder / "stat").write_bytes(stat_of(pid, name.encode()))
            (folder / "cmdline").write_bytes(line.encode())
            (folder / "status").write_text(f"Name:\t{name}\nUid:\t0\t0\t0\t0\nVmData:\t  100 kB\nVmStk:\t   132 kB\n")
            (folder / "io").write_text("read_bytes: 4096\nwrite_bytes: 8192\n")
            (folder / "statm").write_text("2000 500 300 10 0 200 0\n")
            (folder / "exe").symlink_to(line.split("\0")[0] or "/")

    def change(self) -> None:
        """Change something."""
        changes: tuple[Callable[[int], None], ...] = (
            self._stat_name, self._stat_field, self._stat_field, self._garbage, self._garbage, self._cut, self._line,
            self._gone, self._folder_gone, self._folder_in_place, self._strange_folder, self._other_pid_in_stat,
        )  # fmt: skip
        for _ in range(self._rng.choice([1, 2, 4])):
            pid = self._rng.choice(list(PROCESSES))
            if (self.root / str(pid)).is_dir():
                self._rng.choice(changes)(pid)

    def _put(self, pid: int, name: str, content: bytes) -> None:
        path = self.root / str(pid) / name
        _remove(path)
        path.write_bytes(content)
        if name in {"stat", "cmdline"}:
            self.wrong.add(pid)

    def _stat_name(self, pid: int) -> None:
        self._put(pid, "stat", stat_of(pid, self._rng.choice(NASTY_NAMES)))

    def _stat_field(self, pid: int) -> None:
        name = PROCESSES[pid][0].encode()
        words = {self._rng.choice([0, 1, 6, 11, 12, 17, 19, 20, 21, 25]): self._rng.choice(NASTY_WORDS)}
        self._put(pid, "stat", stat_of(pid, name, words))

    def _garbage(self, pid: int) -> None:
        size = self._rng.choice([0, 1, 30, 4096, 70_000])
        self._put(pid, self._rng.choice(FILES), self._rng.randbytes(size))

    def _cut(self, pid: int) -> None:
        name = self._rng.choice(FILES)
        path = self.root / str(pid) / name
        data = path.read_bytes() if path.is_file() else b"x"
        self._put(pid, name, data[: self._rng.randrange(len(data) + 1)])

    def _line(self, pid: int) -> None:
        self._put(pid, "cmdline", self._rng.choice(NASTY_LINES))

    def _gone(self, pid: int) -> None:
        name = self._rng.choice([*FILES, "fd", "exe"])
        _remove(self.root / str(pid) / name)
        if name in {"stat", "cmdline"}:
            self.wrong.add(pid)

    def _folder_gone(self, pid: int) -> None:
        _remove(self.root / str(pid))
        self.wrong.add(pid)

    def _folder_in_place(self, pid: int) -> None:
        name = self._rng.choice([*FILES, "exe"])
        path = self.root / str(pid) / name
        _remove(path)
        path.mkdir()
        if name in {"stat", "cmdline"}:
            self.wrong.add(pid)

    def _strange_folder(self, pid: int) -> None:
        folder = self.root / self._rng.choice(STRANGE_FOLDERS)
        if not folder.exists():
            folder.mkdir()
            (folder / "stat").write_bytes(stat_of(pid, b"stranger"))

    def _other_pid_in_stat(self, pid: int) -> None:
        self._put(pid, "stat", stat_of(self._rng.choice(list(PROCESSES)), PROCESSES[pid][0].encode()))


def run_case(seed: int) -> None:
    """Run one case.

    Raises:
        AssertionError: something is not as it has to be.
    """
    with tempfile.TemporaryDirectory() as folder:
        proc = FakeProc(Path(folder), seed)

        def make(config: Any, context: Any) -> ProcessTask:
            def source(_config: Any, _task: Any) -> ProcSource:
                return ProcSource(context.wall, context.clock.seconds, lambda _row: True, root=proc.root)

            return ProcessTask(config, context, source)

        whole = WholePath(lambda _datagram, _t: (), LOCAL, seed, make)
        for number in range(HONEST + CHANGED + AFTER):
            if HONEST <= number < HONEST + CHANGED:
                proc.change()
            elif number == HONEST + CHANGED:
                proc.restore()
            cycle = whole.cycle()
            told = {component for component, key, severity in cycle.told if key == MISSING and severity}
            false = [component for component in told if set(PIDS_OF[component]) - proc.wrong]
            assert not false, f"cycle {number}: {false} are missing, wrong was {sorted(proc.wrong)}"
            assert all(fit_to_be_seen(row.name + row.command) for row in whole.task.view.processes())
        assert cycle.outcome is Outcome.GOOD, cycle.error
        assert len(whole.task.view.processes()) == len(PROCESSES)
        assert {status.set for status in whole.task.sets if status.state is not SetState.MISSING} == set(SETS)
        whole.close()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
