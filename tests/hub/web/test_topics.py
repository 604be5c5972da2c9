# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from common.configs import SERVICE_MODELER, DeviceConfig, ExpectedSet, SnmpConfig, SnmpVersion, SourceKind
from common.digests import digest
from common.events import CLASS_PROCESS, Event, Severity
from common.queries import (
    Done,
    FetchQuery,
    GraphQuery,
    LastValue,
    Listing,
    ListQuery,
    LiveConfig,
    LiveConfigQuery,
    Picture,
    Processes,
    ProcessesQuery,
    Query,
    Result,
    Rows,
    RunNowQuery,
    Sets,
    SetsQuery,
)
from common.roll import DeviceScan, Process, SetState, SetStatus
from hub.data.feed import EventFeed
from hub.data.heard import LastHeard
from hub.data.reader import Reader
from hub.data.series import SeriesReader
from hub.distribution.roster import Roster
from hub.distribution.services import Services
from hub.events.store import SqlEventStore
from hub.graphs.joined import graph_desk
from hub.interfaces import EventRecord
from hub.model.database import Database
from hub.model.interfaces import IWorker
from hub.model.model import Model
from hub.web.collectors import About, CollectorTopic
from hub.web.data import DataTopic
from hub.web.events import EventTopic
from hub.web.graphs import GraphTopic
from hub.web.longpolls import LongPolls
from hub.web.series import SeriesTopic
from tests.hub.distribution.fakes import Bench, FakeSession
from tests.hub.web.http import Client, Connection, site_of

T = TypeVar("T")

NOW = 1_800_000_000.0


@implementer(IWorker)
class Here:
    """Does blocking work at once."""

    async def run(self, work: Callable[[], T]) -> T:
        return work()


class FakeComponents:
    """Of devices that were never modelled."""

    def expected(self, device: str) -> Sequence[ExpectedSet]:
        return ()

    def series_elsewhere(self, device: str) -> Mapping[str, str]:
        return {}


class FakePast:
    """Knows of nothing that happened."""

    async def between(
        self, devices: Collection[str], components: Collection[str] | None, start: float, end: float, limit: int
    ) -> list[EventRecord]:
        return []


def event(device: str = "web1", **fields: Any) -> Event:
    given: dict[str, Any] = {
        "event_class": CLASS_PROCESS,
        "severity": Severity.ERROR,
        "summary": "nginx is missing",
        "at": NOW,
        "component": "nginx",
        "event_key": "process_missing",
    }
    return Event(device=device, **(given | fields))


class EventTopicTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        database = Database("sqlite://", Here(), lambda: "epoch1")
        self.successResultOf(Deferred.fromCoroutine(database.open()))
        self.store = SqlEventStore(database, self.clock.seconds)
        feed = EventFeed(self.clock, self.store, self.store.observe)
        self.polls = LongPolls(limit=2)
        self.decided: list[EventRecord] = []
        topic = EventTopic(self.store, feed, self.clock.seconds, self.polls, self.decided.append)
        self.site = site_of(self.clock, topic.routes())
        self.client = Client(self.site)

    def add(self, *events: Event) -> None:
        for item in events:
            self.successResultOf(Deferred.fromCoroutine(self.store.add(item, "local", "process")))

    def test_an_event_has_the_shape_of_the_contract(self) -> None:
        self.add(event(details={"pids": [7]}))
        (row,) = self.client.get("events").json["events"]
        self.assertEqual(
            {name: row[name] for name in row if name != "fingerprint"},
            {
                "id": 1,
                "device": "web1",
                "component": "nginx",
                "event_class": CLASS_PROCESS,
                "event_key": "process_missing",
                "severity": 4,
                "severity_name": "error",
                "state": "new",
                "summary": "nginx is missing",
                "message": "",
                "count": 1,
                "first_seen": "2027-01-15T08:00:00.000Z",
                "last_seen": "2027-01-15T08:00:00.000Z",
                "closed_at": None,
                "collector": "local",
                "daemon": "process",
                "details": {"pids": [7]},
            },
        )
        self.assertEqual(self.client.get("events/1").json, row)

    def test_events_are_chosen_by_every_parameter(self) -> None:
        self.add(event("web1"), event("web2", severity=Severity.WARNING), event("web3", component="sshd"))
        for query, devices in (
            ("", ["web3", "web2", "web1"]),
            ("?device=web1", ["web1"]),
            ("?component=sshd", ["web3"]),
            ("?class=/Status", ["web3", "web2", "web1"]),
            ("?class=/Perf", []),
            ("?severity=error", ["web3", "web1"]),
            ("?severity=5", []),
            ("?state=closed", []),
            ("?state=all", ["web3", "web2", "web1"]),
            ("?state=closed,open", ["web3", "web2", "web1"]),
            ("?since=2027-01-15T08:00:01Z", []),
            ("?limit=1", ["web3"]),
        ):
            found = self.client.get(f"events{query}")
            self.assertEqual([row["device"] for row in found.json["events"]], devices, query)
        for query in ("?severity=bad", "?state=bad", "?since=bad", "?limit=0", "?colour=red"):
            self.assertEqual(self.client.get(f"events{query}").status, 400, query)

    def test_an_event_is_acknowledged_closed_and_reopened(self) -> None:
        self.add(event())
        for verb, state in (("ack", "acknowledged"), ("close", "closed"), ("reopen", "new")):
            self.assertEqual(self.client.post(f"events/1/{verb}", {"author": "ann"}).json["state"], state)
        self.assertEqual(self.client.post("events/9/ack").error[0], "not_found")
        self.assertEqual(self.client.post("events/1/burn").error[0], "not_found")
        self.assertEqual(self.client.get("events/one").error[0], "not_found")
        self.assertEqual(self.client.post("events/1/ack", {"who": "ann"}).error[0], "bad_request")

    def test_what_cannot_be_reopened_is_a_conflict(self) -> None:
        self.add(event())
        self.client.post("events/1/close", {"author": "ann"})
        self.add(event())
        answer = self.client.post("events/1/reopen", {"author": "ann"})
        self.assertEqual((answer.status, answer.error[0]), (409, "conflict"))

    def test_a_follower_is_told_the_moment_it_happens(self) -> None:
        start = self.client.get("events/follow").json
        self.assertEqual(start["events"], [])
        connection = Connection(self.site)
        connection.send("GET", f"/api/v1/events/follow?after={start['next']}&wait=20")
        self.assertFalse(connection.answered)
        self.add(event())
        told = connection.answer().json
        self.assertEqual([row["device"] for row in told["events"]], ["web1"])
        self.assertGreater(told["next"], start["next"])
        again = self.client.get(f"events/follow?after={told['next']}&wait=0").json
        self.assertEqual(again, {"next": told["next"], "events": []})

    def test_followers_are_bounded_and_let_go_when_they_leave(self) -> None:
        connections = [Connection(self.site) for _ in range(3)]
        for connection in connections:
            connection.send("GET", "/api/v1/events/follow?after=0&wait=20")
        self.assertEqual(connections[2].answer().error[0], "busy")
        self.assertEqual(self.polls.waiting, 2)
        for connection in connections:
            connection.lose()
        self.assertEqual(self.polls.waiting, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.client.get("events/follow?after=0&wait=61").error[0], "bad_request")


CONFIG = DeviceConfig(
    device="web1",
    address="192.0.2.1",
    source=SourceKind.SNMP,
    interval_s=60,
    snmp=SnmpConfig(version=SnmpVersion.V2C, community="hush"),
)


class CollectorTopicTests(SynchronousTestCase):
    """The topics of data and collectors, over a distributor with sessions."""

    def setUp(self) -> None:
        self.bench = Bench()
        self.bench.clock.advance(NOW)
        self.bench.distributor.start()
        self.roster = Roster(self.bench.clock.seconds)
        model = self.bench.model
        reader = Reader(
            self.bench.clock,
            model.owner,
            self.roster.is_known,
            self.roster.session,
            self.roster.whereabouts,
        )
        about = About(
            version="0.1.0",
            epoch=lambda: "e1",
            started_at=NOW,
            host="hub1",
            pb_port=lambda: 8789,
            revision=lambda: model.revision,
        )

        async def counts() -> dict[str, dict[int, int]]:
            return {"web1": {4: 2, 3: 1}, "web2": {4: 1}}

        self.modellers: set[str] = set()
        self.heard = LastHeard()
        modeler = self.bench.another(SERVICE_MODELER, self.modellers.__contains__)
        modeler.start()
        watched = self.bench.model.watcher

        def changed(revision: int, devices: list[str]) -> None:
            watched(revision, devices)
            modeler.model_changed(revision, devices)

        self.bench.model.watcher = changed
        services = Services(self.bench.distributor, modeler)
        self.past = FakePast()
        seconds = self.bench.clock.seconds
        desk = graph_desk(
            None,
            self.bench.clock,
            seconds,
            lambda stop: None,
            model=Model,
            components=FakeComponents(),
            past=self.past,
            reader=reader,
            owner=model.owner,
        )
        topics = (
            CollectorTopic(about, self.roster, services, reader, model.devices, counts),
            DataTopic(reader, model.devices, self.bench.clock.seconds),
            SeriesTopic(SeriesReader(reader, self.heard, self.bench.clock.seconds), self.bench.clock.seconds),
            GraphTopic(desk, reader, Model, self.bench.clock.seconds),
        )
        routes = [route for topic in topics for route in topic.routes()]
        self.site = site_of(self.bench.clock, routes)
        self.client = Client(self.site)

    def attach(self, name: str = "local", answer: Callable[[Query], Result] | None = None) -> FakeSession:
        session = self.bench.attach(name)
        session.answers = answer or (lambda _: Done(1))
        self.roster.arrive(session)
        return session

    def test_a_service_that_was_ever_there_counts_too(self) -> None:
        self.attach()
        self.bench.model.change({"web1": ("local", 1)})
        self.bench.settle()
        self.assertIs(self.client.get("status").json["revision_live"], True)
        self.modellers.add("local")
        status = self.client.get("status").json
        self.assertIs(status["revision_live"], False)
        rows = [(row["device"], row["collector"], row["daemon"]) for row in status["behind"]]
        self.assertEqual((rows, status["behind_total"]), ([("web1", "local", "modeler")], 1))

    def test_a_config_that_cannot_be_made_is_named_with_the_reason(self) -> None:
        self.attach()
        self.bench.model.change({"web1": ("local", 1), "web2": ("local", 1)})
        self.bench.settle()
        self.bench.model.change({"web1": ("local", 0)})
        self.bench.settle()
        status = self.client.get("status").json
        (row,) = status["behind"]
        self.assertEqual((row["device"], row["daemon"]), ("web1", "process"))
        self.assertIn("its config cannot be made: device web1: the regex of set x does not end", row["reason"])
        (collector,) = status["collectors"]
        self.assertEqual((collector["revision"], collector["behind"]), (1, 1))

    def test_health_tells_the_version_to_everybody(self) -> None:
        self.assertEqual(self.client.get("health", token=None).json, {"ok": True, "version": "0.1.0"})

    def test_status_tells_what_is_live_and_what_is_not(self) -> None:
        self.attach()
        self.bench.model.change({"web1": ("local", 1), "far1": ("far", 1)})
        self.bench.settle()
        status = self.client.get("status").json
        self.assertEqual(
            status["hub"],
            {
                "version": "0.1.0",
                "epoch": "e1",
                "revision": 1,
                "started_at": "2027-01-15T08:00:00.000Z",
                "host": "hub1",
                "pb_port": 8789,
            },
        )
        self.assertIs(status["revision_live"], False)
        self.assertEqual(
            status["behind"],
            [
                {
                    "device": "far1",
                    "collector": "far",
                    "daemon": "process",
                    "reason": "collector far is not connected",
                }
            ],
        )
        self.assertEqual(status["devices"], 2)
        self.assertEqual(status["open_events"], {"error": 3, "warning": 1})
        (collector,) = status["collectors"]
        self.assertEqual(
            collector,
            {
                "id": "local",
                "daemon": "process",
                "host": "box",
                "version": "0.1",
                "connected": True,
                "since": "2027-01-15T08:00:00.000Z",
                "last_seen": "2027-01-15T08:00:00.000Z",
                "revision": 1,
                "behind": 0,
                "devices": 3,
                "tasks": 3,
                "late_runs": 0,
                "failed_runs": 0,
                "silent": 0,
                "listening": 0,
                "deaf": 0,
                "queue": {"events": 0, "samples": 0},
                "dropped": {"events": 0, "samples": 0},
                "problem": "",
                "certificate_expires": None,
                "revoked_at": None,
            },
        )

    def test_a_collector_that_went_away_is_shown_with_its_last_figures_and_why(self) -> None:
        session = self.attach()
        self.bench.model.put("web1")
        self.bench.settle()
        self.roster.leave(session, "no sign of life for 15 s")
        self.bench.detach()
        revision = self.bench.model.put("web1", version=2)
        self.bench.settle()
        (collector,) = self.client.get("collectors").json["collectors"]
        self.assertEqual((collector["connected"], collector["tasks"]), (False, 3))
        self.assertEqual((collector["revision"], collector["behind"]), (revision - 1, 1))
        self.assertIn("no sign of life", collector["problem"])

    def test_one_that_is_away_is_shown_with_the_devices_that_it_has_now_and_not_those_of_its_last_word(self) -> None:
        session = self.attach()
        self.bench.model.change({"web1": ("local", 1), "web2": ("local", 1)})
        self.roster.leave(session, "no sign of life for 15 s")
        for moved, left in (({}, 2), ({"web1": ("far", 1)}, 1), ({"web2": ("far", 1)}, 0)):
            self.bench.model.change(dict(moved))
            (collector,) = self.client.get("status").json["collectors"]
            self.assertEqual((collector["id"], collector["devices"]), ("local", left))

    def test_a_config_is_shown_without_its_secrets(self) -> None:
        self.bench.model.put("web1")
        self.bench.settle()
        shown = self.client.get("configs/process/web1").json
        self.assertEqual((shown["source"], shown["config"]["address"]), ("hub", "v1.example"))
        self.attach(answer=lambda query: LiveConfig(config=CONFIG, digest=digest(CONFIG)))
        answer = self.client.get("configs/process/web1?live=1")
        self.assertEqual((answer.json["source"], answer.json["digest"]), ("collector", digest(CONFIG)))
        self.assertEqual(answer.json["config"]["snmp"]["community"], "(set)")
        self.assertNotIn("hush", answer.content.decode())
        self.assertEqual(self.client.get("configs/snmp/web1").error[0], "not_found")
        self.assertEqual(self.client.get("configs/process/nobody").error[0], "not_found")

    def test_a_config_that_cannot_be_made_is_a_conflict_that_says_why(self) -> None:
        self.bench.model.put("web1", version=0)
        self.bench.settle()
        code, message = self.client.get("configs/process/web1").error
        self.assertEqual(code, "conflict")
        self.assertIn("the regex of set x does not end", message)

    def test_a_process_table_is_passed_on(self) -> None:
        row = Process(
            pid=7,
            set="nginx",
            name="nginx",
            command="nginx <script>",
            started_at=NOW - 5,
            cpu_percent=1.5,
            memory_bytes=None,
            state="running",
        )
        session = self.attach(answer=lambda _: Processes(at=NOW, rows=[row], more=False))
        self.bench.model.put("web1")
        answer = self.client.get("devices/web1/processes?set=nginx").json
        self.assertEqual(answer["device"], "web1")
        self.assertEqual(answer["at"], "2027-01-15T08:00:00.000Z")
        self.assertEqual(answer["processes"][0]["started_at"], "2027-01-15T07:59:55.000Z")
        self.assertIn(ProcessesQuery(device="web1", set="nginx"), session.queries)

    def test_sets_of_all_devices_are_gathered_and_gaps_are_told(self) -> None:
        status = SetStatus(
            device="web1",
            set="nginx",
            definition="nginx",
            state=SetState.MISSING,
            count=0,
            pids=(),
            cpu_percent=None,
            memory_bytes=None,
            restarts=2,
            since=NOW,
        )
        scan = DeviceScan(device="web1", at=None, processes=0, duration_s=0.0, problem="")
        session = self.attach(answer=lambda _: Sets(sets=[status], scans=[scan], more=False))
        self.bench.model.change({"web1": ("local", 1), "far1": ("far", 1)})
        answer = self.client.get("sets").json
        self.assertEqual((answer["sets"][0]["state"], answer["scans"][0]["at"]), ("missing", None))
        self.assertIn("far", answer["problems"])
        self.assertEqual(session.queries, [SetsQuery(devices=["web1"])])
        self.assertEqual(self.client.get("sets?device=far1").error[0], "collector_unavailable")
        self.assertEqual(self.client.get("sets?device=nobody").error[0], "not_found")

    def test_last_values_have_their_age(self) -> None:
        value = LastValue(
            component="nginx",
            source="process",
            point="cpu",
            kind="derive",
            unit="percent",
            step_s=10,
            at=int(NOW) - 4,
            value=3,
        )
        session = self.attach(answer=lambda _: Listing(values=[value], more=False))
        self.bench.model.put("web1")
        (row,) = self.client.get("devices/web1/series?component=nginx").json["values"]
        self.assertEqual((row["age_s"], row["value"], row["first"]), (4.0, 3, None))
        self.assertEqual(session.queries, [ListQuery(device="web1", component="nginx")])
        self.client.get("devices/local/series")
        self.assertEqual(session.queries[-1], ListQuery(device="local"))

    def test_rows_become_one_series_for_each_point(self) -> None:
        rows = Rows(
            points=["cpu", "memory"],
            units=["percent", "bytes"],
            step_s=10,
            start=100,
            end=120,
            cf="MAX",
            rows=[(110, [1.5, None]), (120, [2.5, 7.0])],
        )
        session = self.attach(answer=lambda _: rows)
        self.bench.model.put("web1")
        path = "devices/web1/series/fetch?component=nginx&source=process&point=cpu&point=memory"
        answer = self.client.get(f"{path}&start=100&end=120&cf=MAX&resolution_s=10").json
        self.assertEqual([one["point"] for one in answer["series"]], ["cpu", "memory"])
        self.assertEqual(answer["series"][1]["rows"], [[110, None], [120, 7.0]])
        self.assertEqual(
            session.queries,
            [
                FetchQuery(
                    device="web1",
                    component="nginx",
                    source="process",
                    points=["cpu", "memory"],
                    start=100,
                    end=120,
                    cf="MAX",
                    resolution_s=10,
                    paged=True,
                )
            ],
        )
        for wrong in ("&point=a/b", "&cf=FIRST", "&start=200&end=100", "&resolution_s=0", "&start=x"):
            self.assertEqual(self.client.get(path + wrong).status, 400, wrong)
        self.assertEqual(self.client.get("devices/web1/series/fetch?component=x").status, 400)

    def test_a_picture_comes_as_a_picture(self) -> None:
        session = self.attach(answer=lambda _: Picture(form="svg", data=b"<svg/>"))
        self.bench.model.put("web1")
        answer = self.client.get("devices/web1/graph?component=nginx&format=svg&end=1800000000&width=500")
        self.assertEqual((answer.headers["content-type"], answer.content), ("image/svg+xml", b"<svg/>"))
        (query,) = session.queries
        assert isinstance(query, GraphQuery)
        self.assertEqual((query.start, query.end, query.width, query.form), (1_799_996_400, 1_800_000_000, 500, "svg"))
        self.assertEqual(self.client.get("devices/web1/graph?width=9").status, 400)

    def test_a_scan_is_begun(self) -> None:
        session = self.attach()
        self.bench.model.put("web1")
        self.assertEqual(self.client.post("devices/web1/scan").json, {"done": 1})
        self.assertEqual(session.queries, [RunNowQuery(["web1"])])
        self.assertEqual(LiveConfigQuery("web1").device, "web1")

    def test_an_unknown_device_and_an_absent_collector_have_their_own_answers(self) -> None:
        self.bench.model.put("web1", "gone")
        for path in ("processes", "series", "graph", "series/fetch?component=a&source=b"):
            self.assertEqual(self.client.get(f"devices/nobody/{path}").status, 404)
            answer = self.client.get(f"devices/web1/{path}")
            self.assertEqual((answer.status, answer.error[0]), (503, "collector_unavailable"))
            self.assertIn("collector gone", answer.error[1])
