"""Files of a roll book: whole up to the last byte that is there, and no trouble when the disk refuses."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.process.rollbook import segments
from collectors.process.rollbook.allowance import DAY_BYTES, DAY_MS, Allowance
from collectors.process.rollbook.records import Begin, Read, Row, Scan, Still, Table, pack, unpack
from collectors.process.rollbook.segments import Segment, aged
from tests.collectors.process.rollbook.host import DAY_S, SNMP, START, Host
from tests.fakes import obstacles


def test_a_file_that_is_cut_at_any_byte_tells_what_is_whole(tmp_path: Path) -> None:
    box = Host(tmp_path / "whole")
    box.run(1)
    box.scan(0)
    for pid in range(2, 6):
        box.run(pid)
        box.scan()
    [file] = box.files()
    data = file.read_bytes()
    wholes = []
    for _ in unpack(data, read := Read()):
        wholes.append(read.end)
    assert wholes[-1] == len(data)
    for size in range(len(data)):
        cut = Host(tmp_path / "cut")
        path = tmp_path / "cut" / file.relative_to(tmp_path / "whole")
        path.parent.mkdir(parents=True)
        path.write_bytes(data[:size])
        cut.rows, cut.at, cut.monotonic = dict(box.rows), box.at + 100, box.monotonic + 100
        records = sum(end <= size for end in wholes)
        cut.scan()
        assert cut.ran(cut.at) == [1, 2, 3, 4, 5], size
        for scan in range(5):
            known = scan <= records - 2
            expected: Any = list(range(1, scan + 2)) if known else "stopped" if records else "none"
            assert cut.ran(START + 10 * scan) == expected, (size, scan)
        shutil.rmtree(tmp_path / "cut")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _huge(path: Path) -> None:
    os.truncate(path, segments.MAX_SEGMENT_BYTES + 1)


def test_while_the_disk_refuses_it_is_the_disk_that_is_named(tmp_path: Path) -> None:
    box = Host(tmp_path)
    box.run(1)
    box.scan(0)
    [file] = box.files()
    shutil.move(file.parent, tmp_path / "aside")
    file.parent.write_text("in the way")
    box.run(3)
    box.scan()
    file.parent.unlink()
    shutil.move(tmp_path / "aside", file.parent)
    assert box.ran(box.at) == "disk"
    _, gaps = box.between(box.at - 1, box.at)
    assert [gap.why for gap in gaps] == ["disk"]
    box.scan(100)
    assert box.ran(box.at) == [1, 3]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("become", [obstacles.pipe, obstacles.folder, obstacles.endless, _empty, _huge])
def test_what_stands_where_a_file_was_holds_nobody_up_and_tells_nothing(
    tmp_path: Path, become: Callable[[Path], None]
) -> None:
    box = Host(tmp_path)
    box.run(1)
    box.scan(0)
    box.scan()
    [file] = box.files()
    become(file)
    assert isinstance(box.ran(box.at), str), "nothing is known, which is not that nothing ran"
    box.run(2)
    box.scan()
    assert isinstance(box.ran(box.at), str)
    changes, gaps = box.between(START, box.at)
    assert (changes, len(gaps)) == ([], 1)
    box.start_daemon()
    box.scan(100)
    box.scan()
    assert become is _huge or box.ran(box.at) == [1, 2], "what is too large counts as what was written on its day"
    for day in range(1, 17):
        box.scan(DAY_S)
        assert day == 1 or box.ran(box.at) == [1, 2]
        assert sum(path.suffix == ".roll" for path in box.files()) <= 2, "others are closed"
    assert len(box.files()) <= 16


@given(st.integers(0, 10**6), st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_a_byte_that_is_another_one_ends_what_is_believed(place: int, value: int) -> None:
    whole = b"".join(_records())
    damaged = bytearray(whole)
    damaged[place % len(whole)] = value
    told = list(unpack(bytes(damaged)))
    true = list(unpack(whole))
    assert told == true[: len(told)]


def _records() -> list[bytes]:
    row = Row(1, "/bin/x --y", None, "set", 5)
    return [
        pack(record)
        for record in (
            Begin(1, "box", 1_800_000_000_000, 14),
            Table(0, [row], joined=False),
            Scan(10, 0, [1], [row], []),
            Still(300_000),
        )
    ]


@pytest.mark.parametrize("closed", [True, False])
def test_compressing_that_was_broken_off_is_done_again(tmp_path: Path, closed: bool) -> None:
    box = Host(tmp_path)
    box.run(1)
    box.scan(0)
    box.book.close()
    [file] = box.files()
    if closed:  # compressed, but the other one is still there
        data = file.read_bytes()
        segments.close(file.parent, segments.segments(file.parent)[0])
        file.write_bytes(data[:-3])
    file.with_name(f".{file.name}.zst.new").write_bytes(b"half")
    box.start_daemon()
    box.scan()
    assert sorted(path.name for path in box.files()) == [
        f"{file.name}.zst",
        f"00000002-{round(box.at * 1000)}.roll",
    ]
    assert box.ran(START) == [1]


def test_a_disk_that_refuses_is_told_once_and_leaves_a_gap(tmp_path: Path) -> None:
    box = Host(tmp_path)
    box.run(1)
    box.scan(0)
    box.scan()
    [file] = box.files()
    folder = file.parent
    moved = folder.rename(tmp_path / "away")
    folder.write_bytes(b"")  # nothing can be written into a file
    for pid in range(2, 12):
        box.run(pid)
        box.scan()
    assert len(box.problems) == 1
    assert "the roll books cannot be written" in box.problems[0]
    assert box.books.figures()["failed"] == 2, "tried again after a minute, not at each scan"
    folder.unlink()
    moved.rename(folder)
    box.scan(70)
    assert box.ran(box.at) == [*range(1, 12)]
    assert box.ran(START) == [1]
    assert box.ran(START + 60) == "disk"
    box.run(12)
    box.scan(130)
    assert box.problems[1:] == [""]


def test_a_record_of_which_a_part_was_written_ends_its_segment(tmp_path: Path) -> None:
    box = Host(tmp_path)
    box.run(1)
    box.scan(0)
    [file] = box.files()
    size = file.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    box.run(2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 9, hard))
    try:
        box.scan()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.stat().st_size == size + 9
    assert box.books.figures()["failed"] == 1
    box.scan(70)
    assert box.ran(START) == [1]
    assert box.ran(START + 10) == "disk"
    assert box.ran(box.at) == [1, 2]


def test_what_is_another_device_s_is_not_read(tmp_path: Path) -> None:
    box, other = Host(tmp_path), Host(tmp_path, device="other")
    box.run(1)
    box.scan(0)
    [file] = box.files()
    theirs = segments.folder_of(tmp_path, "other")
    theirs.mkdir(parents=True)
    shutil.copy(file, theirs)
    assert other.ran(START) != [1]


def test_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    box = Host(tmp_path)
    box.scan(0)
    [file] = box.files()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_book_of_a_device_that_has_left_goes_when_it_is_old_enough(tmp_path: Path) -> None:
    left, stays = Host(tmp_path, device="left", roll_days=3), Host(tmp_path, device="stays", interval_s=3600)
    left.run(1)
    left.scan(0)
    left.book.close()
    folder = segments.folder_of(tmp_path, "left")
    for day in range(6):
        stays.scan(DAY_S)
        assert folder.exists() == (day < 4), day


def test_segments_are_aged_by_what_follows_them_however_the_clock_was_set() -> None:
    future = [Segment(1, 10), Segment(2, 900), Segment(3, 30, back=True), Segment(4, 60)]
    assert aged(future, 5) == []
    assert aged(future, 31) == future[:2]
    assert aged(future, 1000) == future[:3], "the last one is still written to"


def test_what_may_be_written_comes_back_within_a_day_and_is_never_more() -> None:
    allowance = Allowance(0, 1000)
    assert not allowance.has(DAY_BYTES, 0)
    assert allowance.has(DAY_BYTES, DAY_MS)
    assert not allowance.has(DAY_BYTES + 1, 5 * DAY_MS)
    allowance.spend(DAY_BYTES, 5 * DAY_MS)
    assert not allowance.has(1000, 4 * DAY_MS), "a clock that was set back gives nothing"
    assert not allowance.has(DAY_BYTES, 4 * DAY_MS + DAY_MS // 2)
    assert allowance.has(DAY_BYTES // 2, 4 * DAY_MS + DAY_MS // 2)


def test_what_is_no_segment_is_left_alone(tmp_path: Path) -> None:
    box = Host(tmp_path)
    box.scan(0)
    [file] = box.files()
    (file.parent / "notes.txt").write_text("x")
    box.book.close()
    box.start_daemon()
    box.scan()
    assert (file.parent / "notes.txt").exists()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("local", [True, False])
def test_whatever_happens_the_book_is_right_or_says_that_it_does_not_know(
    tmp_path: Path,
    seed: int,
    local: bool,
) -> None:
    chance = random.Random(seed)
    box = Host(tmp_path, **({} if local else SNMP | {"interval_s": 10}))
    truth: dict[float, list[int]] = {}
    unknown: list[float] = []
    for step in range(400):
        for pid in chance.sample(range(1, 30), 3):
            if pid in box.rows:
                box.end(pid)
            else:
                box.run(pid, f"/bin/p{pid} --run {step}")
        what = chance.random()
        if what < 0.8:
            box.scan(10)
            truth[box.at] = sorted(box.rows)
        elif what < 0.9:
            box.wait(10)
            box.book.unreadable("silence")
            unknown.append(box.at)
        elif what < 0.95:
            if chance.random() < 0.5:
                box.book.close()
            box.start_daemon()
            box.wait(500)
            unknown.append(box.at)
        else:
            box.scan(20_000)
            truth[box.at] = sorted(box.rows)
            unknown.append(box.at - 10_000)
    for moment, pids in truth.items():
        told = box.ran(moment)
        assert told == pids or told == "stopped", (moment, told, pids)
    known = sum(isinstance(box.ran(moment), list) for moment in truth)
    assert known > 0.9 * len(truth)
    assert not any(isinstance(box.ran(moment), list) for moment in unknown)
    _replayed(box, truth)


def _replayed(box: Host, truth: dict[float, list[int]]) -> None:
    """From one known table to another, what changed leads from the one to the other."""
    moments = [moment for moment in sorted(truth) if isinstance(box.ran(moment), list)]
    for first, last in ((moments[0], moments[-1]), (moments[3], moments[len(moments) // 2])):
        running = set(truth[first])
        for change in box.between(first, last)[0]:
            if change.by <= first or change.by > last:
                continue
            pid = change.process.pid
            assert (pid in running) == (change.what != "started")
            running.symmetric_difference_update({pid} if change.what != "changed" else set())
        assert sorted(running) == truth[last]


def opened() -> list[str]:
    """Where the files lead that this process has open; what it held before may be closed meanwhile."""
    names = []
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names, as of one moment
        with contextlib.suppress(FileNotFoundError):
            names.append(os.readlink(f"/proc/self/fd/{number}"))  # noqa: PTH115 - what it says, be it a path or not
    return names


def test_no_file_is_left_open(tmp_path: Path) -> None:
    box = Host(tmp_path)
    for pid in range(20):
        box.run(pid)
        box.scan()
    assert box.files()
    assert [name for name in opened() if name.startswith(str(tmp_path))] == []


def test_a_daemon_that_starts_again_and_again_writes_no_more_than_others(tmp_path: Path) -> None:
    box = Host(tmp_path)
    chance = random.Random(1)
    for pid in range(1, 3001):
        box.run(pid, f"/bin/x {chance.randbytes(200).hex()}")
    for _ in range(30):
        box.start_daemon()
        box.scan()
    assert sum(path.stat().st_size for path in box.files()) < 1.2 * DAY_BYTES
    assert isinstance(box.ran(box.at), str)
    box.scan(DAY_S)
    assert isinstance(box.ran(box.at), list), "what was written comes back within a day"
