"""Writes what is read of devices to a capture, on its way to the collector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from twisted.logger import Logger
from zope.interface import implementer

from collectors.framework.captures.folder import DeviceFolder
from collectors.framework.captures.reading import (
    SYS_UPTIME,
    Failure,
    Got,
    Origin,
    Probed,
    Reading,
    Scanned,
    Section,
    Typed,
    Walked,
    guessed,
)
from collectors.framework.captures.text import heading, lines_of
from collectors.framework.captures.words import NAMES
from collectors.framework.interfaces import IProcessSource, ITap
from collectors.framework.processtable import ProcessTable
from collectors.framework.snmp.asking import Reply
from collectors.framework.snmp.client import SnmpClient
from collectors.framework.snmp.errors import BadAnswer
from collectors.framework.snmp.interfaces import ISnmpClient, Oid, SnmpClientFactory, SnmpValue, Table
from collectors.framework.snmp.prints import Prints
from collectors.framework.snmp.sizing import Sizing
from common.configs import DeviceConfig, SnmpConfig
from common.errors import TocsinError, TransientError
from common.masking import masker_of

MOST_BYTES = 1 << 30
"""Of all that one run of a daemon writes: a capture that was forgotten must not fill the disk."""

_log = Logger()


class Writer:
    """Writes the readings of one device; what it cannot write is never the collector's trouble."""

    def __init__(self, folder: DeviceFolder, config: DeviceConfig, room: Room) -> None:
        self.config = config
        self._folder = folder
        self._room = room
        self._begun = False

    def add(self, section: Section, at: float, monotonic_s: float, *, begins: bool) -> None:
        """Write a section; with `begins`, in a file of its own."""
        if self._room.full:
            return
        text = "".join(lines_of(section, masker_of(self.config)))
        before = self._folder.written_bytes
        try:
            if begins or not self._begun:
                self._folder.begin(self.config)
                text = heading(self._reading(at, monotonic_s)) + text
                self._begun = True
            self._folder.write(text)
        except TransientError as error:
            self._room.give_up(str(error))
        self._room.take(self._folder.written_bytes - before)

    def _reading(self, at: float, monotonic_s: float) -> Reading:
        snmp = self.config.snmp
        return Reading(
            device=self.config.device,
            origin=Origin.LOCAL if snmp is None else Origin.SNMP,
            at=at,
            monotonic_s=monotonic_s,
            engine="" if snmp is None else snmp.engine.value,
            version="" if snmp is None else snmp.version.value,
            sections=[],
        )


class Room:
    """How much may still be written.

    Attributes:
        full: no more.
    """

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes
        self.full = False

    def take(self, size: int) -> None:
        """Note what was written."""
        self._left -= size
        if self._left < 0 and not self.full:
            self.give_up("it has as much as one run may write")

    def give_up(self, reason: str) -> None:
        """Write nothing any more."""
        self.full = True
        _log.warn("the capture ends here: {reason}", reason=reason)


@implementer(ITap)
class Recorder:
    """Records all devices, or one.

    Args:
        only: the device; None for all.
    """

    def __init__(
        self,
        path: Path,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        only: str | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._path = path
        self._wall = wall
        self._monotonic = monotonic
        self._only = only
        self._room = Room(most_bytes)
        self._writers: dict[str, Writer] = {}

    def clients(self, config: DeviceConfig, make: SnmpClientFactory) -> SnmpClientFactory:
        """See ITap."""
        if self._only not in {None, config.device}:
            return make
        writer = self._writer(config)

        def made(address: str, snmp: SnmpConfig) -> ISnmpClient:
            writer.config = msgspec.structs.replace(config, address=address, snmp=snmp)  # a new one has new secrets
            return RecordingClient(make(address, snmp), writer, self._wall, self._monotonic)

        return made

    def source(self, config: DeviceConfig, source: IProcessSource) -> IProcessSource:
        """See ITap."""
        if self._only not in {None, config.device}:
            return source
        return RecordingSource(source, self._writer(config), self._wall, self._monotonic)

    def _writer(self, config: DeviceConfig) -> Writer:
        writer = self._writers.get(config.device)
        if writer is None:
            writer = self._writers[config.device] = Writer(DeviceFolder(self._path, config.device), config, self._room)
        writer.config = config
        return writer


@implementer(ISnmpClient)
class RecordingClient:
    """Reads by another client, and writes down what that one got."""

    def __init__(self, client: Any, writer: Writer, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._client = client
        self._writer = writer
        self._wall = wall
        self._monotonic = monotonic
        self._tags: dict[Oid, int] = {}
        if isinstance(client, SnmpClient):
            client.watch(self._seen)

    @property
    def sizing(self) -> Sizing:
        """See ISnmpClient."""
        found: Sizing = self._client.sizing
        return found

    @sizing.setter
    def sizing(self, sizing: Sizing) -> None:
        self._client.sizing = sizing

    async def get(self, oids: Sequence[Oid], retries: int | None = None) -> list[SnmpValue]:
        """See ISnmpClient."""
        self._tags.clear()
        try:
            values: list[SnmpValue] = await self._client.get(oids, retries)
        except TocsinError as error:
            self._write(Got(values=dict.fromkeys(oids), failure=_failure(error)), begins=SYS_UPTIME in oids)
            raise
        self._write(self._got(oids, values), begins=SYS_UPTIME in oids)
        return values

    async def table(
        self,
        columns: Sequence[Oid],
        max_rows: int = 50_000,
        scalars: Sequence[Oid] = (),
        known: Prints | None = None,  # noqa: ARG002  all rows are written down
    ) -> Table:
        """See ISnmpClient; what was asked for beside the columns stands before them, as if it had been a GET."""
        self._tags.clear()
        asked = tuple(columns)
        try:
            table: Table = await self._client.table(asked, max_rows, scalars)
        except TocsinError as error:
            walked = Walked(columns=asked, rows=tuple({} for _ in asked), failure=_failure(error))
            got = Got(values=dict.fromkeys(scalars), failure=_failure(error))
            self._write(got if scalars else walked, begins=SYS_UPTIME in scalars)
            raise
        got = self._got(scalars, table.scalars or (None,) * len(scalars))
        rows = tuple(
            {index: self._typed(column + index, value) or guessed(value) for index, value in values.items()}
            for column, values in zip(asked, table.columns, strict=True)
        )
        if scalars:
            self._write(got, begins=SYS_UPTIME in scalars)
        self._write(
            Walked(
                columns=asked,
                rows=rows,
                problem=table.problem,
                varbinds=table.varbinds,
                requests=table.requests,
            )
        )
        return table

    def close(self) -> None:
        """See ISnmpClient."""
        self._client.close()

    def _write(self, section: Section, *, begins: bool = False) -> None:
        self._tags.clear()
        self._writer.add(section, self._wall(), self._monotonic(), begins=begins)

    def _got(self, oids: Sequence[Oid], values: Sequence[SnmpValue]) -> Got:
        return Got(values={oid: self._typed(oid, value) for oid, value in zip(oids, values, strict=True)})

    def _typed(self, oid: Oid, value: SnmpValue) -> Typed | None:
        if value is None:
            return None
        tag = self._tags.get(oid)
        return guessed(value) if tag is None else Typed(tag, value)

    def _seen(self, reply: Reply) -> None:
        """Note types, which the client does not tell; endOfMibView comes under the name of the last row."""
        try:
            self._tags.update({oid: tag for oid, tag, _ in reply.varbinds() if tag in NAMES})
        except BadAnswer:
            return  # the walk says what is wrong with it


@implementer(IProcessSource)
class RecordingSource:
    """Scans by another source, and writes down what that one saw."""

    def __init__(self, source: Any, writer: Writer, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._source = source
        self._writer = writer
        self._wall = wall
        self._monotonic = monotonic

    async def scan(self, full: bool) -> ProcessTable:  # noqa: FBT001 - the interface has it
        """See IProcessSource."""
        table: ProcessTable = await self._source.scan(full)
        section = Scanned(rows=tuple(table.rows.values()), full=table.full, problem=table.problem)
        self._writer.add(section, table.at, table.monotonic, begins=True)
        return table

    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        """See IProcessSource."""
        alive: frozenset[int] = await self._source.alive(pids)
        section = Probed(alive={pid: pid in alive for pid in pids})
        self._writer.add(section, self._wall(), self._monotonic(), begins=False)
        return alive

    def update(self, config: DeviceConfig) -> None:
        """See IProcessSource."""
        self._writer.config = config
        self._source.update(config)

    async def close(self) -> None:
        """See IProcessSource."""
        await self._source.close()


def _failure(error: TocsinError) -> Failure:
    return Failure(type(error).__name__, error.message)
