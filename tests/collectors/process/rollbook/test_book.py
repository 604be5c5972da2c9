"""Who ran when, from scans to answers, through files."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from common.configs import ProcessSetConfig
from common.wire import MAX_MESSAGE_BYTES, encode
from tests.collectors.process.rollbook.host import DAY_S, SNMP, START, Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    box = Host(tmp_path)
    box.run(1, "/sbin/init splash")
    box.run(7, "/usr/sbin/nginx -g daemon off;", set_="web")
    box.scan(0)
    return box


def test_the_table_as_it_was(host: Host) -> None:
    host.wait(3)
    host.run(8, "/bin/sleep 60")
    host.scan(7)
    host.end(8)
    host.scan()
    assert host.ran(START) == [1, 7]
    assert host.ran(START + 10) == [1, 7, 8]
    assert host.ran(START + 20) == [1, 7]
    row = host.row(START, 7)
    assert (row.set, row.name, row.command) == ("web", "nginx", "/usr/sbin/nginx -g daemon off;")
    assert (row.started_at, row.seen_after, row.seen_at) == (START, None, None)
    assert [row.pid for row in host.table(START, sets=["web"]).rows] == [7]


def test_what_started_is_told_exactly_and_what_ended_between_which_scans(host: Host) -> None:
    host.wait(3)
    host.run(8, "/bin/sleep 60")
    host.scan(7)
    host.end(8)
    host.scan()
    changes, gaps = host.between(START, START + 20)
    assert gaps == []
    started, ended = changes
    assert (started.what, started.at, started.after, started.by) == ("started", START + 3, START, START + 10)
    assert (ended.what, ended.at, ended.after, ended.by) == ("ended", None, START + 10, START + 20)
    assert ended.process == started.process
    assert started.process.command == "/bin/sleep 60"
    assert host.told(START + 4, START + 9) == []
    assert host.told(START + 12, START + 13) == [("ended", 8)], "it may have been then"


def test_between_two_scans_it_is_known_what_started_exactly(host: Host) -> None:
    host.wait(3)
    host.run(8)
    host.scan(7)
    assert host.ran(START + 2.9) == [1, 7]
    assert host.ran(START + 3) == [1, 7, 8]


def test_over_snmp_a_start_lies_between_two_scans(tmp_path: Path) -> None:
    box = Host(tmp_path, **SNMP)
    box.run(1)
    box.scan(0)
    box.run(2)
    box.scan(60)
    [started], _ = box.between(START, START + 60)
    assert (started.at, started.after, started.by) == (None, START, START + 60)
    assert box.row(START + 60, 2).started_at is None
    assert box.row(START + 60, 2).seen_at == START + 60
    assert box.ran(START + 30) == [1]


def test_a_pid_that_is_used_again_has_ended_and_started(host: Host) -> None:
    host.wait(1)
    host.run(7, "/bin/other")
    host.scan(9)
    assert host.told(START, START + 10) == [("ended", 7), ("started", 7)]
    assert host.row(START + 10, 7).command == "/bin/other"


def test_over_snmp_less_cpu_time_tells_a_pid_that_is_used_again(tmp_path: Path) -> None:
    box = Host(tmp_path, **SNMP)
    box.run(1)
    box.scan(0)
    box.alter(1, cpu_s=0.5)
    box.scan(60)
    assert box.told(START, START + 60) == [("ended", 1), ("started", 1)]


def test_a_process_that_becomes_another_program_goes_on(host: Host) -> None:
    host.alter(7, path="/usr/sbin/httpd", parameters="", name="httpd")
    host.scan()
    [change], _ = host.between(START, START + 10)
    assert (change.what, change.process.command, change.process.started_at) == ("changed", "/usr/sbin/httpd", START)


def test_a_zombie_does_not_run(host: Host) -> None:
    host.alter(7, alive=False, status="zombie")
    host.scan()
    assert host.told(START, START + 10) == [("ended", 7)]
    assert host.ran(START + 10) == [1]
    host.end(7)
    host.scan()
    assert host.told(START, START + 20) == [("ended", 7)]


def test_when_the_host_was_started_anew_no_process_is_the_same(tmp_path: Path) -> None:
    box = Host(tmp_path, **SNMP)
    box.run(1)
    box.scan(0)
    box.uptime_s = 0
    box.scan(60)
    assert box.told(START, START + 60) == [("ended", 1), ("started", 1)]


def test_where_nothing_changes_almost_nothing_is_written(host: Host) -> None:
    [file] = host.files()
    size = file.stat().st_size
    for _ in range(29):
        host.scan()
    assert file.stat().st_size == size
    host.scan()
    assert size < file.stat().st_size < size + 30
    assert host.ran(START + 145) == [1, 7]


def test_while_the_device_cannot_be_read_nothing_is_known(host: Host) -> None:
    host.scan()
    host.wait(10)
    host.book.unreadable("no answer from 192.0.2.1")
    assert host.ran(START + 15) == "unreadable"
    host.run(8)
    host.end(7)
    host.scan()
    assert host.ran(START + 10) == [1, 7]
    table = host.table(START + 15)
    assert table.gap is not None
    assert (table.gap.start, table.gap.end) == (START + 10, START + 30)
    assert table.gap.problem == "no answer from 192.0.2.1"
    changes, gaps = host.between(START, START + 30)
    assert [(change.what, change.gap) for change in changes] == [("ended", True), ("started", True)]
    assert gaps == [table.gap]
    assert host.ran(START + 30) == [1, 8]


def test_while_the_daemon_does_not_run_nothing_is_known(host: Host) -> None:
    host.scan()
    host.book.close()
    host.wait(1000)
    host.run(8, started=START + 500)
    host.end(7)
    host.start_daemon()
    assert host.ran(START + 500) == "stopped"
    host.scan()
    assert host.ran(START + 10) == [1, 7]
    assert host.ran(START + 500) == "stopped"
    assert host.ran(START + 1020) == [1, 8]
    changes, [gap] = host.between(START, START + 1020)
    assert [(change.what, change.process.pid, change.at, change.gap) for change in changes] == [
        ("ended", 7, None, True),
        ("started", 8, START + 500, True),
    ]
    assert (gap.start, gap.end, gap.why) == (START + 10, START + 1020, "stopped")
    assert (changes[0].after, changes[0].by) == (START + 10, START + 1020)


def test_a_book_that_was_closed_notes_nothing_any_more(host: Host) -> None:
    host.book.close()
    host.run(8)
    host.scan()
    assert host.ran(START + 10) == "stopped"
    assert len(host.files()) == 1


def test_a_crash_costs_the_time_since_the_last_record(host: Host) -> None:
    for _ in range(31):
        host.scan()
    host.wait(1000)
    host.start_daemon()
    host.scan()
    assert host.ran(START + 300) == [1, 7]
    assert host.ran(START + 301) == "stopped"
    assert host.told(START, START + 2000) == []


def test_before_the_book_and_behind_it_nothing_is_known(host: Host) -> None:
    assert host.ran(START - 1) == "none"
    assert host.ran(START + 25) == [1, 7], "the next scan is not overdue yet"
    assert host.ran(START + 100) == "stopped"
    _, gaps = host.between(START - 100, START + 100)
    assert [(gap.start, gap.end, gap.why) for gap in gaps] == [(None, START, "none"), (START + 30, None, "stopped")]


def test_a_scan_that_comes_late_leaves_a_gap(host: Host) -> None:
    host.scan(600)
    assert host.ran(START + 300) == "late"
    assert host.ran(START + 600) == [1, 7]


def test_a_clock_that_is_set_forward_leaves_a_gap(host: Host) -> None:
    host.at += 7200
    host.run(8)
    host.scan()
    assert host.ran(START + 3600) == "clock"
    assert host.ran(START + 7210) == [1, 7, 8]


def test_a_clock_that_is_set_back_has_a_time_twice_and_the_later_one_is_told(host: Host) -> None:
    for _ in range(360):
        host.scan()
    host.run(8)
    host.scan()
    host.at -= 1800
    host.run(9)
    host.scan()
    twice = host.at
    host.scan()
    assert host.ran(twice) == [1, 7, 8, 9]
    assert host.ran(START + 100) == [1, 7]
    assert host.ran(START + 3610) == [1, 7, 8], "only the first clock has been there"
    assert [gap.why for gap in host.between(START + 3605, START + 3606)[1]] == ["stopped"]
    assert host.told(START + 3595, START + 3615) == [("started", 8)]


def test_each_day_has_a_segment_that_stands_for_itself(tmp_path: Path) -> None:
    box = Host(tmp_path, interval_s=300)
    box.run(1)
    box.scan(0)
    for count in range(3 * 288):
        box.run(100 + count % 10)
        box.scan(300)
    first, second, third, last = box.files()
    assert [path.suffix for path in (first, second, third, last)] == [".zst", ".zst", ".zst", ".roll"]
    everything = box.told(START, box.at)
    assert len(everything) == 3 * 288 * 2 - 10
    for path in (first, third):
        path.unlink()
    moment = int(second.name.split("-")[1].split(".")[0]) / 1000 + 3600
    assert len(box.ran(moment)) == 11
    assert box.ran(box.at - 600) == [1, *range(100, 110)]


def test_between_the_last_record_of_a_segment_and_the_next_one_all_is_as_it_was(tmp_path: Path) -> None:
    box = Host(tmp_path, interval_s=100)
    box.run(1)
    box.scan(0)
    while len(box.files()) == 1:
        box.scan(100)
    assert [box.ran(box.at - back) for back in (0, 50, 150, 250)] == [[1]] * 4
    assert box.between(START, box.at) == ([], box.between(START, START + 1)[1])


def test_what_is_older_than_wanted_is_dropped_by_whole_segments(tmp_path: Path) -> None:
    box = Host(tmp_path, roll_days=2, interval_s=3600)
    box.run(1)
    box.scan(0)
    for _ in range(24 * 10):
        box.scan(3600)
    assert 3 <= len(box.files()) <= 4
    assert box.ran(START) == "none"
    assert box.ran(box.at - 2 * DAY_S) == [1]


def test_where_it_is_switched_off_nothing_is_kept(host: Host) -> None:
    assert host.files()
    host.config = msgspec.structs.replace(host.config, roll_days=0)
    host.book.update(host.config)
    host.scan()
    assert host.files() == []
    assert host.ran(START) == "off"
    assert host.between(START, START + 10)[1][0].why == "off"


def test_other_definitions_begin_a_segment_with_the_sets_of_now(host: Host) -> None:
    web = ProcessSetConfig(id="a", title="a", order=1, include="x", name="a")
    host.book.update(msgspec.structs.replace(host.config, process_sets=(web,)))
    host.owners.clear()
    host.scan()
    assert host.row(START, 7).set == "web"
    assert host.row(START + 10, 7).set is None
    assert host.told(START, START + 10) == []


def test_secrets_do_not_reach_the_disk(tmp_path: Path) -> None:
    box = Host(tmp_path, argument_masks=(r"--pin (\S+)",))
    box.scan(0)
    box.run(5, "/bin/job --password=hunter2 --pin 1234 x", started=START - 5)
    box.scan()
    box.alter(5, parameters="token=hunter2")
    box.scan()
    content = b"".join(path.read_bytes() for path in box.files())
    assert b"/bin/job" in content
    assert b"hunter2" not in content
    assert b"1234" not in content
    assert box.row(START + 10, 5).command == "/bin/job --password=*** --pin *** x"


def test_a_line_of_a_host_cannot_touch_a_terminal_and_is_bounded(tmp_path: Path) -> None:
    box = Host(tmp_path)
    box.run(5, "/bin/job \x1b[2J" + "x" * 70_000)
    box.scan(0)
    command = box.row(START, 5).command
    assert len(command) == 500
    assert "\x1b" not in command


def test_a_fork_bomb_fills_the_book_and_not_the_disk(tmp_path: Path) -> None:
    box = Host(tmp_path, interval_s=1)
    box.run(1)
    box.scan(0)
    for scan in range(40):
        for pid in range(10_000, 10_500):
            box.run(pid, f"/bin/bomb --generation {scan} --number {pid} " + "x" * 450)
        box.scan(1)
    assert sum(path.stat().st_size for path in box.files()) < 9 << 20
    assert box.books.figures()["full"] == 1
    _, gaps = box.between(START, box.at)
    assert gaps[-1].why == "full"
    assert box.ran(box.at) == "full"
    box.rows = {1: box.rows[1]}
    for _ in range(24 * 12):
        box.scan(300)
    assert box.ran(box.at) == [1], "it goes on when there is room again"


def test_a_table_of_more_than_a_segment_does_not_begin_one_with_each_scan(tmp_path: Path) -> None:
    box = Host(tmp_path)
    for pid in range(2500):
        box.run(pid, f"/bin/p{pid} {'x' * 450}")
    for scan in range(5):
        box.run(10_000 + scan)
        box.scan()
    assert len(box.files()) == 1
    assert box.told(START, box.at)[-1] == ("started", 10_004)


def test_a_table_of_more_than_a_day_may_have_is_not_kept(tmp_path: Path) -> None:
    box = Host(tmp_path)
    for pid in range(20_000):
        box.run(pid, f"/bin/p {'x' * 480}")
    box.scan()
    box.scan()
    assert box.files() == []
    assert box.books.figures()["full"] == 1
    box.rows = {1: box.rows[1]}
    box.scan(DAY_S)
    assert box.ran(box.at) == [1]


def test_a_device_with_more_processes_than_one_answer_takes_is_asked_in_pages(tmp_path: Path) -> None:
    box = Host(tmp_path)
    chance = random.Random(3)
    for pid in range(1500):
        box.run(pid, "/bin/p " + "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(450)))
    box.scan(0)
    seen: list[int] = []
    for _ in range(100):
        page = box.table(START, after_pid=seen[-1] if seen else -1)
        assert len(encode(page)) <= MAX_MESSAGE_BYTES
        seen += [row.pid for row in page.rows]
        if not page.more:
            break
    assert seen == list(range(1500))
    box.rows.clear()
    box.scan()
    assert len(box.told(START, START + 10)) == 1500
