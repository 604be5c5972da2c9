# mypy: allow-untyped-calls
"""A year of figures from a file to JSON and CSV: the collector's answers over the wire's encoding, the hub, its API."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import rrdtool
from twisted.internet.task import Clock

from collectors.framework.data.index import Index, Series
from collectors.framework.data.reading.answers import Request, answer
from common import rrd
from common.queries import FetchQuery, Query, Result, Rows
from common.readings import Stats, StatsQuery
from common.series import Layout, Plan, Point, SeriesKey
from hub.data.heard import LastHeard
from hub.data.reader import Reader
from hub.data.series import SeriesReader
from hub.web.series import SeriesTopic
from tests.hub.distribution.fakes import FakeCollector, FakeSession
from tests.hub.web.http import Client, site_of

pytestmark = pytest.mark.xdist_group("readings")  # one file of a year for all of them

NOW = 1_800_000_000
YEAR_S = 366 * 86_400
FIRST = NOW - YEAR_S
POINTS = tuple(Point(name=f"p{n}", unit="percent") for n in range(10))
LAYOUT = Layout(points=POINTS, step_s=600, retention=Plan(name="year", full_days=370.0, archives=((86400, 400.0),)))
PATH = "devices/web1/series/fetch?component=nginx&source=process"
FETCH = f"{PATH}&start={FIRST}&end={NOW}"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Of a hub whose collector has a file with a year of ten points, a row each ten minutes."""
    root = tmp_path_factory.mktemp("year")
    before = Path.cwd()
    os.chdir(root)
    key = SeriesKey("web1", "nginx", "process")
    name = rrd.file_name(key)
    Path(name).parent.mkdir(parents=True)
    rrdtool.create(*rrd.create_arguments(name, LAYOUT, FIRST))
    rng = random.Random(1)
    texts = [f"{at}:{':'.join(str(rng.randrange(1000)) for _ in POINTS)}" for at in range(FIRST, NOW, LAYOUT.step_s)]
    for place in range(0, len(texts), 5000):
        rrdtool.update(name, *texts[place : place + 5000])
    index = Index(root)
    index.put(Series(key=key, layout=LAYOUT, file=name, first=FIRST))
    index.close()
    session = FakeSession(FakeCollector("east"))

    def answers(query: Query) -> Result:
        assert isinstance(query, FetchQuery | StatsQuery)
        found = answer(root, Request(query, []), NOW)
        assert isinstance(found, Rows | Stats)
        return found

    session.answers = answers
    clock = Clock()
    clock.advance(NOW)
    reader = Reader(clock, {"web1": "east"}.get, lambda _: False, lambda *_: session, lambda *_: "away")
    topic = SeriesTopic(SeriesReader(reader, LastHeard(), clock.seconds), clock.seconds)
    yield Client(site_of(clock, topic.routes()))
    os.chdir(before)


def held() -> dict[int, tuple[float | None, ...]]:
    """All rows, as rrdtool has them."""
    name = rrd.file_name(SeriesKey("web1", "nginx", "process"))
    options = ["AVERAGE", "--resolution", "600", "--start", str(FIRST - 600), "--end", str(NOW - 1)]
    (begin, _, step_s), _, rows = rrdtool.fetch(name, *options)
    return {begin + step_s * place: row for place, row in enumerate(rows, 1)}


def test_a_year_of_ten_points_comes_through_pages_whole(client: Client) -> None:
    found: dict[int, list[float | None]] = {}
    after: int | None = 0
    pages = 0
    while after is not None:
        page = client.get(f"{FETCH}&resolution_s=600&pages=1&after={after}").json
        columns = [series["rows"] for series in page["series"]]
        for cells in zip(*columns, strict=True):
            found[cells[0][0]] = [value for _, value in cells]
        after, pages = page["next"], pages + 1
    wanted = held()
    assert pages > 3
    assert len(found) == YEAR_S // 600 + 1
    assert all(list(wanted.get(at, [None] * 10)) == row for at, row in found.items())
    assert sum(None in row for row in found.values()) == 1  # the row of now is not over
    assert client.get(f"{FETCH}&resolution_s=600").status == 400


def test_months_of_a_zone_agree_with_the_rows(client: Client) -> None:
    page = client.get(f"{FETCH}&point=p3&by=month&tz=America/New_York").json
    rows = held()
    assert [one["name"] for one in page["bins"]][:3] == ["2026-01", "2026-02", "2026-03"]
    assert page["inexact_until"] is None
    for month, (_, value) in zip(page["bins"], page["series"][0]["rows"], strict=True):
        known = [row[3] for at, row in rows.items() if month["start"] < at <= month["end"] and row[3] is not None]
        assert value == pytest.approx(sum(known) / len(known))


def test_days_of_nepal_share_out_rows_that_lie_across_midnight_and_say_so(client: Client) -> None:
    page = client.get(f"{PATH}&point=p3&by=day&tz=Asia/Kathmandu&start={NOW - 86_400}&end={NOW}").json
    # Its midnight lies in the middle between two rows of ten minutes.
    assert page["inexact_until"] in {one["end"] for one in page["bins"][-2:]}
    assert [one["complete"] for one in page["bins"]] == [True, False]


def test_figures_of_the_year(client: Client) -> None:
    path = f"devices/web1/series/stats?component=nginx&point=p7&start={FIRST}&end={NOW - 600}&percentile=95"
    (found,) = client.get(path).json["points"]
    rows = sorted(row[7] for at, row in held().items() if FIRST < at <= NOW - 600 and row[7] is not None)
    assert (found["minimum"], found["maximum"]) == (rows[0], rows[-1])
    assert found["average"] == pytest.approx(sum(rows) / len(rows))
    assert found["percentiles"]["95"] == rows[-(-len(rows) * 95 // 100) - 1]
    assert found["known"] == 1.0
