from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from common.errors import TransientError
from hub.events.store import SqlEventStore
from hub.interfaces import EventFilter
from tests.contracts.event_store import SPOOL, EventStoreContract, Wall, batch, clear, event
from tests.databases import Databases, allow_updates, refuse_updates
from tests.fakes.stores import FakeEventStore, done


class TestFakeEventStore(EventStoreContract):
    @pytest.fixture
    def store(self, wall: Wall) -> Any:
        return FakeEventStore(wall)


class TestSqlEventStore(EventStoreContract):
    @pytest.fixture
    def store(self, databases: Databases, wall: Wall) -> Any:
        return SqlEventStore(databases.open(), wall)

    def test_everything_is_there_after_a_restart(self, databases: Databases, wall: Wall) -> None:
        database = databases.open()
        before = SqlEventStore(database, wall)
        done(before.store(*SPOOL, batch(1, event("a"), event("b"))))
        done(before.note_daemon("local", "process", 5.0))
        done(database.close())
        after = SqlEventStore(databases.open(), wall)
        assert done(after.stored_seq(*SPOOL)) == 2
        assert done(after.store(*SPOOL, batch(2, event("b"), clear("a"), event("c")))) == 4
        found = done(after.find(EventFilter()))
        assert [(r.id, r.component, r.state, r.count) for r in sorted(found, key=lambda r: r.id)] == [
            (1, "a", "closed", 1),
            (2, "b", "new", 1),
            (3, "c", "new", 1),
        ]
        assert len(done(after.daemons())) == 1

    def test_a_batch_that_fails_leaves_neither_events_nor_position(self, databases: Databases, wall: Wall) -> None:
        database = databases.open()
        store = SqlEventStore(database, wall)
        done(store.store(*SPOOL, batch(1, event("a"))))
        told: list[int] = []
        store.observe(told.append)
        # The position is written after the events; when it cannot be, the events must be gone again.
        refuse_updates(database, "event_spools")
        sent = batch(2, event("a"), event("b"), clear("a"))
        with pytest.raises(TransientError, match="nothing was stored"):
            done(store.store(*SPOOL, sent))
        assert [(r.component, r.state, r.count) for r in done(store.find(EventFilter()))] == [("a", "new", 1)]
        assert (done(store.stored_seq(*SPOOL)), done(store.changes(-1, 1))[0], told) == (1, 1, [])
        allow_updates(database, "event_spools")
        assert done(store.store(*SPOOL, sent)) == 4
        assert told

    def test_more_alarms_at_once_than_one_query_takes(self, store: Any) -> None:
        first = batch(1, *(event(f"c{n}") for n in range(1000)))
        again = batch(1001, *(event(f"c{n}") for n in range(1000)))
        assert done(store.store(*SPOOL, first)) == 1000
        assert done(store.store(*SPOOL, again)) == 2000
        found = done(store.find(EventFilter(limit=5000)))
        assert (len(found), {record.count for record in found}) == (1000, {2})

    def test_an_observer_that_fails_stops_nothing(self, store: Any) -> None:
        told: list[int] = []
        store.observe(lambda _: 1 / 0)
        store.observe(told.append)
        assert done(store.add(event(), "local", "process")) == 1
        assert told == [1]

    def test_what_operators_decided_is_found_by_its_index(self, databases: Databases, wall: Wall) -> None:
        found = "SELECT indexdef FROM pg_indexes WHERE indexname = 'events_state_by'"
        if databases.kind == "sqlite":
            found = "SELECT sql FROM sqlite_master WHERE name = 'events_state_by'"
        sql = done(databases.open().run(lambda connection: connection.execute(text(found)).scalar_one()))
        assert re.search(r"WHERE \(?\(?state_by\)?(::text)? <> ''", sql), sql

    def test_listing_open_events_does_not_read_closed_ones(self, databases: Databases, wall: Wall) -> None:
        from hub.events.rows import matching
        from hub.events.tables import events

        database = databases.open()
        store = SqlEventStore(database, wall)
        closed = [part for n in range(2000) for part in (event(f"c{n}"), clear(f"c{n}"))]
        done(store.store(*SPOOL, batch(1, *closed, event("open"))))
        query = select(events).where(*matching(EventFilter(states=("new", "acknowledged"))))
        query = query.order_by(events.c.last_seen.desc(), events.c.id.desc()).limit(100)

        def plan(connection: Connection) -> str:
            if databases.kind == "postgresql":
                connection.exec_driver_sql("ANALYZE events")
            sql = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
            explain = "EXPLAIN" if databases.kind == "postgresql" else "EXPLAIN QUERY PLAN"
            return str(connection.exec_driver_sql(f"{explain} {sql}").all())

        told = done(database.run(plan))
        assert "events_state_last_seen" in told or "open_fingerprint" in told, told
        assert "Seq Scan" not in told
