"""Thresholds and derived points of process sets: what a scan's figures become before they are judged and written."""

from __future__ import annotations

from collectors.framework.judging.judgedfigures import Figures
from collectors.framework.processtable import ProcessTable
from collectors.process.judging import SetJudge
from collectors.process.memory import DeviceMemory, SetMemory
from collectors.process.tables import View
from collectors.process.tracker import Outcome
from common.configs import DeviceConfig, SourceKind
from common.judged import DerivedConfig
from common.series import Number

CONFIG = DeviceConfig(
    device="host",
    address="",
    source=SourceKind.LOCAL,
    interval_s=60,
    derived=(
        DerivedConfig(point="reading", expression="read_bytes * 8", unit="bits"),
        DerivedConfig(point="twice", expression="count * 2"),
    ),
)


class Scans:
    """A device with one set, scanned whenever it is asked for."""

    def __init__(self) -> None:
        self._judge = SetJudge(CONFIG)
        self.memory = DeviceMemory(sets={"web": SetMemory(definition="web", since=0.0, pids={77: 0.0})})

    def scan(self, at: float, *, woken: bool = False, **figures: Number | None) -> Figures:
        table = ProcessTable(at=at, monotonic=at, rows={}, complete=True, full=False, woken=woken)
        view = View(table=table, owners={}, used={})
        outcome = Outcome(
            events=[], figures={"web": {"count": 1, **figures}}, series={}, show=list, view=view, changed=False
        )
        return self._judge.judge(self.memory, outcome, at, int(at // 60) * 60).figures["web"]


def test_what_is_derived_of_a_rate_is_that_of_the_whole_step_whatever_wakes_a_scan_in_it() -> None:
    scans = Scans()
    told = [
        scans.scan(60.0, read_bytes=0),
        scans.scan(125.0, read_bytes=500, woken=True),
        scans.scan(120.0 + 60.0, read_bytes=1200),
        scans.scan(181.0, read_bytes=1300, woken=True),
        scans.scan(240.0, read_bytes=1800),
    ]
    assert [figures["reading"] for figures in told] == [None, None, 80.0, None, 80.0]
    assert [figures["twice"] for figures in told] == [2] * 5


def test_the_base_of_a_rate_is_kept_with_the_device() -> None:
    scans, others = Scans(), Scans()
    scans.scan(60.0, read_bytes=0)
    others.memory = scans.memory
    assert others.scan(120.0, read_bytes=60)["reading"] == 8.0
    others.memory.sets["web"].pids = {}
    gone = others.scan(180.0, read_bytes=120)
    assert (gone["reading"], gone["twice"], gone.get("read_bytes")) == (None, 2, None)
