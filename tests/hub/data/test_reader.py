# mypy: allow-untyped-calls
from __future__ import annotations

import itertools
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.errors import NotFoundError, RemoteError, TransientError
from common.queries import (
    Done,
    FetchQuery,
    GraphQuery,
    LastValue,
    Listing,
    ListQuery,
    LiveConfig,
    Picture,
    Processes,
    ProcessesQuery,
    Query,
    Result,
    Rows,
    Sets,
    SetsQuery,
)
from common.roll import CommandLine, DeviceScan, Process, SetState, SetStatus
from hub.data.asking import CollectorAwayError, TooSlowError
from hub.data.reader import MAX_LINES_S, Reader
from tests.hub.distribution.fakes import FakeCollector, FakeSession, config

T = TypeVar("T")

OWNERS = {"web1": "east", "web2": "east", "box": "west", "lost": "gone"}


def process(pid: int) -> Process:
    return Process(
        pid=pid,
        set=None,
        name="x",
        command="x",
        started_at=None,
        cpu_percent=None,
        memory_bytes=None,
        state="running",
    )


def status(device: str, name: str) -> SetStatus:
    return SetStatus(
        device=device,
        set=name,
        definition=name,
        state=SetState.UP,
        count=1,
        pids=(1,),
        cpu_percent=None,
        memory_bytes=None,
        restarts=0,
        since=1.0,
    )


def scan(device: str) -> DeviceScan:
    return DeviceScan(device=device, at=1.0, processes=1, duration_s=0.1, problem="")


class ReaderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.sessions = {name: FakeSession(FakeCollector(name)) for name in ("east", "west")}
        self.elsewhere: dict[str, str] = {}
        self.reader = Reader(
            self.clock,
            OWNERS.get,
            {"east", "west", "gone"}.__contains__,
            lambda name, _: self.sessions.get(name),
            lambda name, daemon: f"collector {name} (daemon {daemon}) is not connected; last seen then: cable cut",
            series=lambda _device: self.elsewhere,
        )

    def answer(self, name: str, answers: Callable[[Query], Result | Deferred[Result]]) -> None:
        self.sessions[name].answers = answers

    def ask(self, work: Coroutine[Any, Any, T]) -> Deferred[T]:
        return Deferred.fromCoroutine(work)

    def test_pages_of_a_process_table_are_put_together(self) -> None:
        def answers(query: Query) -> Result:
            assert isinstance(query, ProcessesQuery)
            rows = [process(pid) for pid in range(query.after_pid + 1, min(query.after_pid + 4, 10))]
            return Processes(at=5.0, rows=rows, more=rows[-1].pid < 9)

        self.answer("east", answers)
        table = self.successResultOf(self.ask(self.reader.processes("web1", None)))
        self.assertEqual([row.pid for row in table.rows], list(range(10)))
        self.assertEqual(table.at, 5.0)

    def test_pages_of_two_scans_are_never_mixed(self) -> None:
        stamps = iter([1.0, 2.0, 2.0, 2.0])

        def answers(query: Query) -> Result:
            assert isinstance(query, ProcessesQuery)
            first = query.after_pid < 0
            return Processes(at=next(stamps), rows=[process(1 if first else 2)], more=first)

        self.answer("east", answers)
        table = self.successResultOf(self.ask(self.reader.processes("web1", None)))
        self.assertEqual((table.at, [row.pid for row in table.rows]), (2.0, [1, 2]))

    def test_a_table_that_never_stands_still_ends_in_a_sentence(self) -> None:
        stamps = iter(range(100))
        self.answer("east", lambda _: Processes(at=next(stamps), rows=[process(1)], more=True))
        self.failureResultOf(self.ask(self.reader.processes("web1", None)), TooSlowError)

    def test_a_picture_of_a_form_that_an_older_collector_does_not_know_is_refused_in_a_sentence(self) -> None:
        def unread(_query: Query) -> Result:
            raise RemoteError("bad_request", "query: Expected `str` matching regex '^(png|svg)' - at `$.form`")

        self.answer("east", unread)
        graph = GraphQuery(device="web1", component="x", graph="", start=0, end=1, form="pdf")
        error = self.failureResultOf(self.ask(self.reader.graph(graph)), CollectorAwayError).value
        self.assertIn("does not draw pdf; update it", error.message)

    def test_whole_lines_of_many_devices_are_put_together_and_what_does_not_run_is_left_out(self) -> None:
        def answers(query: Query) -> Result:
            assert isinstance(query, ProcessesQuery)
            assert query.lines
            pid = query.after_pid + 1
            line = None if pid == 1 else CommandLine(f"{query.device} {pid}", 1)
            return Processes(at=5.0, rows=[process(pid)], more=pid < 2, lines=[line])

        self.answer("east", answers)
        self.answer("west", answers)
        found = self.successResultOf(self.ask(self.reader.lines(["web1", "box", "web2"])))
        self.assertEqual(
            {device: [line.text for line in table.lines] for device, table in found.items()},
            {name: [f"{name} 0", f"{name} 2"] for name in ("web1", "web2", "box")},
        )
        self.assertEqual({table.problem for table in found.values()}, {""})

    def test_whole_lines_that_nobody_can_tell_are_told_by_device_and_the_rest_goes_on(self) -> None:
        def answers(query: Query) -> Result:
            assert isinstance(query, ProcessesQuery)
            if query.device == "web1":
                raise RemoteError("not_found", "device web1 is not collected here")
            return Processes(at=None, rows=[], more=False, lines=[])

        self.answer("east", answers)
        self.answer("west", lambda _: Processes(at=1.0, rows=[process(1)], more=False))
        found = self.successResultOf(self.ask(self.reader.lines(["web1", "web2", "box", "lost"])))
        for device, part in (
            ("web1", "not collected here"),
            ("web2", "was not scanned yet"),
            ("box", "update it"),
            ("lost", "cable cut"),
        ):
            self.assertIn(part, found[device].problem)
            self.assertEqual(found[device].lines, [])
        self.failureResultOf(self.ask(self.reader.lines(["nosuch"])), NotFoundError)

    def test_a_collector_that_is_silent_keeps_no_other_from_answering_and_is_asked_once(self) -> None:
        asked: list[Query] = []

        def silent(query: Query) -> Deferred[Result]:
            asked.append(query)
            return Deferred()

        self.answer("east", silent)
        self.answer("west", lambda _: Processes(at=1.0, rows=[process(1)], more=False, lines=[CommandLine("x", 0)]))
        asking = self.ask(self.reader.lines(["web1", "web2", "box"]))
        self.assertNoResult(asking)
        self.clock.advance(MAX_LINES_S)
        found = self.successResultOf(asking)
        self.assertEqual(len(found["box"].lines), 1)
        self.assertEqual(len(asked), 1)
        self.assertIn("did not answer", found["web1"].problem)
        self.assertEqual(found["web1"], found["web2"])

    def test_a_listing_goes_on_where_it_ended(self) -> None:
        values = [
            LastValue(component="", source="s", point=f"p{n}", kind="gauge", unit="", step_s=10, at=1, value=n)
            for n in range(5)
        ]

        def answers(query: Query) -> Result:
            assert isinstance(query, ListQuery)
            return Listing(values=values[query.after : query.after + 2], more=query.after + 2 < 5)

        self.answer("east", answers)
        self.assertEqual(self.successResultOf(self.ask(self.reader.listing("web1", None))), values)

    def test_a_renamed_set_has_its_series_by_either_name(self) -> None:
        """`new` was `old` once; another `old` came later, with series of its own."""
        self.elsewhere = {"new": "old", "old": "old ~1"}

        def value(component: str) -> LastValue:
            return LastValue(component=component, source="s", point="p", kind="gauge", unit="", step_s=1, at=1, value=1)

        self.answer(
            "east", lambda _: Listing(values=[value("old"), value("new"), value("old ~1"), value("x")], more=False)
        )
        found = self.successResultOf(self.ask(self.reader.listing("web1", None)))
        self.assertEqual([one.component for one in found], ["new", "old", "x"])
        self.answer("east", lambda query: Rows(points=[], units=[], step_s=1, start=0, end=1, cf="AVERAGE", rows=[]))
        fetch = FetchQuery(device="web1", component="new", source="s", points=[], start=0, end=1)
        self.successResultOf(self.ask(self.reader.fetch(fetch)))
        self.answer("east", lambda query: Picture(form="png", data=b""))
        graph = GraphQuery(device="web1", component="new", graph="", start=0, end=1, form="png")
        self.successResultOf(self.ask(self.reader.graph(graph)))
        self.successResultOf(self.ask(self.reader.graph(replace(graph, component=None))))
        self.elsewhere = {"new": "old"}
        self.answer("east", lambda query: Rows(points=[], units=[], step_s=1, start=0, end=1, cf="AVERAGE", rows=[]))
        self.successResultOf(self.ask(self.reader.fetch(replace(fetch, component="old"))))
        asked = [getattr(query, "component", "?") for query in self.sessions["east"].queries]
        self.assertEqual(asked, [None, "old", "old", None, "old"])
        shown = [query.shown for query in self.sessions["east"].queries if isinstance(query, GraphQuery)]
        self.assertEqual(shown, [{"old": "new", "old ~1": "old"}] * 2)

    def test_a_collectors_own_series_are_asked_of_itself(self) -> None:
        self.answer("west", lambda _: Listing(values=[], more=False))
        self.successResultOf(self.ask(self.reader.listing("west", None)))
        (query,) = self.sessions["west"].queries
        self.assertEqual(query, ListQuery(device="west"))

    def test_sets_are_asked_of_every_owner_and_paged(self) -> None:
        def answers(query: Query) -> Result:
            assert isinstance(query, SetsQuery)
            device = min(name for name in query.devices if name > query.after)
            return Sets(sets=[status(device, "a")], scans=[scan(device)], more=device != max(query.devices))

        self.answer("east", answers)
        self.answer("west", answers)
        report = self.successResultOf(self.ask(self.reader.sets(["web2", "box", "web1"], strict=True)))
        self.assertEqual(sorted(row.device for row in report.sets), ["box", "web1", "web2"])
        self.assertEqual(sorted(row.device for row in report.scans), ["box", "web1", "web2"])
        self.assertEqual(report.problems, {})

    def test_what_a_collector_says_of_devices_that_it_was_not_asked_about_is_left_out(self) -> None:
        both = Sets(
            sets=[status("web1", "a"), status("box", "a")], scans=[scan("box"), scan("web1"), scan("web9")], more=False
        )
        self.answer("east", lambda _: both)
        report = self.successResultOf(self.ask(self.reader.sets(["web1"], strict=True)))
        self.assertEqual([row.device for row in report.sets], ["web1"])
        self.assertEqual([row.device for row in report.scans], ["web1"])

    def test_the_config_of_another_device_is_none(self) -> None:
        other = LiveConfig(config=config("web9"), digest="0" * 32)
        self.answer("east", lambda _: other)
        self.failureResultOf(self.ask(self.reader.live_config("web1")), CollectorAwayError)

    def test_answers_without_end_are_refused(self) -> None:
        numbers = itertools.count(1)
        value = LastValue(component="", source="s", point="p", kind="gauge", unit="", step_s=10, at=1, value=1)

        def answers(query: Query) -> Result:
            number = next(numbers)
            if isinstance(query, SetsQuery):
                return Sets(sets=[status(f"{number:09}", "x" * 1_000_000)], scans=[], more=True)
            if isinstance(query, ListQuery):
                return Listing(values=[value] * 5000, more=True)
            return Processes(at=1.0, rows=[process(number * 1000 + n) for n in range(1000)], more=True)

        self.answer("east", answers)
        for work in (
            self.reader.processes("web1", None),
            self.reader.listing("web1", None),
            self.reader.sets(["web1"], strict=True),
        ):
            failure = self.failureResultOf(self.ask(work), CollectorAwayError)
            self.assertIn("more than a device can have", str(failure.value))
        self.assertLess(next(numbers), 150)

    def test_a_collector_that_is_away_leaves_a_gap_or_is_told(self) -> None:
        self.answer("east", lambda _: Sets(sets=[status("web1", "a")], scans=[], more=False))
        report = self.successResultOf(self.ask(self.reader.sets(["web1", "lost"], strict=False)))
        self.assertEqual([row.device for row in report.sets], ["web1"])
        self.assertIn("cable cut", report.problems["gone"])
        failure = self.failureResultOf(self.ask(self.reader.sets(["web1", "lost"], strict=True)), CollectorAwayError)
        self.assertIn("cable cut", str(failure.value))

    def test_an_unknown_device_and_a_missing_collector_are_told_apart(self) -> None:
        self.failureResultOf(self.ask(self.reader.processes("nobody", None)), NotFoundError)
        failure = self.failureResultOf(self.ask(self.reader.processes("lost", None)), CollectorAwayError)
        self.assertIn("collector gone (daemon process) is not connected; last seen", str(failure.value))

    def test_refusals_of_the_collector_are_understood(self) -> None:
        cases: list[tuple[Exception, type[Exception]]] = [
            (RemoteError("not_found", "no such set"), NotFoundError),
            (RemoteError("busy", "drawing already"), CollectorAwayError),
            (RemoteError("bad_request", "no such cf"), RemoteError),
            (TransientError("no answer within 15 s"), CollectorAwayError),
        ]
        for raised, wanted in cases:

            def answers(_query: Query, raised: Exception = raised) -> Result:
                raise raised

            self.answer("east", answers)
            self.failureResultOf(self.ask(self.reader.scan_now("web1")), wanted)

    def test_an_answer_of_the_wrong_kind_is_no_defect_of_ours(self) -> None:
        self.answer("east", lambda _: Done(1))
        self.failureResultOf(self.ask(self.reader.live_config("web1")), CollectorAwayError)

    def test_a_collector_that_never_answers_is_given_up_on(self) -> None:
        self.answer("east", lambda _: Deferred())
        asking = self.ask(self.reader.processes("web1", None))
        self.clock.advance(29)
        self.assertNoResult(asking)
        self.clock.advance(2)
        self.failureResultOf(asking, TooSlowError)
