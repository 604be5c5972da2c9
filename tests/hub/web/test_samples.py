# mypy: allow-untyped-calls
"""Figures that are pushed, from the request to the questions that collectors are asked."""

from __future__ import annotations

import random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from common.configs import DeviceConfig, SourceKind
from common.errors import NotFoundError, TransientError
from common.pushed import Pushed, PushedRow, PushQuery
from common.sources import SERVICE_PROBE, ProbeSource
from common.wire import encode
from hub.data.asking import Asker
from hub.data.pushing import Figure, PushDesk, _rows
from hub.distribution.roster import Roster
from hub.web.router import Route
from hub.web.samples import SamplesTopic
from tests.hub.distribution.fakes import Bench, FakeSession
from tests.hub.web.http import PUSH_TOKEN, TOKEN, Answer, Client, site_of

OWNERS = {"web1": "local", "far1": "far"}
HANDLERS = {"tracking": ProbeSource(id="memory", template="tracking", interval_s=60)}


def config_of(device: str, handlers: frozenset[str]) -> DeviceConfig:
    if device not in OWNERS:
        raise NotFoundError(f"there is no device {device}")
    sources = tuple(HANDLERS[name] for name in sorted(handlers) if name in HANDLERS)
    return DeviceConfig(device=device, address="", source=SourceKind.SNMP, interval_s=60, sources=sources)


class Counted(str):
    """A name that counts how often it is compared with another."""

    compared = 0
    __slots__ = ()

    def __hash__(self) -> int:
        return str.__hash__(self)

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)


class SamplesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bench = Bench()
        roster = self.roster = Roster(self.bench.clock.seconds)
        asker = self.asker = Asker(
            *(self.bench.clock, OWNERS.get, roster.is_known, roster.session, roster.whereabouts), service=SERVICE_PROBE
        )
        topic = SamplesTopic(PushDesk(asker, config_of))
        other = Route("GET", "status", self.status)
        self.client = Client(site_of(self.bench.clock, [*topic.routes(), other]))
        self.queries: list[PushQuery] = []

    async def status(self, _call: Any) -> dict[str, str]:
        return {}

    def attach(self, name: str, **refused: str) -> FakeSession:
        session = self.bench.attach(name)
        session.daemon = SERVICE_PROBE

        def answer(query: Any) -> Pushed:
            self.queries.append(query)
            wrong = [
                (place, refused[row.component]) for place, row in enumerate(query.rows) if row.component in refused
            ]
            return Pushed(taken=len(query.rows) - len(wrong), refused=wrong)

        session.answers = answer
        self.roster.arrive(session)
        return session

    def push(self, body: Any, token: str = PUSH_TOKEN) -> Answer:
        if isinstance(body, str):
            return self.client.ask("POST", "/api/v1/samples", raw=body.encode(), token=token)
        return self.client.post("samples", body, token=token)

    def rows(self) -> list[tuple[str, str, dict[str, Any], float]]:
        return [
            (query.config.device, row.component, row.values, row.at) for query in self.queries for row in query.rows
        ]

    def test_json_of_all_forms_reaches_the_collector(self) -> None:
        self.attach("local")
        one = {"device": "web1", "component": "backup", "point": "size", "value": "5"}
        for body in (one, [one], {"samples": [one | {"time": 1_700_000_000.5}]}):
            answer = self.push(body)
            self.assertEqual((answer.status, answer.json), (200, {"taken": 1, "refused": []}))
        self.assertEqual(
            self.rows(),
            [("web1", "backup", {"size": 5}, 0.0)] * 2 + [("web1", "backup", {"size": 5}, 1_700_000_000.5)],
        )

    def test_lines_are_enough(self) -> None:
        self.attach("local")
        answer = self.push("# sizes\nweb1 'the backup' size 5\n\nweb1 - load 0.5 1700000000\nweb1 x\nweb1 a b c\n")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json["taken"], 2)
        self.assertEqual([row["sample"] for row in answer.json["refused"]], [5, 6])
        self.assertIn("DEVICE COMPONENT POINT VALUE", answer.json["refused"][0]["error"])
        self.assertIn("'c' is no number", answer.json["refused"][1]["error"])
        self.assertEqual(
            self.rows(), [("web1", "the backup", {"size": 5}, 0.0), ("web1", "", {"load": 0.5}, 1_700_000_000.0)]
        )

    def test_figures_of_a_handler_make_one_row_and_are_told_by_their_places(self) -> None:
        self.attach("local", db="no room")
        common = {"device": "web1", "handler": "tracking"}
        samples = [
            {**common, "component": name, "point": point, "value": value}
            for name in ("nginx", "db")
            for point, value in (("data", 1), ("stack", 2))
        ]
        answer = self.push({"samples": samples})
        self.assertEqual(
            self.rows(), [("web1", "nginx", {"data": 1, "stack": 2}, 0.0), ("web1", "db", {"data": 1, "stack": 2}, 0.0)]
        )
        self.assertEqual([source.template for source in self.queries[0].config.sources], ["tracking"])
        self.assertEqual((answer.status, answer.json["taken"]), (200, 2))
        self.assertEqual(answer.json["refused"], [{"sample": place, "error": "no room"} for place in (2, 3)])

    def test_each_is_refused_by_itself(self) -> None:
        self.attach("local")
        good = {"device": "web1", "point": "size", "value": 5}
        wrong = [
            {**good, "device": "nosuch"},
            {**good, "value": "NaN"},
            {**good, "value": "x" * 1000},
            {**good, "time": -1},
            {**good, "value": "9" * 400},
            {**good, "point": "a/b"},
            {**good, "point": "x" * 1000},
        ]
        answer = self.push({"samples": [good, *wrong]})
        self.assertEqual((answer.status, answer.json["taken"]), (200, 1))
        self.assertEqual([row["sample"] for row in answer.json["refused"]], [1, 2, 3, 4, 5, 6, 7])
        self.assertIn("'a/b' is no name of a point: 1 to 19 of A-Z", answer.json["refused"][5]["error"])
        self.assertTrue(all(len(row["error"]) < 300 for row in answer.json["refused"]))
        # A template that nobody has harms those that name it.
        answer = self.push({"samples": [{**good, "handler": "nobody"}]})
        self.assertEqual(answer.status, 422)
        self.assertIn("nobody", answer.json["error"]["message"])

    def test_exact_counts_stay_exact(self) -> None:
        self.attach("local")
        self.push({"samples": [{"device": "web1", "point": "n", "value": 2**53 + 1}]})
        self.push(f"web1 - n {2**53 + 1}")
        self.assertEqual([values["n"] for _, _, values, _ in self.rows()], [2**53 + 1] * 2)

    def test_what_crosses_no_wire_is_no_defect(self) -> None:
        self.attach("local")
        for body in ({"device": "web1", "point": "n", "value": 10**30}, f"web1 - n -{10**30}"):
            self.assertEqual(self.push(body).status, 200)
        self.assertEqual([values["n"] for _, _, values, _ in self.rows()], [1e30, -1e30])
        for query in self.queries:
            encode(query)

    def test_long_names_are_asked_about_in_messages_that_cross(self) -> None:
        self.attach("local")
        rng = random.Random(7)
        names = ["".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(255)) for _ in range(900)]
        samples = [{"device": "web1", "component": name, "point": "n", "value": 1} for name in names]
        self.assertEqual(self.push({"samples": samples}).json, {"taken": 900, "refused": []})
        self.assertEqual([component for _, component, _, _ in self.rows()], names)
        for query in self.queries:
            encode(query)

    def test_a_line_is_bounded_before_it_is_looked_at(self) -> None:
        self.attach("local")
        answer = self.push("web1 '" + "x" * 1_000_000 + "' n 5\nweb1 - n 5\n")
        self.assertEqual((answer.status, answer.json["taken"]), (200, 1))
        self.assertIn("at most 1000 characters", answer.json["refused"][0]["error"])

    def test_one_point_many_times_costs_no_more_than_others(self) -> None:
        """That it is no square of them, by the size of what is compared."""
        for handler in ("", "tracking"):
            figures = [
                Figure(device="web1", row=PushedRow(component="", values={Counted("n"): 1}, handler=handler))
                for _ in range(200)
            ]
            Counted.compared = 0
            self.assertEqual([places for _, places in _rows(figures, range(200))], [[place] for place in range(200)])
            self.assertLess(Counted.compared, 2000)

    def test_a_collector_that_lies_about_places_harms_nobody(self) -> None:
        session = self.attach("local")
        lies = [(-1, "x"), (2**40, "x"), (0, "no\x1b[31m" + "x" * 9000), (0, "again")]
        session.answers = lambda _: Pushed(taken=-5, refused=lies)
        answer = self.push("web1 - a 1\nweb1 - b 1\n")
        self.assertEqual((answer.status, answer.json["taken"]), (200, 1))
        (refused,) = answer.json["refused"]
        self.assertEqual((refused["sample"], refused["error"]), (1, "again"))
        session.answers = lambda _: Pushed(taken=0, refused=lies[2:3])
        (refused,) = self.push("web1 - a 1\nweb1 - b 1\n").json["refused"]
        self.assertTrue(refused["error"].isprintable() and len(refused["error"]) <= 500)

    def test_thousands_of_devices_are_asked_about_some_at_a_time_and_silence_is_heard_once(self) -> None:
        names = [f"d{number}" for number in range(500)]
        OWNERS.update(dict.fromkeys(names, "local"))
        self.addCleanup(lambda: [OWNERS.pop(name) for name in names])
        session = self.attach("local")
        asked: list[Any] = []
        waiting: list[Deferred[Any]] = []

        async def query(question: Any) -> Any:
            asked.append(question)
            waiting.append(Deferred())
            return await waiting[-1]

        session.query = query  # type: ignore[method-assign, assignment]  # it is slow
        pushing = Deferred.fromCoroutine(
            PushDesk(self.asker, config_of).push(
                [Figure(device=name, row=PushedRow(component="", values={"n": 1})) for name in names]
            )
        )
        self.assertLessEqual(len(asked), 50)
        self.bench.clock.advance(31)
        refused = self.successResultOf(pushing)
        self.assertEqual((len(refused), {one.later for one in refused}), (500, {True}))
        self.assertLessEqual(len(asked), 50)

    def test_where_a_collector_is_away_all_may_be_sent_again(self) -> None:
        self.attach("local")
        answer = self.push("web1 - size 5\nfar1 - size 5\n")
        self.assertEqual(answer.status, 503)
        self.assertIn("1 of 2 samples were taken; send all of them again later", answer.json["error"]["message"])
        self.assertEqual(len(self.rows()), 1)

    def test_a_collector_that_fails_is_as_one_that_is_away(self) -> None:
        session = self.attach("local")

        def fails(_query: Any) -> Any:
            raise TransientError("the disk is full")

        session.answers = fails
        self.assertEqual(self.push("web1 - size 5").status, 503)

    def test_the_token_of_those_who_push_is_for_nothing_else(self) -> None:
        self.attach("local")
        self.assertEqual(self.push("web1 - size 5", token=TOKEN).status, 200)
        wrong = self.push("web1 - size 5", token="wrong")
        self.assertEqual(wrong.status, 401)
        self.assertIn("push.token", wrong.json["error"]["message"])
        self.assertEqual(self.client.get("status", token=PUSH_TOKEN).status, 401)
        self.assertEqual(self.client.get("status").status, 200)

    def test_what_is_no_samples_at_all_is_refused(self) -> None:
        for body, status in (("", 400), ("{", 400), ('{"samples": [{"device": "web1"}]}', 400), ("a b", 422)):
            self.assertEqual(self.push(body).status, status, body)
        many = [{"device": "web1", "point": "size", "value": 5}] * 10_001
        self.assertEqual(self.push({"samples": many}).status, 400)
        self.assertEqual(self.push("web1 - size 5\n" * 10_001).status, 400)

    def test_more_than_fits_goes_in_pages(self) -> None:
        self.attach("local")
        lines = "".join(f"web1 c{number} size {number}\n" for number in range(2500))
        self.assertEqual(self.push(lines).json["taken"], 2500)
        self.assertEqual([len(query.rows) for query in self.queries], [1000, 1000, 500])
        self.assertEqual(PushedRow(component="c7", values={"size": 7}), self.queries[0].rows[7])
