"""What every `IComponentStore` keeps."""

from __future__ import annotations

from typing import Any

import pytest
from zope.interface.verify import verifyObject

from hub.components.interfaces import IComponentStore, StoredComponents
from tests.fakes.stores import done


def row(device: str, body: str = "{}", at: float | None = 1.5) -> StoredComponents:
    return StoredComponents(device, at, body)


def all_of(store: Any, limit: int = 100) -> list[StoredComponents]:
    found: list[StoredComponents] = []
    while True:
        page = done(store.load(found[-1].device if found else "", limit))
        found += page
        if len(page) < limit:
            return sorted(found, key=lambda one: one.device)


class ComponentStoreContract:
    """Subclasses give `store`: one that is new."""

    @pytest.fixture
    def store(self) -> Any:
        raise NotImplementedError

    def test_it_provides_the_interface(self, store: Any) -> None:
        assert verifyObject(IComponentStore, store)

    def test_a_new_store_is_empty(self, store: Any) -> None:
        assert done(store.load("", 10)) == []
        done(store.store([], []))
        assert done(store.load("", 10)) == []

    def test_devices_come_change_and_go(self, store: Any) -> None:
        done(store.store([row("a", "1"), row("b", "2", None)], []))
        assert all_of(store) == [row("a", "1"), row("b", "2", None)]
        done(store.store([row("b", "3", 2.5), row("c", "4")], ["a", "nobody"]))
        assert all_of(store) == [row("b", "3", 2.5), row("c", "4")]

    def test_a_device_that_goes_and_comes_at_once_is_there(self, store: Any) -> None:
        done(store.store([row("a", "1")], []))
        done(store.store([row("a", "2")], ["a"]))
        assert all_of(store) == [row("a", "2")]

    def test_pages_miss_nobody_whatever_their_names(self, store: Any) -> None:
        names = ["B", "a", "a-b", "a.b", "a_b", "ab", "Z9", "z", "10.0.0.1", "fe80::1"]
        done(store.store([row(name) for name in names], []))
        assert [one.device for one in all_of(store, 3)] == sorted(names)
        assert len(done(store.load("", 3))) == 3

    def test_texts_come_back_as_they_were(self, store: Any) -> None:
        body = '{"name":"Grüße ☃ \\u0000 \U0001f600"}' + "x" * 100_000
        done(store.store([row("a", body)], []))
        assert all_of(store) == [row("a", body)]
