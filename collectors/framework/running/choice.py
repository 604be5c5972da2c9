"""Where the tasks of a daemon run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from collectors.framework.interfaces import CollectorContext, CollectorSpec
from collectors.framework.running.inprocess import in_process
from collectors.framework.running.settings import worker_count
from collectors.framework.running.sharded import Sharded
from collectors.framework.selfstats import SelfStats


def make_runner(
    spec: CollectorSpec,
    settings: Any,
    context: CollectorContext,
    stats: Callable[[], SelfStats],
    on_problem: Callable[[str], None],
    on_refused: Callable[[Mapping[str, str]], None],
) -> Any:
    """The runner that the settings ask for.

    Args:
        spec: the kind of collector.
        settings: of the daemon.
        context: what the daemon offers to tasks.
        stats: gives what counts runs; it is made later.
        on_problem: told a sentence when workers ail, and "" when all are well.
        on_refused: told which devices a worker that was started again cannot run any more, and why.
    """
    count = worker_count(spec, settings, context.tap)
    if count == 1:
        return in_process(spec, context, settings.parallel, lambda *what: stats().observe(*what))
    return Sharded(
        count,
        spec,
        context,
        settings,
        on_runs=lambda *runs: stats().ran(*runs),
        on_problem=on_problem,
        on_refused=on_refused,
    )
