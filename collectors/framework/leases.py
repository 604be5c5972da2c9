"""Devices that are collected only as long as the hub is heard: another collector may have them when it is not.

When a member of a pool is away, the hub gives its devices to another member. The one that is away has to stop by
itself, and before that: a config's `lease_s` says how long it may go on without a sign of the hub. The time is counted
on the monotonic clock; over a restart of the daemon by a stamp on disk, the time of modification of an empty file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from collectors.framework.held import HeldConfigs
from common.configs import DeviceConfig

FILE = "heard"
WHY = (
    "the hub was not heard for longer than their lease, so another member of their pool may have them. They go on when "
    "the hub sends their configs again"
)
LOOK_S = 1.0
PATIENCE_S = 30.0
"""A hub that is there again says in seconds of each device whose it is; only if it does not, that is a problem."""
TOUCHES = 4
"""How often the stamp is renewed in the time of the shortest lease."""

_log = Logger()


class Stamp:
    """When the hub was heard last, on disk; it costs no sync, so a crash of the machine may lose the newest."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> float | None:
        """Epoch seconds; None when the hub was never heard, as far as is known."""
        try:
            return self._path.stat().st_mtime
        except OSError:
            return None

    def write(self, at: float) -> bool:
        """Set it; False when the disk refuses."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            os.utime(self._path, (at, at))
        except OSError as error:
            _log.warn("{path} cannot be written: {reason}", path=str(self._path), reason=error.strerror or str(error))
            return False
        return True


class Leases(Service):
    """Watches over the leases of what is held.

    Args:
        wall: epoch seconds, for the stamp alone.
        heard: clock seconds of the last sign of a hub that has let us in; None before the first session.
        attached: whether a session with the hub stands.
        on_problem: told how many devices are not collected, though the hub is there, and "" when there is none.
        on_lapse: called when some lapse; a session that still stands does not know of it.
    """

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        stamp: Stamp,
        held: HeldConfigs,
        heard: Callable[[], float | None],
        *,
        attached: Callable[[], bool],
        on_problem: Callable[[str], None],
        on_lapse: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._stamp = stamp
        self._held = held
        self._heard = heard
        self._attached = attached
        self._on_problem = on_problem
        self._on_lapse = on_lapse
        self._before_s = self._kept_s()
        self._began = clock.seconds()
        self._written = float("-inf")
        self._told = ""
        self._paused = 0
        self._waits_since: float | None = None
        self._loop = LoopingCall(self._watch)
        self._loop.clock = clock

    def may_run(self, config: DeviceConfig) -> bool:
        """Whether a config's lease still holds."""
        if config.lease_s is None:
            return True
        silent_s = self.silent_s()
        return silent_s is not None and silent_s <= config.lease_s

    def silent_s(self) -> float | None:
        """Seconds since the hub was heard last; None when nobody knows."""
        heard = self._heard()
        if heard is not None:
            return self._clock.seconds() - heard
        return None if self._before_s is None else self._before_s + self._clock.seconds() - self._began

    def look(self) -> None:
        """Let those lapse whose time is up, and keep the stamp young."""
        leases = self._held.leases
        if leases:
            silent_s = self.silent_s()
            due = [device for device, lease_s in leases.items() if silent_s is None or silent_s > lease_s]
            if due:
                self._lapse(due)
            elif self._heard() is not None and self._clock.seconds() - self._written >= min(leases.values()) / TOUCHES:
                self._keep()
        self._tell()

    def _watch(self) -> None:
        try:
            self.look()
        except Exception:  # noqa: BLE001 - the supervisor of leases: what fails now must not keep others from lapsing
            _log.failure("defect while leases were looked at")

    def startService(self) -> None:
        """Begin to look."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        self._loop.start(LOOK_S, now=False).addErrback(lambda failure: _log.failure("leases", failure))

    def stopService(self) -> Deferred[None] | None:
        """Look no more."""
        stopped: Deferred[None] | None = super().stopService()  # type: ignore[no-untyped-call]  # the same
        if self._held.leases and self._heard() is not None:
            self._keep()
        if self._loop.running:
            self._loop.stop()
        return stopped

    def _lapse(self, devices: list[str]) -> None:
        _log.warn(
            "{count} devices are not collected any more: the hub was not heard for longer than their lease",
            count=len(devices),
        )
        self._held.lapse(devices)
        self._on_lapse()

    def _keep(self) -> None:
        """Write down when the hub was heard."""
        silent_s = self.silent_s()
        if silent_s is not None and self._stamp.write(self._wall() - silent_s):
            self._written = self._clock.seconds()

    def _kept_s(self) -> float | None:
        """How long before this start the hub was heard; None if never, or if the stamp is of a time to come."""
        at = self._stamp.read()
        ago_s = None if at is None else self._wall() - at
        return None if ago_s is None or ago_s < 0 else ago_s

    def sentence(self) -> str:
        """How many devices are not collected, and why; empty when there is none."""
        count = len(self._held.lapsed)
        if not count:
            return ""
        some = "a device is" if count == 1 else f"{count} devices are"
        return f"{some} not collected here: {WHY}"

    def _tell(self) -> None:
        """While the hub is away, it knows that and has given them to others; no event would reach it anyway."""
        sentence, now = self.sentence(), self._clock.seconds()
        if self._paused and not sentence:
            _log.info("no device waits for the hub any more: each is collected here again, or is another's")
        self._paused = len(self._held.lapsed)
        if not sentence or not self._attached():
            self._waits_since = None
        elif self._waits_since is None:
            self._waits_since = now
        is_due = self._waits_since is not None and now - self._waits_since >= PATIENCE_S
        told = sentence if is_due or (sentence and self._told) else ""
        if told != self._told:
            self._told = told
            self._on_problem(told)
