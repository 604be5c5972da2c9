"""What a process collector must have said of one simulated device, scan by scan, and whether it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from collectors.process.memory import DeviceMemory, SetMemory
from collectors.sim.scenario import Ailment
from common.configs import DeviceConfig
from common.events import CLASS_SNMP, Event
from tests.truth.ledger import DEAF, Ledger
from tests.truth.setjudge import Found, SetJudge

AGENT_RESTARTED = "agent_restarted"
HIDING = frozenset({"truncated", "only_agent"})
"""An agent with one of these shows a part of its table as if it were all of it."""
WRAP_S = 2**32 / 100
TICK_S = 0.02
TASK_FAILED = "task_failed"
"""What the framework says of a task that took longer than it may."""


class Verdict(Struct, frozen=True, kw_only=True):
    """Something that is not as it should be.

    Attributes:
        kind: `miss`: it happened and was not told; `false`: it was told and did not happen; `doubled`: it was told
            twice; `wrong`: a figure is another.
    """

    kind: str
    device: str
    component: str
    t: float
    text: str

    def __str__(self) -> str:
        return f"{self.t:9.3f}  {self.kind:<8} {self.device} {self.component or '(the device)'}: {self.text}"


class Record:
    """What all judges of a fleet have found.

    Attributes:
        cases: how often each case occurred.
        late: seconds from what happened to the event, by key.
    """

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self.cases: Counter[str] = Counter()
        self.late: dict[str, list[float]] = {}

    def of(self, kind: str) -> int:
        """How many verdicts are of that kind."""
        return sum(verdict.kind == kind for verdict in self.verdicts)

    def measured(self, key: str, seconds: float) -> None:
        """Take how late something was told."""
        self.late.setdefault(key, []).append(seconds)


class Scan(Struct, kw_only=True):
    """What a collector did in a cycle.

    Attributes:
        begin, end: t of its first request and of its last answer.
        at: t of the table that it believed, None when it believed none.
        figures: (count, restarts) by set, None where nobody looks at samples.
    """

    begin: float
    end: float
    at: float | None
    events: Sequence[Event]
    figures: Mapping[str, tuple[int, int]] | None = None


class DeviceJudge:
    """Judges what is said of one device.

    `ailments` is what agents of the scenario do wrong.
    """

    def __init__(self, config: DeviceConfig, ledger: Ledger, record: Record, ailments: Mapping[str, Ailment]) -> None:
        self._config = config
        self._ledger = ledger
        self._record = record
        snmp = config.snmp
        assert snmp is not None
        self._bearable = {"too_big"}
        if snmp.retries:
            self._bearable.add("lossy")
        if "slow" in ailments and ailments["slow"].by_s < snmp.timeout_s:
            self._bearable.add("slow")
        # Whoever took longer than this with the last request of theirs took as long as a cycle may.
        self._limit_s = max(10.0, 0.9 * config.interval_s) - 2 * snmp.timeout_s
        self._t = 0.0
        self._before_t = 0.0
        self._component = ""
        self._uptime: tuple[float, float] | None = None
        self._host_uptime = (0.0, 0.0)
        self._restored = False
        self._good_at: float | None = None
        self._failed_at = -1.0
        self.open: dict[str, int] = {}
        self.sets = {
            definition.name: SetJudge(config, definition, self._say, self._happened, self._measured)
            for definition in config.process_sets
        }

    def daemon_restarted(self) -> None:
        """The daemon was killed, and another one goes on with what it had kept."""
        self._restored = True
        for one in self.sets.values():
            one.daemon_restarted()

    def cycle(self, scan: Scan) -> None:
        """Judge a cycle."""
        self._before_t, self._t, self._component = self._t, scan.begin, ""
        ails = self._ledger.ails(scan.begin, scan.end)
        of_sets = [event for event in scan.events if event.event_class != CLASS_SNMP]
        of_device = [event for event in scan.events if event.event_class == CLASS_SNMP]
        for event in scan.events:
            if event.device != self._config.device:
                self._say("false", f"an event of {event.device}")
        if scan.at is None:
            self._unread(scan, ails, of_device)
            for event in of_sets:
                self._component = event.component
                self._say("false", f"{event.event_key} while the device could not be read: {event.summary}")
            return
        self._read(scan, ails, of_device, of_sets)

    def ends_with(self, memory: DeviceMemory) -> None:
        """Judge what a daemon that has ended has kept."""
        for name, one in self.sets.items():
            self._component = name
            kept = memory.sets.get(name, SetMemory(definition="", since=0.0))
            low, high = one.restarts
            if not low <= kept.restarts <= high:
                self._say("wrong", f"{kept.restarts} restarts are kept, {low} to {high} were")
            if kept.missing != one.missing:
                self._say("wrong", f"it is kept as {'missing' if kept.missing else 'up'}")
            if kept.alarms != one.open:
                self._say("wrong", f"{sorted(kept.alarms)} are kept as open, told was {sorted(one.open)}")

    # --- the device ---------------------------------------------------------------------------------------------------

    def _unread(self, scan: Scan, ails: Mapping[str, bool], events: Sequence[Event]) -> None:
        bad = ails.keys() - self._bearable
        if scan.end - scan.begin > self._limit_s:  # what can be borne by itself adds up
            bad |= ails.keys() & {"slow", "lossy", "too_big"}
        if not bad:
            self._say("false", f"it could not be read, and nothing was wrong: {[event.summary for event in events]}")
        for name in ails:
            self._happened(f"unreadable: {name}")
        first = self._failed_at <= (self._good_at or 0.0) or not self.open
        self._failed_at = scan.end
        for event in events:
            if event.severity.value:
                if event.event_key in self.open:
                    self._say("doubled", f"{event.event_key} opened, and was open")
                self.open[event.event_key] = event.severity.value
                self._happened(event.event_key)
            elif self.open.pop(event.event_key, None) is None:
                self._say("doubled", f"{event.event_key} closed, and was not open")
        of_reading = [key for key in self.open if key not in {AGENT_RESTARTED, TASK_FAILED}]
        if len(of_reading) + (TASK_FAILED in self.open) == 0 or len(of_reading) > 1 or AGENT_RESTARTED in self.open:
            self._say("miss", f"it could not be read, and open is {sorted(self.open)}")
        elif not set(of_reading) <= self._reasons(bad):
            self._say("false", f"{of_reading[0]}, while wrong was {sorted(bad)}")
        elif first and of_reading and events and bad:
            self._record.measured(of_reading[0], self._t - max(self._ledger.since(name, self._t) for name in bad))

    @staticmethod
    def _reasons(bad: set[str]) -> set[str]:
        """What an agent with these may be called."""
        found = {"table_incomplete"}
        if bad & (DEAF | {"slow", "lossy"}):
            found.add("snmp_timeout")
        return found

    def _read(self, scan: Scan, ails: Mapping[str, bool], of_device: Sequence[Event], of_sets: Sequence[Event]) -> None:
        assert scan.at is not None
        for name, whole in ails.items():
            circles = name == "non_increasing" and "only_agent" not in ails  # of one row is none
            if whole and (name in DEAF or circles):
                self._say("false", f"a table was believed although the agent was {name}")
            self._happened(f"read: {name}")
        new_base, again = self._came_up(scan, of_device)
        hidden = bool(ails.keys() & HIDING)
        by_set: dict[str, list[Event]] = {name: [] for name in self.sets}
        for event in of_sets:
            self._component = event.component
            if event.component not in by_set:
                self._say("false", f"{event.event_key} of a set that is not there")
            by_set.setdefault(event.component, []).append(event)
        for name, one in self.sets.items():
            self._component = name
            count, restarts = self._figures(scan, name)
            found = Found(
                begin=scan.begin, end=scan.end, at=scan.at, events=by_set[name], count=count, restarts=restarts
            )
            seen = self._ledger.seen(name, scan.begin, scan.end)
            one.scan(seen, found, new_base=new_base, hidden=hidden, again=again)
        self._component = ""
        self._good_at, self._restored = scan.at, False
        if hidden:  # whoever came meanwhile could not be seen
            self._failed_at = scan.end
        self._ledger.forget(scan.begin - 3600)

    def _figures(self, scan: Scan, name: str) -> tuple[int | None, int | None]:
        if scan.figures is None:
            return None, None
        if name not in scan.figures:  # nothing is written of a set that was never seen
            if self.sets[name].known:
                self._say("miss", "no sample was written")
            return 0, self.sets[name].restarts[0]
        return scan.figures[name]

    def _came_up(self, scan: Scan, events: Sequence[Event]) -> tuple[bool, bool]:
        """Whether agent or host came up anew: what the uptimes say, and what was told."""
        said = [event for event in events if event.event_key == AGENT_RESTARTED and event.severity.value]
        uptime = self._ledger.uptimes(self._ledger.agent_starts, scan.begin, scan.end)
        host = self._ledger.uptimes(self._ledger.host_starts, scan.begin, scan.end)
        surely, possibly = self._back(self._uptime, uptime)
        if self._restored:
            surely = False
        if surely and not said:
            self._say("miss", "agent_restarted was not opened")
        if said and not possibly:
            self._say("false", f"agent_restarted: {said[0].summary}")
        again = bool(said) and "the host was started" in said[0].summary
        if said and self._uptime is not None and scan.at is not None:
            surely, possibly = self._back(self._host_uptime, host)
            if (surely and not self._restored and not again) or (again and not possibly):
                self._say("wrong", f"said of agent or host: {said[0].summary}")
            starts = self._ledger.host_starts if again else self._ledger.agent_starts
            self._measured(AGENT_RESTARTED, max(start for start in starts if start <= scan.end), scan.at)
            self._happened("the host came up anew" if again else "the agent came up anew")
        if self._uptime is not None and self._uptime[0] % WRAP_S > WRAP_S - 3600 and uptime[0] % WRAP_S < 3600:
            self._happened("the uptime wrapped")
        cut_off = scan.end - scan.begin > self._limit_s
        self._close_all([event for event in events if not (cut_off and event.event_key == TASK_FAILED)], said)
        if cut_off and any(event.event_key == TASK_FAILED and event.severity.value for event in events):
            self.open[TASK_FAILED] = 4
        self._uptime, self._host_uptime = uptime, host
        return bool(said), again

    @staticmethod
    def _back(before: tuple[float, float] | None, now: tuple[float, float]) -> tuple[bool, bool]:
        """Whether an uptime surely, and possibly, went back; one that wrapped did not."""
        if before is None:
            return False, False
        low, high = before[0] % WRAP_S, before[1] % WRAP_S
        new_low, new_high = now[0] % WRAP_S, now[1] % WRAP_S
        if low > WRAP_S - 3600 and new_high < 3600:
            return False, False
        return new_high + TICK_S < low, new_low < high + TICK_S

    def _close_all(self, events: Sequence[Event], said: Sequence[Event]) -> None:
        """A good scan closes what is open of the device, and may say that it came up anew."""
        for event in events:
            if event in said:
                self.open[event.event_key] = event.severity.value
            elif event.severity.value:
                self._say("false", f"{event.event_key} although it was read: {event.summary}")
            elif self.open.pop(event.event_key, None) is None:
                self._say("doubled", f"{event.event_key} closed, and was not open")
        for key in self.open:
            if not said or key != AGENT_RESTARTED:
                self._say("miss", f"{key} was not closed")

    def _say(self, kind: str, text: str) -> None:
        self._record.verdicts.append(
            Verdict(kind=kind, device=self._config.device, component=self._component, t=self._t, text=text)
        )

    def _measured(self, key: str, cause: float, at: float) -> None:
        """Take how late something was told, unless the device could not be read meanwhile, or was asked less often."""
        asked_less = self._t - self._before_t > 1.5 * self._config.interval_s
        if self._failed_at < cause and not self._restored and not asked_less:
            self._record.measured(key, at - cause)

    def _happened(self, case: str) -> None:
        self._record.cases[case] += 1
