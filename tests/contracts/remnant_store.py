"""What every `IRemnantStore` keeps."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from zope.interface.verify import verifyObject

from hub.purging.interfaces import IRemnantStore, Remnant
from tests.fakes.stores import done


def remnant(device: str = "web1", collector: str = "c1", **fields: Any) -> Remnant:
    return Remnant(device=device, collector=collector, **{"since": 1.5, **fields})


class RemnantStoreContract:
    """Subclasses give `store`, which is new, and `remove`, which takes devices out of the model at a time."""

    @pytest.fixture
    def store(self) -> Any:
        raise NotImplementedError

    def remove(self, store: Any, at: float, *devices: str) -> None:
        raise NotImplementedError

    def test_it_provides_the_interface(self, store: Any) -> None:
        assert verifyObject(IRemnantStore, store)

    def test_they_come_back_as_they_were(self, store: Any) -> None:
        assert done(store.remnants()) == []
        done(store.record([remnant("web2", purge_by="Jörg ☃"), remnant(), remnant(collector="c0")]))
        assert done(store.remnants()) == [remnant(collector="c0"), remnant(), remnant("web2", purge_by="Jörg ☃")]

    def test_one_that_is_written_again_is_there_once_and_one_that_is_gone_is_not(self, store: Any) -> None:
        done(store.record([remnant(), remnant("web2"), remnant("web2", daemon="snmp")]))
        gone = [("web2", "c1", "process"), ("nobody", "c1", "process")]
        done(store.record([replace(remnant(), purge_by="ann")], gone))
        assert done(store.remnants()) == [remnant(purge_by="ann"), remnant("web2", daemon="snmp")]

    def test_when_a_device_left_is_when_it_left_last(self, store: Any) -> None:
        self.remove(store, 100.0, "web1", "web10")
        self.remove(store, 200.0, "web1")
        assert done(store.left(["web1", "web10", "web", "nobody"])) == {"web1": 200.0, "web10": 100.0}
        assert done(store.left([])) == {}
        many = [f"d{number}" for number in range(1200)]
        assert done(store.left([*many, "web1"])) == {"web1": 200.0}
