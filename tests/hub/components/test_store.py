from __future__ import annotations

from typing import Any

import pytest

from common.errors import TransientError
from hub.components.store import SqlComponentStore
from tests.contracts.component_store import ComponentStoreContract, all_of, row
from tests.databases import Databases
from tests.fakes.stores import FakeComponentStore, done


class TestFakeComponentStore(ComponentStoreContract):
    @pytest.fixture
    def store(self) -> Any:
        return FakeComponentStore()


class TestSqlComponentStore(ComponentStoreContract):
    @pytest.fixture
    def store(self, databases: Databases) -> Any:
        return SqlComponentStore(databases.open())

    def test_what_fails_half_way_leaves_everything_as_it_was(self, store: Any) -> None:
        done(store.store([row("a", "1")], []))
        with pytest.raises(TransientError):
            done(store.store([row("b", "2"), row("b", "3")], ["a"]))
        assert all_of(store) == [row("a", "1")]
