"""What a scan must have said of one process set (docs/process-rules.md), and whether it did."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from common.configs import DeviceConfig, ProcessSetConfig
from common.events import Event
from tests.truth.ledger import Life, Seen

MISSING, RESTARTED, RESTARTING, COUNT = "process_missing", "process_restarted", "process_restarting", "process_count"
CPU_STEP_S = 0.03
"""CPU times are told in hundredths, and a process begins with up to two of them."""


class Found(Struct, kw_only=True):
    """What a good scan told of a set.

    Attributes:
        begin, end: t between which it read.
        at: t of its table, as its events have it.
        events: of this set.
        count, restarts: of its sample; None where nobody looks at samples.
    """

    begin: float
    end: float
    at: float
    events: Sequence[Event]
    count: int | None = None
    restarts: int | None = None


class SetJudge:
    """Judges what is said of one set.

    Args:
        say: takes a verdict: kind (miss, false, doubled, wrong), and a sentence.
        happened: takes the name of a case that occurred.
        late: takes the key of an alarm, and the t of its cause and of the scan that told it.
    """

    def __init__(
        self,
        config: DeviceConfig,
        definition: ProcessSetConfig,
        say: Callable[[str, str], None],
        happened: Callable[[str], None],
        late: Callable[[str, float, float], None],
    ) -> None:
        self._config = config
        self._definition = definition
        self._say = say
        self._happened = happened
        self._late = late
        self._before = Seen()
        self._window = (0.0, 0.0)
        self._fresh = True  # no good scan yet
        self._restored = False  # the last scan was of a daemon that is gone
        self.known = False
        self.missing = False
        self.missing_scans = (0, 0)
        self.restarts: list[int] = [0, 0]
        self._times: list[tuple[float, int, int]] = []
        self.open: dict[str, int] = {}

    @property
    def all_of_it(self) -> frozenset[Life]:
        """Whom the last good scan may have seen."""
        return self._before.all

    def daemon_restarted(self) -> None:
        """What was kept is as old as the last change: CPU times of then say less than those of the last scan."""
        self._restored = True

    def scan(self, seen: Seen, found: Found, *, new_base: bool, hidden: bool, again: bool) -> None:
        """Judge a good scan.

        Args:
            seen: whom it can have seen.
            new_base: agent or host came up anew.
            hidden: the agent does not show all of its table.
            again: whether the host came up anew.
        """
        if hidden:
            # Whoever was not seen before may well stand in the part that is not shown.
            shown = frozenset() if self._fresh else seen.sure & self._before.sure
            seen = Seen(shown, seen.all - shown)
        if found.count is not None and not seen.least <= found.count <= seen.most:
            self._say("wrong", f"{found.count} processes counted, {seen.least} to {seen.most} ran")
        present = self._present(seen, found)
        if present is None or present:
            self._count_restarts(seen, found, new_base=new_base or self._fresh, sure=present is True)
        self._cases(seen, found, new_base=new_base, again=again, present=present)
        wanted = self._wanted(seen, found, present)
        self._compare(wanted, found, seen)
        self._remember(seen, found, present)

    # --- what must be -------------------------------------------------------------------------------------------------

    def _present(self, seen: Seen, found: Found) -> bool | None:
        """Whether the scan saw the set; None when both can be."""
        if seen.least:
            return True
        if not seen.most:
            return False
        if found.count is not None:
            return found.count > 0
        keys = {event.event_key: event.severity.value > 0 for event in found.events}
        if MISSING in keys:
            return not keys[MISSING]
        if self.missing:
            return False
        return True if self._definition.confirm == 1 and (self.known or self._definition.required) else None

    def _count_restarts(self, seen: Seen, found: Found, *, new_base: bool, sure: bool) -> None:
        if self.missing and not new_base:
            self._times.append((found.at, int(sure), 1))  # a return is a part of a crash loop, too
        low, high = (0, 0) if new_base or self.missing else self._replaced(seen, found)
        if not sure:
            low = 0
        told = sum(event.count for event in found.events if event.event_key == RESTARTED)
        said = self._definition.restart_severity is not None and RESTARTING not in self.open
        if found.restarts is not None:
            counted = found.restarts - self.restarts[0]
            if said and counted != told:
                self._say("wrong", f"{counted} restarts counted, {told} told")
        elif said:
            counted = told
        else:
            self.restarts = [self.restarts[0] + low, self.restarts[1] + high]
            self._times.append((found.at, low, high))
            return
        if counted < low:
            self._say("miss", f"{counted} restarts counted, {low} to {high} were")
        elif counted > high:
            self._say("false", f"{counted} restarts counted, {low} to {high} were")
        self.restarts = [number + counted for number in self.restarts]
        self._times.append((found.at, counted, counted))

    def _replaced(self, seen: Seen, found: Found) -> tuple[int, int]:
        before = self._before
        if self.missing_scans[1]:  # a gap too short for an alarm
            high = min(before.most, seen.most)
            return (min(before.least, seen.least) if self.missing_scans[0] else 0), high
        was = {life.pid: life for life in before.all}
        now = {life.pid: life for life in seen.all}
        was_sure, now_sure = {life.pid for life in before.sure}, {life.pid for life in seen.sure}
        low = min(len(was_sure - now.keys()), len(now_sure - was.keys()))
        high = min(len(was.keys() - now_sure), len(now.keys() - was_sure))
        for pid in was.keys() & now.keys():
            old = [life for life in before.all if life.pid == pid]
            new = [life for life in seen.all if life.pid == pid and life not in before.sure]
            if not new or (old == new and len(old) == 1):
                continue
            most = max(life.cpu_at(min(self._window[1], life.ended)) for life in old)
            least = min(life.cpu_at(found.begin) for life in new)
            high += least < most + CPU_STEP_S or self._restored
            only = len(old) == len(new) == 1 and pid in was_sure and pid in now_sure and not self._restored
            low += only and new[0].cpu_at(found.end) + CPU_STEP_S < old[0].cpu_at(self._window[0])
        return low, high

    def _wanted(self, seen: Seen, found: Found, present: bool | None) -> dict[str, bool | None]:
        """By key whether the alarm must be open after this scan; None when it may be."""
        definition = self._definition
        wanted: dict[str, bool | None] = {MISSING: False}
        if present is False and definition.count_max != 0 and (self.known or definition.required):
            low, high = self.missing_scans
            wanted[MISSING] = (
                True if low + 1 >= definition.confirm else None if high + 1 >= definition.confirm else False
            )
        elif present is None:
            wanted[MISSING] = None
        self._times = [one for one in self._times if one[0] > found.at - self._config.flap_window_s - 0.5]
        edge = [one for one in self._times if one[0] <= found.at - self._config.flap_window_s + 0.5]
        inside = [one for one in self._times if one not in edge]
        low, high = sum(one[1] for one in inside), sum(one[2] for one in self._times)
        wanted[RESTARTING] = None
        if low > self._config.flap_restarts:
            wanted[RESTARTING] = True
        elif high == 0 or (high <= self._config.flap_restarts and RESTARTING not in self.open):
            wanted[RESTARTING] = False
        elif low > 0 and RESTARTING in self.open:
            wanted[RESTARTING] = True
        wanted[COUNT] = self._out_of_bounds(seen, found)
        absent = present is False and wanted[MISSING] is not False
        if absent or (present is False and definition.count_max != 0):
            wanted[COUNT] = COUNT in self.open
        elif present is None:
            wanted[COUNT] = None
        return wanted

    def _out_of_bounds(self, seen: Seen, found: Found) -> bool | None:
        low, high = self._definition.count_min, self._definition.count_max
        counts = range(seen.least, seen.most + 1) if found.count is None else [found.count]
        out = {(low is not None and n < low) or (high is not None and n > high) for n in counts}
        return out.pop() if len(out) == 1 else None

    # --- whether it was -----------------------------------------------------------------------------------------------

    def _compare(self, wanted: dict[str, bool | None], found: Found, seen: Seen) -> None:
        for event in found.events:
            if event.event_key == RESTARTED:
                if self._definition.restart_severity is None:
                    self._say("false", "told as restarted, of which nothing is to be said")
                self._measure_restart(found, seen)
            elif event.event_key not in wanted:
                self._say("false", f"{event.event_key}, which is no alarm of a set")
            else:
                self._heard(event, wanted[event.event_key], found, seen)
        for key, must in wanted.items():
            if must is True and key not in self.open:
                self._say("miss", f"{key} was not opened")
            elif must is False and key in self.open:
                self._say("miss", f"{key} was not closed")
            if key in self.open:
                self._happened(key)

    def _heard(self, event: Event, must: bool | None, found: Found, seen: Seen) -> None:
        """An alarm was opened, or closed."""
        key, severity = event.event_key, event.severity.value
        if severity:
            if self.open.get(key) == severity:
                self._say("doubled", f"{key} opened, and was open")
            elif must is False:
                self._say("false", f"{key} opened: {event.summary}")
            self._measure(key, found, seen)
            self.open[key] = severity
        else:
            if self.open.pop(key, None) is None:
                self._say("doubled", f"{key} closed, and was not open")
            elif must:
                self._say("false", f"{key} closed: {event.summary}")
            self._measure(f"{key} closed", found, seen)

    def _measure(self, key: str, found: Found, seen: Seen) -> None:
        """How late what happened was found, where one moment made it so."""
        if key == MISSING:
            ends = [life.ended for life in self._before.all if life.ended <= found.end]
            if ends:
                confirm = self._definition.confirm
                self._late(key if confirm == 1 else f"{key}, confirm {confirm}", max(ends), found.at)
        elif key == f"{MISSING} closed":
            self._late(key, min((life.began for life in seen.all), default=found.at), found.at)
            self._happened("up again")
        elif key.endswith("closed"):
            self._happened(key)

    def _measure_restart(self, found: Found, seen: Seen) -> None:
        began = [life.began for life in seen.all - self._before.all if life.began > self._window[0]]
        if began:
            self._late(RESTARTED, min(began), found.at)

    def _remember(self, seen: Seen, found: Found, present: bool | None) -> None:
        if present:
            self._before, self.missing_scans, self.known = seen, (0, 0), True
        elif present is None:
            self._before = Seen(frozenset(), self._before.all | seen.all)
            self.missing_scans = (0, self.missing_scans[1] + 1)
        elif self._definition.count_max == 0:
            self._before, self.missing_scans = Seen(), (0, 0)
        elif self.known or self._definition.required:
            low, high = self.missing_scans
            self.missing_scans = (low + 1, high + 1)
        self.missing = present is False and self.missing_scans[0] >= self._definition.confirm
        if self.missing:
            self._before = Seen()
        self._window = (found.begin, found.end)
        self._fresh = self._restored = False

    # --- what occurred ------------------------------------------------------------------------------------------------

    def _cases(self, seen: Seen, found: Found, *, new_base: bool, again: bool, present: bool | None) -> None:
        """Name the row of the decision table."""
        case = self._happened
        was = {life.pid for life in self._before.all}
        now = {life.pid for life in seen.all}
        if any(life.why == "zombies" and life.ended <= found.begin for life in self._before.all):
            case("zombie")
        if present is False:
            if self._definition.count_max == 0:
                case("rightly absent")
            elif self._fresh:
                case("first scan, none")
            elif self._restored and was:
                case("died while the daemon was down")
            elif was and not self.missing and not self.missing_scans[0]:
                case("all gone")
        elif present:
            if self._fresh:
                case("first scan, up")
            elif new_base:
                case("all new after a reboot" if again else "the same after a restart of the agent")
            elif self.missing_scans[0] and not self.missing:
                case("a gap shorter than confirm")
            elif not self.missing and was:
                self._changes(was, now, seen)

    def _changes(self, was: set[int], now: set[int], seen: Seen) -> None:
        gone, new = len(was - now), len(now - was)
        case = self._happened
        if gone and new:
            case("restarts" if gone == new else "restarts and exits" if gone > new else "restarts and starts")
        elif gone:
            case("some gone")
        elif new:
            case("some new")
        elif seen.all == self._before.all:
            case("the same")
        else:
            case("pid used again")
