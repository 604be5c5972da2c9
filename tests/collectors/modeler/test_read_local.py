# mypy: allow-untyped-calls
"""This host is read beside the reactor; a disk that does not answer holds up nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from collectors.framework.interfaces import IProcessSource
from collectors.framework.local.own import OwnDaemons
from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.modeler.facts import HostRows
from collectors.modeler.modelling import modelled
from collectors.modeler.plugins.catalogue import PLUGINS, chosen
from collectors.modeler.read_local import LocalReader
from common import components
from common.configs import DeviceConfig
from common.errors import TransientError
from tests.collectors.modeler.tables import config, definition


@implementer(IProcessSource)
def test_every_plugin_that_can_be_asked_for_is_there() -> None:
    assert tuple(PLUGINS) == components.PLUGINS
    assert all(plugin.name == name for name, plugin in PLUGINS.items())


@implementer(IProcessSource)
class OneProcess:
    """One that runs and one that does not; `pids` are those that can be seen."""

    pids: tuple[int, ...] = (1, 2)

    async def scan(self, full: bool) -> ProcessTable:
        rows = {pid: self.row(pid) for pid in self.pids}
        return ProcessTable(at=1.0, monotonic=1.0, rows=rows, complete=True, full=full)

    @staticmethod
    def row(pid: int) -> ProcessRow:
        return ProcessRow(
            pid=pid,
            name="init",
            path="/sbin/init",
            parameters=f"-n {pid}",
            started=1.0,
            cpu_s=None,
            memory_bytes=None,
            status="running",
            alive=pid == 1,
        )

    async def alive(self, pids: Any) -> frozenset[int]:
        return frozenset(pids)

    def update(self, config: DeviceConfig) -> None:
        """Nothing of it matters."""

    async def close(self) -> None:
        """Nothing is held."""


class FakeReactor:
    """Calls at once."""

    def callFromThread(self, function: Callable[..., None], *arguments: Any) -> None:
        function(*arguments)


class LocalReaderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.threads: list[Callable[[], None]] = []
        self.readers: dict[str, Callable[[], object]] = {
            name: partial("rows of {}".format, name) for name in PLUGINS if name != "processes"
        }
        self.processes: Any = OneProcess()
        self.reader = LocalReader(FakeReactor(), self.readers, self.processes, self.threads.append)

    def test_tocsins_own_daemons_are_left_out_on_request(self) -> None:
        own = self.reader.leaving_out(OwnDaemons(None, pid=1))
        reading = Deferred.fromCoroutine(own.read(chosen(config(plugins=("processes",)))))
        self.threads.pop()()
        assert self.successResultOf(reading).rows["processes"] == []

    def read(self, *plugins: str) -> Deferred[HostRows]:
        return Deferred.fromCoroutine(self.reader.read(chosen(config(plugins=plugins))))

    def test_each_plugin_gets_its_rows_and_processes_are_those_that_run(self) -> None:
        reading = self.read()
        self.assertNoResult(reading)
        self.threads.pop()()
        facts = self.successResultOf(reading)
        self.assertEqual(set(facts.rows), set(PLUGINS))
        self.assertEqual(facts.rows["processes"], ["/sbin/init -n 1"])
        self.assertEqual(facts.problems, {})

    def test_what_cannot_be_read_is_a_problem_of_its_plugin_alone(self) -> None:
        def broken() -> object:
            raise PermissionError("not for you")

        self.readers["hardware"] = broken
        reading = self.read("hardware", "identity")
        self.threads.pop()()
        facts = self.successResultOf(reading)
        self.assertEqual(set(facts.rows), {"identity"})
        self.assertIn("not for you", facts.problems["hardware"])
        self.assertEqual(len(self.flushLoggedErrors(PermissionError)), 1)

    def test_a_process_table_that_shows_but_a_part_is_not_believed(self) -> None:
        self.processes.pids = (2, 3)
        by = config(definition("init", "^/sbin/init"), plugins=("processes", "identity"))
        reading = Deferred.fromCoroutine(self.reader.read(chosen(by)))
        self.threads.pop()()
        facts = self.successResultOf(reading)
        self.assertEqual(set(facts.rows), {"identity"})
        told = modelled([PLUGINS["processes"]], facts, by)
        self.assertEqual(told.cut_short, ["processes"])
        self.assertEqual((told.outcomes[0].kinds, told.outcomes[0].components), ([], []))
        self.assertIn("hidepid", told.outcomes[0].problem)

    def test_two_readings_wait_for_one_another(self) -> None:
        first, second = self.read("identity"), self.read("identity")
        self.assertEqual(len(self.threads), 1)
        self.threads.pop()()
        self.successResultOf(first)
        self.threads.pop()()
        self.successResultOf(second)

    def test_while_a_reading_hangs_no_other_thread_is_begun_and_afterwards_it_goes_on(self) -> None:
        first = self.read("identity")
        first.cancel()
        self.failureResultOf(first, CancelledError)
        error = self.failureResultOf(self.read("identity"), TransientError)
        self.assertIn("this host does not answer", error.getErrorMessage())
        self.assertEqual(len(self.threads), 1)
        self.threads.pop()()
        after = self.read("identity")
        self.threads.pop()()
        self.assertEqual(self.successResultOf(after).rows, {"identity": "rows of identity"})
