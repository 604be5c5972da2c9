from __future__ import annotations

from typing import Any

import pytest

from hub.moving.store import SqlMoveStore
from tests.contracts.move_store import KEPT, MoveStoreContract, move
from tests.databases import Databases
from tests.fakes.moves import FakeMoveStore
from tests.fakes.stores import done


class TestFakeMoveStore(MoveStoreContract):
    @pytest.fixture
    def store(self) -> Any:
        return FakeMoveStore(KEPT)


class TestSqlMoveStore(MoveStoreContract):
    @pytest.fixture
    def store(self, databases: Databases) -> Any:
        return SqlMoveStore(databases.open(), KEPT)

    def test_another_hub_on_the_same_database_finds_it(self, databases: Databases) -> None:
        first = databases.open("one")
        done(SqlMoveStore(first).record([move()]))
        done(first.close())
        assert done(SqlMoveStore(databases.open("one")).moves()) == [move()]
