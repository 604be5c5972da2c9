"""Every sample to another system, as the collector daemon sees it: a process of its own follows the sample spool.

It follows links of its own to the segments, so that neither it nor the writer process waits for the other, and nothing
is written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from collectors.framework.data.child import Child
from collectors.framework.data.reports import Reports
from collectors.framework.data.spool.frames import segments
from collectors.framework.outlets.sendingtask import PROGRESS, Sent, Task
from collectors.framework.outlets.settings import RemoteWriteSettings

FOLDER = "remote"
STOP_TIMEOUT_S = 5.0
MAX_FAILURES = 3
COUNTS = ("sent", "requests", "refused", "dropped")


class RemoteWrite(Service):
    """Keeps the sending process, and what it tells.

    Args:
        reactor: for the process.
        clock: monotonic.
        folder: of the daemon.
        name: of the collector; a label of each series.
        software: for the other side's log.
        on_problem: told a sentence when something goes wrong, and "" when all is well again.
    """

    def __init__(
        self,
        reactor: Any,
        clock: IReactorTime,
        settings: RemoteWriteSettings,
        folder: Path,
        name: Callable[[], str],
        software: str,
        on_problem: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._name = name
        self._named = ""
        self._software = software
        self._on_problem = on_problem
        self._folder = folder / FOLDER
        self._reports = Reports(Sent, "The sending process")
        self._earlier: dict[str, int] = {}
        self._now = Sent()
        self._child = Child(
            reactor,
            clock,
            "collectors.framework.outlets.sendingprocess",
            ["--spool", str(self._folder)],
            on_data=self._told,
            on_up=self._begin,
            on_down=self._ended,
        )

    @property
    def followers(self) -> tuple[Path, ...]:
        """Folders that want links to the segments of the sample spool."""
        return (self._folder,) if self._settings.url else ()

    @property
    def pid(self) -> int | None:
        """Process id of the sending process."""
        return self._child.pid

    def figures(self) -> Mapping[str, Any]:
        """What was sent, since the daemon started; empty where nothing is to be."""
        if not self._settings.url:
            return {}
        now = self._now
        return {"remote_write": {**self._totals(), "waiting_bytes": now.waiting_bytes, "problem": now.problem}}

    def startService(self) -> None:
        """Start the process; where nothing is to be sent any more, let go of what still waits."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        if self._settings.url:
            self._child.start()
            return
        for _, path in segments(self._folder):
            path.unlink(missing_ok=True)
        (self._folder / PROGRESS).unlink(missing_ok=True)  # what comes until it is wanted again is no loss

    def stopService(self) -> Deferred[None]:
        """End the process; what was not sent waits."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        return Deferred.fromCoroutine(self._child.stop(STOP_TIMEOUT_S))

    def _begin(self) -> None:
        self._reports.begin()
        self._named = self._name()
        labels = {"collector": self._named, **self._settings.more_labels()}
        task = Task(settings=self._settings, labels=labels, software=self._software)
        self._child.send(msgspec.json.encode(task) + b"\n")

    def _ended(self, reason: str) -> None:
        self._earlier, self._now = self._totals(), Sent()
        if self._child.failures >= MAX_FAILURES:
            self._on_problem(f"The process that sends samples keeps ending ({reason}); they wait. See the log.")

    def _totals(self) -> dict[str, int]:
        """What all processes since the start of the daemon have counted."""
        return {name: self._earlier.get(name, 0) + getattr(self._now, name) for name in COUNTS}

    def _told(self, data: bytes) -> None:
        for report in self._reports.read(data):
            self._now = report
            self._on_problem(report.problem)
        if self._name() != self._named:  # the hub has told another one since
            self._child.kill()
