# mypy: allow-untyped-calls
"""The hub's drawing process, and pictures of what several collectors have, over real links."""

from __future__ import annotations

import contextlib
import math
import os
import signal
from typing import Any
from urllib.parse import unquote

import psutil
import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from common.errors import PermanentError, TransientError
from common.graphs import Drawing
from common.queries import Done, FetchQuery, GraphQuery, LastValue, Listing, ListQuery, Query, Result, Rows
from common.series import Layout, Point
from hub.graphs import painter
from hub.graphs.painter import Painter
from hub.graphs.tables import Job, Table
from tests.integration.hubs import Collector, TestHub
from tests.integration.test_hub import drive

pytestmark = pytest.mark.integration

END = 1_800_000_000
START = END - 3600
PNG = b"\x89PNG"


def table(label: str, **fields: Any) -> Table:
    layout = Layout(points=(Point(name="cpu", unit="percent"),), step_s=10)
    rows: list[Any] = [(at, [math.sin(at / 300) + 2]) for at in range(START + 10, END + 1, 10)]
    given: dict[str, Any] = {
        "device": label, "component": "nginx", "source": "process", "label": label, "layout": layout, "row_s": 10,
        "rows": {"AVERAGE": rows},
    }  # fmt: skip
    return Table(**(given | fields))


def job(*tables: Table, form: str = "png", **drawing: Any) -> Job:
    query = GraphQuery(
        device="web1", component=None, graph="cpu", start=START, end=END, form=form, drawing=Drawing(**drawing)
    )
    return Job(query, list(tables or (table("web1"), table("web2"))))


class PainterTests(TestCase):
    timeout = 110

    def setUp(self) -> None:
        self.painter = Painter(reactor, reactor)

    def tearDown(self) -> Deferred[None]:  # type: ignore[override]  # trial waits for a Deferred
        return self.painter.stop()

    def use(self, program: str) -> None:
        self.painter = Painter(reactor, reactor, ("-c", program))

    @drive
    async def test_a_picture_is_drawn_in_every_form_by_one_process(self) -> None:
        self.assertIsNone(self.painter.pid)
        self.assertTrue((await self.painter.paint(job())).startswith(PNG))
        pid = self.painter.pid
        svg = await self.painter.paint(job(form="svg", note="Without web3: away"))
        self.assertIn(b"<svg", svg)
        self.assertTrue((await self.painter.paint(job(form="pdf"))).startswith(b"%PDF"))
        self.assertEqual(self.painter.pid, pid)

    @drive
    async def test_what_cannot_be_drawn_is_a_sentence_and_ends_nothing(self) -> None:
        pid_before = await self.painter.paint(job()) and self.painter.pid
        with self.assertRaisesRegex(PermanentError, "no time zone"):
            await self.painter.paint(job(zone="Nowhere/AtAll"))
        self.assertEqual(self.painter.pid, pid_before)

    @drive
    async def test_a_process_that_is_killed_fails_its_picture_alone(self) -> None:
        self.use("import time; time.sleep(600)")
        painting = Deferred.fromCoroutine(self.painter.paint(job()))
        pid = self.painter.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with self.assertRaisesRegex(TransientError, "ended at this picture"):
            await painting
        self.flushLoggedErrors()
        self.assertIsNone(self.painter.pid)

    @drive
    async def test_who_leaves_ends_the_work_for_it_and_the_next_gets_its_picture(self) -> None:
        first = Deferred.fromCoroutine(self.painter.paint(job()))
        pid = self.painter.pid
        second = Deferred.fromCoroutine(self.painter.paint(job()))
        first.addErrback(lambda failure: None)
        first.cancel()
        self.assertTrue((await second).startswith(PNG))
        self.assertNotEqual(self.painter.pid, pid)

    @drive
    async def test_a_picture_that_is_too_large_is_refused(self) -> None:
        self.use("import sys, time; sys.stdout.buffer.write(bytes([255] * 8)); sys.stdout.flush(); time.sleep(600)")
        with self.assertRaisesRegex(TransientError, "too large"):
            await self.painter.paint(job())

    @drive
    async def test_only_so_many_wait(self) -> None:
        self.use("import time; time.sleep(600)")
        waiting = [Deferred.fromCoroutine(self.painter.paint(job())) for _ in range(painter.MAX_WAITING + 1)]
        with self.assertRaisesRegex(TransientError, "too many pictures"):
            await self.painter.paint(job())
        await self.painter.stop()
        failed = await gatherResults([one.addErrback(lambda failure: failure.value) for one in waiting])
        self.assertEqual({type(one) for one in failed}, {TransientError})

    @drive
    async def test_nothing_of_the_hubs_environment_is_passed_on(self) -> None:
        os.environ["TOCSIN_SECRET_OF_A_TEST"] = "x"
        self.addCleanup(os.environ.pop, "TOCSIN_SECRET_OF_A_TEST")
        self.use("import os, sys; sys.exit(7 if 'TOCSIN_SECRET_OF_A_TEST' in os.environ else 0)")
        with self.assertRaises(TransientError):
            await self.painter.paint(job())
        (error,) = self.flushLoggedErrors() or [None]
        self.assertIsNone(error)


class Drawn(Collector):
    """A collector whose sets have figures."""

    def __init__(self, sets: dict[str, dict[str, float]]) -> None:
        super().__init__()
        self.sets = sets

    def figures(self, query: Query) -> Result:
        if isinstance(query, ListQuery):
            return Listing(
                values=[
                    LastValue(
                        component=name, source="process", point="cpu", kind="gauge", unit="percent", step_s=10, at=END,
                        value=level,
                    )
                    for name, level in self.sets[query.device].items()
                ],
                more=False,
            )  # fmt: skip
        if not isinstance(query, FetchQuery):
            return Done(0)
        level = self.sets[query.device][query.component]
        return Rows(
            points=["cpu"], units=["percent"], step_s=10, start=query.start, end=query.end, cf=query.cf,
            rows=[(at, [level]) for at in range(query.start + 10, query.end + 1, 10)],
        )  # fmt: skip


class SeveralTests(TestCase):
    timeout = 110

    @drive
    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for a Deferred
        self.hub = TestHub(reactor)
        await self.hub.start()
        self.east, self.west = Drawn({"web1": {"nginx": 10.0}}), Drawn({"web2": {"nginx": 30.0, "sshd": 1.0}})
        for name, collector in (("east", self.east), ("west", self.west)):
            collector.answers = collector.figures
            self.hub.link(name, collector)
        await self.hub.until("both are attached", lambda: self.east.sessions and self.west.sessions)
        for device, owner in (("web1", "east"), ("web2", "west")):
            body = {"address": "127.0.0.1", "collector": owner, "properties": {"source": "local"}}
            self.assertEqual((await self.hub.ask("PUT", f"devices/{device}", body)).status, 200)

    @drive
    async def tearDown(self) -> None:  # type: ignore[override]  # the same
        await self.hub.close()

    @drive
    async def test_what_two_collectors_have_is_one_picture(self) -> None:
        answer = await self.hub.ask("GET", f"graph?class=/&component=nginx&graph=cpu&format=svg&end={END + 3}")
        self.assertEqual((answer.status, answer.headers.get("tocsin-missing")), (200, None))
        self.assertIn(b"<svg", answer.content)

    @drive
    async def test_a_collector_that_is_away_is_said_to_be_missing(self) -> None:
        link = self.hub.links[1]
        await link.stopService()
        await self.hub.until_told(
            "the hub knows",
            "collectors",
            lambda told: [one["connected"] for one in told["collectors"]].count(False) == 1,
        )
        answer = await self.hub.ask("GET", f"graph?class=/&component=nginx&graph=cpu&end={END}")
        self.assertTrue(answer.content.startswith(PNG))
        self.assertIn("Without web2: collector west", unquote(answer.headers["tocsin-missing"]))

    @drive
    async def test_the_drawing_process_ends_with_the_hub(self) -> None:
        def drawing() -> set[psutil.Process]:
            found = set()
            for one in psutil.Process().children():
                with contextlib.suppress(psutil.Error):  # one that has just ended, of this or another test
                    if "hub.graphs.painting" in one.cmdline():
                        found.add(one)
            return found

        before = drawing()
        await self.hub.ask("GET", f"graph?class=/&component=nginx&graph=cpu&end={END}")
        ours = drawing() - before
        self.assertEqual(len(ours), 1)
        await self.hub.stop()
        self.assertEqual(drawing() & ours, set())

    @drive
    async def test_nobody_has_it(self) -> None:
        answer = await self.hub.ask("GET", f"graph?class=/&component=nginx&graph=nosuch&end={END}")
        self.assertEqual((answer.status, answer.json["error"]["code"]), (404, "not_found"))
