"""Sending: what is taken is done, what fails waits, what is refused is dropped, and all is counted."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import cramjam
import pytest

from collectors.framework.data.spool.intake import Intake
from collectors.framework.outlets.posting import Answer, Fate, answer_of
from collectors.framework.outlets.sending import REFUSED_S, TRIM_S, Sender
from collectors.framework.outlets.settings import RemoteWriteSettings
from collectors.framework.outlets.writerequest import WriteRequest
from collectors.framework.samplespool import SampleSpool
from common.series import Layout, Point, Sample, SeriesKey

LAYOUT = Layout(points=(Point(name="cpu"), Point(name="memory")), step_s=10)
NOW = 1_800_000_000
TAKEN = Answer(Fate.TAKEN)
LATER = Answer(Fate.LATER, "http://there answered 503")
REFUSED = Answer(Fate.REFUSED, "http://there answered 400: out of bounds")


class Other:
    """The other side: keeps what it takes, and answers as it is told."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests = 0
        self.values: list[tuple[str, int, float]] = []

    def __call__(self, body: bytes) -> Answer:
        self.requests += 1
        answer = self.answers.pop(0) if self.answers else TAKEN
        if answer.fate is Fate.TAKEN:
            request = WriteRequest()
            request.ParseFromString(bytes(cramjam.snappy.decompress_raw(body)))
            for series in request.timeseries:
                named = {label.name: label.value for label in series.labels}
                self.values += [
                    (f"{named['device']}/{named['point']}", s.timestamp // 1000, s.value) for s in series.samples
                ]
        return answer


class Bench:
    """A spool, its follower, and the other side."""

    def __init__(self, folder: Path, settings: RemoteWriteSettings | None = None) -> None:
        self.settings = settings or RemoteWriteSettings(url="http://there/write", wait_s=0)
        self.folder = folder
        self.intake = Intake()
        self.spool = self.opened()
        self.other = Other()
        self.now = 0.0
        self.sender = self.begun()

    def opened(self, segment_bytes: int = 2_000) -> SampleSpool:
        spool = SampleSpool(self.folder / "samples", segment_bytes=segment_bytes, followers=[self.folder / "remote"])
        spool.open()
        return spool

    def begun(self) -> Sender:
        return Sender(
            self.settings, self.folder / "remote", {"collector": "c"}, self.other, lambda: self.now,
            time.time, random.Random(1),
        )  # fmt: skip

    def sample(self, count: int, device: str = "web1") -> None:
        for _ in range(count):
            self.now += 10
            values: dict[str, float | int | None] = {"cpu": self.now, "memory": 1}
            key = SeriesKey(device, "nginx", "table")
            self.intake.accept([Sample(key=key, layout=LAYOUT, at=NOW + int(self.now), values=values)], NOW + self.now)
            self.spool.append(self.intake.series, self.intake.take())

    def run(self, steps: int = 20) -> None:
        for _ in range(steps):
            self.sender.step()

    def cpu(self) -> list[float]:
        return [value for name, _, value in self.other.values if name == "web1/cpu"]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_every_sample_is_sent_once_in_order_over_any_number_of_segments(bench: Bench) -> None:
    bench.sample(300)
    bench.run()
    bench.sample(1)
    bench.run()
    assert bench.cpu() == [10.0 * n for n in range(1, 302)]
    assert bench.sender.report.sent == 602
    assert bench.sender.report.problem == ""
    assert len(list((bench.folder / "remote").glob("*.seg"))) == 1  # what was sent is gone, but for the last one


def test_the_writer_and_the_sender_do_not_wait_for_each_other(bench: Bench) -> None:
    bench.sample(300)
    for path in sorted((bench.folder / "samples").glob("*.seg"))[:-1]:
        path.unlink()  # written into their files
    bench.run()
    assert len(bench.cpu()) == 300


def test_while_the_other_side_is_away_samples_wait_and_are_sent_then(bench: Bench) -> None:
    bench.other.answers = [LATER] * 5
    bench.sample(50)
    bench.run()
    assert bench.other.requests == 1  # it is left alone for a while
    assert bench.sender.report.problem == ""  # once is no problem yet
    for _ in range(4):
        bench.now += 60
        bench.run(2)
        assert "503" in bench.sender.report.problem
    for _ in range(6):
        bench.now += 60
        bench.run(2)
    assert bench.cpu() == [10.0 * n for n in range(1, 51)]
    assert bench.sender.report.problem == ""


def test_the_other_side_says_for_how_long_it_wants_to_be_left_alone(bench: Bench) -> None:
    bench.other.answers = [Answer(Fate.LATER, "busy", 120.0)]
    bench.sample(1)
    bench.run()
    assert "busy" in bench.sender.report.problem  # for long enough
    bench.now += 100
    bench.run()
    assert bench.other.requests == 1
    bench.now += 30
    bench.run()
    assert len(bench.cpu()) == 1


def test_what_waits_is_looked_after_while_the_other_side_is_left_alone(bench: Bench) -> None:
    bench.other.answers = [Answer(Fate.LATER, "busy", 600.0)]
    bench.sample(1)
    assert bench.sender.step() <= TRIM_S
    assert bench.sender.step() <= TRIM_S


def test_what_is_refused_is_dropped_and_counted_and_the_rest_goes_on(bench: Bench) -> None:
    bench.other.answers = [REFUSED]
    bench.sample(3)
    bench.run()
    assert bench.sender.report.refused == 6
    assert "out of bounds" in bench.sender.report.problem
    bench.sample(1)
    bench.run()
    assert bench.cpu() == [40.0]
    # Where some requests are refused again and again, that is one problem, which does not come and go.
    assert "out of bounds" in bench.sender.report.problem
    bench.now += REFUSED_S
    bench.sample(1)
    bench.run()
    assert bench.sender.report.problem == ""


def test_a_request_has_as_many_values_as_it_may(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RemoteWriteSettings(url="http://there/write", wait_s=0, samples=5))
    bench.sample(30)
    for _ in range(20):
        before = len(bench.other.values)
        bench.run(1)
        assert len(bench.other.values) - before <= 6  # two of each sample
    assert len(bench.cpu()) == 30


@pytest.mark.parametrize("after", range(4))
def test_one_that_is_killed_goes_on_where_it_was(bench: Bench, after: int) -> None:
    bench.sample(200)
    bench.run(after)
    bench.sender = bench.begun()  # nobody closed the one before
    bench.sample(10)
    bench.run()
    assert sorted(set(bench.cpu())) == [10.0 * n for n in range(1, 211)]
    assert len(bench.cpu()) == 210


def test_a_daemon_that_starts_anew_goes_on_with_new_numbers_of_series(bench: Bench) -> None:
    bench.sample(5, "other")
    bench.sample(5)
    bench.spool.close()
    bench.intake, bench.spool = Intake(), bench.opened()
    bench.sample(5)
    bench.run()
    assert len(bench.cpu()) == 10


def test_what_waits_is_bounded_in_bytes_and_the_loss_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RemoteWriteSettings(url="http://there/write", wait_s=0, keep_mb=1))
    bench.spool = bench.opened(segment_bytes=100_000)
    bench.other.answers = [LATER] * 1000
    key = [SeriesKey(f"web{n}", "nginx" * 10, "table") for n in range(400)]
    for _ in range(100):
        bench.now += 10
        samples = [
            Sample(key=one, layout=LAYOUT, at=NOW + int(bench.now), values={"cpu": bench.now / 7, "memory": 2**40})
            for one in key
        ]
        bench.intake.accept(samples, NOW + bench.now)
        bench.spool.append(bench.intake.series, bench.intake.take())
        if int(bench.now) % 100 == 0:
            bench.sender.step()
    bench.now += 60
    bench.sender.step()
    waiting = sum(path.stat().st_size for path in (tmp_path / "remote").glob("*.seg"))
    assert waiting < 1_500_000
    bench.other.answers = []
    for _ in range(300):
        bench.now += 1
        bench.sender.step()
    report = bench.sender.report
    assert report.dropped > 0
    assert report.sent == len(bench.other.values)
    assert report.sent + 2 * report.dropped == 2 * 100 * 400


def test_what_has_waited_too_long_is_dropped(bench: Bench) -> None:
    bench.other.answers = [LATER]
    bench.sample(300)
    oldest, *_, newest = sorted((bench.folder / "remote").glob("*.seg"))
    os.utime(oldest, (time.time() - 90_000, time.time() - 90_000))
    bench.run(1)
    assert not oldest.exists()
    assert newest.exists()


def test_a_few_values_wait_for_others(tmp_path: Path) -> None:
    bench = Bench(tmp_path, RemoteWriteSettings(url="http://there/write", wait_s=5, samples=100))
    bench.sample(1)
    bench.run(3)
    assert bench.other.requests == 0
    bench.now += 5
    bench.run(1)
    assert bench.other.requests == 1
    bench.sample(60)
    bench.run(3)
    assert bench.other.requests >= 2


@pytest.mark.parametrize(
    ("status", "fate"),
    [(200, Fate.TAKEN), (204, Fate.TAKEN), (400, Fate.REFUSED), (413, Fate.REFUSED), (422, Fate.REFUSED)]
    + [(status, Fate.LATER) for status in (301, 401, 403, 404, 408, 429, 500, 502, 503, 504)],
)
def test_what_an_answer_means(status: int, fate: Fate) -> None:
    answer = answer_of("http://there", status, {"retry-after": "7"}, "for\x1b[31m this\nreason")
    assert answer.fate is fate
    if fate is not Fate.TAKEN:
        assert str(status) in answer.why
        assert "\x1b" not in answer.why
        assert "\n" not in answer.why
    assert answer.retry_after_s == (7.0 if fate is Fate.LATER else 0.0)
