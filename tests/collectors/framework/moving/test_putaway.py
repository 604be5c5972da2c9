from __future__ import annotations

import time
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from collectors.framework.moving.mover import CLEAR_S, GRACE_S
from collectors.framework.moving.orders import PutAway
from collectors.framework.moving.outgoing import list_left, name_of, version_of
from common.errors import PermanentError, TransientError
from common.moving import GiveQuery, LeftQuery, LetGoQuery, OutgoingQuery, PieceQuery
from common.queries import Done
from common.series import SeriesKey
from tests.fakes.moving import NOW, Side, finish
from tests.fakes.stores import done

KEY = SeriesKey("web1", "sshd", "process")


@pytest.fixture
def side(tmp_path: Path) -> Side:
    side = Side(tmp_path, "a", Clock(), time.time())
    side.sample({NOW - 10**7 + 10 * n: float(n) for n in range(20)}, KEY)
    return side


def order(side: Side) -> PutAway:
    path = side.path(KEY)
    return PutAway(device="web1", file=name_of(path.name), version=version_of(path), to="b")


def test_a_file_that_another_holds_is_kept_for_a_day(side: Side) -> None:
    path, aside = side.path(KEY), side.path(KEY).with_name(side.path(KEY).name + ".moved")
    side.mover.startService()
    done(side.order(order(side)))
    assert (path.exists(), aside.exists()) == (False, True)
    assert list_left(side.root, LeftQuery()).devices == []
    side.clock.advance(CLEAR_S)
    assert aside.exists()
    side.now += GRACE_S + 60
    side.clock.advance(CLEAR_S)
    assert not aside.exists()
    side.mover.stopService()


def test_a_file_that_has_changed_stays(side: Side) -> None:
    stale = order(side)
    side.sample({NOW - 10**7 + 300: 1.0}, KEY)
    with pytest.raises(TransientError, match="has changed"):
        done(side.order(stale))
    assert side.path(KEY).exists()


def test_what_a_kill_left_half_done_is_finished(side: Side) -> None:
    path = side.path(KEY)
    series = side.writer.index.get(str(path.relative_to(side.root)))
    done(side.order(order(side)))
    assert series is not None
    side.writer.index.put(series)  # as it was before the last step
    assert list_left(side.root, LeftQuery()).devices == ["web1"]
    side.mover.startService()
    side.clock.advance(CLEAR_S)
    assert list_left(side.root, LeftQuery()).devices == []
    side.mover.stopService()


def test_files_of_a_device_that_is_collected_here_stay_and_others_are_not_taken(side: Side) -> None:
    told = done(side.mover.answer(OutgoingQuery(device="web1"))).files[0]  # type: ignore[union-attr]  # as asked
    with pytest.raises(PermanentError, match="not collected here"):
        done(side.mover.answer(GiveQuery(file=told)))
    side.held.add("web1")
    for query in (
        OutgoingQuery(device="web1"),
        PieceQuery(device="web1", file=told.file, version=told.version, offset=0, size=10),
        LetGoQuery(device="web1", file=told.file, version=told.version, to="b"),
    ):
        with pytest.raises(PermanentError, match="its files stay"):
            done(side.mover.answer(query))
    assert side.path(KEY).exists()


def test_letting_go_twice_is_as_once(side: Side) -> None:
    told = done(side.mover.answer(OutgoingQuery(device="web1"))).files[0]  # type: ignore[union-attr]  # as asked
    query = LetGoQuery(device="web1", file=told.file, version=told.version, to="b")
    assert finish(side.clock, side.mover.answer(query)) == Done(1)
    assert finish(side.clock, side.mover.answer(query)) == Done(1)
