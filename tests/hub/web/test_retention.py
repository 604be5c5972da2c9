# mypy: allow-untyped-calls
"""The API of plans, orphans and purging, in the shapes of docs/contract.md."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common import rrd
from common.series import Plan, Retention
from hub.model.entities import Device, DeviceClass, KeptArchive, RetentionPlan
from hub.model.model import Model
from hub.purging.counting import Counted, count
from hub.web.orphans import OrphanTopic
from hub.web.retention import RetentionTopic
from tests.fakes.stores import done
from tests.hub.purging.test_desk import NOW, Site, held
from tests.hub.web.http import Client, site_of

OWN = RetentionPlan(id="shops", description="for shops", full_days=7, archives=(KeptArchive(600, 60),))
DAY_S = 86_400.0


class Never:
    """What devices consist of that were never modelled."""

    def modelled_at(self, _device: str) -> float | None:
        return None


class RetentionTests(SynchronousTestCase):
    def setUp(self) -> None:
        devices = (
            Device(id="web1", address="a", collector="east", properties={"retention": "shops", "interval_s": 300}),
            Device(id="web2", address="b", collector="west"),
        )
        self.model = Model(1, [OWN, DeviceClass(id="/Server"), *devices])
        self.asked: list[tuple[list[str], set[str]]] = []
        self.problems = {"west": "collector west is not connected"}
        topic = RetentionTopic(
            lambda: self.model,
            Never(),  # type: ignore[arg-type]  # all that is asked of a book here
            lambda device: self.model.devices[device].collector,
            self.count,
        )
        self.client = Client(site_of(Clock(), topic.routes()))

    async def count(self, collectors: Iterable[str], devices: Collection[str]) -> tuple[Counted, dict[str, str]]:
        self.asked.append((list(collectors), set(devices)))
        counted = Counted(devices)
        counted.add([held("web1"), held("web1", "nginx", size=5), held("other")])
        return counted, self.problems

    def test_all_plans_are_told_those_of_ones_own_last(self) -> None:
        told = self.client.get("retention/plans").json
        self.assertEqual([one["name"] for one in told["plans"]], ["standard", "short", "long", "shops"])
        self.assertEqual((told["step_s"], told["points"], told["files"]), (60, 6, 1))
        standard, *_, own = told["plans"]
        self.assertEqual(standard["file_bytes"], rrd.size_bytes(6, 60, Retention.STANDARD))
        self.assertEqual((standard["own"], standard["devices"], own["own"], own["devices"]), (False, 1, True, 1))
        self.assertEqual(
            own["spans"],
            [{"resolution_s": 60, "kept_s": 7 * 86400}, {"resolution_s": 600, "kept_s": 60 * 86400}],
        )

    def test_one_plan_is_told_for_other_files_and_a_fleet(self) -> None:
        told = self.client.get("retention/plans?name=shops&step_s=1&points=19&files=100").json
        (plan,) = told["plans"]
        kept = Plan(name="shops", full_days=7, archives=((600, 60.0),))
        self.assertEqual(plan["fleet_bytes"], 100 * rrd.size_bytes(19, 1, kept))
        self.assertIn("at most 400,000", plan["problem"])
        answer = self.client.get("retention/plans?name=nosuch")
        self.assertEqual((answer.status, answer.json["error"]["code"]), (404, "not_found"))
        self.assertIn("known: standard, short, long, shops", answer.json["error"]["message"])
        for wrong in ("step_s=0", "step_s=86401", "points=0", "files=-1", "step_s=1.5", "nmae=x"):
            self.assertEqual(self.client.get(f"retention/plans?{wrong}").status, 400, wrong)

    def test_devices_are_told_with_what_they_have_and_would_have(self) -> None:
        told = self.client.get("retention/devices").json
        self.assertEqual(self.asked, [(["east", "west"], {"web1", "web2"})])
        web1, web2 = told["devices"]
        self.assertEqual((web1["plan"], web1["step_s"], web1["points"], web1["modelled"]), ("shops", 300, 6, False))
        self.assertEqual((web1["held_files"], web1["held_bytes"]), (2, 105))
        self.assertEqual((web2["held_files"], web2["held_bytes"]), (None, None))
        self.assertEqual(told["problems"], self.problems)
        self.assertEqual(self.client.get("retention/devices?device=web1").json["devices"], [web1])
        self.assertEqual(self.client.get("retention/devices?device=nosuch").status, 404)


class OrphanTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.site = Site()
        self.site.files["east"] = [held("gone"), held("web1")]
        self.site.store.left_at["gone"] = NOW - 31 * DAY_S
        self.client = Client(site_of(Clock(), OrphanTopic(self.site.purging).routes()))

    def test_orphans_have_the_shape_of_the_contract(self) -> None:
        told = self.client.get("data/orphans?collector=east").json
        self.assertEqual(
            told,
            {
                "orphans": [
                    {
                        "collector": "east",
                        "reason": "left",
                        "device": "gone",
                        "component": "",
                        "source": "",
                        "files": 1,
                        "bytes": 100,
                        "written": "2026-10-07T08:00:00.000Z",
                        "detail": "the device is not in the model",
                        "left_at": "2026-12-15T08:00:00.000Z",
                        "purge_from": "2027-01-14T08:00:00.000Z",
                        "aside_at": None,
                        "daemon": "process",
                    }
                ],
                "collectors": [{"collector": "east", "files": 2, "bytes": 200, "problem": "", "daemon": "process"}],
                "grace_s": 2_592_000.0,
                "cut": False,
            },
        )
        self.assertEqual(self.client.get("data/orphans?collector=nosuch").status, 404)
        self.assertEqual(self.client.get("data/orphans?collectors=east").status, 400)

    def test_a_purge_has_the_shape_of_the_contract(self) -> None:
        asked = {"devices": ["gone", "web1"], "author": "ann", "dry_run": True}
        dry = self.client.post("data/purge", asked).json
        gone = {"device": "gone", "collector": "east", "daemon": "process", "files": 1, "bytes": 100}
        self.assertEqual(dry["purged"], [gone])
        kept = {"device": "web1", "collector": "", "why": "it is in the model", "purge_from": None, "waits": False}
        self.assertEqual(dry["kept"], [{**kept, "daemon": ""}])
        done = self.client.post("data/purge", {**asked, "dry_run": False}).json
        self.assertEqual({**done, "dry_run": True, "collectors": []}, {**dry, "collectors": []})
        self.assertEqual(self.site.purges[0][1].by, "ann")

    def test_what_does_not_fit_is_refused(self) -> None:
        for wrong in ({"device": "gone"}, {"devices": "gone"}, {"grace_s": -1}, {"devices": [""]}, {"dry_run": "yes"}):
            self.assertEqual(self.client.post("data/purge", wrong).status, 400, wrong)
        self.assertEqual(self.site.purges, [])

    def test_files_are_counted_by_device_where_collectors_are_there(self) -> None:
        self.site.away.add("west")
        counted, problems = done(count(self.site.purging, ["east", "west"], {"web1"}))
        self.assertEqual((counted.files, counted.bytes), ({"web1": 1}, {"web1": 100}))
        self.assertEqual(problems, {"west": "collector west is not connected"})
