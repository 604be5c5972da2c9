"""What every `IMoveStore` keeps."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from zope.interface.verify import verifyObject

from hub.moving.interfaces import IMoveStore, Move
from tests.fakes.stores import done

KEPT = 3


def move(device: str = "web1", source: str = "c1", since: float = 1.5, **fields: Any) -> Move:
    return Move(device=device, source=source, target="c2", since=since, **fields)


class MoveStoreContract:
    """Subclasses give `store`: one that is new, and keeps three that are done."""

    @pytest.fixture
    def store(self) -> Any:
        raise NotImplementedError

    def test_it_provides_the_interface(self, store: Any) -> None:
        assert verifyObject(IMoveStore, store)

    def test_a_new_store_is_empty(self, store: Any) -> None:
        done(store.record([]))
        assert done(store.moves()) == []

    def test_moves_come_back_as_they_were_the_eldest_first(self, store: Any) -> None:
        first = move("web2", since=1.0, files=3, bytes=2**40, problem="Grüße ☃")
        second = move("web1", since=2.0, done_at=5.5)
        done(store.record([second, first]))
        assert done(store.moves()) == [first, second]

    def test_one_that_is_written_again_is_there_once(self, store: Any) -> None:
        done(store.record([move(), move(source="c9")]))
        done(store.record([replace(move(), files=7)]))
        assert done(store.moves()) == [replace(move(), files=7), move(source="c9")]

    def test_what_is_gone_is_forgotten(self, store: Any) -> None:
        done(store.record([move(), move(source="c9"), move(daemon="snmp")]))
        done(store.record([], [("web1", "c1", "process"), ("nobody", "c1", "process")]))
        assert done(store.moves()) == [move(daemon="snmp"), move(source="c9")]

    def test_of_those_that_are_done_the_newest_are_kept(self, store: Any) -> None:
        done(store.record([move("old")]))
        for number in range(5):
            done(store.record([move(f"d{number}", since=10.0, done_at=100.0 + number)]))
        assert [one.device for one in done(store.moves())] == ["old", "d2", "d3", "d4"]
