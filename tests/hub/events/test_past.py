from __future__ import annotations

from hub.events.past import EventPast
from hub.events.store import SqlEventStore
from tests.contracts.event_store import Wall, clear, event
from tests.databases import Databases
from tests.fakes.stores import done

DAY_S = 86_400.0
NOON = 1_000_000.0


def test_what_stood_in_a_time_is_found_and_nothing_else(databases: Databases) -> None:
    database = databases.open()
    wall = Wall(NOON + DAY_S)
    store, past = SqlEventStore(database, wall), EventPast(database)
    for one in (
        event("before", at=NOON - 50),
        clear("before", at=NOON - 1),
        event("through", at=NOON - 50),
        clear("through", at=NOON + 500),
        event("inside", at=NOON + 10),
        clear("inside", at=NOON + 20),
        event("still open", at=NOON - DAY_S),
        event("", at=NOON + 5, event_key="agent_restarted"),
        event("after", at=NOON + 101),
        event("elsewhere", at=NOON + 10, device="web2"),
    ):
        done(store.add(one, "local", "process"))

    def found(components: list[str] | None, limit: int = 100) -> list[str]:
        records = done(past.between(["web1"], components, NOON, NOON + 100, limit))
        return [record.component for record in records]

    assert found(None) == ["inside", "", "through", "still open"]
    assert found(["through", "inside"]) == ["inside", "", "through"]
    assert found(None, limit=2) == ["inside", ""]
    assert done(past.between([], None, NOON, NOON + 100, 10)) == []
