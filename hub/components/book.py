"""What all devices consist of: in memory, and in the store; the one way to change it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

import msgspec
import zstandard
from msgspec import Struct
from msgspec.structs import replace
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from common.components import ComponentKind, Lock
from common.configs import ExpectedSet
from common.errors import NotFoundError, PermanentError, SettingsError
from common.wire import ModelReport
from hub.components.interfaces import IComponentStore, StoredComponents
from hub.components.merged import Merged
from hub.components.rules import LocksOf, merge, rename
from hub.components.values import (
    NOTHING,
    Component,
    DeviceComponents,
    State,
    decode_components,
    encode_components,
)
from hub.components.writeline import Work, WriteLine

PAGE = 500

T = TypeVar("T")

Observer = Callable[[Sequence[str]], None]
"""Called with the devices whose expected process sets have changed."""


class IRules(Protocol):
    """What the model says of components."""

    def has(self, device: str) -> bool:
        """Whether there is such a device."""

    def locks(self, device: str, one: Component, earlier: str) -> Sequence[Lock]:
        """What may not be done to a component; `earlier` is the name that it once had, empty for none."""

    def identifies(self, kind: ComponentKind, anchor: str) -> bool:
        """Whether an anchor can stand for one component alone."""


class Kept(Struct, frozen=True):
    """What is in memory of a device; what is not asked for all the time is packed.

    Attributes:
        packed: `DeviceComponents` as JSON in a zstd frame.
        modelled_at: epoch seconds; None before the first modelling that found out something.
        number: of components that are not retired.
        expected: its process sets that are not retired.
        absent_since: of those that are absent and not retired, the earliest; None when there are none.
    """

    packed: bytes
    modelled_at: float | None
    number: int
    expected: tuple[ExpectedSet, ...]
    absent_since: float | None


class ComponentBook:
    """Holds what devices consist of.

    Changes wait in a line; what is in memory changes when they are stored.
    """

    log = Logger()

    def __init__(
        self, store: IComponentStore, wall: Callable[[], float], new_id: Callable[[], str], rules: IRules
    ) -> None:
        """Begin with nothing; `load` reads what there is.

        Args:
            store: where it is kept.
            wall: epoch seconds.
            new_id: makes the id of a component.
            rules: what the model says.
        """
        self._store = store
        self._wall = wall
        self._new_id = new_id
        self._rules = rules
        self._kept: dict[str, Kept] = {}
        self._line: WriteLine[Kept] = WriteLine(store, self)
        self._observers: list[Observer] = []
        self._packer = zstandard.ZstdCompressor(level=3)
        self._unpacker = zstandard.ZstdDecompressor()

    async def load(self) -> None:
        """Read what there is, and forget devices that the model does not have any more.

        Raises:
            SettingsError: something there cannot be read.
        """
        gone: list[str] = []
        after = ""
        while True:
            rows = await self._store.load(after, PAGE)
            for row in rows:
                if self._rules.has(row.device):
                    self._kept[row.device] = self._keep(_read(row), row.body.encode())
                else:
                    gone.append(row.device)
            if len(rows) < PAGE:
                break
            after = rows[-1].device
        if gone:
            await self._store.store([], gone)

    def observe(self, observer: Observer) -> None:
        """Call back when the expected process sets of devices have changed."""
        self._observers.append(observer)

    # --- looking ------------------------------------------------------------------------------------------------------

    def of(self, device: str) -> DeviceComponents:
        """What a device consists of."""
        kept = self._kept.get(device)
        return NOTHING if kept is None else decode_components(self._unpacker.decompress(kept.packed))

    def expected(self, device: str) -> tuple[ExpectedSet, ...]:
        """The process sets that a modelling has found on a device, in order of their names."""
        kept = self._kept.get(device)
        return () if kept is None else kept.expected

    def modelled_at(self, device: str) -> float | None:
        """When a device was modelled last; None for never."""
        kept = self._kept.get(device)
        return None if kept is None else kept.modelled_at

    def number(self, device: str) -> int | None:
        """How many components a device has, without those that are retired; None when it was never modelled."""
        kept = self._kept.get(device)
        return None if kept is None or kept.modelled_at is None else kept.number

    def absent(self) -> list[tuple[str, float]]:
        """Devices that have components that are absent and not retired, and the epoch second of the earliest."""
        return [(device, kept.absent_since) for device, kept in self._kept.items() if kept.absent_since is not None]

    def locks(self, device: str, held: DeviceComponents) -> LocksOf:
        """What may not be done to the components of a device."""
        return lambda one: self._rules.locks(device, one, held.earlier_name(one))

    def series_elsewhere(self, device: str) -> dict[str, str]:
        """Process sets whose series are kept under another name than theirs: from the name to that of the series."""
        sets = (one for one in self.of(device).components if one.kind is ComponentKind.PROCESS_SET)
        return {one.name: one.series for one in sets if one.series != one.name}

    # --- changing -----------------------------------------------------------------------------------------------------

    async def take(self, report: ModelReport) -> Merged:
        """Merge what a modelling has found; a dry run changes nothing.

        Raises:
            NotFoundError: the device has left the model.
            TransientError: it could not be stored; nothing is changed.
        """
        if report.dry_run:
            return self._merge(self.of(report.device), report)

        def work(held: DeviceComponents) -> tuple[DeviceComponents, Merged]:
            merged = self._merge(held, report)
            return merged.after, merged

        return await self.change(report.device, work)

    async def remove(self, device: str, kind: ComponentKind, name: str) -> Component:
        """Forget a component that is not there any more.

        Raises:
            NotFoundError: there is no such component.
            PermanentError: it is there, or locked against that.
            TransientError: it could not be stored.
        """

        def work(held: DeviceComponents) -> tuple[DeviceComponents, Component]:
            one = find(held, device, kind, name)
            if one.state is State.PRESENT:
                raise PermanentError(
                    f"{_called(one)} of {device} is there, and would be found again; only what is absent can be removed"
                )
            if Lock.DELETE in self.locks(device, held)(one):
                raise PermanentError(
                    f"{_called(one)} of {device} is locked against being deleted; take the lock from its definition, "
                    f"or, where it has none: tocsin component unlock {device} {_called(one)} delete"
                )
            return replace(held, components=tuple(other for other in held.components if other is not one)), one

        return await self.change(device, work)

    async def rename(self, names: Mapping[str, tuple[str, str]]) -> None:
        """Give process sets the names that their definitions have now.

        Args:
            names: by id of the definition, the name before and the name after.

        Raises:
            TransientError: it could not be stored; the next modelling finds the new names.
        """

        def renaming(device: str) -> Work:
            return lambda held: (rename(held, names, self.locks(device, held)), None)

        had = {(id_, before) for id_, (before, _after) in names.items()}
        concerned = [
            device
            for device, kept in self._kept.items()
            if any((one.definition, one.name) in had for one in kept.expected)
        ]
        await self._all([self._line.later(device, renaming(device)) for device in concerned])

    async def forget(self, devices: Iterable[str]) -> None:
        """Drop devices that have left the model, and are not back.

        Raises:
            TransientError: it could not be stored; the next start drops them.
        """

        def leaving(device: str) -> Work:
            # It may be back by the time that its turn comes.
            return lambda held: (held if self._rules.has(device) else None, None)

        await self._all([self._line.later(device, leaving(device)) for device in devices])

    async def change(self, device: str, work: Callable[[DeviceComponents], tuple[DeviceComponents, T]]) -> T:
        """Change what is held of a device, when its turn comes; the result is given when it is stored.

        Args:
            device: of the model.
            work: gets what is held, gives what shall be held, and the result.

        Raises:
            NotFoundError: the device has left the model.
            TransientError: it could not be stored; nothing is changed.
        """
        return cast("T", await self._line.later(device, work))

    def _merge(self, held: DeviceComponents, report: ModelReport) -> Merged:
        locks = self.locks(report.device, held)
        return merge(held, report, locks, self._wall(), self._new_id, self._rules.identifies)

    async def _all(self, under_way: Sequence[Deferred[Any]]) -> None:
        """Wait for changes; raise the first error of those that there are."""
        for is_done, result in await DeferredList(under_way, consumeErrors=True):
            if not is_done:
                raise result.value

    # --- what the line of writes asks ---------------------------------------------------------------------------------

    def has(self, device: str) -> bool:
        """Whether the model has such a device."""
        return self._rules.has(device)

    def pack(self, device: str, held: DeviceComponents) -> tuple[StoredComponents, Kept]:
        """What is to be stored of a device, and what is then to be held in memory."""
        body = encode_components(held)
        return StoredComponents(device, held.modelled_at, body.decode()), self._keep(held, body)

    def put(self, after: Mapping[str, Kept | None]) -> None:
        """Hold what is stored, None for nothing; tell of those that are expected to have other process sets."""
        concerned = [
            device for device, one in after.items() if one is not None and one.expected != self.expected(device)
        ]
        for device, one in after.items():
            self._kept.pop(device, None)
            if one is not None:
                self._kept[device] = one
        self._tell(concerned)

    def _tell(self, devices: Sequence[str]) -> None:
        for observer in self._observers if devices else ():
            try:
                observer(devices)
            except Exception:  # noqa: BLE001 - the supervisor of observers: what is stored stands all the same
                self.log.failure("error in an observer of components")

    def _keep(self, held: DeviceComponents, body: bytes) -> Kept:
        there = [one for one in held.components if one.state is not State.RETIRED]
        absent = [one.absent_since for one in there if one.absent_since is not None]
        return Kept(
            # A copy: what the compressor gives holds on to all the room that it had asked for.
            packed=bytes(memoryview(self._packer.compress(body))),
            modelled_at=held.modelled_at,
            number=len(there),
            expected=tuple(_expected(one) for one in there if one.kind is ComponentKind.PROCESS_SET and one.anchor),
            absent_since=min(absent, default=None),
        )


def find(held: DeviceComponents, device: str, kind: ComponentKind, name: str) -> Component:
    """Look up a component.

    Raises:
        NotFoundError: there is none.
    """
    one = held.find(kind, name)
    if one is None:
        raise NotFoundError(
            f"device {device} has no component {kind.value}/{name}; `tocsin component list {device}` shows those it has"
        )
    return one


def _called(one: Component) -> str:
    return f"{one.kind.value}/{one.name}"


def _expected(one: Component) -> ExpectedSet:
    # Thousands of devices have sets of the same names.
    series = "" if one.series == one.name else one.series
    return ExpectedSet(definition=sys.intern(one.anchor), name=sys.intern(one.name), series=series)


def _read(row: StoredComponents) -> DeviceComponents:
    try:
        return decode_components(row.body)
    except msgspec.DecodeError as error:
        raise SettingsError(
            f"the components of {row.device} in the database cannot be read: {error}; "
            "they are damaged, or of a newer version of Tocsin"
        ) from None
