"""The events of a process set: what is said, how badly, and what closes it (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collectors.process.crashloops import every_s, pace
from collectors.process.memory import SetMemory
from common.configs import DeviceConfig, ProcessSetConfig
from common.events import CLASS_PROCESS, Detail, Event, Severity
from common.masking import masker_of
from common.matching import printable
from common.quantities import quantity

GROUP = "Process"
MISSING, RESTARTED, RESTARTING, COUNT = "process_missing", "process_restarted", "process_restarting", "process_count"
REPLACED, USER, TWICE = "process_replaced", "process_user", "process_twice"
CONDITIONS = frozenset({MISSING, RESTARTING, COUNT, REPLACED, USER, TWICE})
"""What lasts, and so is open until it is over; a restart merely happened."""
MAX_RESTART_TIMES = 1000
"""That are remembered of a set, unless its limit is higher."""


class SetVoice:
    """Speaks for one process set after one scan; says each alarm once while it lasts.

    Attributes:
        component: the set.
        said: the events, in order.
    """

    def __init__(
        self, config: DeviceConfig, component: str, definition: ProcessSetConfig, kept: SetMemory, at: float
    ) -> None:
        self._config = config
        self.component = component
        self._definition = definition
        self._kept = kept
        self._at = at
        self.said: list[Event] = []

    def missing(self) -> None:
        """No process is left."""
        text = f"no process of {self.component} runs"
        self._open(MISSING, f"{text}{self._why(': ')}", {"lost": list(self._kept.lost), **self._reasons()})

    def up(self) -> None:
        """There are processes."""
        self._close(MISSING, f"{self.component} runs")

    def rightly_absent(self) -> None:
        """No process is there, and none should be."""
        self._close(MISSING, f"{self.component} does not run, and must not")

    def restarted(self, count: int, lost: Sequence[int], found: Sequence[int]) -> None:
        """Processes were replaced: said each time, unless the stream of restarts has its own alarm."""
        severity = self._definition.restart_severity
        if severity is None or RESTARTING in self._kept.alarms:
            return
        text = f"{self.component} restarted: {count} process{'es' if count > 1 else ''} replaced{self._why('; ')}"
        details: dict[str, Detail] = {"lost": list(lost), "found": list(found), "restarts": self._kept.restarts}
        self._say(RESTARTED, severity, text, details | self._reasons(), count)

    def flapping(self) -> None:
        """Too many restarts in the window are one alarm; it closes when the window is quiet."""
        window_s = self._config.flap_window_s
        kept = self._kept
        if not kept.restart_times and RESTARTING not in kept.alarms:
            return
        most = max(MAX_RESTART_TIMES, self._config.flap_restarts + 1)
        kept.restart_times = [time for time in kept.restart_times if time > self._at - window_s][-most:]
        count = len(kept.restart_times)
        if count > self._config.flap_restarts:
            text = f"{self.component} keeps restarting: {pace(kept.restart_times)}"
            details: dict[str, Detail] = {"restarts": count, "every_s": every_s(kept.restart_times), **self._reasons()}
            self._open(RESTARTING, f"{text}{self._why('; last: ')}", details)
        elif not count:
            self._close(RESTARTING, f"{self.component} has stopped restarting, for {quantity(window_s, 's')}")

    def bounds(self, count: int) -> None:
        """The number of processes is outside its bounds, or inside again."""
        low, high = self._definition.count_min, self._definition.count_max
        running = f"{count} process{'' if count == 1 else 'es'}"
        if low is not None and count < low:
            self._open(COUNT, f"{running} of {self.component} run, at least {low} should", {"count": count})
        elif high is not None and count > high:
            self._open(COUNT, f"{running} of {self.component} run, at most {high} may", {"count": count})
        else:
            self._close(COUNT, f"{running} of {self.component} run, as they should")

    def watched_no_more(self, why: str) -> None:
        """Nothing of the set may stay open."""
        for key in list(self._kept.alarms):
            self._close(key, f"{self.component} is watched no more: {why}")

    def condition(self, key: str, severity: Severity, text: str, details: Mapping[str, Detail]) -> None:
        """Something lasts that others have judged."""
        self._open(key, text, details, severity)

    def over(self, key: str, text: str) -> None:
        """It does not last any more."""
        self._close(key, text)

    def _why(self, before: str) -> str:
        """Why its processes ended, as the end of a sentence."""
        ends = self._kept.ends
        return f"{before}{ends.reason}" if ends is not None and ends.reason else ""

    def _reasons(self) -> dict[str, Detail]:
        ends = self._kept.ends
        return {"reason": ends.reason, "exits": list(ends.exits)} if ends is not None and ends.reason else {}

    def _open(self, key: str, text: str, details: Mapping[str, Detail], severity: Severity | None = None) -> None:
        if severity is None:
            severity = self._definition.missing_severity
        if severity is Severity.CLEAR:
            self._close(key, f"{text}, of which nothing is to be said")
        elif self._kept.alarms.get(key) != severity:
            self._kept.opened(key, int(severity))
            self._say(key, severity, text, details)

    def _close(self, key: str, text: str) -> None:
        if self._kept.closed(key):
            self._say(key, Severity.CLEAR, text, {})

    def _say(self, key: str, severity: Severity, text: str, details: Mapping[str, Detail], count: int = 1) -> None:
        kept, definition = self._kept, self._definition
        line = printable(masker_of(self._config).mask(kept.line))
        self.said.append(
            Event(
                device=self._config.device,
                component=self.component[:512],
                event_class=CLASS_PROCESS,
                event_key=key,
                severity=severity,
                summary=text[:512],
                message=f"Definition {definition.id}; last command line: {line or 'none seen'}",
                at=self._at,
                group=GROUP,
                count=count,
                details={"definition": definition.id, "pids": sorted(kept.pids), "command": line, **details},
            )
        )
