"""When a modelling was, by the hub's clock: that of a collector may be wrong by any time."""

from __future__ import annotations

from msgspec import Struct

from common.wire import ModelReport


class _Last(Struct, frozen=True):
    """The last report of a device: its time as the collector told it, and as the hub reckons it."""

    told: float
    reckoned: float


class Stamps:
    """Reckons, and keeps the order of a device's reports.

    What a report needs to get here is not known, and differs; so one that its collector has put no earlier than the
    last must not seem to be earlier.
    """

    def __init__(self) -> None:
        self._last: dict[str, _Last] = {}

    def reckon(self, report: ModelReport, now: float) -> float:
        """Epoch seconds of a report that has come now; that of its collector when it does not tell its age."""
        if report.age_s is None:
            return report.at
        at, last = now - report.age_s, self._last.get(report.device)
        if last is not None and report.at >= last.told:
            at = max(at, min(last.reckoned, now))
        self._last[report.device] = _Last(report.at, at)
        return at
