"""The screen of `tocsin up`, and the lines that stand for it in a log."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from hub.cli.roll import Block, View, blocks_of, changes, screen, shares_of
from tests.fakes.api import example


def view(**fields: Any) -> View:
    state = example()
    base = View(
        url="http://127.0.0.1:8080",
        sets=state.sets,
        scans=list(state.scans.values()),
        open_events=state.events,
        up_for_s=75,
    )
    return msgspec.structs.replace(base, **fields)


def drawn(shown: View, width: int = 120, height: int = 50) -> list[str]:
    out = Console(width=width, height=height, markup=False, highlight=False, emoji=False, color_system=None)
    with out.capture() as captured:
        out.print(screen(shown, time.time(), width - 2, height))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [80, 100, 130, 200])
@pytest.mark.parametrize("height", [24, 40, 60])
def test_it_fits(width: int, height: int) -> None:
    closed = [{**event, "state": "closed"} for event in example().events]
    lines = drawn(view(closed_events=closed, notices=["one", "two", "three"]), width, height)
    assert len(lines) <= height
    assert max(cell_len(line) for line in lines) <= width


def test_a_site_of_many_devices_fits_and_what_is_left_out_is_counted() -> None:
    state = example()
    scans = [{**state.scans["web1"], "device": f"d{number:03}"} for number in range(300)]
    sets = [{**state.sets[0], "device": scan["device"], "set": f"s{n}"} for scan in scans for n in range(20)]
    lines = drawn(view(sets=sets, scans=scans), 80, 24)
    assert len(lines) <= 24
    assert any("more devices" in line for line in lines)


def test_what_is_wrong_stands_above_what_is_right() -> None:
    text = "\n".join(drawn(view()))
    assert text.index("silent  10.0.0.7 does not answer") < text.index("web1  132 processes") < text.index("box  132")
    assert text.index("✖ missing") < text.index("● up")


@pytest.mark.usefixtures("still")
def test_at_80_columns_nothing_that_matters_is_cut() -> None:
    lines = drawn(view(), 80, 60)
    (missing,) = [line for line in lines if "✖ missing" in line]
    assert missing.split() == ["✖", "missing", "nginx", "0", "–", "0", "B", "0", "12s"]
    (journal,) = [line for line in lines if "journal" in line]
    assert journal.split() == ["●", "up", "systemd-journald", "5", "2.8", "11.9", "MiB", "0", "2h", "14m"]


@pytest.mark.usefixtures("still")
def test_pids_have_the_room_that_names_of_sets_leave() -> None:
    short = [{**row, "set": str(row["set"])[:12]} for row in example().sets]
    (cron,) = [line for line in drawn(view(sets=short), 80, 60) if "cron" in line and "2.1" in line]
    assert cron.split() == ["●", "up", "cron", "4", "800", "+3", "2.1", "11.9", "MiB", "0", "2h", "14m"]


def test_sets_that_are_up_are_only_counted_where_there_is_no_room() -> None:
    state = example()
    up = [{**state.sets[0], "device": device, "set": f"s{n:02}"} for device in ("box", "quiet") for n in range(33)]
    scans = [*state.scans.values(), state.good_scan("quiet")]
    lines = drawn(view(sets=[*state.sets, *up], scans=scans), 80, 24)
    assert any("✖ missing" in line for line in lines)
    lines = drawn(view(sets=up, scans=scans[1:], open_events=[]), 80, 24)
    assert any(line.strip() == "● 33 sets up" for line in lines)
    assert len(lines) <= 24
    assert not any(" up" in line and "sets" in line for line in drawn(view(sets=up, open_events=[]), 80, 100))


def test_a_device_with_an_open_event_stands_before_one_without() -> None:
    state = example()
    scans = [state.good_scan(device) for device in ("a", "b")]
    sets = [{**state.sets[0], "device": device} for device in ("a", "b")]
    for ringing, order in (("b", ["b", "a"]), ("a", ["a", "b"])):
        events = [{**state.events[0], "device": ringing}]
        assert [block.device for block in blocks_of(view(sets=sets, scans=scans, open_events=events))] == order


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 40)), min_size=1, max_size=12), st.integers(6, 60))
def test_blocks_never_take_more_than_their_room(sizes: list[tuple[int, int]], room: int) -> None:
    blocks = [Block(device=str(n), scan={}, troubled=[{}] * bad, calm=[{}] * up) for n, (bad, up) in enumerate(sizes)]
    shares = shares_of(blocks, room)
    used = sum(block.lines(*share) for block, share in zip(blocks, shares, strict=False))
    assert used + (len(shares) < len(blocks)) <= room


def test_how_to_stop_is_never_cut_off() -> None:
    assert any(line.strip().startswith("Ctrl-C stops") for line in drawn(view(url="http://127.0.0.1:35057"), 60, 24))


def test_a_long_summary_is_cut_to_one_line() -> None:
    events = [{**example().events[0], "summary": "a word " * 60}]
    assert sum("a word" in line for line in drawn(view(open_events=events), 80, 24)) == 1


def test_columns_of_all_devices_stand_in_line() -> None:
    heads = [line for line in drawn(view(), 130) if "RESTARTS" in line]
    assert len({head.index("RESTARTS") for head in heads}) == 1


def test_before_the_first_scan_it_says_that_it_waits() -> None:
    assert any("waiting for the first scan" in line for line in drawn(View(url="http://x")))


def test_the_hint_names_our_own_collector_because_killing_it_harms_nobody() -> None:
    assert any("Try kill -9 4711 " in line for line in drawn(view(collector_pid=4711)))
    assert not any("kill -9" in line for line in drawn(view()))


def test_an_event_that_closed_stays_for_a_while_as_closed() -> None:
    closed = [{**example().events[0], "closed_at": "2026-01-01T00:00:00Z", "summary": "it was away"}]
    lines = drawn(view(open_events=[], closed_events=closed))
    assert any("No open event" in line for line in lines)
    assert any("✔ closed" in line and "it was away" in line for line in lines)


def test_escape_sequences_of_a_host_do_not_reach_the_screen() -> None:
    hostile = "\x1b[2J[bold]x"
    state = example()
    state.add_set("web1", hostile)
    state.add_event(summary=hostile)
    state.scans["box"]["problem"] = hostile
    text = "\n".join(drawn(view(sets=state.sets, open_events=state.events, scans=list(state.scans.values()))))
    assert "\x1b" not in text
    assert text.count("\\x1b[2J[bold]x") == 3


def test_a_log_gets_a_line_for_each_change_and_none_for_figures() -> None:
    before = view()
    quiet = [{**row, "cpu_percent": 99.0, "restarts": 4, "memory_bytes": 1} for row in before.sets]
    assert changes(before, view(sets=quiet)) == []
    after = [{**row, "state": "up", "count": 1, "pids": [9]} if row["set"] == "nginx" else row for row in before.sets]
    closed = [event for event in before.open_events if event["id"] != 1]
    assert changes(before, view(sets=after, open_events=closed)) == [
        "web1  up         nginx  1  9",
        "closed: error web1 nginx: nginx is missing: pid 812 is gone",
    ]
    assert len(changes(View(url="x"), before)) == len(before.sets) + 1 + len(before.open_events)
