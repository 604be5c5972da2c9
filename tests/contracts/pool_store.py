"""What every `IPoolStore` keeps."""

from __future__ import annotations

from typing import Any

import pytest
from zope.interface.verify import verifyObject

from hub.pools.interfaces import Absence, Entry, IPoolStore, Move
from tests.fakes.stores import done

KEPT = 5


def move(at: float, pool: str = "eu") -> Move:
    return Move(at=at, pool=pool, source="c1", target="c2", devices=3, why="c1 ist weg: Grüße ☃")


class PoolStoreContract:
    """Subclasses give `store`: one that is new, and keeps five moves."""

    @pytest.fixture
    def store(self) -> Any:
        raise NotImplementedError

    def test_it_provides_the_interface(self, store: Any) -> None:
        assert verifyObject(IPoolStore, store)

    def test_a_new_store_is_empty(self, store: Any) -> None:
        done(store.record(Entry()))
        assert done(store.absences()) == []
        assert list(done(store.moves("eu", 10))) == []

    def test_members_go_and_come_back(self, store: Any) -> None:
        first, second = Absence("eu", "c1", 1.5), Absence("us", "c1", 2.5)
        done(store.record(Entry(gone=(first, second))))
        assert done(store.absences()) == [first, second]
        done(store.record(Entry(gone=(Absence("eu", "c2", 3.5),), back=(("eu", "c1"), ("eu", "nobody")))))
        assert done(store.absences()) == [Absence("eu", "c2", 3.5), second]

    def test_one_that_comes_and_goes_at_once_is_gone(self, store: Any) -> None:
        done(store.record(Entry(gone=(Absence("eu", "c1", 1.0),))))
        done(store.record(Entry(gone=(Absence("eu", "c1", 2.0),), back=(("eu", "c1"),))))
        assert done(store.absences()) == [Absence("eu", "c1", 2.0)]

    def test_the_newest_moves_are_kept_and_told_first(self, store: Any) -> None:
        done(store.record(Entry(moves=(move(1.0), move(2.0, "us")))))
        done(store.record(Entry(moves=(move(3.0), move(4.0)))))
        assert list(done(store.moves("eu", 10))) == [move(4.0), move(3.0), move(1.0)]
        assert list(done(store.moves("eu", 1))) == [move(4.0)]
        done(store.record(Entry(moves=(move(5.0), move(6.0)))))
        assert [one.at for one in done(store.moves("eu", 10))] == [6.0, 5.0, 4.0, 3.0]
        assert [one.at for one in done(store.moves("us", 10))] == [2.0]
        done(store.record(Entry(moves=(move(7.0),))))
        assert list(done(store.moves("us", 10))) == []
