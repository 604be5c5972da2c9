from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from collectors.framework.moving.orders import Adopt
from common.errors import PermanentError
from common.series import Layout, Point, Retention, SeriesKey
from tests.fakes.moving import LAYOUT, NOW, Side
from tests.fakes.stores import done

KEY = SeriesKey("web1", "sshd", "process")
START = NOW - 20_000


def values(start: int, count: int, step_s: int = 10) -> dict[int, float]:
    return {start + step_s * number: float((start // step_s + number) % 97) for number in range(count)}


def adopt(giver: Side, taker: Side) -> None:
    path = giver.path(KEY)
    series = giver.writer.index.get(str(path.relative_to(giver.root)))
    assert series is not None
    done(taker.order(Adopt(path=str(path), key=KEY, layout=series.layout, first=series.first, last=NOW)))


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Side, Side]:
    clock = Clock()
    return Side(tmp_path, "a", clock), Side(tmp_path, "b", clock)


def same(one: Side, truth: Side, step_s: int) -> None:
    for cf in ("AVERAGE", "MIN", "MAX"):
        got = one.rows(KEY, START - 3600, NOW, step_s, cf)
        assert got == pytest.approx(truth.rows(KEY, START - 3600, NOW, step_s, cf), rel=1e-12)
        assert got


def test_a_series_that_was_not_here_is_as_it_was_and_goes_on(sides: tuple[Side, Side], tmp_path: Path) -> None:
    a, b = sides
    truth = Side(tmp_path, "truth", a.clock)
    a.sample(values(START, 700), KEY)
    adopt(a, b)
    assert b.path(KEY).read_bytes() == a.path(KEY).read_bytes()
    b.sample(values(START + 7000, 300), KEY)
    truth.sample(values(START, 1000), KEY)
    same(b, truth, 10)
    same(b, truth, 600)


def test_what_was_begun_here_goes_on_behind_what_came(sides: tuple[Side, Side], tmp_path: Path) -> None:
    a, b = sides
    truth = Side(tmp_path, "truth", a.clock)
    a.sample(values(START, 700), KEY)
    b.sample(values(START + 7000, 500), KEY)
    adopt(a, b)
    b.sample(values(START + 12_000, 300), KEY)
    truth.sample(values(START, 1500), KEY)
    same(b, truth, 10)
    same(b, truth, 600)
    series = b.writer.index.get(str(b.path(KEY).relative_to(b.root)))
    assert series is not None
    assert series.first == START


def test_what_another_one_had_meanwhile_fills_the_gap(sides: tuple[Side, Side], tmp_path: Path) -> None:
    """As when a member of a pool is away, and gets its devices back."""
    a, b = sides
    truth = Side(tmp_path, "truth", a.clock)
    all_ = values(START, 1500)
    mine = {at: value for at, value in all_.items() if not START + 5000 <= at < START + 9000}
    a.sample({at: value for at, value in mine.items() if at < START + 5000}, KEY)
    a.sample({at: value for at, value in mine.items() if at >= START + 9000}, KEY)
    b.sample({at: value for at, value in all_.items() if at not in mine}, KEY)
    adopt(b, a)
    truth.sample(all_, KEY)
    same(a, truth, 10)
    same(a, truth, 600)


def test_a_device_that_flapped_between_two_has_the_rows_of_both(sides: tuple[Side, Side], tmp_path: Path) -> None:
    a, b = sides
    truth = Side(tmp_path, "truth", a.clock)
    all_ = values(START, 1500)
    for turn in range(22):
        side = (a, b)[turn % 2]
        side.sample({at: value for at, value in all_.items() if (at - START) // 700 == turn}, KEY)
    adopt(b, a)
    truth.sample(all_, KEY)
    same(a, truth, 10)
    same(a, truth, 600)


def test_what_is_known_here_stands_whatever_comes(sides: tuple[Side, Side], tmp_path: Path) -> None:
    """Also of a collector that lies, with a file that is newer."""
    a, b = sides
    truth = Side(tmp_path, "truth", a.clock)
    a.sample(dict.fromkeys(values(START, 1500), 1e6), KEY)
    for begin, count in ((START + 100, 600), (START + 7500, 700)):
        b.sample(values(begin, count), KEY)
        truth.sample(values(begin, count), KEY)
    adopt(a, b)
    got, known = b.rows(KEY, START - 3600, NOW), truth.rows(KEY, START - 3600, NOW)
    assert {at: got[at] for at in known} == known
    assert {value for at, value in got.items() if at not in known} == {1e6}
    coarse = truth.rows(KEY, START + 600, START + 5400, 600, "MAX")
    assert b.rows(KEY, START + 600, START + 5400, 600, "MAX") == coarse
    gap = b.rows(KEY, START + 6600, START + 7200, 600, "MAX")
    assert set(gap.values()) == {1e6}


def test_what_was_merged_elsewhere_stays_whole_when_it_comes_back(sides: tuple[Side, Side], tmp_path: Path) -> None:
    """What is known here in part stands no row in the way that the other one knows wholly."""
    a, b = sides
    truth = Side(tmp_path, "truth", a.clock)
    for begin, count, of in ((START, 333, a), (START + 3330, 444, b), (START + 7770, 501, a)):
        of.sample(values(begin, count), KEY)
    adopt(b, a)
    a.sample(values(START + 12_780, 100), KEY)
    adopt(a, b)
    truth.sample(values(START, 1378), KEY)
    same(b, truth, 10)
    same(b, truth, 600)
    same(b, truth, 3600)


def test_done_twice_it_is_as_done_once(sides: tuple[Side, Side]) -> None:
    a, b = sides
    a.sample(values(START, 700), KEY)
    b.sample(values(START + 7000, 500), KEY)
    adopt(a, b)
    once = b.rows(KEY, START - 3600, NOW), b.rows(KEY, START - 3600, NOW, 600)
    adopt(a, b)
    assert (b.rows(KEY, START - 3600, NOW), b.rows(KEY, START - 3600, NOW, 600)) == once


def test_another_step_and_plan_here_stay(sides: tuple[Side, Side]) -> None:
    a, b = sides
    other = Layout(points=(Point(name="cpu"), Point(name="extra")), step_s=60, retention=Retention.SHORT)
    a.sample(values(START, 700), KEY)
    begin = (START + 7000) // 60 * 60 + 60
    b.sample(values(begin, 50, 60), KEY, other)
    adopt(a, b)
    b.sample(values(begin + 3000, 10, 60), KEY, other)
    got = b.rows(KEY, START - 3600, NOW, 60)
    assert min(got) <= START + 60
    assert {at: got[at] for at in values(begin, 60, 60)} == values(begin, 60, 60)


def test_a_file_that_had_no_sample_here_since_the_start_keeps_its_plan(sides: tuple[Side, Side]) -> None:
    a, b = sides
    short = Layout(points=LAYOUT.points, step_s=10, retention=Retention.SHORT)
    b.sample(values(START + 7000, 500), KEY, short)
    size = b.path(KEY).stat().st_size
    b.close()
    b.start()
    a.sample(values(START, 700), KEY)
    adopt(a, b)
    assert b.path(KEY).stat().st_size == pytest.approx(size, rel=0.01)
    assert b.rows(KEY, START - 3600, NOW) == values(START, 1200)


def test_what_is_no_file_of_series_changes_nothing(sides: tuple[Side, Side], tmp_path: Path) -> None:
    _, b = sides
    b.sample(values(START, 10), KEY)
    before = b.path(KEY).read_bytes()
    (tmp_path / "junk").write_bytes(b"RRD\0" + b"x" * 5000)
    with pytest.raises(PermanentError):
        done(b.order(Adopt(path=str(tmp_path / "junk"), key=KEY, layout=LAYOUT, first=1, last=2)))
    assert b.path(KEY).read_bytes() == before


def test_a_kill_at_any_moment_leaves_what_a_second_run_completes(sides: tuple[Side, Side]) -> None:
    a, b = sides
    a.sample(values(START, 700), KEY)
    b.sample(values(START + 7000, 500), KEY)
    before = b.rows(KEY, START - 3600, NOW)
    for number in range(12):
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                adopt(a, b)
            os._exit(0)
        time.sleep(0.004 * number)  # whatever it has done by then
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        b.close()
        b.start()
        got = b.rows(KEY, START - 3600, NOW)
        assert got in (before, values(START, 1200))
        assert [path for path in b.path(KEY).parent.iterdir() if path != b.path(KEY)] == []
    adopt(a, b)
    assert b.rows(KEY, START - 3600, NOW) == values(START, 1200)
