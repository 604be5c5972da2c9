"""What every `IConfigStore` must do."""

from __future__ import annotations

from typing import Any

import pytest
from zope.interface.verify import verifyObject

from collectors.framework.interfaces import IConfigStore
from common.errors import TransientError
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

    def test_a_full_disk_leaves_all_as_it_was(self) -> None:
        store = self.make_store()
        store.replace([config("a"), config("b")], [])
        self.fill_disk(store, full=True)
        with pytest.raises(TransientError):
            store.replace([config("a", 5), config("c")], ["b"])
        self.fill_disk(store, full=False)
        assert self.again(store).load() == {"a": config("a"), "b": config("b")}
        store.replace([config("c")], [])
        assert sorted(self.again(store).load()) == ["a", "b", "c"]
