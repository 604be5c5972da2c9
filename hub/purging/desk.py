"""Finds files that nothing speaks of any more, and has those of devices deleted that left long enough ago."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any, Protocol

from msgspec.structs import replace
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from common.configs import SERVICE_MODELER
from common.errors import NotFoundError, RemoteError, TransientError
from common.quantities import quantity
from hub.distribution.roster import Seat
from hub.interfaces import ISession
from hub.purging.asking import have_purged, sort_in
from hub.purging.findings import Asked, Done, Findings, Found, Kept, Outcome
from hub.purging.interfaces import IRemnantStore, Key, Remnant
from hub.purging.orphans import Orphan, Reason, Sorting, View

Place = tuple[str, str]
"""A daemon: its collector, and its name."""

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
        self._remnants: dict[Key, Remnant] = {}
        self.grace_s = grace_s

    async def load(self) -> None:
        """Take in what is known."""
        self._remnants = {one.key: one for one in await self._store.remnants()}

    # --- finding ------------------------------------------------------------------------------------------------------

    async def orphans(self, collectors: Collection[str] = (), grace_s: float | None = None) -> Findings:
        """Ask the daemons of collectors, of all of them when none is named, each beside the others.

        Raises:
            NotFoundError: a collector that has never logged in.
            TransientError: the database refused.
        """
        places = self._named(collectors)
        sortings: list[Sorting] = []
        asked: dict[Place, Asked] = {}

        async def ask(place: Place) -> None:
            collector, daemon = place
            sorting = Sorting(collector, self._view, daemon, self._wall())
            try:
                await sort_in(self.session(*place), sorting)
            except (TransientError, RemoteError) as error:
                asked[place] = Asked(collector=collector, daemon=daemon, problem=error.message)
                return
            sortings.append(sorting)
            asked[place] = Asked(collector=collector, daemon=daemon, files=sorting.files, bytes=sorting.bytes)

        await _all(ask(place) for place in places)
        sortings.sort(key=lambda one: (one.collector, one.daemon))
        orphans = [one for sorting in sortings for one in sorting.orphans()]
        await self._settle(sortings)
        found = await self._dated(orphans, self.grace_s if grace_s is None else grace_s)
        return Findings(found=found, asked=[asked[place] for place in places], cut=any(one.cut for one in sortings))

    def _named(self, collectors: Collection[str]) -> list[Place]:
        """The daemons that keep files of devices; of all collectors when none is named."""
        known = [(seat.collector, seat.daemon) for seat in self._sessions.seats() if seat.daemon != SERVICE_MODELER]
        names = list(dict.fromkeys(collector for collector, _ in known))
        if strange := [name for name in collectors if name not in names]:
            raise NotFoundError(
                f"no collector {strange[0]!r} has ever logged in a daemon that keeps files; there are: "
                f"{', '.join(names) or 'none'}"
            )
        return [place for place in known if not collectors or place[0] in collectors]

    def daemons(self, collector: str) -> list[str]:
        """The daemons of a collector that keep files of devices."""
        seats = self._sessions.seats()
        return [one.daemon for one in seats if one.collector == collector and one.daemon != SERVICE_MODELER]

    def session(self, collector: str, daemon: str) -> ISession:
        """The session of a daemon.

        Raises:
            TransientError: it is away.
        """
        session = self._sessions.session(collector, daemon)
        if session is None:
            raise TransientError(self._sessions.whereabouts(collector, daemon))
        return session

    async def _settle(self, sortings: Iterable[Sorting]) -> None:
        """Forget what was there and is not any more, where all of it was told, and devices that are back."""
        whole = {(one.collector, one.daemon): one for one in sortings if not one.cut}
        there = {
            (orphan.device, *place)
            for place, sorting in whole.items()
            for orphan in sorting.orphans()
            if orphan.reason is Reason.LEFT
        }
        gone = [key for key in self._remnants if (key[1:] in whole and key not in there) or self._view.has(key[0])]
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
            key = one.device, one.collector, one.daemon
            if one.device not in known and key not in self._remnants:
                new.append(Remnant(device=one.device, collector=one.collector, daemon=one.daemon, since=now))
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
        wanted: dict[Place, list[Orphan]] = {}
        for found in findings.found:
            orphan, at = found.orphan, found.purge_from
            if at is None or orphan.device in stays or (devices and orphan.device not in devices):
                continue
            if at > now:
                left_at, since = found.left_at or now, at - grace
                what = "its files were written to" if since > left_at else "it left"
                why = f"{what} {quantity(now - since, 's')} ago, and its files are kept for {quantity(grace, 's')}"
                kept.append(
                    Kept(device=orphan.device, collector=orphan.collector, daemon=orphan.daemon, why=why, purge_from=at)
                )
            else:
                wanted.setdefault((orphan.collector, orphan.daemon), []).append(orphan)
        done: list[Done] = []
        if dry_run:
            done = [_would(one) for orphans in wanted.values() for one in orphans]
        else:
            await _all(self._purge_at(place, orphans, by, done, kept) for place, orphans in wanted.items())
        away = [one for one in findings.asked if one.problem]
        if devices and away:
            named = [one for one in devices if one not in stays]
            kept += await self._later(named, away, by, now - grace, dry_run=dry_run)
        done.sort(key=lambda one: (one.device, one.collector, one.daemon))
        kept.sort(key=lambda one: (one.device, one.collector, one.daemon))
        return Outcome(dry_run=dry_run, done=done, kept=kept, asked=findings.asked)

    async def _purge_at(
        self, place: Place, orphans: Sequence[Orphan], by: str, done: list[Done], kept: list[Kept]
    ) -> None:
        collector, daemon = place
        for start in range(0, len(orphans), AT_ONCE):
            # Meanwhile one of them may have come back.
            some = [one.device for one in orphans[start : start + AT_ONCE] if not self._view.has(one.device)]
            if not some:
                continue
            try:
                purged = await have_purged(self.session(*place), some, self._token(), by)
            except (TransientError, RemoteError) as error:
                kept += [Kept(device=one, collector=collector, daemon=daemon, why=error.message) for one in some]
                self.log.warn("{collector}: not purged: {reason}", collector=collector, reason=error.message)  # noqa: G010 - twisted.logger calls it so
                continue
            for one in purged:
                self.log.info(
                    "purged {device} at {collector} ({daemon}): {files} files, {bytes} bytes, by {by}",
                    device=one.device,
                    collector=collector,
                    daemon=daemon,
                    files=one.files,
                    bytes=one.bytes,
                    by=by,
                )
            done += [
                Done(device=one.device, collector=collector, daemon=daemon, files=one.files, bytes=one.bytes)
                for one in purged
            ]
            await self._forget((device, *place) for device in some)

    async def _later(
        self, devices: Sequence[str], away: Sequence[Asked], by: str, before: float, *, dry_run: bool
    ) -> list[Kept]:
        """Remember what is to be deleted when a collector is there again, of devices that left before a moment."""
        left = await self._store.left(devices)
        kept, new = [], []
        for one in away:
            for device in devices:
                key = device, one.collector, one.daemon
                known = self._remnants.get(key)
                at = left.get(device, known.since if known else None)
                if at is None or at > before:
                    continue  # nobody knows of files there, or they are not to go yet
                kept.append(
                    Kept(device=device, collector=one.collector, daemon=one.daemon, why=one.problem, waits=True)
                )
                new.append(Remnant(device=device, collector=one.collector, daemon=one.daemon, since=at, purge_by=by))
        if not dry_run:
            self._remnants.update((one.key, one) for one in new)
            await self._store.record(new)
        return kept

    async def _forget(self, keys: Iterable[Key]) -> None:
        gone = [key for key in keys if self._remnants.pop(key, None) is not None]
        await self._store.record([], gone)

    # --- from time to time --------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Ask collectors again that were away when something was to be deleted; delete by itself, if it may."""
        waiting: dict[Place, list[Remnant]] = {}
        seats = {(seat.collector, seat.daemon) for seat in self._sessions.seats()}
        wishes = [one for one in self._remnants.values() if one.purge_by]
        left = await self._store.left({one.device for one in wishes})
        for one in wishes:
            if self._view.has(one.device) or left.get(one.device, one.since) > one.since:
                self._remnants[one.key] = replace(one, purge_by="")  # it is or was back: nobody wants that any more
                await self._store.record([self._remnants[one.key]])
            elif (one.collector, one.daemon) not in seats:
                await self._forget([one.key])  # it was removed, and will not come back
            elif self._sessions.session(one.collector, one.daemon) is not None:
                waiting.setdefault((one.collector, one.daemon), []).append(one)
        for place, remnants in waiting.items():
            for start in range(0, len(remnants), AT_ONCE):
                some = [
                    Orphan(
                        collector=one.collector,
                        daemon=one.daemon,
                        reason=Reason.LEFT,
                        device=one.device,
                        files=0,
                        bytes=0,
                        written=0.0,
                    )
                    for one in remnants[start : start + AT_ONCE]
                ]
                await self._purge_at(place, some, remnants[start].purge_by, [], [])
        now = self._wall()
        if self._automatic and not self._next_at - AUTOMATIC_S <= now < self._next_at:
            self._next_at = now + AUTOMATIC_S
            await self.purge(by=ITSELF)


def _would(orphan: Orphan) -> Done:
    return Done(
        device=orphan.device,
        collector=orphan.collector,
        daemon=orphan.daemon,
        files=orphan.files,
        bytes=orphan.bytes,
    )


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do some things beside each other; the first error of any is raised when all are over."""
    asked: list[Deferred[Any]] = [Deferred.fromCoroutine(one) for one in work]
    for good, result in await DeferredList(asked, consumeErrors=True):
        if not good:
            result.raiseException()
