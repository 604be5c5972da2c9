"""Decides what each collector has to be told, so that it comes to run what the model wants.

No clock and no connection here: the model, what it compiles to, and the ledger go in, the next step comes out.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from common.digests import LAPSED
from hub.distribution.interfaces import IModelView, Leases, NoLeases
from hub.distribution.ledger import Ledger, Line, Refusal
from hub.distribution.wanted import Wanted


class Step(enum.Enum):
    """What is to be done about a device on a collector."""

    NOTHING = "nothing"
    SEND = "send"
    DROP = "drop"
    WAIT = "wait"  # another collector has to let go of it first


class Shortfall(Struct, frozen=True, kw_only=True):
    """A device that does not run as the model wants it; `since` is the first revision that is not live."""

    device: str
    collector: str
    since: int
    reason: str


class Agreement:
    """What the model wants, beside what the collectors run.

    Attributes:
        wanted: by device; complete once everything has been compiled for the first time.
    """

    def __init__(
        self,
        model: IModelView,
        is_known: Callable[[str], bool],
        lets_go: Callable[[str], bool],
        reason_of: Callable[[str], str],
        leases: Leases | None = None,
    ) -> None:
        """Begin with nothing known.

        Three questions about a collector: `is_known`, whether one of that name has ever logged in (one that has not can
        hold nothing); `lets_go`, whether it is connected and can be expected to drop a device soon; `reason_of`, why it
        is behind as a whole, empty when it is well. `leases` tells who has to be waited for although it is away.
        """
        self._model = model
        self._is_known = is_known
        self._lets_go = lets_go
        self._reason_of = reason_of
        self._leases = leases or NoLeases()
        self._by_collector: dict[str, dict[str, Wanted]] = {}
        self.ledger = Ledger()
        self.wanted: dict[str, Wanted] = {}

    # --- the model has changed ----------------------------------------------------------------------------------------

    def begin(self) -> list[str]:
        """Mark every device of the model: nothing is known of any collector yet."""
        devices = self._model.devices()
        for device in devices:
            owner = self._model.owner(device)
            if owner is not None:
                self.ledger.mark(owner, device, self._model.revision, since=0).given = True
        return devices

    def mark(self, devices: Iterable[str], revision: int) -> None:
        """A revision concerns these devices, on the collector that has them now and on those that had them."""
        for device in devices:
            for collector in self._concerned(device):
                line = self.ledger.mark(collector, device, revision)
                line.given = line.given or self._is_own(collector, device)

    def force(self, devices: Iterable[str]) -> None:
        """Have these sent again, whatever their collectors hold."""
        for device in devices:
            owner = self._model.owner(device)
            if owner is not None:
                self.ledger.mark(owner, device, self._model.revision).forced = True

    def compiled(self, device: str, wanted: Wanted | None) -> list[str]:
        """Note what a device compiles to; give the collectors that have to be told something."""
        concerned = self._concerned(device)
        before = self.wanted.pop(device, None)
        if before is not None:
            del self._by_collector[before.collector][device]
        if wanted is not None:
            self.wanted[device] = wanted
            self._by_collector.setdefault(wanted.collector, {})[device] = wanted
        return [name for name in concerned if self.step(name, device) is not Step.NOTHING]

    def _concerned(self, device: str) -> list[str]:
        owner = self._model.owner(device)
        names = {owner: None} if owner is not None else {}
        names.update(dict.fromkeys(self.ledger.lines_of(device)))
        before = self.wanted.get(device)
        if before is not None and self._may_hold(before.collector):
            names[before.collector] = None
        return list(names)

    def _may_hold(self, collector: str) -> bool:
        """Whether a collector may hold a device that the ledger has no line of."""
        return collector not in self.ledger.told and self._is_known(collector)

    def release(self) -> None:
        """Wait for nobody whose lease is over: it collects nothing, and when it is back it tells what it holds."""
        for collector, device, _ in list(self.ledger.behind()):
            if self._model.owner(device) != collector and self._leases.is_over(collector, device):
                self.ledger.release(collector, device)

    def forget(self, collector: str) -> None:
        """A daemon will not come back: it holds nothing, and nobody waits until it says so."""
        self.ledger.told.add(collector)
        for device, line in list(self.ledger.lines(collector).items()):
            if self._model.owner(device) != collector:
                self.ledger.release(collector, device)
                continue
            line.held = line.refusal = None
            line.flying = False
            self.ledger.mark(collector, device, self._revision_of(collector, device))

    # --- what to do ---------------------------------------------------------------------------------------------------

    def step(self, collector: str, device: str) -> Step:
        """Say what to do about a device on a collector, and settle its line when nothing is left to do."""
        line = self.ledger.line(collector, device) or Line()
        if line.flying:
            return Step.NOTHING  # judged again with the answer, or when the collector tells what it holds
        if self._model.owner(device) != collector:
            if line.held is not None:
                return Step.DROP
            if not self._may_hold(collector):
                self.ledger.settle(collector, device, self._model.revision)
            return Step.NOTHING
        wanted = self.wanted.get(device)
        if wanted is None or wanted.collector != collector:
            return Step.NOTHING  # not compiled yet; `compiled` will tell
        return self._step_of(line, collector, device, wanted)

    def _step_of(self, line: Line, collector: str, device: str, wanted: Wanted) -> Step:
        if wanted.config is None:
            return Step.NOTHING  # never could be compiled: what runs goes on
        if not line.forced:
            # After a refusal what is held is sent again: so the collector knows that nothing else is wanted any more.
            if line.held == wanted.digest and line.refusal is None:
                if not wanted.error:
                    self.ledger.settle(collector, device, wanted.revision)
                return Step.NOTHING
            if line.refusal is not None and line.refusal.digest == wanted.digest:
                return Step.NOTHING
        return Step.WAIT if self._in_the_way(collector, device) else Step.SEND

    def _in_the_way(self, collector: str, device: str) -> str:
        """Who has to let go of a device before a collector may have it; empty for nobody."""
        for name, other in self.ledger.lines_of(device).items():
            if name == collector or not (other.may_run and other.given):
                continue
            if self._lets_go(name) or self._leases.may_collect(name, device):
                return name
        line = self.ledger.line(collector, device)
        if line is not None and line.held not in {None, LAPSED}:
            return ""  # it has it: what it is sent now takes it from nobody
        for name in self._leases.rivals(device):
            if name != collector and self._may_hold(name) and self._leases.may_collect(name, device):
                return name
        return ""

    def may_speak_of(self, collector: str, device: str) -> bool:
        """Whether a device is a collector's own, or was and may still be run there."""
        line = self.ledger.line(collector, device)
        return self._model.owner(device) == collector or (line is not None and line.may_run and line.given)

    def concerns(self, collector: str, device: str) -> bool:
        """Whether a collector has any business with a device, as far as is known here."""
        return self._is_own(collector, device) or self.ledger.line(collector, device) is not None

    def _is_own(self, collector: str, device: str) -> bool:
        return self._model.owner(device) == collector or collector in self._leases.rivals(device)

    def devices_of(self, collector: str) -> list[str]:
        """All devices that hub and collector have to agree on."""
        names: dict[str, None] = dict.fromkeys(self._by_collector.get(collector, {}))
        names.update(dict.fromkeys(self.ledger.lines(collector)))
        return list(names)

    def digests_of(self, collector: str) -> dict[str, str]:
        """What a collector should hold, by device."""
        return {
            device: wanted.digest
            for device, wanted in self._by_collector.get(collector, {}).items()
            if wanted.config is not None
        }

    # --- what a collector said ----------------------------------------------------------------------------------------

    def told(self, collector: str, digests: Mapping[str, str]) -> list[str]:
        """A collector said what it holds; give what is not as the model wants it.

        That is behind from now on; but of what it never was given, it is only told to let go.
        """
        waits: list[str] = []
        self.ledger.tell(collector, digests)
        for device, told in self.ledger.lines(collector).items():
            told.given = told.given or self._is_own(collector, device)
        for device in self.devices_of(collector):
            line = self.ledger.line(collector, device)
            if self.step(collector, device) is Step.NOTHING:
                continue
            waits.append(device)
            if line is None or (line.since is None and (line.given or self._is_own(collector, device))):
                self.ledger.mark(collector, device, self._revision_of(collector, device))
        return waits

    def resend(self, collector: str) -> None:
        """Have everything that a collector should hold sent again, whatever it says that it holds."""
        for device in self.digests_of(collector):
            self.ledger.mark(collector, device, self._revision_of(collector, device)).forced = True

    def _revision_of(self, collector: str, device: str) -> int:
        """The revision that has come to be wanted of a collector: a later one does not concern the device."""
        wanted = self.wanted.get(device)
        return wanted.revision if wanted is not None and wanted.collector == collector else self._model.revision

    def runs(self, collector: str, device: str, sent: Wanted) -> None:
        """A collector runs what it was sent."""
        self.ledger.confirm(collector, device, sent.digest, sent.revision)
        line = self.ledger.line(collector, device)
        waits = self.step(collector, device) is not Step.NOTHING
        if waits and line is not None and line.marked > sent.revision:
            self.ledger.settle(collector, device, sent.revision)  # live up to there, and a newer one waits already

    def dropped(self, collector: str, device: str) -> None:
        """A collector has let go of a device."""
        self.ledger.confirm(collector, device, None, self._model.revision)
        self.step(collector, device)

    def refused(self, collector: str, device: str, digest: str, reason: str, held: str | None = None) -> None:
        """A collector would not run what it was sent; `held` is what it runs instead, when it said so."""
        self.ledger.refuse(collector, device, Refusal(digest, reason))
        line = self.ledger.line(collector, device)
        if held is not None and line is not None:
            line.held = held

    # --- how it stands ------------------------------------------------------------------------------------------------

    def shortfalls(self, revision: int, device: str | None = None) -> list[Shortfall]:
        """Where a revision is not live."""
        return [
            Shortfall(
                device=name, collector=collector, since=line.since or 0, reason=self._reason(collector, name, line)
            )
            for collector, name, line in self.ledger.behind()
            if (line.since or 0) <= revision and (device is None or name == device)
        ]

    def is_live(self, revision: int, device: str | None = None) -> bool:
        """Whether a revision runs wherever it should."""
        if device is not None:
            lines = self.ledger.lines_of(device).values()
            return all(line.since is None or line.since > revision for line in lines)
        return all((line.since or 0) > revision for _, _, line in self.ledger.behind())

    def in_sync(self, device: str) -> bool:
        """Whether the device runs as the newest revision wants it."""
        return all(line.since is None for line in self.ledger.lines_of(device).values())

    def standing(self, collector: str) -> tuple[int, int]:
        """The newest revision that is live on a collector, and how many of its devices are behind."""
        behind = self.ledger.behind_on(collector)
        since = min((line.since or 0 for line in behind.values()), default=self._model.revision + 1)
        return max(0, since - 1), len(behind)

    def _reason(self, collector: str, device: str, line: Line) -> str:
        wanted = self.wanted.get(device)
        mine = self._model.owner(device) == collector
        if mine and wanted is not None and wanted.error:
            return f"its config cannot be made: {wanted.error}"
        whole = self._reason_of(collector)
        if whole:
            return whole
        if mine and line.refusal is not None and wanted is not None and line.refusal.digest == wanted.digest:
            return f"rejected by the collector: {line.refusal.reason}"
        other = self._in_the_way(collector, device) if mine else ""
        if other:
            return f"waits until collector {other} has let go of it, or may collect it no more"
        return "sent again, not confirmed yet" if line.forced else "not confirmed yet"
