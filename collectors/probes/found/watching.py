"""Looks at the probes' folders again and again, beside the reactor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from collectors.framework.worker import NamedThread
from collectors.probes.found.folders import Folders

LOOK_S = 2.0

_log = Logger()


class Watching:
    """Tells when a folder is otherwise than before.

    Args:
        changed: called in the reactor's thread.
    """

    def __init__(self, reactor: Any, clock: Any, folders: Folders, changed: Callable[[], None]) -> None:
        self._thread = NamedThread(reactor, "probes")
        self._folders = folders
        self._changed = changed
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock

    def startService(self) -> None:
        """Begin."""
        self._thread.start()
        self._loop.start(LOOK_S, now=False)

    def stopService(self) -> None:
        """End."""
        if self._loop.running:
            self._loop.stop()
        self._thread.stop()

    async def _look(self) -> None:
        try:
            if await self._thread.run(self._folders.look):
                self._changed()
        except Exception:  # noqa: BLE001 - the supervisor of this look; the next one comes
            _log.failure("defect while the folders of probes were looked at")
