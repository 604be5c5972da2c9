"""Whose store this is: its epoch, and how the hub notices that the store is not what it was.

A store that was restored from a backup has forgotten revisions that collectors run, and events that it has confirmed.
If it kept its epoch, numbers would mean two things. So it gets a new one as soon as that is noticed: at the start, by
the mark beside it; at a login, by what the collector knows of it; or because an operator says so. With the new epoch
all sessions start anew, and collectors get everything again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from common.events import CLASS_DAEMON, HUB, Event, Severity
from common.wire import Attach
from hub.model.interfaces import IWorker
from hub.model.mark import Mark, MarkFile

KEY = "hub_restored"
KEEP_S = 10.0
ASKED_FOR = "an operator has asked for it"
AFTER = "All collectors get their configs anew; what was changed or reported since then is lost"


class IStore(Protocol):
    """The store, as far as its epoch goes."""

    epoch: str
    is_new: bool

    async def renew_epoch(self) -> str:
        """Make another epoch, durably, and give it.

        Raises:
            TransientError: the store refused; it has the old one still.
        """


class Epochs:
    """Keeps the epoch, and the mark."""

    log = Logger()

    def __init__(
        self,
        store: IStore,
        worker: IWorker,
        mark: Path,
        request: Path,
        raise_event: Callable[[Event], None],
        wall: Callable[[], float],
        revision: Callable[[], int],
    ) -> None:
        """Prepare; `begin` looks.

        Args:
            store: the hub's.
            worker: does what blocks.
            mark: file of the mark.
            request: a file by which an operator asks for a new epoch.
            raise_event: takes events of the hub.
            wall: epoch seconds.
            revision: the model's newest.
        """
        self._store = store
        self._worker = worker
        self._mark = MarkFile(mark)
        self._request = request
        self._raise = raise_event
        self._wall = wall
        self._revision = revision
        self._change = 0
        self._written: Mark | None = None
        self._took_word = False

    @property
    def now(self) -> str:
        """The epoch."""
        return self._store.epoch

    async def begin(self, change: int) -> None:
        """Look whether the store is the one that was left; `change` is its newest number of a change of events.

        Raises:
            TransientError: it is not, and does not take a new epoch.
        """
        self._change = change
        before = await self._worker.run(self._mark.read)
        asked = await self._worker.run(self._request.exists)
        reason = "" if before is None or self._store.is_new else before.contradicted_by(self._found())
        if reason:
            reason = f"{reason}: it was restored from a backup, or changed for another"
        elif asked and not self._store.is_new:
            reason = ASKED_FOR
        if reason:
            await self._renew(reason)
        if asked:
            await self._worker.run(self._settle_request)

    def changed(self, change: int) -> None:
        """Events have changed, up to this number."""
        self._change = max(change, self._change)

    async def keep(self) -> None:
        """Write the mark, if it is not as it was."""
        found = self._found()
        if found != self._written:
            await self._worker.run(lambda: self._mark.write(found))
            self._written = found

    async def doubt(self, collector: str, request: Attach, stored_seq: int) -> bool:
        """Look at what a collector knows of this store; True when the store has a new epoch for that.

        Any collector could say so, each time: it is believed once while the hub runs. The store of a hub that runs is
        not restored.

        Raises:
            TransientError: the store does not take a new epoch.
        """
        reason = self._contradiction(request, stored_seq)
        if not reason:
            return False
        if self._took_word:
            self.log.warn("collector {collector} is not believed that {reason}", collector=collector, reason=reason)  # noqa: G010 - its name
            return False
        self._took_word = True
        try:
            await self._renew(f"collector {collector} knows that {reason}: the store was restored from a backup")
        except (Exception, CancelledError):
            self._took_word = False
            raise
        return True

    def _contradiction(self, request: Attach, stored_seq: int) -> str:
        position, newest = request.position, self._revision()
        if position.epoch != self.now:
            return ""
        if position.revision > newest:
            return f"the newest revision is {newest}, but it has had revision {position.revision}"
        # A spool that is not known at all may be one of a collector that had another name.
        if 0 < stored_seq < request.confirmed:
            return f"its events are stored up to {stored_seq}, but were confirmed up to {request.confirmed}"
        return ""

    async def _renew(self, reason: str) -> None:
        old = self.now
        new = await self._store.renew_epoch()
        self.log.error("the store has a new epoch, {new} after {old}: {reason}", new=new, old=old, reason=reason)
        self._raise(
            Event(
                device=HUB,
                event_class=CLASS_DAEMON,
                event_key=KEY,
                severity=Severity.WARNING,
                summary=f"the hub's store has a new epoch: {reason}"[:500],
                message=f"{reason}\n\n{AFTER}.",
                at=self._wall(),
                details={"epoch": new, "epoch_before": old},
            )
        )
        await self.keep()  # a hub that is killed soon must not take its own new epoch for another store

    def _settle_request(self) -> None:
        try:
            self._request.unlink(missing_ok=True)
        except OSError as error:
            self.log.warn(  # noqa: G010 - twisted.logger calls it so
                "{path} cannot be removed, so the next start makes a new epoch again: {reason}",
                path=str(self._request),
                reason=error.strerror or str(error),
            )

    def _found(self) -> Mark:
        return Mark(epoch=self.now, revision=self._revision(), change=self._change)
