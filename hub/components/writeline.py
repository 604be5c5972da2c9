"""The line in which changes of components wait for the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from common.errors import NotFoundError, TransientError
from hub.components.interfaces import IComponentStore, StoredComponents
from hub.components.values import DeviceComponents

AT_ONCE = 100
"""Changes that are stored in one transaction, at most."""

Work = Callable[[DeviceComponents], tuple[DeviceComponents | None, Any]]
"""Gets what is held of a device, gives what shall be held, None for nothing, and a result."""

K = TypeVar("K")


class IHolder(Protocol[K]):
    """Who holds what is stored in memory."""

    def has(self, device: str) -> bool:
        """Whether the model has such a device."""

    def of(self, device: str) -> DeviceComponents:
        """What is held of a device."""

    def pack(self, device: str, held: DeviceComponents) -> tuple[StoredComponents, K]:
        """What is to be stored of a device, and what is then to be held in memory."""

    def put(self, after: Mapping[str, K | None]) -> None:
        """Hold this from now on, None for nothing: it is stored."""


class _Change(Struct, eq=False):
    """A change that waits for its turn."""

    device: str
    work: Work
    done: Deferred[Any]


class WriteLine(Generic[K]):
    """Does changes one after the other; those that came while the database was busy go into one transaction.

    What is in memory changes when it is stored.
    """

    log = Logger()

    def __init__(self, store: IComponentStore, holder: IHolder[K]) -> None:
        self._store = store
        self._holder = holder
        self._waiting: list[_Change] = []
        self._writing = False

    def later(self, device: str, work: Work) -> Deferred[Any]:
        """Do a change when its turn comes; the result is given when it is stored, and an error in any case.

        The error is what `work` raised; NotFoundError if the device has left the model; TransientError if it could
        not be stored.
        """
        change = _Change(device, work, Deferred())
        self._waiting.append(change)
        self._begin()
        return change.done

    def _begin(self) -> None:
        if self._waiting and not self._writing:
            self._writing = True
            Deferred.fromCoroutine(self._write()).addErrback(self._failed)

    def _failed(self, failure: Any) -> None:
        self.log.failure("error while components were stored", failure=failure)

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._write_batch(batch)
        finally:
            self._writing = False
            self._begin()

    async def _write_batch(self, batch: Sequence[_Change]) -> None:
        """Do all of them, store what comes of it, tell those who wait."""
        after: dict[str, DeviceComponents | None] = {}
        results: list[tuple[_Change, Any]] = []
        for change in batch:
            try:
                results.append((change, self._do(change, after)))
            except Exception as error:  # noqa: BLE001 - the supervisor of changes: who waits for this one is told
                change.done.errback(error)
        try:
            await self._save(after)
        except Exception as error:  # noqa: BLE001 - the same: nothing of the batch is stored
            if not isinstance(error, TransientError):
                self.log.failure("error while components were stored")
            for change, _ in results:
                change.done.errback(error)
            return
        for change, result in results:
            change.done.callback(result)

    def _do(self, change: _Change, after: dict[str, DeviceComponents | None]) -> Any:
        """Do one change on top of those before it; note what is different then."""
        device = change.device
        before = after[device] if device in after else self._holder.of(device)
        held, result = change.work(before or DeviceComponents())
        if held is not None and not self._holder.has(device):
            raise NotFoundError(f"there is no device {device!r} any more; what was found on it is left aside")
        if held != before:
            after[device] = held
        return result

    async def _save(self, after: Mapping[str, DeviceComponents | None]) -> None:
        if not after:
            return
        packed = {device: self._holder.pack(device, held) for device, held in after.items() if held is not None}
        gone = [device for device in after if device not in packed]
        await self._store.store([row for row, _ in packed.values()], gone)
        self._holder.put({**dict.fromkeys(gone), **{device: kept for device, (_, kept) in packed.items()}})
