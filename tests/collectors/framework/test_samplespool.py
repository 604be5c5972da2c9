from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from collectors.framework.data.spool import frames
from collectors.framework.data.spool.frames import Definition, Entry, pack_progress
from collectors.framework.data.spool.tail import SpoolTail
from collectors.framework.samplespool import MAX_AGE_S, PROGRESS, SampleSpool
from common.series import Layout, Point, SeriesKey

LAYOUT = Layout(points=(Point(name="cpu"),), step_s=10)
SERIES: dict[int, Definition] = {n: (n, SeriesKey("web1", f"c{n}", "process"), LAYOUT) for n in range(1, 6)}


def entries(first: int, count: int) -> list[Entry]:
    return [(1 + i % 5, 1_800_000_000 + 10 * i, [i]) for i in range(first, first + count)]


def tail_of(folder: Path) -> SpoolTail[str]:
    return SpoolTail(folder, folder / PROGRESS, lambda key, _: key.component)


def read(tail: SpoolTail[str]) -> list[tuple[int, str, object]]:
    found: list[tuple[int, str, object]] = []
    for first, batch in tail.read():
        found += [(first + i, tail.series[number], values[0]) for i, (number, _, values) in enumerate(batch)]
    return found


def expected(first: int, count: int) -> list[tuple[int, str, object]]:
    return [(i + 1, f"c{1 + i % 5}", i) for i in range(first, first + count)]


def opened(folder: Path, **limits: Any) -> SampleSpool:
    spool = SampleSpool(folder, **limits)
    spool.open()
    return spool


def test_what_goes_in_comes_out_in_order_over_many_segments(tmp_path: Path) -> None:
    spool = opened(tmp_path, segment_bytes=300)
    tail = tail_of(tmp_path)
    seen = []
    for i in range(0, 500, 10):
        spool.append(SERIES, entries(i, 10))
        if i % 30 == 0:
            seen += read(tail)
    assert seen + read(tail) == expected(0, 500)
    assert len(frames.segments(tmp_path)) > 5
    assert tail.lost == 0


def test_a_layout_that_series_share_is_told_once_in_each_segment(tmp_path: Path) -> None:
    other = Layout(points=(Point(name="memory"), Point(name="cpu")), step_s=60)
    series = {n: (n, SeriesKey("web1", f"c{n}", "process"), (LAYOUT, other)[n % 2]) for n in range(1, 101)}
    spool = opened(tmp_path, segment_bytes=100)
    layouts: dict[str, Layout] = {}

    def note(key: SeriesKey, layout: Layout) -> str:
        layouts[key.component] = layout
        return key.component

    tail = SpoolTail(tmp_path, tmp_path / PROGRESS, note)
    for i in range(30):
        spool.append(series, [(n, 1_800_000_000 + 60 * i, [i]) for n in series])
        list(tail.read())
    assert layouts == {f"c{n}": layout for n, (_, _, layout) in series.items()}
    segments = frames.segments(tmp_path)
    assert len(segments) > 1
    for _, path in segments:
        data = path.read_bytes()
        told = [layout for frame in frames.unpack(data) for _, _, layout in frame.definitions]
        assert sum(isinstance(layout, Layout) for layout in told) == 2
        assert len(told) == 100
    names = sum(frames.size_of(frame.definitions) for frame in frames.unpack(segments[0][1].read_bytes()))
    assert segments[0][1].stat().st_size > 4 * names  # what names the series is a small part


def test_numbers_go_on_after_a_restart_and_nothing_is_read_twice(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(SERIES, entries(0, 7))
    spool.close()
    tail = tail_of(tmp_path)
    assert read(tail) == expected(0, 7)
    spool = opened(tmp_path)
    assert spool.next == 8
    spool.append(SERIES, entries(7, 3))
    assert read(tail) == expected(7, 3)
    tail.save(10)
    assert read(tail_of(tmp_path)) == []
    assert len(frames.segments(tmp_path)) == 1  # the first segment is gone, the newest stays


def test_a_restarted_reader_begins_after_the_last_sample_that_was_done(tmp_path: Path) -> None:
    spool = opened(tmp_path, segment_bytes=200)
    for i in range(0, 50, 5):
        spool.append(SERIES, entries(i, 5))
    tail = tail_of(tmp_path)
    read(tail)
    tail.save(23)
    assert read(tail_of(tmp_path)) == expected(23, 27)
    tail.rewind()
    assert read(tail) == expected(23, 27)
    assert tail.lost == 0


def test_frames_that_are_done_are_not_read_again_from_a_segment_that_is_not(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for i in range(0, 50, 5):
        spool.append(SERIES, entries(i, 5))
    tail = tail_of(tmp_path)
    read(tail)
    tail.save(23)
    assert read(tail_of(tmp_path)) == expected(23, 27)


def test_a_torn_tail_is_cut_wherever_it_was_torn(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(SERIES, entries(0, 4))
    whole = (path := frames.segments(tmp_path)[0][1]).stat().st_size
    spool.append(SERIES, entries(4, 2))
    spool.close()
    data = path.read_bytes()
    for length in range(whole, len(data)):
        path.write_bytes(data[:length])
        spool = opened(tmp_path)
        assert spool.next == 5
        assert (f"last {length - whole} bytes" in spool.cut) == (length > whole)
        assert path.stat().st_size == whole
        assert read(tail_of(tmp_path)) == expected(0, 4)


@pytest.mark.parametrize("place", [0, 9, 17, 25, -1])
def test_a_damaged_frame_ends_its_segment_and_is_counted(tmp_path: Path, place: int) -> None:
    spool = opened(tmp_path)
    spool.append(SERIES, entries(0, 3))
    size = (path := frames.segments(tmp_path)[0][1]).stat().st_size
    spool.append(SERIES, entries(3, 3))
    spool.close()
    data = bytearray(path.read_bytes())
    data[size + place if place >= 0 else len(data) - 1] ^= 0x40
    path.write_bytes(data)
    spool = SampleSpool(tmp_path)
    spool.next = 7
    spool.append(SERIES, entries(6, 2))
    tail = tail_of(tmp_path)
    assert read(tail) == [*expected(0, 3), *expected(6, 2)]
    assert tail.lost == 3


def test_the_spool_keeps_within_its_bytes_and_counts_what_it_drops(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=4000, segment_bytes=1000)
    for i in range(0, 3000, 10):
        spool.append(SERIES, entries(i, 10))
        assert sum(path.stat().st_size for _, path in frames.segments(tmp_path)) <= 4000
    tail = tail_of(tmp_path)
    left = read(tail)
    assert left == expected(3000 - len(left), len(left))
    assert spool.dropped == 3000 - len(left)


def test_dropping_what_is_done_already_loses_nothing(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=4000, segment_bytes=1000)
    (tmp_path / PROGRESS).write_bytes(frames.pack_progress(10_000))
    for i in range(0, 1000, 10):
        spool.append(SERIES, entries(i, 10))
    assert spool.dropped == 0


def test_a_damaged_progress_file_means_reading_everything_again(tmp_path: Path) -> None:
    opened(tmp_path).append(SERIES, entries(0, 3))
    (tmp_path / PROGRESS).write_bytes(b"\x00" * 11 + b"\x01")
    assert frames.read_progress(tmp_path / PROGRESS) == 0
    assert read(tail_of(tmp_path)) == expected(0, 3)


def test_a_lost_spool_goes_on_after_the_progress(tmp_path: Path) -> None:
    (tmp_path / PROGRESS).write_bytes(frames.pack_progress(41))
    assert opened(tmp_path).next == 42


def test_on_a_full_disk_the_oldest_samples_go_where_there_is_no_other_place_for_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(tmp_path)
    for i in range(5):
        spool.append(SERIES, entries(i, 1))
        spool.close()  # a segment for each
    write = os.write

    def full(fd: int, data: bytes) -> int:
        if len(list(tmp_path.glob("*.seg"))) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        spool.append(SERIES, entries(5, 1))
    assert spool.dropped == 0  # they can wait in memory
    spool.append(SERIES, entries(5, 1), press=True)
    assert (spool.dropped, spool.next) == (2, 7)
    assert read(tail_of(tmp_path)) == expected(2, 4)


def test_on_a_full_disk_what_only_a_follower_still_wants_goes_before_any_sample_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, follower = tmp_path / "samples", tmp_path / "remote"
    spool = SampleSpool(ours, followers=[follower])
    spool.open()
    for i in range(5):
        spool.append(SERIES, entries(i, 1))
        spool.close()  # a segment for each
    for path in sorted(ours.glob("*.seg"))[:3]:
        path.unlink()  # they are in their files
    write, limit = os.write, 3

    def full(fd: int, data: bytes) -> int:
        if len([path for path in follower.glob("*.seg") if path.stat().st_size]) > limit:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data)

    monkeypatch.setattr(os, "write", full)
    spool.append(SERIES, entries(5, 1))
    assert (spool.dropped, spool.next) == (0, 7)
    assert read(tail_of(ours)) == expected(3, 3)
    assert read(tail_of(follower)) == expected(2, 4)
    limit = -1  # nothing more helps, and it ends
    with pytest.raises(OSError, match="No space"):
        spool.append(SERIES, entries(6, 1))
    assert read(tail_of(ours))[:3] == expected(3, 3)


def test_numbers_go_on_after_those_that_a_follower_is_done_with(tmp_path: Path) -> None:
    follower = tmp_path / "remote"
    follower.mkdir()
    (follower / PROGRESS).write_bytes(pack_progress(41))  # the samples themselves were lost with the machine
    spool = SampleSpool(tmp_path / "samples", followers=[follower])
    spool.open()
    spool.append(SERIES, entries(0, 2))
    assert len(read(tail_of(follower))) == 2


def test_with_nothing_left_to_drop_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = opened(tmp_path)

    def full(_fd: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        spool.append(SERIES, entries(0, 1), press=True)
    assert (spool.dropped, spool.next) == (0, 1)


def test_what_waited_for_too_long_goes_and_is_counted_by_itself(tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    spool = SampleSpool(tmp_path, wall=lambda: now[0])
    spool.open()
    for i in range(5):
        spool.append(SERIES, entries(i, 1))
        spool.close()  # a segment for each
    held = sorted(tmp_path.glob("*.seg"))
    for number, path in enumerate(held):
        age = MAX_AGE_S + 1 if number < 3 else 0.0
        os.utime(path, (now[0] - age, now[0] - age))
    (tmp_path / PROGRESS).write_bytes(pack_progress(1))  # the first one is written
    now[0] += 1
    spool.append(SERIES, [])
    assert spool.aged == 0  # nobody looks all the time
    now[0] += 60
    spool.append(SERIES, [])
    assert (spool.aged, spool.dropped) == (2, 0)
    assert sorted(tmp_path.glob("*.seg")) == held[3:]
