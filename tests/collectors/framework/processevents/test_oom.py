"""Kills for want of memory, from files such as the kernel has."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.framework.processevents.oom import OomWitness
from collectors.framework.processevents.values import OomKill

RECORD = (
    "{prio},{seq},7,-;{where} Killed process {pid} (worker) total-vm:80000kB, anon-rss:1000kB, file-rss:20kB, "
    "shmem-rss:4kB, UID:0 pgtables:50kB oom_score_adj:0\n"
)
HELD = 5000


class Host:
    """A host's files; `v2` has control groups of version 2."""

    def __init__(self, root: Path, *, log: bool, v2: bool = True) -> None:
        self.root = root
        self.v2 = v2
        self.put("proc/vmstat", "nr_free_pages 100\noom_kill 3\n")
        for pid in (7, 8):
            line = f"0::/app{pid}/web" if v2 else f"5:cpu:/x\n4:memory:/app{pid}/web\n0::/"
            self.put(f"proc/{pid}/cgroup", line + "\n")
            self.count(pid, 0)
        if v2:
            self.put("sys/fs/cgroup/cgroup.controllers", "memory\n")
        if log:
            self.put("dev/kmsg", "6,1,1,-;old news\n" + self.record(8))
        self.witness = OomWitness(root)
        self.witness.begin()
        self.witness.judge({}, [7, 8])

    def put(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def count(self, pid: int, kills: int) -> None:
        if self.v2:
            for name in (f"app{pid}/web", f"app{pid}"):
                self.put(f"sys/fs/cgroup/{name}/memory.events", f"low 0\noom 9\noom_kill {kills}\n")
        else:
            self.put(f"sys/fs/cgroup/memory/app{pid}/web/memory.oom_control", f"under_oom 0\noom_kill {kills}\n")

    @staticmethod
    def record(pid: int, prio: int = 3) -> str:
        return RECORD.format(prio=prio, seq=2, where="Memory cgroup out of memory:", pid=pid)

    def kill(self, pid: int, host_kills: int = 4) -> None:
        self.put("proc/vmstat", f"oom_kill {host_kills}\n")
        self.count(pid, 1)

    def judge(self, *pids: int) -> dict[int, OomKill]:
        return self.witness.judge(dict.fromkeys(pids, HELD), [])


def test_what_the_log_names_is_known_with_the_size_that_it_tells(tmp_path: Path) -> None:
    host = Host(tmp_path, log=True)
    with (tmp_path / "dev/kmsg").open("a") as log:
        log.write("6,3,9,-;something else\n" + host.record(7))
    host.kill(7)
    assert host.judge(7, 8) == {7: OomKill(True, "the kernel's log names it", 1024 * 1024)}
    assert host.judge(7) == {}  # told once
    host.witness.close()


def test_what_a_program_wrote_to_the_log_is_not_believed(tmp_path: Path) -> None:
    host = Host(tmp_path, log=True)
    with (tmp_path / "dev/kmsg").open("a") as log:
        log.write(host.record(7, prio=1 << 3 | 3) + "not a record: Killed process 7 (x)\n")
    host.put("proc/vmstat", "oom_kill 4\n")
    assert host.judge(7) == {}
    host.witness.close()


@pytest.mark.parametrize("v2", [True, False])
def test_a_control_group_that_counts_one_more_makes_it_likely_for_its_own_alone(tmp_path: Path, *, v2: bool) -> None:
    host = Host(tmp_path, log=False, v2=v2)
    host.kill(7)
    likely = OomKill(False, "its control group counts 1 such kill since the scan before", HELD)
    assert host.judge(7, 8) == {7: likely}
    assert host.judge(7, 8) == {}


def test_a_group_that_has_gone_is_counted_for_by_the_one_above(tmp_path: Path) -> None:
    host = Host(tmp_path, log=False)
    host.kill(7)
    (tmp_path / "sys/fs/cgroup/app7/web/memory.events").unlink()
    judged = host.judge(7, 8)
    assert list(judged) == [7]
    assert judged[7].evidence.startswith("its control group")


def test_without_groups_the_count_of_the_host_makes_it_likely(tmp_path: Path) -> None:
    host = Host(tmp_path, log=False)
    host.witness = OomWitness(tmp_path)
    host.witness.begin()
    host.put("proc/vmstat", "oom_kill 5\n")
    assert host.judge(9) == {9: OomKill(False, "the host counts 2 such kills since the scan before", HELD)}


def test_a_kill_while_nothing_is_counted_is_nobody_s_but_an_operator_s(tmp_path: Path) -> None:
    host = Host(tmp_path, log=False)
    assert host.judge(7) == {}


def test_a_host_that_tells_nothing_is_no_evidence(tmp_path: Path) -> None:
    witness = OomWitness(tmp_path)
    assert witness.judge({7: HELD}, []) == {}
    witness.begin()
    witness.note(7)
    assert witness.judge({7: HELD}, [7]) == {}
    witness.close()


def test_a_group_named_outside_of_its_tree_is_not_read(tmp_path: Path) -> None:
    host = Host(tmp_path, log=False)
    host.put("proc/9/cgroup", "0::/../../etc\n4:memory:/../x\n")
    host.put("etc/memory.events", "oom_kill 0\n")
    host.witness.note(9)
    host.put("etc/memory.events", "oom_kill 9\n")
    host.put("proc/vmstat", "oom_kill 4\n")
    assert "the host" in host.judge(9)[9].evidence
