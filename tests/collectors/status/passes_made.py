"""Passes as a test wants them."""

from __future__ import annotations

from typing import Any

from collectors.status.passes import Found, FoundProcesses, Pass, ProcessFigures, ProcessName, State

ROOM: dict[str, Any] = {
    "total": 1000,
    "used": 250,
    "free": 700,
    "percent": 26.3,
    "inodes_total": 50,
    "inodes_used": 5,
    "inodes_free": 45,
    "inodes_percent": 10.0,
}
TRAFFIC = ("bytes_sent", "bytes_recv", "packets_sent", "packets_recv", "errin", "errout", "dropin", "dropout")


def ok(figures: dict[str, Any], at: float = 100.0) -> Found:
    return Found(state=State.OK, at=at, since=at, figures=figures)


def bad(state: State, sentence: str, at: float = 100.0) -> Found:
    return Found(state=state, at=at, since=at, sentence=sentence)


def process(pid: int, **figures: Any) -> ProcessFigures:
    known: dict[str, Any] = {
        "started": 1.0,
        "cpu_s": 5.0,
        "cpu_percent": 99.5,
        "cpu_affinity": (0, 1),
        "memory_percent": 1.5,
        "rss": 4096,
        "vms": 8192,
        "shared": 1024,
    }
    return ProcessFigures(pid=pid, **(known | figures))


def running(*processes: ProcessFigures, at: float = 100.0) -> FoundProcesses:
    return FoundProcesses(state=State.OK, at=at, since=at, processes={one.pid: one for one in processes})


def a_pass(**changes: Any) -> Pass:
    given: dict[str, Any] = {
        "at": 100.0,
        "monotonic": 10.0,
        "elapsed_s": 1.0,
        "items": {
            "disks": {"/home": ok(ROOM), "/": ok(ROOM)},
            "interfaces": {"eth0": ok({name: number for number, name in enumerate(TRAFFIC)})},
        },
        "processes": {
            ProcessName(name="worker.sh"): running(process(812), process(77, cpu_affinity=None)),
            ProcessName(name="nginx"): running(),
        },
        "took_s": 0.01,
    }
    return Pass(**(given | changes))
