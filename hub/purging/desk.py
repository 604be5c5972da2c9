"""Finds files that nothing speaks of any more, and has those of devices deleted that left long enough ago."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any, Protocol

from msgspec.structs import replace
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from common.configs import SERVICE_PROCESS
from common.errors import NotFoundError, RemoteError, TransientError
from common.quantities import quantity
from hub.distribution.roster import Seat
from hub.interfaces import ISession
from hub.purging.asking import have_purged, sort_in
from hub.purging.findings import Asked, Done, Findings, Found, Kept, Outcome
from hub.purging.interfaces import IRemnantStore, Remnant
from hub.purging.orphans import Orphan, Reason, Sorting, View

AT_ONCE = 50
"""So many devices are deleted in one piece."""
AUTOMATIC_S = 6 * 3600.0
ITSELF = "the hub, by itself"


class Sessions(Protocol):
    """What is needed of a `Roster`."""

    def seats(self) -> Sequence[Seat]:
        """All daemons that are known."""

    def session(self, collector: str, daemon: str) -> ISession | None:
        """The session of a daemon, if it is logged in."""

    def whereabouts(self, collector: str, daemon: str) -> str:
        """The sentence for a daemon that is away."""


class Purging:
    """One for the hub.

    Args:
        wall: epoch seconds.
        store: of what a restart must not forget.
        sessions: who is there.
        view: what the hub knows.
        token: makes names that were never used.
        grace_s: how long what a device left behind is kept.
        automatic: whether it goes then without being asked for.
    """

    log = Logger()

    def __init__(
        self,
        wall: Callable[[], float],
        store: IRemnantStore,
        sessions: Sessions,
        view: View,
        token: Callable[[], str],
        *,
        grace_s: float,
        automatic: bool = False,
    ) -> None:
        self._wall = wall
        self._store = store
        self._sessions = sessions
        self._view = view
        self._token = token
        self._automatic = automatic
        self._next_at = 0.0
        self._remnants: dict[tuple[str, str], Remnant] = {}
        self.grace_s = grace_s

    async def load(self) -> None:
        """Take in what is known."""
        self._remnants = {one.key: one for one in await self._store.remnants()}

    # --- finding ------------------------------------------------------------------------------------------------------

    async def orphans(self, collectors: Collection[str] = (), grace_s: float | None = None) -> Findings:
        """Ask collectors, all of them when none is named, each beside the others.

        Raises:
            NotFoundError: a collector that has never logged in.
            TransientError: the database refused.
        """
        names = self._named(collectors)
        sortings: list[Sorting] = []
        asked: dict[str, Asked] = {}

        async def ask(name: str) -> None:
            sorting = Sorting(name, self._view)
            try:
                await sort_in(self.session(name), sorting)
            except (TransientError, RemoteError) as error:
                asked[name] = Asked(collector=name, problem=error.message)
                return
            sortings.append(sorting)
            asked[name] = Asked(collector=name, files=sorting.files, bytes=sorting.bytes)

        await _all(ask(name) for name in names)
        orphans = [one for sorting in sorted(sortings, key=lambda one: one.collector) for one in sorting.orphans()]
        await self._settle(sortings)
        found = await self._dated(orphans, self.grace_s if grace_s is None else grace_s)
        return Findings(found=found, asked=[asked[name] for name in names], cut=any(one.cut for one in sortings))

    def _named(self, collectors: Collection[str]) -> list[str]:
        known = [seat.collector for seat in self._sessions.seats() if seat.daemon == SERVICE_PROCESS]
        if strange := [name for name in collectors if name not in known]:
            raise NotFoundError(
                f"no collector {strange[0]!r} has ever logged in its daemon {SERVICE_PROCESS}; there are: "
                f"{', '.join(known) or 'none'}"
            )
        return [name for name in known if not collectors or name in collectors]

    def session(self, collector: str) -> ISession:
        """The session of a collector.

        Raises:
            TransientError: it is away.
        """
        session = self._sessions.session(collector, SERVICE_PROCESS)
        if session is None:
            raise TransientError(self._sessions.whereabouts(collector, SERVICE_PROCESS))
        return session

    async def _settle(self, sortings: Iterable[Sorting]) -> None:
        """Forget what was there and is not any more, where all of it was told, and devices that are back."""
        whole = {one.collector: one for one in sortings if not one.cut}
        there = {
            (orphan.device, name)
            for name, sorting in whole.items()
            for orphan in sorting.orphans()
            if orphan.reason is Reason.LEFT
        }
        gone = [key for key in self._remnants if (key[1] in whole and key not in there) or self._view.has(key[0])]
        await self._forget(gone)

    async def _dated(self, orphans: Sequence[Orphan], grace_s: float) -> list[Found]:
        """Tell when devices left; of one that this hub has never had, when its files were found first counts.

        What was written since is kept from then on: the device was collected all the same, as by the hub that the
        database is an earlier copy of.
        """
        left = {one.device for one in orphans if one.reason is Reason.LEFT}
        known = await self._store.left(left)
        now, new, found = self._wall(), list[Remnant](), list[Found]()
        for one in orphans:
            if one.reason is not Reason.LEFT:
                found.append(Found(orphan=one))
                continue
            key = one.device, one.collector
            if one.device not in known and key not in self._remnants:
                new.append(Remnant(device=one.device, collector=one.collector, since=now))
                self._remnants[key] = new[-1]
            at = known[one.device] if one.device in known else self._remnants[key].since
            found.append(Found(orphan=one, left_at=at, purge_from=max(at, min(one.written, now)) + grace_s))
        await self._store.record(new)
        return found

    # --- deleting -----------------------------------------------------------------------------------------------------

    async def purge(
        self,
        devices: Collection[str] = (),
        collector: str | None = None,
        *,
        by: str,
        dry_run: bool = False,
        grace_s: float | None = None,
    ) -> Outcome:
        """Delete what devices left behind, of all of them when none is named.

        What is in the model, and what has not left for long enough, stays. Where a collector is away, what was named is
        deleted when it is there again.

        Raises:
            NotFoundError: a collector that has never logged in.
            TransientError: the database refused.
        """
        findings = await self.orphans([collector] if collector else (), grace_s)
        grace = self.grace_s if grace_s is None else grace_s
        now = self._wall()
        kept = [Kept(device=one, why="it is in the model") for one in devices if self._view.has(one)]
        stays = {one.device for one in kept}
        wanted: dict[str, list[Orphan]] = {}
        for found in findings.found:
            orphan, at = found.orphan, found.purge_from
            if at is None or orphan.device in stays or (devices and orphan.device not in devices):
                continue
            if at > now:
                left_at, since = found.left_at or now, at - grace
                what = "its files were written to" if since > left_at else "it left"
                why = f"{what} {quantity(now - since, 's')} ago, and its files are kept for {quantity(grace, 's')}"
                kept.append(Kept(device=orphan.device, collector=orphan.collector, why=why, purge_from=at))
            else:
                wanted.setdefault(orphan.collector, []).append(orphan)
        done: list[Done] = []
        if dry_run:
            done = [_would(one) for orphans in wanted.values() for one in orphans]
        else:
            await _all(self._purge_at(name, orphans, by, done, kept) for name, orphans in wanted.items())
        away = [one for one in findings.asked if one.problem]
        if devices and away:
            named = [one for one in devices if one not in stays]
            kept += await self._later(named, away, by, now - grace, dry_run=dry_run)
        done.sort(key=lambda one: (one.device, one.collector))
        kept.sort(key=lambda one: (one.device, one.collector))
        return Outcome(dry_run=dry_run, done=done, kept=kept, asked=findings.asked)

    async def _purge_at(
        self, collector: str, orphans: Sequence[Orphan], by: str, done: list[Done], kept: list[Kept]
    ) -> None:
        for start in range(0, len(orphans), AT_ONCE):
            # Meanwhile one of them may have come back.
            some = [one.device for one in orphans[start : start + AT_ONCE] if not self._view.has(one.device)]
            if not some:
                continue
            try:
                purged = await have_purged(self.session(collector), some, self._token(), by)
            except (TransientError, RemoteError) as error:
                kept += [Kept(device=one, collector=collector, why=error.message) for one in some]
                self.log.warn("{collector}: not purged: {reason}", collector=collector, reason=error.message)  # noqa: G010 - twisted.logger calls it so
                continue
            for one in purged:
                self.log.info(
                    "purged {device} at {collector}: {files} files, {bytes} bytes, by {by}",
                    device=one.device,
                    collector=collector,
                    files=one.files,
                    bytes=one.bytes,
                    by=by,
                )
            done += [Done(device=one.device, collector=collector, files=one.files, bytes=one.bytes) for one in purged]
            await self._forget((device, collector) for device in some)

    async def _later(
        self, devices: Sequence[str], away: Sequence[Asked], by: str, before: float, *, dry_run: bool
    ) -> list[Kept]:
        """Remember what is to be deleted when a collector is there again, of devices that left before a moment."""
        left = await self._store.left(devices)
        kept, new = [], []
        for one in away:
            for device in devices:
                key = device, one.collector
                known = self._remnants.get(key)
                at = left.get(device, known.since if known else None)
                if at is None or at > before:
                    continue  # nobody knows of files there, or they are not to go yet
                kept.append(Kept(device=device, collector=one.collector, why=one.problem, waits=True))
                new.append(Remnant(device=device, collector=one.collector, since=at, purge_by=by))
        if not dry_run:
            self._remnants.update((one.key, one) for one in new)
            await self._store.record(new)
        return kept

    async def _forget(self, keys: Iterable[tuple[str, str]]) -> None:
        gone = [key for key in keys if self._remnants.pop(key, None) is not None]
        await self._store.record([], gone)

    # --- from time to time --------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Ask collectors again that were away when something was to be deleted; delete by itself, if it may."""
        waiting: dict[str, list[Remnant]] = {}
        wishes = [one for one in self._remnants.values() if one.purge_by]
        left = await self._store.left({one.device for one in wishes})
        for one in wishes:
            if self._view.has(one.device) or left.get(one.device, one.since) > one.since:
                self._remnants[one.key] = replace(one, purge_by="")  # it is or was back: nobody wants that any more
                await self._store.record([self._remnants[one.key]])
            elif self._sessions.session(one.collector, SERVICE_PROCESS) is not None:
                waiting.setdefault(one.collector, []).append(one)
        for collector, remnants in waiting.items():
            for start in range(0, len(remnants), AT_ONCE):
                some = [
                    Orphan(collector=collector, reason=Reason.LEFT, device=one.device, files=0, bytes=0, written=0.0)
                    for one in remnants[start : start + AT_ONCE]
                ]
                await self._purge_at(collector, some, remnants[start].purge_by, [], [])
        now = self._wall()
        if self._automatic and not self._next_at - AUTOMATIC_S <= now < self._next_at:
            self._next_at = now + AUTOMATIC_S
            await self.purge(by=ITSELF)


def _would(orphan: Orphan) -> Done:
    return Done(device=orphan.device, collector=orphan.collector, files=orphan.files, bytes=orphan.bytes)


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do some things beside each other; the first error of any is raised when all are over."""
    asked: list[Deferred[Any]] = [Deferred.fromCoroutine(one) for one in work]
    for good, result in await DeferredList(asked, consumeErrors=True):
        if not good:
            result.raiseException()
