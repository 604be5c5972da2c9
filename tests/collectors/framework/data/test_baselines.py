"""What is learned of points beside their files: by real rrdtool, over restarts, gaps, other options."""

from __future__ import annotations

import math
import os
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import rrdtool
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collectors.framework.data.baselinefiles import Known, bands, known, part_s
from collectors.framework.data.reading import baselinereading
from collectors.framework.data.reading.baselinereading import LessonsQuery, lessons
from collectors.framework.judging.baselines import Learned, Look
from common import rrd
from common.series import Baseline, Kind, Layout, Pace, Point, Sample, SeriesKey
from tests.collectors.framework.test_rrdwriter import NOW, Bench, dump

HOUR_S = 3600
START = NOW // 86_400 * 86_400
SEASON = Baseline(point="cpu", season_s=HOUR_S)
"""Twelve parts of five minutes: days in seconds."""
PLAIN = Layout(points=(Point(name="cpu", minimum=0.0), Point(name="runs", kind=Kind.DERIVE, minimum=0.0)), step_s=300)
LAYOUT = replace(PLAIN, baselines=(SEASON,))
KEY = SeriesKey("web1", "sshd", "process")


class Life(Bench):
    """A series that is sampled every five minutes."""

    def __init__(self, folder: Path, layout: Layout = LAYOUT) -> None:
        super().__init__(folder)
        self.layout = layout
        self.parts = 0
        self.now = float(START)

    def live(self, values: Iterable[float | None], point: str = "cpu") -> None:
        for value in values:
            self.parts += 1
            at = START + self.parts * self.layout.step_s
            self.now = max(self.now, at + 5.0)
            if value is not None:
                self.intake.accept([Sample(key=KEY, layout=self.layout, at=at, values={point: value})], self.now)
                self.spool.append(self.intake.series, self.intake.take())
        self.write()

    def wave(self, seasons: float, high: float = 20.0) -> None:
        """A value that goes up and down once in a season."""
        first = self.parts + 1
        self.live(wave(number, high) for number in range(first, first + round(12 * seasons)))

    def learned(self, after: int = 0) -> list[Learned]:
        return lessons(self.root, LessonsQuery({"web1": after})).learned["web1"]

    @property
    def looks(self) -> dict[int, Look]:
        """By the number of the part."""
        (one,) = self.learned()
        return {(look.at - START) // 300: look for look in one.looks}

    @property
    def files(self) -> list[str]:
        place = self.path()
        return sorted(path.name.removeprefix(place.name) for path in place.parent.glob(place.name + ".*"))


def wave(number: int, high: float = 20.0) -> float:
    return 50 + high * math.sin(2 * math.pi * number / 12)


def lesson(path: str) -> list[bytes]:
    """All of a file, but for where in a season it is smoothed: a file begins at any row, by chance."""
    return [line for line in dump(Path(path)).splitlines() if b"seasonal_smooth_idx" not in line]


@pytest.fixture
def life(tmp_path: Path) -> Life:
    return Life(tmp_path)


def test_after_two_seasons_it_is_known_what_to_expect_and_how_far_it_usually_is_from_that(life: Life) -> None:
    life.wave(8)
    looks = life.looks
    assert len(looks) == 96
    assert {number for number, look in looks.items() if look.spread is None} <= set(range(1, 26))
    for number in range(80, 97):
        look = looks[number]
        assert look.value == pytest.approx(wave(number))
        assert look.expected == pytest.approx(wave(number), abs=5)
        assert look.spread is not None
        assert look.spread < 6
    (one,) = life.learned()
    assert (one.series, one.baseline, one.begun) == (KEY, SEASON, START + 300)


def test_what_is_expected_of_a_part_does_not_know_it_yet(life: Life) -> None:
    life.wave(10)
    before = life.parts
    life.live([500.0])
    look = life.looks[before + 1]
    assert look.value == 500
    assert look.expected == pytest.approx(wave(before + 1), abs=5)


def test_only_what_is_new_is_told_and_a_little_before(life: Life) -> None:
    life.wave(8)
    (one,) = life.learned(after=START + 300 * 95)
    assert [(look.at - START) // 300 for look in one.looks] == [93, 94, 95, 96]
    assert lessons(life.root, LessonsQuery({"stranger": 0})).learned == {"stranger": []}


def test_an_answer_has_bounds(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    life.wave(8)
    monkeypatch.setattr(baselinereading, "MOST_LOOKS", 10)
    told = lessons(life.root, LessonsQuery({"web1": 0, "web2": 0})).learned
    assert [len(one.looks) for one in told["web1"]] == [16]
    assert "web2" not in told


def test_a_series_has_its_own_file_as_ever(life: Life, tmp_path: Path) -> None:
    other = Life(tmp_path / "other", PLAIN)
    for one in (life, other):
        one.wave(4)
    assert dump(life.path()) == dump(other.path())
    assert other.files == []
    assert life.files == [f".likely.1n.{START + 300}.cpu"]


def test_what_was_learned_goes_on_after_a_restart(life: Life, tmp_path: Path) -> None:
    whole = Life(tmp_path / "whole")
    whole.wave(8)
    for _ in range(8):
        life.wave(1)
        life.restart()
    assert life.files == whole.files
    (one,), (other,) = bands(life.root, rrd.file_name(KEY)), bands(whole.root, rrd.file_name(KEY))
    assert lesson(one.path) == lesson(other.path)


def test_a_crash_between_the_two_files_loses_nothing(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Life(tmp_path / "whole")
    whole.wave(5)
    life.wave(4)
    update = rrdtool.update

    def die(path: str, *arguments: Any) -> None:
        if path.endswith(".rrd"):
            raise KeyboardInterrupt
        update(path, *arguments)

    monkeypatch.setattr(rrdtool, "update", die)
    with pytest.raises(KeyboardInterrupt):
        life.wave(1)
    monkeypatch.setattr(rrdtool, "update", update)
    life.writer = life.start()
    life.write()
    for one, other in zip(bands(life.root, rrd.file_name(KEY)), bands(whole.root, rrd.file_name(KEY)), strict=True):
        assert lesson(one.path) == lesson(other.path)
    assert dump(life.path()) == dump(whole.path())


def test_a_kill_in_the_middle_of_an_update_is_undone(life: Life, tmp_path: Path) -> None:
    whole = Life(tmp_path / "whole")
    whole.wave(5)
    life.wave(4)
    (band,) = bands(life.root, rrd.file_name(KEY))
    name = os.path.relpath(band.path, life.root)
    raw = Path(band.path).read_bytes()
    life.writer._folder._undo.keep(name, 1624)  # as a kill leaves it
    Path(band.path).write_bytes(raw[:900] + b"\xff" * 400 + raw[1300:])
    life.writer = life.start()
    assert Path(band.path).read_bytes() == raw
    life.wave(1)
    (other,) = bands(whole.root, rrd.file_name(KEY))
    assert lesson(band.path) == lesson(other.path)


def test_a_kill_after_rows_were_changed_is_undone_too(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is learned of a time in a season is changed where it stands, and not put after what was learned before."""
    life.wave(5)
    update, killed = rrdtool.update, tmp_path / "killed"

    def leave(path: str, *arguments: Any) -> None:
        update(path, *arguments)
        if ".likely." in path and not killed.exists():
            shutil.copytree(life.root.parent, killed, ignore=lambda _, names: {"killed"} & set(names))

    monkeypatch.setattr(rrdtool, "update", leave)
    life.wave(1)
    monkeypatch.setattr(rrdtool, "update", update)
    other = Life(killed)
    other.now = life.now
    other.write()
    for one, two in zip(bands(life.root, rrd.file_name(KEY)), bands(other.root, rrd.file_name(KEY)), strict=True):
        assert dump(Path(one.path)) == dump(Path(two.path))


def test_what_is_learned_does_not_depend_on_how_many_samples_came_at_once(tmp_path: Path) -> None:
    """Where a file lies decides where in the season it is smoothed, so that both have to lie in the same place."""
    values, found = [wave(number) + number % 7 for number in range(48 * 6)], set[bytes]()
    for at_once in (len(values), 30, 1):
        life = Life(tmp_path / "same", replace(LAYOUT, baselines=(replace(SEASON, season_s=4 * HOUR_S),)))
        for start in range(0, len(values), at_once):
            life.live(values[start : start + at_once])
        (band,) = bands(life.root, rrd.file_name(KEY))
        found.add(dump(Path(band.path)))
        life.writer.close()
        shutil.rmtree(tmp_path / "same")
    assert len(found) == 1


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"x" * 5000), lambda path: path.unlink()])
def test_a_file_that_is_damaged_or_gone_is_begun_anew(life: Life, spoil: Callable[[Path], Any]) -> None:
    life.wave(4)
    (band,) = bands(life.root, rrd.file_name(KEY))
    spoil(Path(band.path))
    assert life.learned() == []
    life.restart()
    life.wave(1)
    (anew,) = bands(life.root, rrd.file_name(KEY))
    assert anew.begun == START + 300 * 49
    assert life.tally.written == 12
    assert life.writer.report().problem == ""


def test_what_was_half_made_at_a_kill_is_deleted(life: Life) -> None:
    life.wave(1)
    (life.path().parent / f"{life.path().name}.learnsAbC123").write_bytes(b"x")
    life.restart()
    assert life.files == [f".likely.1n.{START + 300}.cpu"]


def test_other_options_are_learned_anew_and_what_nobody_wants_goes(life: Life) -> None:
    life.wave(4)
    day = Baseline(point="cpu", pace=Pace.SLOW)
    life.layout = replace(PLAIN, baselines=(SEASON, day))
    life.wave(1)
    assert life.files == [f".likely.1n.{START + 300}.cpu", f".likely.24s.{START + 300 * 49}.cpu"]
    life.layout = replace(PLAIN, baselines=(day,))
    life.wave(1)
    assert life.files == [f".likely.24s.{START + 300 * 49}.cpu"]
    life.restart()
    life.layout = PLAIN
    life.wave(1)
    assert life.files == []
    assert life.learned() == []


def test_an_outage_is_no_season_and_no_drift(life: Life) -> None:
    life.wave(10)
    life.live([None] * 12 * 40)
    life.wave(1)
    looks = life.looks
    first = life.parts - 11
    for number in range(first + 1, life.parts + 1):
        assert looks[number].expected == pytest.approx(wave(number), abs=6)
    assert looks[first - 1].value is None


def test_a_rise_before_an_outage_is_not_carried_on_over_it(life: Life) -> None:
    life.wave(8)
    life.live(50.0 + 3 * number for number in range(24))
    life.live([None] * 12 * 40)
    life.live([120.0])
    (look,) = [one for number, one in life.looks.items() if number == life.parts]
    assert look.expected is not None
    assert 40 < look.expected < 160


def test_after_two_months_it_is_learned_anew(life: Life) -> None:
    life.wave(4)
    life.parts += 61 * 288
    life.wave(1)
    (band,) = bands(life.root, rrd.file_name(KEY))
    assert band.begun == START + 300 * (49 + 61 * 288)


def test_a_clock_that_was_far_ahead_is_forgotten(life: Life) -> None:
    life.wave(1)
    parts, life.parts = life.parts, 40 * 288
    life.wave(1)
    life.restart()
    life.parts, life.now = parts, START + 300.0 * parts
    life.wave(1)
    (band,) = bands(life.root, rrd.file_name(KEY))
    assert rrdtool.last(band.path) == START + 300 * life.parts


def test_a_count_is_learned_as_its_rate(tmp_path: Path) -> None:
    life = Life(tmp_path, replace(PLAIN, baselines=(replace(SEASON, point="runs"),)))
    life.live((number * 600 for number in range(1, 60)), point="runs")
    assert life.looks[50].value == pytest.approx(2.0)


def test_samples_of_a_minute_make_parts_of_five(tmp_path: Path) -> None:
    life = Life(tmp_path, replace(LAYOUT, step_s=60))
    life.live(float(number % 5) for number in range(1, 61))
    (one,) = life.learned()
    assert [(look.at, look.value) for look in one.looks if look.at > START + 300] == [
        (START + 300 * part, 2.0) for part in range(2, 13)
    ]
    life.layout = replace(LAYOUT, step_s=30)  # the same parts: what was learned stays
    life.parts *= 2
    life.live([7.0] * 10)
    (one,) = life.learned()
    assert one.begun == START + 60
    assert one.looks[-1].value == pytest.approx(7.0)


def test_a_disk_that_is_full_costs_the_lesson_alone(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    life.wave(1)
    create = rrdtool.create

    def full(path: str, *arguments: Any) -> None:
        if ".learns" in path:
            raise rrdtool.OperationalError("")
        create(path, *arguments)

    monkeypatch.setattr(rrdtool, "create", full)
    life.layout = replace(PLAIN, baselines=(Baseline(point="cpu"),))
    life.wave(1)
    assert life.tally.written == 24
    assert life.writer.report().problem == (
        "What is likely of web1 / sshd / process cannot be learned: the disk is full"
    )
    monkeypatch.setattr(rrdtool, "create", create)
    life.wave(1)
    assert len(life.files) == 1


@given(
    st.builds(
        Known,
        st.text("0123456789abcdef", min_size=32, max_size=32).map(lambda text: text + ".rrd"),
        st.builds(
            Baseline,
            point=st.from_regex(r"\A[A-Za-z0-9_-]{1,19}\Z"),
            season_s=st.integers(1, 168).map(lambda hours: hours * 3600),
            pace=st.sampled_from(Pace),
        ),
        st.integers(0, 2**33),
    )
)
def test_a_name_says_what_a_file_is(one: Known) -> None:
    assert known(one.name) == one
    assert len(one.name) < 100


@pytest.mark.parametrize(
    "name", ["", "x", "0" * 32 + ".rrd", "0" * 32 + ".rrd.broken-1", "0" * 32 + ".rrd.likely.0n.1.x"]
)
def test_other_names_say_nothing(name: str) -> None:
    assert known(name) is None


@given(st.integers(1, 168), st.integers(1, 86_400))
def test_parts_divide_the_season_and_hold_a_sample(hours: int, step_s: int) -> None:
    baseline = Baseline(point="x", season_s=hours * 3600)
    length = part_s(baseline, step_s)
    if length:
        assert baseline.season_s % length == 0
        assert max(300, step_s) <= length < baseline.season_s / 2
    else:
        assert step_s > baseline.season_s / 4
    assert part_s(Baseline(point="x"), 60) == part_s(Baseline(point="x", season_s=604_800), 60) == 300


def test_noise_is_as_expected_and_a_shift_is_not(life: Life) -> None:
    rng = random.Random(7)
    life.live(wave(number) + rng.gauss(0, 2) for number in range(1, 12 * 12))
    unlikely = [
        look
        for look in life.looks.values()
        if look.value is not None
        and look.expected is not None
        and look.spread is not None
        and abs(look.value - look.expected) > 4 * look.spread
    ]
    assert len(unlikely) <= 6
    first = life.parts + 1
    life.live(wave(number) + 40 for number in range(first, first + 3))
    for number in range(first, first + 3):
        look = life.looks[number]
        assert look.value is not None
        assert look.expected is not None
        assert look.spread is not None
        assert look.value - look.expected > 4 * look.spread
