"""What a value costs a collector: from the figures of a scan to the bytes in the spool, in one process and in two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.cputime import cost
from collectors.framework.data.spool.intake import Intake
from collectors.framework.processtable import ProcessTable
from collectors.framework.running.clerk import Clerk, Desk
from collectors.framework.running.messages import encode, read_news
from collectors.framework.running.sinks import DaemonSamples
from collectors.framework.samplespool import SampleSpool
from collectors.process.judging import SetJudge
from collectors.process.memory import DeviceMemory, SetMemory
from collectors.process.sampling import StepSamples
from collectors.process.tables import View
from collectors.process.tracker import Outcome
from common.configs import DeviceConfig, SourceKind
from common.expressions import parse
from common.judged import DerivedConfig
from common.series import Kind, Layout, Number, Point, Sample, SeriesKey

SETS, CYCLES, STEP_S = 20, 500, 60
DERIVED = (
    DerivedConfig(point="memory_each", expression="memory / count", unit="bytes"),
    DerivedConfig(point="cpu_each", expression="cpu / count", unit="percent"),
)
"""Those of the template that is bound at first."""
RATES = (*DERIVED, DerivedConfig(point="restarting", expression="restarts * 3600"))

Row = tuple[str, float, str, str]


def rows(folder: Path, now: int) -> list[Row]:
    """All ways."""
    found: list[Row] = []
    for what, derived in (("measured alone", ()), ("two derived of eight", DERIVED), ("one of a rate of nine", RATES)):
        figured, stored, values = _scans(folder / str(len(derived)), now, derived)
        per = 1e6 / values
        found += [
            (f"collector: figures to bytes in the spool, {what}", (figured + stored) * per, "us CPU/value", "< 2"),
            ("  of it deriving, and making samples", figured * per, "us CPU/value", ""),
        ]
    found.append(("collector: counters made rates and accepted", _counters(now), "us CPU/value", ""))
    found.append(("collector: through a worker, with its pipe, as above", _worker(now), "us CPU/value", "< 2"))
    point_values: dict[str, Number | None] = {"memory": 2**28, "count": 3, "cpu": 1.5}
    for text in ("memory / count", "if(count > 0, memory / count, 0)", "memory / 1024 ^ 2"):
        expression = parse(text)
        used = cost(lambda e=expression: [e.evaluate(point_values) for _ in range(100_000)])  # type: ignore[misc]  # bound on purpose
        found.append((f"  evaluate {text}", used * 10, "us CPU", ""))
    return found


def _config(derived: tuple[DerivedConfig, ...]) -> DeviceConfig:
    return DeviceConfig(device="web1", address="127.0.0.1", source=SourceKind.SNMP, interval_s=STEP_S, derived=derived)


def _outcome(cycle: int) -> Outcome:
    table = ProcessTable(at=0.0, monotonic=0.0, rows={}, complete=True, full=False)
    figures: dict[str, dict[str, Number | None]] = {
        f"set {n}": {
            "count": 3, "cpu": cycle / 7, "memory": 2**28 + cycle, "restarts": cycle // 50, "oldest_s": cycle + 0.5,
            "youngest_s": cycle + 0.25,
        }
        for n in range(SETS)
    }  # fmt: skip
    return Outcome(
        events=[], figures=figures, series={name: name for name in figures}, show=list,
        view=View(table=table, owners={}, used={}), changed=False,
    )  # fmt: skip


def _scans(folder: Path, now: int, derived: tuple[DerivedConfig, ...]) -> tuple[float, float, int]:
    """CPU seconds of judging and sampling, of accepting and spooling, and how many values there were."""
    config = _config(derived)
    judge, steps, intake, spool = SetJudge(config), StepSamples(), Intake(), SampleSpool(folder)
    spool.open()
    memory = DeviceMemory(sets={f"set {n}": SetMemory(definition="d", since=0.0, pids={1: 0.0}) for n in range(SETS)})
    first = now // STEP_S * STEP_S - CYCLES * STEP_S
    outcomes = [_outcome(cycle) for cycle in range(CYCLES)]
    batches: list[Any] = []

    def figure() -> None:
        for cycle, outcome in enumerate(outcomes):
            slot = first + cycle * STEP_S
            judged = judge.judge(memory, outcome, slot + 1.0, slot)
            batches.append(steps.of(config, outcome, slot, judged.figures))

    def store() -> None:
        for number, batch in enumerate(batches):
            intake.accept(batch, now)
            if number % 20 == 19:  # as 20 devices at 10 s would be
                spool.append(intake.series, intake.take())

    figured, stored = cost(figure), cost(store)
    spool.close()
    return figured, stored, CYCLES * SETS * (6 + len(derived))


def _counters(now: int) -> float:
    """CPU microseconds of a value of which the count is made a rate, as of a port with six counters."""
    points = tuple(Point(name=f"c{n}", kind=Kind.COUNTER, maximum=1.25e9) for n in range(6))
    layout, keys = Layout(points=points, step_s=STEP_S), [SeriesKey("sw1", f"port {n}", "if") for n in range(SETS)]
    first = now // STEP_S * STEP_S - CYCLES * STEP_S
    batches = [
        [
            Sample(
                key=key, layout=layout, at=at, values={p.name: 2**60 + 1000 * at for p in points}, taken=at + 0.5,
                uptime_s=float(at), discontinuity=0,
            )
            for key in keys
        ]
        for at in range(first, first + CYCLES * STEP_S, STEP_S)
    ]  # fmt: skip
    intake = Intake()

    def accept() -> None:
        for batch in batches:
            intake.accept(batch, now)

    return cost(accept) * 1e6 / (CYCLES * SETS * len(points))


def _worker(now: int) -> float:
    """CPU microseconds of a value that a worker accepts and the daemon takes over."""
    config = _config(DERIVED)
    steps, intake = StepSamples(), Intake()
    desk: Any = dict.fromkeys(Desk.__struct_fields__) | {"samples": _Taker(intake, now)}
    clerk = Clerk(Desk(**desk), "worker", lambda _order: None)
    worker = DaemonSamples(lambda news: clerk.take(read_news(encode(news)[4:])), lambda: float(now), 10**9)
    first = now // STEP_S * STEP_S - CYCLES * STEP_S
    none: dict[str, Any] = {f"set {n}": {"memory_each": 1e7 + n, "cpu_each": 0.5} for n in range(SETS)}
    batches = [steps.of(config, _outcome(cycle), first + cycle * STEP_S, none) for cycle in range(CYCLES)]

    def write() -> None:
        for batch in batches:
            worker.write(batch)

    return cost(write) * 1e6 / (CYCLES * SETS * 8)


class _Taker:
    """The daemon's end."""

    def __init__(self, intake: Intake, now: float) -> None:
        self.series_of = intake.series_of
        self._intake = intake
        self._now = now

    def write_rows(self, taken: Any) -> None:
        """Accept rows."""
        self._intake.accept_rows(taken, self._now)
