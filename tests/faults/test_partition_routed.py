# mypy: allow-untyped-calls
"""The partitions once more, with packets that a router loses: what the kernel's TCP makes of it is part of it."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.threads import deferToThread

from tests.faults import partitions
from tests.faults.case import reactor
from tests.faults.edgeprocess import EdgeProcess
from tests.faults.hubprocess import HubProcess
from tests.faults.length import LIMIT_S, LONG, pick
from tests.faults.namespaces import EDGE, HUB, Network, why_not
from tests.integration.hubs import Answer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

WHY_NOT = why_not()
ONE_WAY = "the short form has one direction by the proxy alone (make faults has both)"


class RoutedHub(HubProcess):
    """A hub in a network of its own; its API is asked from inside."""

    def __init__(self, network: Network, reactor: Any, folder: Path, broker: str) -> None:
        super().__init__(reactor, folder, broker, network.at_hub)
        self._network = network

    async def _answer(self, method: str, path: str, body: Any) -> Answer:
        def ask() -> Answer:
            connection = http.client.HTTPConnection("127.0.0.1")
            connection.sock = self._network.connect_at_hub(self.run["http_port"])
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            connection.request(method, f"/api/v1/{path}", None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.read(), response.headers.get("content-type", ""))
            connection.close()
            return answer

        answer: Answer = await deferToThread(ask)
        return answer


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "-")
class RoutedTests(partitions.Partitions):
    lasts_s = pick(2.0, 560.0)

    def make_hub(self) -> HubProcess:
        self.network = Network()
        self.addCleanup(self.network.close)
        return RoutedHub(self.network, reactor, self.folder, f'host = "{HUB}"\n{self.broker}')

    def between(self) -> EdgeProcess:
        one = EdgeProcess(
            self.folder,
            "edge",
            self.hub.certificates("edge"),
            self.hub.port,
            host=HUB,
            link=self.link,
            argv=self.network.at_edge,
        )
        self.addCleanup(one.kill)
        return one

    def silence(self, *, up: bool, down: bool) -> None:
        if up:
            self.network.lose(HUB)
        if down:
            self.network.lose(EDGE)

    def over(self) -> None:
        self.network.heal()

    async def test_packets_are_lost_both_ways(self) -> None:
        await self.both_ways()

    @pytest.mark.skipif(not LONG, reason=ONE_WAY)
    async def test_packets_to_the_hub_are_lost(self) -> None:
        await self.one_way(up=True)

    @pytest.mark.skipif(not LONG, reason=ONE_WAY)
    async def test_packets_to_the_collector_are_lost(self) -> None:
        await self.one_way(up=False)
