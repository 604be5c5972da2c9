# mypy: allow-untyped-calls
"""What a modeler reports, through a whole hub: kept, told, and sent to the collector that watches the device."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from common.components import ComponentKind, FoundComponent
from common.configs import SERVICE_MODELER, ExpectedSet, SetOverride
from common.events import Severity
from common.wire import ModelReport, PluginOutcome
from tests.integration.hubs import Collector, TestHub
from tests.integration.test_hub import PROCESS_SET, drive

pytestmark = pytest.mark.integration

SET, PORT = ComponentKind.PROCESS_SET, ComponentKind.INTERFACE


def found(kind: ComponentKind, *pairs: tuple[str, str]) -> PluginOutcome:
    components = [FoundComponent(kind=kind, name=name, anchor=anchor) for name, anchor in pairs]
    return PluginOutcome(plugin=kind.value, kinds=[kind], components=components)


class ComponentTests(TestCase):
    timeout = 110

    @drive
    async def setUp(self) -> None:  # type: ignore[override]  # trial waits for a Deferred
        self.hub = TestHub(reactor)
        await self.hub.start()
        self.process, self.modeler = Collector(), Collector("s2")
        self.modeler.daemon = SERVICE_MODELER
        self.hub.link("local", self.process)
        self.models = self.hub.link("local", self.modeler)
        await self.apply(PROCESS_SET + "---\nkind: Device\nid: web1\naddress: 127.0.0.1\n")
        await self.hub.until("both are attached", lambda: self.process.sessions and self.modeler.sessions)
        await self.hub.until("both have it", lambda: self.process.configs and self.modeler.configs)

    @drive
    async def tearDown(self) -> None:  # type: ignore[override]  # the same
        await self.hub.close()

    async def apply(self, text: str) -> Any:
        files = [{"path": "a.yaml", "text": text}]
        answer = await self.hub.ask("POST", "apply", {"files": files, "message": "", "author": "a", "dry_run": False})
        self.assertEqual(answer.status, 200, answer.content)
        return answer.json

    async def report(self, *outcomes: PluginOutcome, **fields: Any) -> None:
        await self.models.send_model(ModelReport(device="web1", at=time.time(), outcomes=list(outcomes), **fields))

    async def states(self) -> dict[str, str]:
        rows = (await self.hub.ask("GET", "devices/web1/components")).json["components"]
        return {f"{row['kind']}/{row['name']}": row["state"] for row in rows}

    def expected(self) -> tuple[ExpectedSet, ...]:
        return self.process.configs["web1"].expected

    @drive
    async def test_what_was_seen_is_expected_and_what_is_gone_is_absent_with_its_history(self) -> None:
        await self.report(found(SET, ("nginx", "nginx")), found(PORT, ("eth0", "m0"), ("eth1", "m1")))
        wanted = (ExpectedSet("nginx", "nginx"),)
        await self.hub.until("the collector expects it", lambda: self.expected() == wanted)
        self.assertEqual((await self.hub.ask("GET", "devices/web1")).json["components"], 3)
        pushes = len(self.process.batches)
        await self.report(found(SET), found(PORT, ("lan0", "m0")))
        states = {"interface/eth1": "absent", "interface/lan0": "present", "process_set/nginx": "absent"}
        self.assertEqual(await self.states(), states)
        await self.report(PluginOutcome(plugin="processes", kinds=[SET], problem="the walk broke off"))
        await self.hub.stop()
        await self.hub.start()
        self.assertEqual(await self.states(), states)
        await self.hub.until("all are back", lambda: len(self.process.sessions) == len(self.modeler.sessions) == 2)
        self.assertEqual((self.expected(), len(self.process.batches)), (wanted, pushes))

    @drive
    async def test_a_set_whose_definition_calls_it_otherwise_keeps_its_series_and_what_was_said_of_it(self) -> None:
        await self.report(found(SET, ("nginx", "nginx")))
        body = {"set": {"missing_severity": "critical"}}
        said = await self.hub.ask("PATCH", "devices/web1/components/process_set/nginx", body)
        self.assertEqual(said.json["properties"], {"missing_severity": "critical"})
        await self.apply(PROCESS_SET.replace("name: nginx", "name: www"))
        wanted = (ExpectedSet("nginx", "www", "nginx"),)
        await self.hub.until("it has its new name before it is modelled", lambda: self.expected() == wanted)
        await self.report(found(SET, ("www", "nginx")))
        self.assertEqual(await self.states(), {"process_set/www": "present"})
        overrides = (SetOverride(name="www", missing_severity=Severity.CRITICAL),)
        await self.hub.until("it has what was said", lambda: self.process.configs["web1"].overrides == overrides)

    @drive
    async def test_what_leaves_the_model_is_forgotten(self) -> None:
        await self.report(found(SET, ("nginx", "nginx")))
        await self.hub.ask("DELETE", "devices/web1")
        await self.hub.until("it is gone", lambda: not self.process.configs)
        await self.hub.until("its components are gone", lambda: not self.stored())

    def stored(self) -> list[Any]:
        connection = sqlite3.connect(self.hub.settings.folder / "hub.db")
        try:
            return connection.execute("SELECT device FROM device_components").fetchall()
        finally:
            connection.close()
