"""What it costs that a collector has several daemons that keep files: lists, and pictures of many devices."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from common.errors import RemoteError
from common.graphs import Curve, Drawing, Subject
from common.queries import FetchQuery, GraphQuery, LastValue, Listing, ListQuery, Picture, Rows
from hub.data.heard import LastHeard
from hub.data.reader import Reader
from hub.data.series import SeriesReader
from hub.graphs.drawers import Drawers
from hub.graphs.seats import Seats
from hub.graphs.several import SeveralCollectors
from hub.graphs.tables import Job

Row = tuple[str, float, str, str]
SERVICES = ("process", "probe", "snmp", "status")
VALUES, DEVICES, TIMES = 400, 100, 50


def run() -> list[Row]:
    """Return the figures."""
    one, four = (min(_list_ms(services) for _ in range(3)) for services in (SERVICES[:1], SERVICES))
    told = Site(SERVICES).pictures(Curve(point="in", source="if"))
    looked = Site(SERVICES).pictures(Curve(point="in"))
    return [
        (f"list of {VALUES} values of one daemon, CPU of the hub", one, "ms", ""),
        ("the same values of four daemons", four, "ms", ""),
        ("ratio", four / one, "", "<= 2"),
        (f"picture of {DEVICES} devices, the model says who has it: questions", told[0], "", "1"),
        ("turns of waiting for answers", told[1], "", "1"),
        ("the same where nobody says who has it: questions", looked[0], "", ""),
        ("turns of waiting for answers", looked[1], "", f"<= {DEVICES}"),
    ]


def _list_ms(services: tuple[str, ...]) -> float:
    site = Site(services)
    series = SeriesReader(site.reader, LastHeard(), lambda: 0.0)
    before = time.process_time()
    for _ in range(TIMES):
        site.ended(Deferred.fromCoroutine(series.values("d0", None)))
    return (time.process_time() - before) / TIMES * 1000


class Site:
    """A collector; its daemons answer in turns, all that wait at a time."""

    def __init__(self, services: tuple[str, ...]) -> None:
        self.services = services
        self.waiting: list[Callable[[], None]] = []
        self.questions = self.turns = 0
        clock = Clock()
        self.reader = Reader(
            clock,
            {f"d{n}": "east" for n in range(DEVICES)}.get,
            lambda _: False,
            lambda _, daemon: Session(self, daemon),  # type: ignore[arg-type,return-value]  # as much as is used
            lambda *_: "away",
            daemons=lambda _: list(services),
            wants=lambda _: {"snmp": ["if"], "process": ["process"]},
        )
        several = SeveralCollectors(clock, self.reader, lambda _: "east", self)
        self.drawers = Drawers(self.reader, lambda _: "east", several.draw, Seats(self.reader))

    async def paint(self, _job: Job) -> bytes:
        """Nothing is drawn here."""
        return b""

    def ended(self, work: Deferred[Any]) -> None:
        """Answer until it is done."""
        done: list[Any] = []
        work.addBoth(done.append)
        while not done:
            answering, self.waiting = self.waiting, []
            self.turns += 1
            for answer in answering:
                answer()

    def pictures(self, curve: Curve) -> tuple[int, int]:
        """Questions, and turns of waiting, for a picture of all devices."""
        subjects = tuple(Subject(device=f"d{n}", component="eth0") for n in range(DEVICES))
        query = GraphQuery(device="d0", component=None, graph="traffic", start=0, end=3600, form="png")
        self.ended(Deferred.fromCoroutine(self.drawers.draw(query, Drawing(curves=(curve,), subjects=subjects))))
        return self.questions, self.turns


class Session:
    """One daemon; only snmp has eth0."""

    collector = "east"

    def __init__(self, site: Site, daemon: str) -> None:
        self.site = site
        self.daemon = daemon

    async def query(self, query: Any) -> Any:
        """Answer when it is the turn."""
        self.site.questions += 1
        asked: Deferred[Any] = Deferred()
        self.site.waiting.append(lambda: asked.callback(None))
        await asked
        if isinstance(query, GraphQuery):
            if self.daemon != "snmp":
                raise RemoteError("not_found", "nothing of it here")
            return Picture(form="png", data=b"", drawn=True)
        if isinstance(query, FetchQuery):
            at, points = query.end, query.points
            return Rows(points=points, units=[""], step_s=60, start=0, end=at, cf=query.cf, rows=[(at, [1.0])])
        assert isinstance(query, ListQuery)
        components = [f"c{n}" for n in range(VALUES // len(self.site.services) // 10)]
        if query.component is not None:
            components = ["eth0"] if self.daemon == "snmp" else []
        points = ["in"] if query.component is not None else [f"p{n}" for n in range(10)]
        source = "if" if query.component is not None else self.daemon
        values = [
            LastValue(component=one, source=source, point=point, kind="gauge", unit="", step_s=60, at=60, value=1.0)
            for one in components
            for point in points
        ]
        return Listing(values=values, more=False)
