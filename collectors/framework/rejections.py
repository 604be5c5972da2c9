"""`config_rejected`: open for a device as long as the hub's config for it is one that this collector will not run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec
from twisted.logger import Logger

from collectors.framework.interfaces import IEventSink, IStateStore
from common.errors import TransientError
from common.events import CLASS_CONFIG, Event, Severity

KEY = "config_rejected"
STATE_KEY = "daemon:rejected"

_log = Logger()


class Rejections:
    """Which devices have an open event, on disk with the events.

    Args:
        wall: epoch seconds.
    """

    def __init__(self, events: IEventSink, states: IStateStore, wall: Callable[[], float]) -> None:
        self._events = events
        self._states = states
        self._wall = wall
        self._standing: dict[str, str] = {}

    def load(self) -> None:
        """Read which are open from the time before."""
        try:
            self._standing = msgspec.msgpack.decode(self._states.load(STATE_KEY) or b"\x80", type=dict[str, str])
        except msgspec.MsgspecError:
            _log.warn("which configs were rejected before cannot be read")

    async def tell(self, rejected: Mapping[str, str], settled: Iterable[str]) -> None:
        """Open events for configs that are rejected, close those of devices that are settled."""
        new = {device: reason for device, reason in rejected.items() if self._standing.get(device) != reason}
        over = [device for device in settled if device in self._standing and device not in rejected]
        if not new and not over:
            return
        standing = {device: reason for device, reason in self._standing.items() if device not in over} | new
        opened = [self._event(device, Severity.ERROR, f"Config rejected: {new[device]}", new[device]) for device in new]
        closed = [self._event(device, Severity.CLEAR, "Config accepted", "") for device in over]
        try:
            await self._events.send([*opened, *closed], STATE_KEY, msgspec.msgpack.encode(standing))
        except TransientError as error:
            _log.error("events about rejected configs cannot be kept: {error}", error=str(error))
        else:
            self._standing = standing

    def _event(self, device: str, severity: Severity, summary: str, message: str) -> Event:
        return Event(
            device=device,
            event_class=CLASS_CONFIG,
            event_key=KEY,
            severity=severity,
            summary=summary[:512],
            message=message[:8192],
            at=self._wall(),
            group="Config",
        )
