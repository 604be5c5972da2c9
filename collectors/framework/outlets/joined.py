"""The ways out of a daemon, joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from collectors.framework.chain import Chain
from collectors.framework.outlets.metricspage import MetricsPage, Shown
from collectors.framework.outlets.remotewrite import RemoteWrite
from collectors.framework.outlets.settings import MetricsSettings, RemoteWriteSettings
from collectors.framework.problems import Problems
from common.events import CLASS_DATA


class Outlets(Chain):
    """Whoever fetches figures, and whom they are brought to.

    Args:
        reactor: for the port and the process.
        clock: monotonic.
        wall: epoch seconds.
        folder: of the daemon.
    """

    def __init__(
        self,
        reactor: Any,
        clock: IReactorTime,
        wall: Callable[[], float],
        metrics: MetricsSettings,
        remote_write: RemoteWriteSettings,
        folder: Path,
        shown: Shown,
        problems: Problems,
    ) -> None:
        software = f"{shown.program}/{shown.version}"
        problem = problems.of("remote write", CLASS_DATA)
        self._sending = RemoteWrite(reactor, clock, remote_write, folder, shown.collector, software, problem)
        self._page = MetricsPage(reactor, clock, wall, metrics, shown, problems.of("metrics page", CLASS_DATA))
        parts: list[Service] = [self._sending, self._page]
        super().__init__(parts)

    @property
    def followers(self) -> tuple[Path, ...]:
        """Folders that want links to the segments of the sample spool."""
        return self._sending.followers

    def figures(self) -> Mapping[str, Any]:
        """What they have done, for `stats`; empty where there are none."""
        page = {"metrics_page": self._page.address} if self._page.address else {}
        return {**self._sending.figures(), **page}
