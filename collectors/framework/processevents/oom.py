"""Whether a process was killed for want of memory: what the kernel has counted and logged.

What the kernel's log says of a pid is known. That a counter went up while a process was killed by SIGKILL only speaks
for it: `/proc/vmstat` counts for the whole host, `memory.events` (cgroup v2) and `memory.oom_control` (v1) for a
control group. The log can be read with CAP_SYSLOG, or where dmesg_restrict is off; the counters by anybody.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from collectors.framework.local import procfs
from collectors.framework.processevents.values import OomKill
from common.quantities import counted

MAX_RECORDS = 2000
"""Of the kernel's log, in one look."""
MAX_GROUPS = 256
_KERNEL = 0
"""Facility of what the kernel itself has logged; programs that write to the log get another."""
_RECORD = re.compile(rb"^(\d+),\d+,\d+,[^;]*;(.*)", re.DOTALL)
_KILLED = re.compile(rb"Killed process (\d+) ")
_HELD = re.compile(rb"(?:anon|file|shmem)-rss:(\d+)kB")


class OomWitness:
    """Remembers what was counted at the last look.

    Args:
        root: what the host has at `/`.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._log: int | None = None
        self._kills = 0
        self._group_of: dict[int, str] = {}
        self._counted: dict[str, int] = {}
        self._begun = False

    def begin(self) -> None:
        """Look from now on."""
        self._begun = True
        with contextlib.suppress(OSError):
            self._log = os.open(self._root / "dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._log, 0, os.SEEK_END)
        self._kills = self._host_kills() or 0

    def close(self) -> None:
        """Look no more."""
        self._begun = False
        if self._log is not None:
            os.close(self._log)
            self._log = None

    def note(self, pid: int) -> None:
        """A watched process is there: remember whose memory it shares."""
        if self._begun and pid not in self._group_of:
            group = self._group(pid)
            self._group_of[pid] = group
            if group and group not in self._counted and len(self._counted) < MAX_GROUPS:
                self._count(group)

    def judge(self, killed: Mapping[int, int | None], there: Iterable[int]) -> dict[int, OomKill]:
        """Which of those that SIGKILL ended were killed for want of memory, since the last look.

        Args:
            killed: what they held in the last scan, by pid; None where that is not known.
            there: watched processes that live on.
        """
        if not self._begun:
            return {}
        found: dict[int, OomKill] = {}
        host_kills = self._host_kills()
        if host_kills is None or host_kills != self._kills:
            named = self._named()
            if killed:
                found = self._judge(killed, named, (host_kills or 0) - self._kills)
            for group in list(self._counted):
                self._count(group)
        self._kills = host_kills or 0
        living = set(there)
        self._group_of = {pid: group for pid, group in self._group_of.items() if pid in living}
        for group in self._counted.keys() - self._with_parents(self._group_of.values()):
            del self._counted[group]
        for pid in living:
            self.note(pid)
        return found

    def _judge(
        self, killed: Mapping[int, int | None], named: Mapping[int, int] | None, host_kills: int
    ) -> dict[int, OomKill]:
        if named is not None:
            return {
                pid: OomKill(known=True, evidence="the kernel's log names it", memory_bytes=named[pid] or held)
                for pid, held in killed.items()
                if pid in named
            }
        in_group = Counter(self._group_of.get(pid, "") for pid in killed)
        rises = {group: self._rise(group) for group in in_group}
        found = {}
        for pid, held in killed.items():
            group = self._group_of.get(pid, "")
            rise = rises[group]
            if rise is None and host_kills > 0:
                found[pid] = OomKill(known=False, evidence=_counted("the host", host_kills), memory_bytes=held)
            elif rise:
                found[pid] = OomKill(known=False, evidence=_counted("its control group", rise), memory_bytes=held)
        return found

    # --- counters -----------------------------------------------------------------------------------------------------

    def _host_kills(self) -> int | None:
        return _word_after(procfs.text(self._root / "proc/vmstat"), "oom_kill")

    def _group(self, pid: int) -> str:
        """The file that counts for a process, below the root; empty when there is none."""
        unified = ""
        for line in procfs.text(self._root / f"proc/{pid}/cgroup").splitlines():
            _, controllers, path = (*line.split(":", 2), "", "")[:3]
            if not path.startswith("/") or ".." in PurePosixPath(path).parts:
                continue
            if "memory" in controllers.split(","):
                return f"sys/fs/cgroup/memory{path.rstrip('/')}/memory.oom_control"
            if not controllers:
                unified = path.rstrip("/")
        base = "sys/fs/cgroup"
        if not (self._root / base / "cgroup.controllers").exists():
            base = "sys/fs/cgroup/unified"
        return f"{base}{unified}/memory.events" if unified else ""

    def _count(self, group: str) -> None:
        """Remember what a group, and those that it lies in, have counted."""
        for file in _parents(group):
            count = _word_after(procfs.text(self._root / file), "oom_kill")
            if count is not None:
                self._counted[file] = count

    def _rise(self, group: str) -> int | None:
        """How many kills a group counts more than at the last look; one that has gone is counted for by its parent."""
        for file in _parents(group) if group else ():
            count = _word_after(procfs.text(self._root / file), "oom_kill")
            if count is not None and file in self._counted:
                return max(0, count - self._counted[file])
        return None

    @staticmethod
    def _with_parents(groups: Iterable[str]) -> set[str]:
        return {file for group in set(groups) if group for file in _parents(group)}

    # --- the kernel's log ---------------------------------------------------------------------------------------------

    def _named(self) -> dict[int, int] | None:
        """Bytes held by those that were killed, by pid, as logged since the last look; None when it cannot be read."""
        if self._log is None:
            return None
        named: dict[int, int] = {}
        for _ in range(MAX_RECORDS):
            try:
                data = os.read(self._log, 8192)
            except BlockingIOError:
                break
            except BrokenPipeError:  # some were overwritten before they were read
                continue
            except OSError:
                return None
            if not data:
                break
            for record in data.split(b"\n"):
                _note_kill(record, named)
        return named


def _note_kill(record: bytes, named: dict[int, int]) -> None:
    head = _RECORD.match(record)
    if head is None or int(head[1]) >> 3 != _KERNEL:
        return
    killed = _KILLED.search(head[2])
    if killed is not None:
        named[int(killed[1])] = 1024 * sum(int(size) for size in _HELD.findall(head[2]))


def _parents(group: str) -> Sequence[str]:
    """The file of a group, and of those above it where they count for it too: in cgroup v2."""
    folder, _, name = group.rpartition("/")
    if name != "memory.events":
        return (group,)
    files = []
    while folder not in {"sys/fs/cgroup", "sys/fs/cgroup/unified", ""}:
        files.append(f"{folder}/{name}")
        folder = folder.rpartition("/")[0]
    return files


def _word_after(text: str, name: str) -> int | None:
    for line in text.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == name and words[1].isdigit():
            return int(words[1])
    return None


def _counted(who: str, kills: int) -> str:
    return f"{who} counts {counted(kills, 'such kill')} since the scan before"
