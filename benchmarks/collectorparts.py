"""The real `tocsin-process`, with a stopwatch around its parts; what it read is printed as JSON when it ends.

Usage: python -m benchmarks.collectorparts SKIP run --config FILE      SKIP runs of tasks are not counted.

A part is charged what its own calls cost without those of parts within it. The stopwatch itself (some 0.3 us at each of
about 250 calls in a cycle) is charged to whoever calls. Threads beside the main one are a part each.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from collectors.framework.eventspool import EventSpool
from collectors.framework.samplewriter import SampleWriter
from collectors.framework.scheduler import Scheduler
from collectors.framework.snmp.exchange import PduReply
from collectors.framework.snmp.port import AgentPort
from collectors.framework.snmp.security import CommunitySecurity, UserSecurity
from collectors.process import task as tasks
from collectors.process import tracker as trackers
from collectors.process.judging import SetJudge
from collectors.process.main import main as process_main
from collectors.process.sampling import StepSamples
from collectors.process.tracker import Tracker

Part = tuple[str, Any, str]

PARTS: tuple[Part, ...] = (
    ("SNMP: send", AgentPort, "send"),
    ("SNMP: receive, and what joins the parts", AgentPort, "datagramReceived"),
    ("SNMP: protect and check messages", CommunitySecurity, "seal"),
    ("SNMP: protect and check messages", CommunitySecurity, "open"),
    ("SNMP: protect and check messages", UserSecurity, "seal"),
    ("SNMP: protect and check messages", UserSecurity, "open"),
    ("decode varbinds", PduReply, "take"),
    ("match", trackers, "members_of"),
    ("track", Tracker, "doubtful"),
    ("track", Tracker, "observe"),
    ("thresholds", SetJudge, "judge"),
    ("samples", StepSamples, "of"),
    ("samples", SampleWriter, "write"),
    ("samples", SampleWriter, "_store_now"),
    ("events and state", tasks, "dump"),
    ("events and state", EventSpool, "_accept"),
    ("scheduler", Scheduler, "_turn"),
    ("scheduler", Scheduler, "_pump"),
    ("scheduler", Scheduler, "_run_ended"),
)


class Stopwatch:
    """CPU time of the main thread by part, since `runs` had reached `skip`."""

    def __init__(self, skip: int) -> None:
        self._skip = skip
        self._open: list[float] = []  # of each part that is being timed, what those within it took
        self._main = threading.get_ident()
        self._from = (0.0, 0.0)
        self._gc_began = 0.0
        self.spent: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self.runs = 0

    def around(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, timed."""
        clock, spent, nested, calls = time.thread_time, self.spent, self._open, self.calls

        @functools.wraps(call)
        def timed(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() != self._main:
                return call(*arguments, **named)
            nested.append(0.0)
            began = clock()
            try:
                return call(*arguments, **named)
            finally:
                took = clock() - began
                spent[part] += took - nested.pop()
                calls[part] += 1
                if nested:
                    nested[-1] += took

        return timed

    def ended(self) -> None:
        """A task has run."""
        self.runs += 1
        if self.runs == self._skip:
            self.spent.clear()
            self.calls.clear()
            self._from = (time.thread_time(), time.process_time())

    def collecting(self, phase: str, _info: Any) -> None:
        """See `gc.callbacks`: what the collector of garbage takes is a part of its own."""
        if threading.get_ident() != self._main:
            return
        if phase == "start":
            self._gc_began = time.thread_time()
        else:
            took = time.thread_time() - self._gc_began
            self.spent["garbage collector"] += took
            self.calls["garbage collector"] += 1
            if self._open:
                self._open[-1] += took

    def result(self) -> dict[str, Any]:
        """All that was read; seconds."""
        main, process = time.thread_time() - self._from[0], time.process_time() - self._from[1]
        return {
            "runs": self.runs - self._skip,
            "main_s": main,
            "threads_s": process - main,
            "parts": dict(self.spent),
            "calls": dict(self.calls),
        }


def main(arguments: list[str]) -> int:
    """Run the daemon with the stopwatch."""
    watch = Stopwatch(int(arguments[0]))
    for part, owner, name in PARTS:
        if hasattr(owner, name):
            setattr(owner, name, watch.around(part, getattr(owner, name)))
    gc.callbacks.append(watch.collecting)
    run_ended = Scheduler._run_ended  # noqa: SLF001 - what is measured is looked into

    def counted(*given: Any, **named: Any) -> None:
        run_ended(*given, **named)
        watch.ended()

    Scheduler._run_ended = counted  # type: ignore[method-assign] # noqa: SLF001
    status = process_main(arguments[1:])
    sys.stdout.write(json.dumps(watch.result()) + "\n")
    sys.stdout.flush()
    os._exit(status)  # nothing that ends by itself is to be measured


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
