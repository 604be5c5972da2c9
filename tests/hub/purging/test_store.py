from __future__ import annotations

from typing import Any

import pytest

from hub.interfaces import DocumentChange
from hub.model.store import SqlModelStore
from hub.purging.store import SqlRemnantStore
from tests.contracts.remnant_store import RemnantStoreContract
from tests.databases import Databases
from tests.fakes.remnants import FakeRemnantStore
from tests.fakes.stores import done


class TestFakeRemnantStore(RemnantStoreContract):
    @pytest.fixture
    def store(self) -> Any:
        return FakeRemnantStore()

    def remove(self, store: Any, at: float, *devices: str) -> None:
        store.left_at.update(dict.fromkeys(devices, at))


class TestSqlRemnantStore(RemnantStoreContract):
    @pytest.fixture
    def store(self, databases: Databases) -> Any:
        return SqlRemnantStore(databases.open())

    def remove(self, store: Any, at: float, *devices: str) -> None:
        model = SqlModelStore(store._database)
        for when, gone in ((at - 5, False), (at, True)):
            changes = [
                DocumentChange(kind=kind, id=one, before="{}" if gone else None, after=None if gone else "{}")
                for one in devices
                for kind in ("Device", "Group")
                if not (gone and kind == "Group")
            ]
            if at == 200.0:  # groups are there since the first time, and are left alone
                changes = [change for change in changes if change.kind == "Device"]
            done(model.commit(when, "ann", "", "", changes))
