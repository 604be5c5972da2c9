from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import rrdtool
from msgspec.structs import replace

from collectors.framework.data.orders import Convert
from collectors.framework.data.writing.converting import convert_files
from common.conversion import MAX_TOLD, ConversionMode, ConversionState
from common.series import Point
from tests.collectors.framework.test_rrdwriter import LAYOUT, NOW, Bench, Slow

WIDE = replace(LAYOUT, points=(*LAYOUT.points, Point(name="extra")))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    for name in ("sshd", "nginx", "cron"):
        bench.put(NOW - 100, name, cpu=1)
    bench.write()
    return bench


def ordered(bench: Bench, mode: ConversionMode, *devices: str) -> ConversionState:
    steps = convert_files(bench.writer, Convert(devices=list(devices), mode=mode))
    try:
        while True:
            next(steps)
    except StopIteration as end:
        outcome: ConversionState = end.value
        return outcome


def want_another(bench: Bench) -> Any:
    """All files are to have one point more, and nothing may be converted until the clock moves."""
    slow = Slow(bench, 10.0)
    bench.writer.conversions._budget_s = -0.01
    for name in ("sshd", "nginx", "cron"):
        bench.put(NOW - 90, name, layout=WIDE, cpu=1, extra=2)
    return slow


def test_a_look_says_what_would_be_converted_and_changes_nothing(bench: Bench) -> None:
    want_another(bench)
    bench.writer.gather()  # known, and not written yet
    before = {path: path.read_bytes() for path in bench.root.rglob("*.rrd")}
    state = ordered(bench, ConversionMode.LOOK)
    assert (state.known, state.waiting, state.failed, state.done) == (3, 3, 0, 0)
    assert {(one.device, one.component, one.reason) for one in state.files} == {
        ("web1", name, "extra is new") for name in ("sshd", "nginx", "cron")
    }
    assert bench.writer.conversions.counts.waiting == 0
    assert {path: path.read_bytes() for path in bench.root.rglob("*.rrd")} == before
    assert ordered(bench, ConversionMode.LOOK, "web2") == ConversionState(known=0, waiting=0, failed=0, done=0)


def test_what_is_ordered_is_converted_at_the_pace_that_samples_allow(bench: Bench) -> None:
    want_another(bench)
    bench.writer.gather()
    assert ordered(bench, ConversionMode.BEGIN, "web1").waiting == 3
    waiting = 3
    while waiting:
        wait_s = bench.writer.wait_s()
        assert wait_s is not None
        bench.monotonic += wait_s
        bench.writer.gather()
        state = ordered(bench, ConversionMode.TELL)
        assert state.waiting + state.done == 3
        waiting = state.waiting
    for name in ("sshd", "nginx", "cron"):
        assert "ds[extra].type" in rrdtool.info(str(bench.path(name)))


def test_a_failure_is_told_with_its_reason_and_an_order_tries_it_again(bench: Bench) -> None:
    slow = want_another(bench)
    slow.fails = "the disk is full"
    bench.write()
    bench.monotonic += 300
    bench.writer.gather()
    bench.monotonic += 200
    bench.writer.gather()
    bench.monotonic += 200
    bench.writer.gather()
    state = ordered(bench, ConversionMode.TELL)
    assert state.failed == 3
    assert {one.failure for one in state.files} == {"the disk is full"}
    slow.fails = ""
    assert ordered(bench, ConversionMode.BEGIN).waiting == 3
    for _ in range(3):
        bench.monotonic += 300
        bench.writer.gather()
    assert ordered(bench, ConversionMode.TELL) == ConversionState(known=3, waiting=0, failed=0, done=3)


def test_a_conversion_that_fails_as_nobody_foresaw_ends_nothing(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Any) -> None:
        raise MemoryError

    bench.writer.conversions._convert = fail
    for name in ("sshd", "nginx"):
        bench.put(NOW - 90, name, layout=WIDE, cpu=7, extra=2)
    bench.write()
    assert bench.writer.conversions.counts.failed == 2
    assert "the conversion itself failed (MemoryError)" in bench.writer.report().problem
    assert "Traceback" in capfd.readouterr().err
    assert bench.rows(NOW - 90, NOW - 90)[NOW - 90][0] == 7


def test_a_fleet_is_looked_at_in_slices_and_not_all_of_it_is_told(bench: Bench) -> None:
    for number in range(600):
        bench.put(NOW - 100, f"n{number}", layout=LAYOUT, cpu=1)
    bench.writer.gather()
    steps = convert_files(bench.writer, Convert(mode=ConversionMode.LOOK))
    assert next(steps).of == 603
    bench.writer.conversions.hurry([])
    for number in range(MAX_TOLD + 1):
        file = bench.writer.series_files()[number]
        bench.writer.conversions.note(file, "\x1b[31m" * 1000)
    state = ordered(bench, ConversionMode.TELL)
    assert (state.waiting, len(state.files)) == (MAX_TOLD + 1, MAX_TOLD)
    assert all(len(one.reason) <= 1000 for one in state.files)
