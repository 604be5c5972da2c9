"""Both runners: in this process, and in worker processes."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from collectors.framework.interfaces import CollectorContext
from collectors.framework.running.inprocess import in_process
from collectors.framework.running.sharded import Sharded
from tests.contracts.runner import PATIENT, RunnerContract
from tests.fakes.counting import SPEC


class InProcessTests(RunnerContract):
    def make_runner(self, context: CollectorContext) -> Any:
        def observe(_record: Any, what: str, _old: object, _new: object) -> None:
            self.count_run(what == "outcome")

        return in_process(SPEC, context, 10, observe)


class ShardedTests(RunnerContract):
    def make_runner(self, context: CollectorContext) -> Any:
        return Sharded(
            2,
            SPEC,
            context,
            self.settings,
            on_runs=self.count_run,
            on_problem=lambda _: None,
            on_refused=lambda _: None,
            patience=replace(PATIENT, beat_s=0.1),
        )


del RunnerContract
