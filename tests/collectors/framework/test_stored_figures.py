"""Derived points and counters on their way from a task to the rows of an RRD file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import rrdtool
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from collectors.framework.data.index import read_device
from collectors.framework.data.reading.listing import Live, list_series
from collectors.framework.data.spool.intake import Intake, Latest
from collectors.framework.data.writing.writer import Writer
from collectors.framework.judging.judgedfigures import CounterBases, JudgedFigures
from collectors.framework.judging.rates import Moment
from collectors.framework.running.clerk import Clerk, Desk
from collectors.framework.running.messages import Samples, encode, read_news
from collectors.framework.running.sinks import DaemonSamples
from collectors.framework.samplespool import SampleSpool
from common import rrd
from common.judged import DerivedConfig
from common.queries import ListQuery
from common.series import Kind, Layout, Number, Point, Sample, SeriesKey
from tests.fakes.samples import FakeSampleSink

DAY_S = 86_400
BEGIN = 1_800_000_000 // DAY_S * DAY_S
KEY = SeriesKey("web1", "eth0", "port")


class Store:
    """The way of samples to disk: intake, spool, writer."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "rrd"
        self.root.mkdir()
        self.now = float(BEGIN)
        self.intake = Intake()
        self._spool = SampleSpool(folder / "samples")
        self._spool.open()
        self._writer = Writer(folder / "samples", self.root, lambda: self.now, lambda: 0.0)

    def write(self, samples: Sequence[Sample]) -> None:
        self.now = max(self.now, *(float(sample.at) for sample in samples))
        self.intake.accept(samples, self.now)
        self._spool.append(self.intake.series, self.intake.take())
        self._writer.gather()
        self._writer.flush()

    def rows(self, cf: str, step_s: int, start: int, end: int) -> list[dict[str, float | None]]:
        """What the file has from start, exclusive, to end."""
        options = [cf, "-r", str(step_s), "-s", str(start), "-e", str(end - step_s)]
        path = str(self.root / rrd.file_name(KEY))
        (_, _, found_s), names, rows = rrdtool.fetch(path, *options)
        assert found_s == step_s
        return [dict(zip(names, row, strict=True)) for row in rows]

    def close(self) -> None:
        self._writer.close()
        self._spool.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


# --- derived points ---------------------------------------------------------------------------------------------------


def test_least_and_greatest_of_a_derived_point_are_those_of_its_samples_in_every_archive(store: Store) -> None:
    measured = (Point(name="data", unit="bytes"), Point(name="stack", unit="bytes"))
    figures = JudgedFigures(measured, (DerivedConfig(point="used", expression="data + stack", unit="bytes"),), ())
    layout = Layout(points=measured + figures.derived.points, step_s=600)
    taken = [(476, 136), (900, 100), (400, 800), (500, 200), (480, 140)]
    stamps = range(BEGIN + 600, BEGIN + 2 * DAY_S + 1, 600)
    samples = []
    for number, at in enumerate(stamps):
        data, stack = taken[number % 5]
        values = figures.judged({"data": data, "stack": stack}, CounterBases(), Moment(at), at)
        samples.append(Sample(key=KEY, layout=layout, at=at, values=values))
    store.write(samples)
    resolutions = [archive.steps * 600 for archive in rrd.archives(600)]
    assert resolutions == [600, 3600, DAY_S]
    for step_s in resolutions[1:]:
        for cf, used, others in (("MIN", 612, 400 + 100), ("MAX", 1200, 900 + 800)):
            rows = store.rows(cf, step_s, BEGIN, BEGIN + 2 * DAY_S)
            assert len(rows) == 2 * DAY_S // step_s
            assert {row["used"] for row in rows} == {used}
            assert {(row["data"] or 0) + (row["stack"] or 0) for row in rows} == {others}, "what nobody has measured"
    for cf in rrd.CONSOLIDATIONS:
        assert [row["used"] for row in store.rows(cf, 600, BEGIN, BEGIN + 3000)] == [612, 1000, 1200, 700, 620]


def test_an_integer_that_is_too_large_for_a_file_hurts_no_other_point() -> None:
    points = (Point(name="a"),)
    derived = (
        DerivedConfig(point="huge", expression="a ^ 4"),
        DerivedConfig(point="none", expression="a / 0"),
        DerivedConfig(point="low", expression="a", maximum=5.0),
        DerivedConfig(point="sum", expression="a + 1"),
    )
    figures = JudgedFigures(points, derived, ())
    intake = Intake()
    values = figures.judged({"a": 2**40}, CounterBases(), Moment(BEGIN), BEGIN)
    layout = Layout(points=points + figures.derived.points, step_s=60)
    intake.accept([Sample(key=KEY, layout=layout, at=BEGIN, values=values)], BEGIN)
    assert (intake.waiting, intake.drops) == ([(1, BEGIN, [2**40, 2.0**160, None, None, 2**40 + 1])], {})


# --- counters ---------------------------------------------------------------------------------------------------------

PORT = (
    Point(name="in", kind=Kind.COUNTER, unit="bytes"),
    Point(name="old", kind=Kind.COUNTER, unit="bytes", wraps_at_bits=32, maximum=1.25e6),
    Point(name="heat", scale=0.1, offset=-273.0),
)
STEP_S = 60


class Host:
    """Something that counts, and a task that reads it."""

    def __init__(self, layout: Layout, begun: int = 0) -> None:
        self.layout = layout
        self.count = begun
        self.old = begun % 2**32
        self.uptime_s = 10_000.0
        self.discontinuity = 0

    def sample(self, at: int, late_s: float) -> Sample:
        return Sample(
            key=KEY,
            layout=self.layout,
            at=at,
            values={"in": self.count, "old": self.old, "heat": 3000},
            taken=at + late_s,
            uptime_s=self.uptime_s + late_s,
            discontinuity=self.discontinuity,
        )


EVENTS = st.sampled_from(["", "", "", "", "reset", "reboot", "discontinuity"])
TURNS = st.lists(
    st.tuples(st.integers(0, 70_000_000), st.floats(0, 30), EVENTS),
    min_size=2,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(TURNS, st.sampled_from([0, 2**32 - 10_000_000, 2**53 - 5, 2**63]))
@example([(1, 0.0, ""), (3, 0.0, ""), (1, 0.0, "reset"), (1, 0.0, "")], 2**53)
def test_a_counter_is_stored_as_the_rate_between_two_readings(turns: list[tuple[int, float, str]], begun: int) -> None:
    host = Host(Layout(points=PORT, step_s=STEP_S), begun)
    samples, wanted, seen = [], [], begun
    before: Fraction | None = None
    for number, (grown, late_s, event) in enumerate(turns):
        at = BEGIN + (number + 1) * STEP_S
        host.uptime_s += STEP_S
        host.count += grown
        host.old = (host.old + grown) % 2**32
        if event == "reset":
            host.count, host.old = max(0, host.count - 2 * grown - 1), 0
            assume(host.count < seen)
        elif event == "reboot":
            host.uptime_s = 3.0
        elif event == "discontinuity":
            host.discontinuity += 1
        sample = host.sample(at, late_s)
        samples.append(sample)
        now = Fraction(sample.taken)
        exact = Fraction(grown) / (now - before) if before is not None and not event else None
        wanted.append((event, exact))
        before, seen = now, host.count
    with TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.write(samples)
        rows = store.rows("AVERAGE", STEP_S, BEGIN, BEGIN + len(turns) * STEP_S)
        (latest,) = store.intake.of_device("web1")
        store.close()
    for row, (event, rate) in zip(rows, wanted, strict=True):
        same = None if rate is None else pytest.approx(float(rate), rel=1e-14)
        assert row["in"] == same
        if event != "reset":  # one that might as well be a wrap
            assert row["old"] == (None if rate is None or rate > 1_250_000 else same)
        assert row["heat"] == pytest.approx(27.0)
    assert latest.measured == [host.count, host.old, pytest.approx(27.0)]


def test_a_second_sample_in_a_step_and_one_of_the_past_are_no_base() -> None:
    intake, host = Intake(), Host(Layout(points=PORT[:1], step_s=STEP_S))
    told: list[list[Number | None]] = []
    for at, taken, count in ((60, 61.0, 0), (60, 90.0, 500), (0, 2.0, 7), (120, 121.0, 600), (180, 181.0, 1200)):
        host.count = count
        intake.accept([_cut(host.sample(BEGIN + at, taken - at))], BEGIN + 180)
        told += [entry[2] for entry in intake.take()]
    assert told == [[None], [10.0], [10.0]]
    assert intake.drops == {"past": 2}


def test_a_gap_of_some_steps_is_no_step() -> None:
    intake, host = Intake(), Host(Layout(points=PORT[:1], step_s=STEP_S))
    told: list[list[Number | None]] = []
    for at in (0, 60, 240, 600, 660):
        host.count = 10 * at
        intake.accept([_cut(host.sample(BEGIN + at, 0.0))], BEGIN + 660)
        told += [entry[2] for entry in intake.take()]
    assert told == [[None], [10.0], [10.0], [None], [10.0]]


def test_counts_go_on_when_a_layout_gets_another_point_beside_them() -> None:
    intake, host = Intake(), Host(Layout(points=PORT[:1], step_s=STEP_S))
    told: list[list[Number | None]] = []
    for number, points in enumerate((PORT[:1], (Point(name="new"), PORT[0]), (PORT[1],))):
        host.layout = Layout(points=points, step_s=STEP_S)
        host.count = host.old = 600 * number
        intake.accept([_cut(host.sample(BEGIN + number * STEP_S, 0.0))], BEGIN + 600)
        told += [entry[2] for entry in intake.take()]
    assert told == [[None], [None, 10.0], [None]], "another counter begins anew"


def test_a_count_and_its_rate_are_both_told(store: Store) -> None:
    host = Host(Layout(points=PORT, step_s=STEP_S), 2**60)
    store.write([host.sample(BEGIN, 0.0)])
    host.count += 6
    store.write([host.sample(BEGIN + STEP_S, 0.0)])
    assert _told(store, store.intake.of_device("web1")) == [
        ("in", 2**60 + 6, 0.1, "bytes"),
        ("old", 2**60 % 2**32, 0.0, "bytes"),
        ("heat", pytest.approx(27.0), None, ""),
    ]
    assert _told(store, [])[0] == ("in", None, 0.1, "bytes"), "the file has the rate alone"


def test_a_worker_makes_rates_and_the_daemon_knows_the_counts(tmp_path: Path) -> None:
    host = Host(Layout(points=PORT, step_s=STEP_S))
    daemon = FakeSampleSink(lambda: BEGIN + STEP_S)
    desk: Any = dict.fromkeys(Desk.__struct_fields__) | {"samples": daemon}
    answers: list[Any] = []
    clerk = Clerk(Desk(**desk), "worker 1", answers.append)
    worker = DaemonSamples(lambda news: clerk.take(read_news(encode(news)[4:])), lambda: BEGIN + STEP_S)
    for at in (BEGIN, BEGIN + STEP_S):
        worker.write(
            [
                host.sample(at, 0.0),
                Sample(
                    key=SeriesKey("web1", "x", "y"),
                    layout=Layout(points=(Point(name="a"),), step_s=60),
                    at=at,
                    values={"a": 1},
                ),
            ]
        )
        host.count += 120
    assert [sample.values.get("in") for sample in daemon.accepted if sample.key == KEY] == [None, 2.0]
    latest = daemon.series_of(KEY, host.layout)
    assert latest is not None
    assert latest.measured[0] == 120
    assert len(answers) == 2
    assert Samples([], []).counted == []


def _cut(sample: Sample) -> Sample:
    """Without what its layout does not have."""
    names = {point.name for point in sample.layout.points}
    values = {name: value for name, value in sample.values.items() if name in names}
    return Sample(key=sample.key, layout=sample.layout, at=sample.at, values=values, taken=sample.taken)


def _told(store: Store, latest: Sequence[Latest]) -> list[tuple[str, Any, Any, str]]:
    live = [Live(one.key, one.layout, one.at, one.values, one.measured) for one in latest]
    held = read_device(store.root, "web1")
    held = [type(one)(key=one.key, layout=one.layout, file=str(store.root / one.file), first=one.first) for one in held]
    listing = list_series(ListQuery(device="web1"), held, live, store.root)
    return [(one.point, one.value, one.rate, one.unit) for one in listing.values]
