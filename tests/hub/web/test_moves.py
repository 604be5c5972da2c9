"""How files that follow their devices are told by the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.web.moves import MoveTopic
from hub.web.moveshapes import FileMove
from tests.hub.moving.test_conductor import KEYS, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def only(bench: Bench) -> FileMove:
    (told,) = MoveTopic(bench.conductor, bench.owner).of("web1")
    return told


def test_a_move_waits_goes_on_and_is_done(bench: Bench) -> None:
    topic = MoveTopic(bench.conductor, bench.owner)
    away = bench.sessions.pop("b")
    bench.move("b")
    bench.go_on(2)
    told = only(bench)
    assert (told.source, told.target, told.state, told.reason) == ("a", "b", "waiting", "collector b is not connected")
    assert (told.files, told.bytes_in_all, told.done_at) == (0, 0, None)
    bench.sessions["b"] = away
    for _ in range(100):
        bench.clock.advance(0.05)
        if only(bench).bytes:
            break
    told = only(bench)
    assert (told.state, told.reason, told.files_in_all) == ("moving", "", len(KEYS))
    assert 0 < told.bytes < told.bytes_in_all
    assert topic.open() == [told]
    bench.go_on()
    told = only(bench)
    assert (told.state, told.files, told.files_in_all) == ("done", 3, 3)
    assert told.bytes == told.bytes_in_all > 0
    assert told.done_at is not None
    assert topic.open() == []


def test_a_move_of_which_some_files_stay_has_failed_and_names_them(bench: Bench) -> None:
    bench.sessions["b"].spoil_pieces(KEYS[1])
    bench.move("b")
    bench.go_on()
    told = only(bench)
    assert (told.state, told.files) == ("failed", 2)
    assert told.reason == told.problems[0]
    assert told.reason.startswith("set1 / process: does not go on at 0 of")
