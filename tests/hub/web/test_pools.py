# mypy: allow-untyped-calls
"""The API of pools, of a keeper that a test moves."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hub.model.entities import Pool, WhenAlone
from hub.web.pools import PoolTopic, absent_members
from tests.hub.pools.fakes import PoolSite, hosts, pool
from tests.hub.web.http import Client, site_of


class PoolTopicTests(SynchronousTestCase):
    def setUp(self) -> None:
        members = ("c1", "c2", "c3")
        self.pools = PoolSite(pool(*members), *hosts(12), known=["c1", "c2"])
        self.pools.arrive("c1", "c2")
        self.pools.wait(1)
        self.addCleanup(self.pools.keeper.stop)
        self.client = self.serve()

    def serve(self) -> Client:
        site = self.pools
        topic = PoolTopic(lambda: site.model, site.keeper, site.store, site.clock, site.wall)
        return Client(site_of(site.clock, topic.routes()))

    def states(self) -> dict[str, str]:
        members = self.client.get("pools/eu").json["pool"]["members"]
        return {member["id"]: member["state"] for member in members}

    def test_where_there_are_none_the_list_is_empty(self) -> None:
        self.pools.change(gone=[("Pool", "eu")])
        self.assertEqual(self.client.get("pools").json, {"pools": []})
        answer = self.client.get("pools/eu")
        self.assertEqual((answer.status, answer.json["error"]["code"]), (404, "not_found"))

    def test_a_pool_has_the_shape_of_the_contract(self) -> None:
        self.pools.leave("c2")
        (row,) = self.client.get("pools").json["pools"]
        devices = [member.pop("devices") for member in row["members"]]
        self.assertEqual(sum(devices), 12)
        self.assertEqual(devices[2], 0)
        self.assertEqual(
            row,
            {
                "id": "eu",
                "title": "",
                "members": [
                    {"id": "c1", "state": "present", "since": None, "until": None},
                    {
                        "id": "c2",
                        "state": "away",
                        "since": "2027-01-15T08:00:01.000Z",
                        "until": "2027-01-15T08:01:33.000Z",
                    },
                    {"id": "c3", "state": "unknown", "since": None, "until": None},
                ],
                "failover_after_s": 90,
                "when_alone": "stop",
                "devices": 12,
            },
        )
        self.assertEqual(self.client.get("pools/eu").json, {"pool": {**row, "members": self.rows()}, "moves": []})

    def rows(self) -> object:
        return self.client.get("pools").json["pools"][0]["members"]

    def test_a_member_goes_and_comes_back(self) -> None:
        self.pools.leave("c2")
        self.pools.wait(100)
        self.assertEqual(self.states()["c2"], "absent")
        (gone,) = absent_members(self.pools.keeper)
        self.assertEqual((gone.pool, gone.collector, gone.since), ("eu", "c2", "2027-01-15T08:00:01.000Z"))
        answer = self.client.get("pools/eu").json
        (move,) = answer["moves"]
        self.assertEqual((move["from"], move["to"], move["why"]), ("c2", "c1", "c2 is away since 2027-01-15T08:00:01Z"))
        self.assertEqual(answer["pool"]["members"][0]["devices"], 12)
        self.pools.arrive("c2")
        self.assertEqual(self.states()["c2"], "returning")
        self.pools.wait(20)
        self.assertEqual(self.states()["c2"], "present")
        self.assertEqual(absent_members(self.pools.keeper), [])
        self.assertEqual([one["from"] for one in self.client.get("pools/eu").json["moves"]], ["c1", "c2"])
        self.assertEqual(len(self.client.get("pools/eu?limit=1").json["moves"]), 1)
        self.assertEqual(self.client.get("pools/eu?limit=5000").status, 400)

    def test_what_the_document_says_is_told(self) -> None:
        self.pools.change(
            Pool(id="eu", title="Europe", members=("c1",), failover_after_s=40, when_alone=WhenAlone.CONTINUE)
        )
        (row,) = self.client.get("pools").json["pools"]
        told = row["title"], row["failover_after_s"], row["when_alone"], len(row["members"])
        self.assertEqual(told, ("Europe", 40, "continue", 1))
