"""What a file knew before an outage is kept at full step, within bounds, whatever happens meanwhile."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import rrdtool

from collectors.framework.data.copies import copies_of, copy_in
from collectors.framework.data.copybook import CopyBook
from collectors.framework.data.writing.copying import MOST_OF_A_FILE, WINDOW_S, Copying, copy_bytes, gap_s, window_s
from common import rrd
from common.series import Kind, Layout, Plan, Point, Retention
from tests.collectors.framework.test_rrdwriter import NOW, Bench, dump

LAYOUT = Layout(points=(Point(name="cpu"), Point(name="restarts", kind=Kind.DERIVE, minimum=0.0)), step_s=60)
DAY_S = 86_400


class Outage(Bench):
    """A file with figures of some hours up to a moment, and then nothing."""

    @property
    def copying(self) -> Copying:
        return self.writer.copying

    @property
    def book(self) -> CopyBook:
        return self.writer.index.copies

    def fill(self, end: int, hours: float = 8, layout: Layout = LAYOUT, component: str = "sshd") -> None:
        self.now = float(end)
        for number, at in enumerate(range(end - int(hours * 3600), end + 1, layout.step_s)):
            self.put(at, component, layout, cpu=at % 977 + 0.1, restarts=number * 3)
        self.write()

    def comes_back(self, at: int, layout: Layout = LAYOUT, component: str = "sshd") -> None:
        self.now = float(at)
        self.put(at, component, layout, cpu=5.0, restarts=7)
        self.write()


def rows_in(path: str, start: int, end: int, cf: str = "AVERAGE") -> dict[int, Any]:
    (begin, _, step), _, rows = rrdtool.fetch(path, cf, "-s", str(start - 60), "-e", str(end - 1))
    return {begin + step * (number + 1): row for number, row in enumerate(rows)}


@pytest.fixture
def outage(tmp_path: Path) -> Outage:
    return Outage(tmp_path)


def test_the_last_hours_before_a_host_went_silent_are_there_at_full_step(outage: Outage) -> None:
    outage.fill(NOW)
    before = rows_in(str(outage.path()), NOW - WINDOW_S, NOW)
    outage.comes_back(NOW + 3 * DAY_S)
    (copy,) = copies_of(outage.path())
    assert (copy.first, copy.last) == (NOW - WINDOW_S + 60, NOW)
    assert set(rrdtool.info(copy.path)) >= {"ds[cpu].type", "ds[restarts].type"}
    for cf in rrd.CONSOLIDATIONS:
        kept = rows_in(copy.path, copy.first, copy.last, cf)
        assert kept == {at: before[at] for at in range(copy.first, copy.last + 1, 60)}
    assert all(None not in row for row in kept.values())
    # The file itself has only averages of that time left.
    assert set(rows_in(str(outage.path()), NOW - 3600, NOW)) != set(before)
    assert Path(copy.path).stat().st_size == copy_bytes(2, len(kept))


@pytest.mark.parametrize(("more_s", "copies"), [(-60, 0), (0, 1)])
def test_a_copy_is_made_only_where_something_of_these_hours_would_go(outage: Outage, more_s: int, copies: int) -> None:
    outage.fill(NOW)
    outage.comes_back(NOW + gap_s(LAYOUT) + more_s)
    assert len(copies_of(outage.path())) == copies
    # Where there is none, the file itself has all of it.
    at = NOW - window_s(LAYOUT) + 60
    assert (rows_in(str(outage.path()), at, at).get(at) is None) == bool(copies)


@pytest.mark.parametrize(("gap_min", "copies"), [(10, 0), (179, 0), (180, 1)])
def test_a_file_that_keeps_few_hours_is_not_copied_at_each_small_gap(outage: Outage, gap_min: int, copies: int) -> None:
    layout = Layout(points=LAYOUT.points, step_s=60, retention=Plan(name="hours", full_days=0.25))
    outage.fill(NOW, layout=layout)
    outage.comes_back(NOW + gap_min * 60, layout=layout)
    assert len(copies_of(outage.path())) == copies


def test_a_gap_inside_what_waited_in_the_spool_is_a_gap(outage: Outage) -> None:
    for at in range(NOW - 7200, NOW + 1, 60):
        outage.put(at, layout=LAYOUT, cpu=1.0, restarts=1)
    outage.now = NOW + 5.0 * DAY_S
    outage.put(NOW + 5 * DAY_S, layout=LAYOUT, cpu=2.0, restarts=2)
    outage.write()
    (copy,) = copies_of(outage.path())
    assert (copy.first, copy.last) == (NOW - 7200, NOW)
    assert outage.tally.written == 122


def test_what_was_never_known_is_not_kept(outage: Outage) -> None:
    for at in range(NOW - 7200, NOW + 1, 60):
        outage.put(at, layout=LAYOUT, cpu=None, restarts=None)
    outage.write()
    outage.comes_back(NOW + 3 * DAY_S)
    assert copies_of(outage.path()) == []


def test_a_file_has_so_many_copies_and_the_oldest_go(outage: Outage) -> None:
    ends = [NOW + number * 4 * DAY_S for number in range(MOST_OF_A_FILE + 2)]
    for end in ends:
        outage.fill(end, hours=2)
    assert [copy.last for copy in copies_of(outage.path())] == ends[:-1][-MOST_OF_A_FILE:]
    assert outage.book.total_bytes() == sum(Path(copy.path).stat().st_size for copy in copies_of(outage.path()))


def test_copies_in_all_have_so_many_bytes_and_an_outage_of_all_takes_from_none(outage: Outage) -> None:
    names = [f"set{number}" for number in range(4)]
    room = copy_bytes(2, 121) * 2 + 10
    outage.copying._most_bytes = room
    for name in names:
        outage.fill(NOW, hours=2, component=name)
    for name in names:
        outage.comes_back(NOW + 3 * DAY_S, component=name)
    assert [len(copies_of(outage.path(name))) for name in names] == [1, 1, 0, 0]
    assert "as much as they may" in outage.writer.report().problem
    # A later outage is more to the point than an older one.
    outage.fill(NOW + 10 * DAY_S, hours=2, component="late")
    outage.comes_back(NOW + 13 * DAY_S, component="late")
    assert [len(copies_of(outage.path(name))) for name in (*names, "late")] in ([0, 1, 0, 0, 1], [1, 0, 0, 0, 1])
    assert outage.book.total_bytes() <= room


def test_a_copy_goes_when_its_file_has_nothing_of_that_time_any_more(outage: Outage) -> None:
    short = Layout(points=LAYOUT.points, step_s=60, retention=Retention.SHORT)
    outage.fill(NOW, hours=2, layout=short)
    outage.comes_back(NOW + 3 * DAY_S, layout=short)
    assert len(copies_of(outage.path())) == 1
    outage.now = NOW + 30.0 * DAY_S
    outage.copying.tidy()
    assert len(copies_of(outage.path())) == 1
    outage.now = NOW + 32.0 * DAY_S
    outage.copying.tidy()
    assert copies_of(outage.path()) == []
    assert outage.book.total_bytes() == 0


def test_a_disk_that_takes_no_copy_takes_the_samples_and_it_is_said(
    outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage.fill(NOW, hours=2)

    def full(path: str, *_: str) -> None:
        Path(path).write_bytes(b"")
        raise rrdtool.OperationalError("")

    monkeypatch.setattr(rrdtool, "create", full)
    outage.comes_back(NOW + 3 * DAY_S)
    assert outage.tally.written == 122
    assert rows_in(str(outage.path()), NOW + 3 * DAY_S, NOW + 3 * DAY_S)[NOW + 3 * DAY_S][0] == 5.0
    assert [path.name for path in outage.path().parent.iterdir()] == [outage.path().name]
    assert "could not be kept: the disk is full" in outage.writer.report().problem


def test_what_a_kill_leaves_is_put_right(outage: Outage, tmp_path: Path) -> None:
    outage.fill(NOW, hours=2)
    shutil.copy(outage.path(), tmp_path / "before.rrd")
    outage.comes_back(NOW + 3 * DAY_S)
    (copy,) = copies_of(outage.path())
    after, kept = dump(outage.path()), dump(Path(copy.path))
    # Killed when the copy was there, and neither the index nor the update.
    shutil.copy(tmp_path / "before.rrd", outage.path())
    outage.book.drop(Path(copy.path).relative_to(outage.root).as_posix())
    for rest in (".part", ".partAbC123"):
        Path(copy.path + rest).write_bytes(b"half")
    (outage.spool_dir / "progress").unlink()
    outage.restart()
    outage.write()
    assert [one.path for one in copies_of(outage.path())] == [copy.path]
    assert (dump(outage.path()), dump(Path(copy.path))) == (after, kept)
    assert not [path for path in outage.path().parent.iterdir() if ".part" in path.name]
    assert outage.book.total_bytes() == Path(copy.path).stat().st_size


def test_a_kill_after_a_copy_was_made_costs_no_older_one(outage: Outage, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(MOST_OF_A_FILE):
        outage.fill(NOW + 3 * DAY_S * number)
    update = rrdtool.update

    def die(path: str, *arguments: Any) -> None:
        if path.endswith(".rrd"):
            raise KeyboardInterrupt
        update(path, *arguments)

    monkeypatch.setattr(rrdtool, "update", die)
    with pytest.raises(KeyboardInterrupt):
        outage.comes_back(NOW + 3 * DAY_S * MOST_OF_A_FILE)
    monkeypatch.setattr(rrdtool, "update", update)
    copies = copies_of(outage.path())
    assert len(copies) == MOST_OF_A_FILE
    outage.writer = outage.start()
    outage.write()
    assert copies_of(outage.path()) == copies


def test_a_kill_while_the_ring_is_blanked_makes_no_copy_of_what_is_left(outage: Outage, tmp_path: Path) -> None:
    outage.fill(NOW, hours=2)
    outage.comes_back(NOW + 3 * DAY_S)
    copies = copies_of(outage.path())
    # The oldest rows are blanked first, and the header is written last: this is left, and the last sample as it was.
    left = Outage(tmp_path / "left")
    left.fill(NOW, hours=0.6)
    shutil.copy(left.path(), outage.path())
    (outage.spool_dir / "progress").unlink()
    outage.restart()
    outage.write()
    assert copies_of(outage.path()) == copies


def test_names_of_copies(tmp_path: Path) -> None:
    name = "0123456789abcdef0123456789abcdef.rrd"
    assert copy_in(f"{name}.gap-1800000000-1800003600") == (name, 1800000000, 1800003600)
    for other in (name, f"{name}.gap-1-2", f"{name}.gap-1800000000-1800003600.part", f"{name}.old-1", f"x{name}"):
        assert copy_in(other) is None
    assert copies_of(tmp_path / "nosuch" / name) == []
    (tmp_path / f"{name}.gap-1800000000-1800003600").write_bytes(b"")
    (tmp_path / f"{name}.gap-1700000000-1700003600").write_bytes(b"")
    assert [copy.first for copy in copies_of(tmp_path / name)] == [1700000000, 1800000000]
