from __future__ import annotations

from typing import Any

import pytest

from common.errors import TransientError
from hub.pools.interfaces import Absence, Entry
from hub.pools.store import SqlPoolStore
from tests.contracts.pool_store import KEPT, PoolStoreContract, move
from tests.databases import Databases
from tests.fakes.pools import FakePoolStore
from tests.fakes.stores import done


class TestFakePoolStore(PoolStoreContract):
    @pytest.fixture
    def store(self) -> Any:
        return FakePoolStore(KEPT)


class TestSqlPoolStore(PoolStoreContract):
    @pytest.fixture
    def store(self, databases: Databases) -> Any:
        return SqlPoolStore(databases.open(), KEPT)

    def test_what_fails_half_way_leaves_everything_as_it_was(self, store: Any) -> None:
        done(store.record(Entry(gone=(Absence("eu", "c1", 1.0),), moves=(move(1.0),))))
        twice = Absence("eu", "c2", 2.0)
        with pytest.raises(TransientError):
            done(store.record(Entry(back=(("eu", "c1"),), gone=(twice, twice), moves=(move(2.0),))))
        assert done(store.absences()) == [Absence("eu", "c1", 1.0)]
        assert [one.at for one in done(store.moves("eu", 10))] == [1.0]

    def test_another_hub_on_the_same_database_finds_it(self, databases: Databases) -> None:
        first = databases.open("one")
        done(SqlPoolStore(first).record(Entry(gone=(Absence("eu", "c1", 1.0),))))
        done(first.close())
        assert done(SqlPoolStore(databases.open("one")).absences()) == [Absence("eu", "c1", 1.0)]
