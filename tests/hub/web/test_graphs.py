# mypy: allow-untyped-calls
"""The API of pictures, without collectors."""

from __future__ import annotations

from urllib.parse import unquote

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.errors import NotFoundError
from common.graphs import Theme
from common.queries import LastValue, Picture
from hub.data.asking import CollectorAwayError
from hub.graphs.desk import Asked, Drawn
from hub.graphs.drawings import Wishes
from hub.graphs.subjects import Whose
from hub.model.model import Model
from hub.web.graphs import GraphTopic
from tests.hub.graphs.site import site
from tests.hub.web.http import Client, site_of

NOW = 1_800_000_000.0


class FakeDesk:
    """Draws nothing."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.missing: tuple[str, ...] = ()

    async def draw(self, asked: Asked) -> Drawn:
        self.asked.append(asked)
        return Drawn(Picture(form=asked.form, data=b"picture"), self.missing)


class FakeLister:
    """Has two sets of one device."""

    def __init__(self) -> None:
        self.fails: Exception | None = None

    async def listing(self, device: str, component: str | None) -> list[LastValue]:
        if self.fails is not None:
            raise self.fails
        return [
            LastValue(
                component=name, source="process", point=point, kind="gauge", unit="", step_s=10, at=None, value=None
            )
            for name in ("mill", "other")
            if component in {None, name}
            for point in ("cpu", "memory", "odd")
        ]

    async def told(self, device: str, component: str | None) -> tuple[list[LastValue], str]:
        return await self.listing(device, component), ""


class GraphTopicTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.desk, self.lister, self.model = FakeDesk(), FakeLister(), site()
        topic = GraphTopic(self.desk, self.lister, self.at_present, self.clock.seconds)
        self.client = Client(site_of(self.clock, topic.routes()))

    def at_present(self) -> Model:
        return self.model

    def test_every_parameter_reaches_the_desk(self) -> None:
        answer = self.client.get(
            "devices/web1/graph?component=mill&component=other&graph=memory&format=pdf&width=300&height=60"
            "&start=2027-01-01&end=1799999999&theme=dark&compare_s=60&percentile=95&percentile=5&top=3&band=1&log=0"
            "&thresholds=1&events=no&zone=Europe/Vienna&zoom=2&title=Mine"
        )
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "application/pdf"))
        wishes = Wishes(
            theme=Theme.DARK, compare_s=60, percentiles=(95.0, 5.0), top=3, band=True, log=False, thresholds=True,
            events=False, zone="Europe/Vienna", zoom=2, title="Mine",
        )  # fmt: skip
        self.assertEqual(
            self.desk.asked,
            [
                Asked(
                    subjects=(Whose("web1", "mill"), Whose("web1", "other")),
                    graph="memory",
                    start=1_798_761_600,
                    end=1_799_999_999,
                    form="pdf",
                    width=300,
                    height=60,
                    wishes=wishes,
                )
            ],
        )

    def test_what_is_not_asked_for_is_left_to_the_graph(self) -> None:
        self.client.get("devices/web1/graph")
        (asked,) = self.desk.asked
        self.assertEqual((asked.subjects, asked.graph, asked.wishes), ((Whose("web1", None),), "", Wishes()))
        self.assertEqual((asked.start, asked.end), (NOW - 3600, NOW))
        self.client.get("devices/web1/graph?percentile=")
        self.assertEqual(self.desk.asked[1].wishes.percentiles, ())

    def test_a_parameter_that_does_not_fit_is_refused(self) -> None:
        for query in (
            "theme=blue", "compare_s=-1", "percentile=0", "percentile=nan", "percentile=x", "top=101", "band=2",
            "log=perhaps", "zone=../etc/passwd", "zone=a%20b", "zoom=5", "format=gif", "start=9&end=5", "colour=red",
            "title=" + "x" * 201, "&".join(f"percentile={i}" for i in range(1, 7)), "device=web2",
            "&".join(f"component={i}" for i in range(101)),
        ):  # fmt: skip
            answer = self.client.get(f"devices/web1/graph?{query}")
            self.assertEqual((answer.status, answer.error[0]), (400, "bad_request"), query)
        self.assertEqual(self.desk.asked, [])

    def test_devices_are_named_or_those_of_a_class_or_a_group(self) -> None:
        for query, subjects in (
            ("device=web2&device=web1", ["web2", "web1"]),
            ("class=/", ["web1", "web2"]),
            ("device=elsewhere&class=/", ["elsewhere", "web1", "web2"]),
        ):
            self.client.get(f"graph?{query}&component=mill")
            self.assertEqual(self.desk.asked[-1].subjects, tuple(Whose(name, "mill") for name in subjects), query)
        self.assertEqual(self.client.get("graph?class=/Network").error[0], "not_found")
        self.assertEqual(self.client.get("graph?group=eu").error[0], "not_found")
        self.assertEqual(self.client.get("graph").error[0], "bad_request")

    def test_a_name_of_nothing_among_others_is_refused(self) -> None:
        self.lister.fails = NotFoundError("there is no device 'web3'")
        answer = self.client.get("graph?device=web1&device=web3")
        self.assertEqual((answer.status, answer.error), (404, ("not_found", "there is no device 'web3'")))
        self.assertEqual(self.desk.asked, [])
        self.assertEqual(self.client.get("graph?device=web1&device=web2").status, 200)
        self.lister.fails = CollectorAwayError("collector far is not connected")
        self.assertEqual(self.client.get("graph?device=web1&device=far").status, 200)

    def test_more_than_a_picture_can_look_at_is_refused(self) -> None:
        named = "&".join(f"device=d{i}" for i in range(6))
        parts = "&".join(f"component=c{i}" for i in range(100))
        answer = self.client.get(f"graph?{named}&{parts}")
        self.assertEqual(answer.error[0], "bad_request")
        self.assertIn("600 components of devices are too many", answer.error[1])

    def test_who_is_missing_is_told_beside_the_picture_and_such_a_one_is_not_kept(self) -> None:
        self.desk.missing = ("collector süd is away", "so\r\nis: west")
        answer = self.client.get("devices/web1/graph")
        self.assertEqual(unquote(answer.headers["tocsin-missing"]), "collector süd is away\nso\r\nis: west")
        self.assertEqual((answer.headers["cache-control"], answer.content), ("no-store", b"picture"))

    def test_a_picture_may_be_kept_as_long_as_it_stays_right(self) -> None:
        for query, kept in (
            ("", "private, max-age=5"),
            (f"start={NOW - 86400}&end={NOW}", "private, max-age=60"),
            (f"start={NOW - 60}&end={NOW}", "private, max-age=1"),
            (f"start={NOW - 9000}&end={NOW - 5400}", "private, max-age=600"),
        ):
            headers = self.client.get(f"devices/web1/graph?{query}").headers
            self.assertEqual(headers["cache-control"], kept, query)
            self.assertEqual(headers["vary"], "Authorization, Accept")  # nobody without the token gets what was kept

    def test_graphs_are_listed_for_all_together_and_for_each(self) -> None:
        told = self.client.get("devices/web1/graphs").json
        self.assertEqual((told["device"], told["problem"]), ("web1", ""))
        self.assertEqual(
            [(row["component"], row["graph"], row["template"]) for row in told["graphs"]],
            [
                (None, "cpu", ""), (None, "memory", ""),
                ("mill", "cpu", ""), ("mill", "memory", "strong"), ("mill", "odd", ""),
                ("other", "cpu", ""), ("other", "memory", "strong"), ("other", "odd", ""),
            ],
        )  # fmt: skip
        self.assertEqual(told["graphs"][3]["missing"], ["per"])
        one = self.client.get("devices/web1/graphs?component=mill").json["graphs"]
        self.assertEqual({row["component"] for row in one}, {"mill"})

    def test_where_the_collector_is_away_templates_speak_alone(self) -> None:
        self.lister.fails = CollectorAwayError("collector east is away")
        told = self.client.get("devices/web1/graphs?component=mill").json
        self.assertEqual([row["graph"] for row in told["graphs"]], ["memory", "age", "gone"])
        self.assertEqual(told["problem"], "collector east is away")
        self.assertEqual(self.client.get("devices/elsewhere/graphs").status, 503)

    def test_a_device_without_series_has_no_graphs_and_a_component_that_is_not_there_is_an_error(self) -> None:
        self.lister.fails = NotFoundError("no series")
        self.assertEqual(self.client.get("devices/web1/graphs").json["graphs"], [])
        self.assertEqual(self.client.get("devices/web1/graphs?component=x").status, 404)
        self.assertEqual(self.client.get("devices/elsewhere/graphs").status, 404)
