"""Whether a device answers to its pings, and whether anything else is to be asked of it (pure)."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from collectors.framework.sources.results import Problem
from collectors.snmp.ping import PingReading
from common.events import CLASS_PING, Severity
from common.sources import PingSource

DOWN = "ping_down"
FAILED = "ping_failed"


class _Silence(Struct):
    """What is known of one source: readings in a row without an answer, and what is said of them."""

    readings: int = 0
    down: bool = False
    gates: bool = True
    summary: str = ""


class Gate:
    """What the pings of a device say of it.

    Args:
        down: ids of sources of which it is known from before that the device does not answer to them.
    """

    def __init__(self, down: Collection[str] = ()) -> None:
        self._of = {source: _Silence(down=True, summary="does not answer to pings") for source in down}

    @property
    def closed(self) -> bool:
        """Whether nothing else of the device is to be asked: it is down, by a source that gates."""
        return any(silence.down and silence.gates for silence in self._of.values())

    @property
    def down(self) -> frozenset[str]:
        """Sources that the device does not answer to."""
        return frozenset(source for source, silence in self._of.items() if silence.down)

    def keep(self, sources: Sequence[PingSource]) -> None:
        """These sources are the device's now: others say nothing any more."""
        self._of = {source.id: self._of.get(source.id, _Silence()) for source in sources}
        for source in sources:
            self._of[source.id].gates = source.gates

    def heed(self, source: PingSource, reading: PingReading, address: str) -> Sequence[Problem]:
        """Take note of a reading; gives what is wrong now.

        One answer says that the device is there. Without any it is down after `confirm` readings; one that was down
        stays so until it answers.
        """
        silence = self._of.setdefault(source.id, _Silence())
        silence.gates = source.gates
        if reading.answered:
            self._of[source.id] = _Silence(gates=source.gates)
            return ()
        silence.readings += 1
        silence.down = silence.down or silence.readings >= source.confirm
        why = f"; this host's network says: {reading.why}" if reading.why else ""
        last = f"none of {reading.sent} echoes was answered" if reading.sent > 1 else "its echo was not answered"
        silence.summary = f"{address} does not answer to pings: {last}{why}"
        return self.problems(source.id)

    def cannot(self, source: PingSource, why: str) -> Sequence[Problem]:
        """No echo can be sent from here: of whether the device answers nothing is known."""
        self._of[source.id] = _Silence(gates=source.gates)
        return (Problem(key=FAILED, summary=why[:500], severity=Severity.ERROR, event_class=CLASS_PING),)

    def problems(self, source: str) -> Sequence[Problem]:
        """What a source says is wrong now, also where its reading was not to be had."""
        silence = self._of.get(source)
        if silence is None or not silence.down:
            return ()
        return (
            Problem(
                key=DOWN,
                summary=silence.summary[:500],
                severity=Severity.CRITICAL,
                message="Nothing else of it is asked until it answers." if silence.gates else "",
                event_class=CLASS_PING,
            ),
        )
