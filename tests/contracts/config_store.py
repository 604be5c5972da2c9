"""What every `IConfigStore` must do."""

from __future__ import annotations

from typing import Any

import pytest
from zope.interface.verify import verifyObject

from collectors.framework.interfaces import IConfigStore
from common.errors import TransientError
from common.wire import Position
from tests.fakes.tasks import config


class ConfigStoreContract:
    """Mixin. `make_store` gives an empty store, `again` opens the same one as after a restart."""

    def make_store(self) -> Any:
        raise NotImplementedError

    def again(self, store: Any) -> Any:
        raise NotImplementedError

    def fill_disk(self, store: Any, *, full: bool) -> None:
        raise NotImplementedError

    def test_it_provides_the_interface(self) -> None:
        assert verifyObject(IConfigStore, self.make_store())

    def test_it_begins_empty(self) -> None:
        assert self.make_store().load() == {}

    def test_what_was_stored_comes_back_whole(self) -> None:
        store = self.make_store()
        store.replace([config("a"), config("b")], [])
        store.replace([config("b", 10)], ["never was"])
        assert self.again(store).load() == {"a": config("a"), "b": config("b", 10)}

    def test_what_was_removed_is_gone(self) -> None:
        store = self.make_store()
        store.replace([config("a"), config("b")], [])
        store.replace([], ["a"])
        assert self.again(store).load() == {"b": config("b")}
        store.replace([config("a", 5)], [])
        assert self.again(store).load() == {"a": config("a", 5), "b": config("b")}

    def test_the_position_is_that_of_the_last_change_that_told_one(self) -> None:
        store = self.make_store()
        assert (store.load(), store.position) == ({}, Position())
        store.replace([config("a")], [], Position("e1", 7, "0" * 32))
        assert store.position == Position("e1", 7)
        store.replace([config("b")], [])
        again = self.again(store)
        assert sorted(again.load()) == ["a", "b"]
        assert again.position == Position("e1", 7)
        again.replace([], [], Position("e2", 3))
        last = self.again(again)
        assert sorted(last.load()) == ["a", "b"]
        assert last.position == Position("e2", 3)

    def test_a_full_disk_leaves_all_as_it_was(self) -> None:
        store = self.make_store()
        store.replace([config("a"), config("b")], [], Position("e", 1))
        self.fill_disk(store, full=True)
        with pytest.raises(TransientError):
            store.replace([config("a", 5), config("c")], ["b"], Position("e", 2))
        self.fill_disk(store, full=False)
        again = self.again(store)
        assert again.load() == {"a": config("a"), "b": config("b")}
        assert again.position == Position("e", 1)
        store.replace([config("c")], [])
        assert sorted(self.again(store).load()) == ["a", "b", "c"]
