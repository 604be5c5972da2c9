# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.queries import FetchQuery, LastValue, Listing, Query, Result, Rows
from common.readings import (
    ArchiveFacts,
    CopyFacts,
    InfoQuery,
    PointFacts,
    PointStats,
    SeriesFacts,
    SeriesInfo,
    SeriesPage,
    Stats,
    StatsQuery,
    Trail,
    Trails,
    TrailsQuery,
)
from hub.data.heard import LastHeard
from hub.data.reader import Reader
from hub.data.series import SeriesReader
from hub.web import series
from hub.web.series import SeriesTopic
from tests.hub.distribution.fakes import FakeCollector, FakeSession
from tests.hub.web.http import Client, site_of

NOW = 1_795_260_600  # 2026-11-21T11:30:00Z
FETCH = "devices/web1/series/fetch?component=nginx&source=process&point=cpu"
FACTS = SeriesFacts(
    component="nginx",
    source="process",
    points=[PointFacts(name="cpu", kind="gauge", unit="percent", minimum=0.0)],
    step_s=60,
    live_at=NOW,
    first=NOW - 7200,
    last=NOW,
    archives=[
        ArchiveFacts(resolution_s=60, keeps_s=86400, first=NOW - 7200, last=NOW, rows=1440, known=[0.5]),
        ArchiveFacts(resolution_s=600, keeps_s=864000, rows=1440),
    ],
    size_bytes=1000,
    copies=[CopyFacts(first=NOW - 9000, last=NOW - 8000, size_bytes=10)],
    collected=True,
)


class SeriesTopicTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.session: FakeSession | None = FakeSession(FakeCollector("east"))
        reader = Reader(
            self.clock,
            {"web1": "east"}.get,
            lambda _: False,
            lambda _name, _daemon: self.session,
            lambda name, _: f"collector {name} is not connected; last seen then: cable cut",
        )
        topic = SeriesTopic(SeriesReader(reader, LastHeard(), self.clock.seconds), self.clock.seconds)
        self.client = Client(site_of(self.clock, topic.routes()))

    def answer(self, answers: Callable[[Any], Result]) -> list[Query]:
        assert self.session is not None
        self.session.answers = answers
        return self.session.queries

    @staticmethod
    def rows(query: FetchQuery) -> Rows:
        stamps = query.edges[1:] if query.edges else range(query.start, query.end + 1, query.resolution_s or 600)
        stamps = [at for at in stamps if at > query.after]
        page = stamps[:3] if query.paged or query.edges else stamps
        return Rows(
            points=["cpu"],
            units=["percent"],
            step_s=0 if query.edges else query.resolution_s or 600,
            start=query.start,
            end=query.end,
            cf=query.cf,
            rows=[(at, [float(at % 7) if at % 2 == 0 else None]) for at in page],
            more=len(page) < len(stamps),
            next=page[-1],
            known=[[0.25] for _ in page] if query.edges else [],
        )

    def test_days_of_a_zone_say_whether_they_are_over(self) -> None:
        queries = self.answer(self.rows)
        found = self.client.get(f"{FETCH}&by=day&tz=Asia/Kolkata&start={NOW - 3 * 86400}&end={NOW}").json
        (first, *_) = queries
        assert isinstance(first, FetchQuery)
        self.assertEqual(len(first.edges), 5)
        self.assertEqual([edge % 86400 for edge in first.edges], [18 * 3600 + 1800] * 5)
        self.assertEqual(
            [(one["name"], one["hours"], one["complete"]) for one in found["bins"]],
            [
                ("2026-11-18", 24.0, True),
                ("2026-11-19", 24.0, True),
                ("2026-11-20", 24.0, True),
                ("2026-11-21", 24.0, False),
            ],
        )
        (one,) = found["series"]
        self.assertEqual([at for at, _ in one["rows"]], [day["end"] for day in found["bins"]])
        self.assertEqual((one["known"], one["from_copies"]), ([0.25] * 4, 0))
        self.assertEqual((found["by"], found["tz"], found["next"]), ("day", "Asia/Kolkata", None))

    def test_rows_come_as_a_table_to_who_likes_that(self) -> None:
        self.answer(self.rows)
        answer = self.client.get(f"{FETCH}&start={NOW}&end={NOW + 120}&resolution_s=60", headers="Accept: text/csv\r\n")
        self.assertEqual(answer.headers["content-type"], "text/csv; charset=utf-8")
        self.assertEqual(
            answer.content.decode().splitlines(),
            [
                "time,cpu",
                f"2026-11-21T11:30:00Z,{NOW % 7}.0",
                f"2026-11-21T11:31:00Z,{(NOW + 60) % 7}.0",
                f"2026-11-21T11:32:00Z,{(NOW + 120) % 7}.0",
            ],
        )
        answer = self.client.get(f"{FETCH}&by=week&tz=Europe/Berlin", headers="Accept: text/csv,*/*;q=0.1\r\n")
        self.assertEqual(answer.content.decode().splitlines()[0], "week,hours,complete,cpu")
        self.assertTrue(answer.content.decode().splitlines()[1].startswith("2026-11-16,168,no,"))
        for accept in ("application/json, text/csv", "*/*", "text/html", ""):
            answer = self.client.get(FETCH, headers=f"Accept: {accept}\r\n")
            self.assertEqual((answer.status, answer.headers["content-type"]), (200, "application/json"), accept)

    def test_too_many_rows_come_in_pages_or_not_at_all(self) -> None:
        queries = self.answer(self.rows)
        self.patch(series, "MAX_FIGURES", 5)
        self.patch(series, "PAGE_FIGURES", 5)
        path = f"{FETCH}&start={NOW - 600}&end={NOW}&resolution_s=60"
        answer = self.client.get(path)
        self.assertEqual(answer.status, 400)
        self.assertIn("pages=1", answer.error[1])
        stamps: list[int] = []
        after: int | None = 0
        while after is not None:
            page = self.client.get(f"{path}&pages=1&after={after}").json
            stamps += [at for at, _ in page["series"][0]["rows"]]
            after = page["next"]
        self.assertEqual(stamps, list(range(NOW - 600, NOW + 1, 60)))
        self.assertTrue(all(isinstance(query, FetchQuery) and query.paged for query in queries))

    def test_what_makes_no_sense_is_refused(self) -> None:
        self.answer(self.rows)
        for wrong in (
            "&by=fortnight",
            "&by=day&tz=Nowhere",
            "&by=day&tz=../../etc/passwd",
            "&tz=UTC",
            "&by=day&resolution_s=60",
            "&by=day&start=0",
            "&after=x",
            "&pages=maybe",
            "&cf=MEDIAN",
        ):
            answer = self.client.get(FETCH + wrong)
            self.assertEqual(answer.status, 400, wrong)
            self.assertGreater(len(answer.error[1]), 20)
        stats = "devices/web1/series/stats?component=nginx"
        for wrong in ("&percentile=101", "&percentile=x", "&percentile=nan", "&point=a/b"):
            self.assertEqual(self.client.get(stats + wrong).status, 400, wrong)
        for wrong in ("?bins=0", "?bins=1000", "?point=a/b", "?x=1"):
            self.assertEqual(self.client.get(f"devices/web1/series/sparklines{wrong}").status, 400, wrong)

    def test_what_is_kept_of_a_device(self) -> None:
        self.answer(lambda _: SeriesPage(series=[FACTS], more=False))
        found = self.client.get("devices/web1/series/kept").json
        self.assertEqual((found["stale"], found["as_of"], found["problem"]), (False, None, ""))
        (one,) = found["series"]
        self.assertEqual(one["full_step"]["first"], "2026-11-21T09:30:00.000Z")
        self.assertEqual([(each["resolution_s"], each["first"]) for each in one["archives"]], [(600, None)])
        self.assertEqual(one["copies"][0]["size_bytes"], 10)
        self.assertEqual((one["points"][0]["point"], one["collected"]), ("cpu", True))
        self.session = None
        self.clock.advance(60)
        found = self.client.get("devices/web1/series/kept").json
        self.assertEqual((found["stale"], found["as_of"]), (True, "2026-11-21T11:30:00.000Z"))
        self.assertIn("cable cut", found["problem"])
        self.assertEqual(found["series"], [{**one, "collected": False, "stale": True}])

    def test_last_values_of_a_collector_that_is_away_are_marked(self) -> None:
        told = LastValue(
            component="nginx", source="process", point="cpu", kind="gauge", unit="", step_s=60, at=NOW - 60, value=2.5
        )
        self.answer(lambda _: Listing(values=[told], more=False))
        self.assertIs(self.client.get("devices/web1/series").json["stale"], False)
        self.session = None
        self.clock.advance(3600)
        found = self.client.get("devices/web1/series").json
        self.assertEqual((found["stale"], found["as_of"]), (True, "2026-11-21T11:30:00.000Z"))
        self.assertEqual((found["values"][0]["value"], found["values"][0]["age_s"]), (2.5, 3660.0))
        self.assertEqual(self.client.get(FETCH).error[0], "collector_unavailable")

    def test_all_about_a_series(self) -> None:
        queries = self.answer(lambda _: SeriesInfo(facts=FACTS, file="/rrd/x.rrd", header={"step": 60}))
        found = self.client.get("devices/web1/series/info?component=nginx").json
        self.assertEqual(queries, [InfoQuery(device="web1", component="nginx")])
        self.assertEqual((found["file"], found["header"]), ("/rrd/x.rrd", {"step": 60}))
        self.assertEqual(found["series"]["full_step"]["known"], {"cpu": 0.5})

    def test_figures_of_a_time(self) -> None:
        point = PointStats(
            point="cpu", unit="percent", minimum=1, maximum=9, average=4, total=None, known=0.5, percentiles=[3.0, None]
        )
        queries = self.answer(lambda _: Stats(points=[point], step_s=600, start=1, end=2))
        found = self.client.get("devices/web1/series/stats?component=nginx&percentile=50&percentile=99.9").json
        (query,) = queries
        assert isinstance(query, StatsQuery)
        self.assertEqual((query.percentiles, query.start, query.end), ((50.0, 99.9), NOW - 3600, NOW))
        self.assertEqual(found["points"][0]["percentiles"], {"50": 3.0, "99.9": None})
        self.assertEqual(found["resolution_s"], 600)

    def test_small_graphs_have_their_scale(self) -> None:
        trail = Trail(
            component="nginx", source="process", point="cpu", unit="", start=0, bin_s=60, values=[2.0, None, 1.0]
        )
        nothing = Trail(component="nginx", source="process", point="fds", unit="", start=0, bin_s=60, values=[None])
        queries = self.answer(lambda _: Trails(trails=[trail, nothing], seen=2, more=False))
        found = self.client.get("devices/web1/series/sparklines?point=cpu&point=fds&bins=3").json["sparklines"]
        self.assertEqual([(one["minimum"], one["maximum"]) for one in found], [(1.0, 2.0), (None, None)])
        self.assertEqual((found[0]["values"], found[0]["step_s"]), ([2.0, None, 1.0], 60))
        self.assertEqual(
            queries, [TrailsQuery(device="web1", points=["cpu", "fds"], start=NOW - 3600, end=NOW, bins=3)]
        )
