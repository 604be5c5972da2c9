"""Processes of a simulated host, and programs that they belong to."""

from __future__ import annotations

from msgspec import Struct

from collectors.sim.scenario import ProgramSpec


class Process(Struct):
    """A process.

    Attributes:
        began: t of its start.
        cpu_cs: CPU time at `began`, in centiseconds; `cpu_rate` is what it uses in each second.
        memory_kib: at `began`; `leak_kib_s` is what is added in each second.
        zombie: it has ended, and nobody has asked what became of it.
        row, row_columns, row_cpu, row_memory: of the encoder: the last row, and what it was made of.
    """

    pid: int
    name: str
    path: str
    parameters: str
    began: float
    cpu_cs: int
    cpu_rate: float
    memory_kib: int
    leak_kib_s: float
    suffix: bytes = b""
    row: bytes = b""
    row_columns: tuple[int, ...] = ()
    row_cpu: int = -1
    row_memory: int = -1
    zombie: bool = False

    def decay(self, t: float) -> None:
        """End, and stay in the table."""
        self.cpu_cs, self.cpu_rate = cpu_cs(self, t), 0.0
        self.memory_kib, self.leak_kib_s = 0, 0.0
        self.zombie, self.row_cpu = True, -1

    @property
    def command(self) -> str:
        """Its command line."""
        return f"{self.path or self.name} {self.parameters}".strip()


class Running:
    """A program on a host.

    Attributes:
        pids: of its processes, the oldest first.
    """

    __slots__ = ("count", "number", "pids", "spec")

    def __init__(self, spec: ProgramSpec, count: int) -> None:
        self.spec = spec
        self.count = count
        self.pids: list[int] = []
        self.number = 0


def cpu_cs(process: Process, t: float) -> int:
    """CPU time used, as hrSWRunPerfCPU tells it."""
    if not process.cpu_rate:
        return process.cpu_cs
    return (process.cpu_cs + int(process.cpu_rate * (t - process.began))) & 0x7FFFFFFF


def memory_kib(process: Process, t: float) -> int:
    """Memory in use, as hrSWRunPerfMem tells it."""
    if not process.leak_kib_s:
        return process.memory_kib
    return min(process.memory_kib + int(process.leak_kib_s * (t - process.began)), 0x7FFFFFFF)
