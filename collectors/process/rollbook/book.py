"""The roll book of one device, as the task that scans it writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from collectors.framework.processtable import ProcessTable
from collectors.framework.timing import phase
from collectors.process.rollbook import segments
from collectors.process.rollbook.allowance import DAY_BYTES, DAY_MS, Allowance
from collectors.process.rollbook.difference import Difference, all_anew, difference, rebooted
from collectors.process.rollbook.records import VERSION, Begin, Record, Scan, Still, Stop, Table, pack
from collectors.process.rollbook.rows import row_of
from collectors.process.rollbook.segments import Segment
from collectors.process.rollbook.standing import Standing
from common.configs import DeviceConfig
from common.masking import masker_of
from common.matching import SetName, printable

SEGMENT_BYTES = 1 << 20
ROOM_BYTES = 1 << 18
"""So much has to be free again before a book goes on that was full."""
STILL_MS = 300_000
"""So often it is written that nothing changed: what a crash takes of the time that is known."""
RETRY_MS = 60_000
CLOCK_MS = 60_000
"""A wall clock that has gone so much further than the time that passed was set."""
LATE_SCANS, LATE_MS = 3, 30_000
"""Scans that are further apart than this many intervals, and than this, leave a time that is not known."""
BACK_MS = 2_000
"""A clock that is put right by less than this is not said to have been set."""
MAX_WHY = 200
ROWS_AT_ONCE = 2000

STOPPED, OFF, FULL, DISK, CLOCK, LATE, NONE = "stopped", "off", "full", "disk", "clock", "late", "none"
UNREADABLE = "unreadable: "


class Live(Struct, frozen=True):
    """What is not in the file yet of the segment that is written to.

    Attributes:
        reach: how far what was seen last holds: to the last good scan, or until the next one is overdue.
        gap: why nothing is known since then; empty when the device is read.
    """

    segment: Segment
    reach: int
    gap: str


class RollBook:
    """Notes which processes start and end; whatever the disk says, the scans go on."""

    def __init__(
        self, config: DeviceConfig, root: Path, standing: Standing, sweep: Callable[[int], None] = lambda _: None
    ) -> None:
        """Join the parts; `sweep` is called now and then, with the time in milliseconds."""
        self._config = config
        self._folder = segments.folder_of(root, config.device)
        self._standing = standing
        self._sweep = sweep
        self._last: ProcessTable | None = None  # the one that the task has, not a copy
        self._segment: Segment | None = None
        self._size = 0
        self._until = 0  # stamp of the last good scan, and of the last record
        self._written = 0
        self._gap = ""  # why nothing is known since then
        self._why = ""  # why nothing was known before the next segment
        self._retry = 0
        self._allowance: Allowance | None = None  # None before the folder was looked at
        self._need = ROOM_BYTES
        self._enough = SEGMENT_BYTES
        self._anew = False
        self._off = False
        self._closed = False

    def update(self, config: DeviceConfig) -> None:
        """Work by another config from the next scan on."""
        old, self._config = self._config, config
        self._anew |= _told_by(old) != _told_by(config)

    def note(self, table: ProcessTable, owners: Mapping[int, SetName]) -> None:
        """Take note of a good scan, and of which set has which process."""
        if self._closed:
            return
        at = round(table.at * 1000)
        if self._until - BACK_MS <= at < self._until:
            at = self._until
        try:
            if not self._config.roll_days:
                self._switch_off()
            elif self._last is None or self._segment is None:
                self._resume(table, owners, at)
            elif at < self._until:
                self._why = CLOCK
                self._stop(CLOCK)
                self._begin(table, owners, at, joined=False, back=True)
            else:
                self._go_on(self._segment, self._last, table, owners, at)
        except OSError as error:
            self._failed(error, at)

    def unreadable(self, why: str) -> None:
        """The device could not be read: what runs is not known from its last scan on."""
        reason = UNREADABLE + printable(why, MAX_WHY)
        if self._segment is None:
            self._why = self._why or reason
        elif not self._gap:
            self._gap = reason
            self._stop(reason)

    def close(self) -> None:
        """Nothing more is noted by this one."""
        if self._segment is not None and not self._gap:
            self._stop(STOPPED)
        self._segment = self._last = None
        self._closed = True

    def live(self) -> Live | None:
        """What questions have to know beside the files; None when nothing is being written."""
        if self._segment is None:
            return None
        return Live(self._segment, self._until + (0 if self._gap else self._patience_ms), self._gap)

    def refused(self) -> str:
        """Why nothing is being written although the device is read; empty when that is not so."""
        return self._why if self._segment is None and self._why in {DISK, FULL} else ""

    # --- what a scan says ---------------------------------------------------------------------------------------------

    def _go_on(
        self, segment: Segment, last: ProcessTable, table: ProcessTable, owners: Mapping[int, SetName], at: int
    ) -> None:
        """Write what differs from the scan before."""
        why = self._gap or self._doubt(last, table, at)
        found = all_anew(last, table) if rebooted(last, table) else difference(last.rows, table.rows)
        record: Record | None = None
        if found is not None or why:
            record = self._scan(segment, found or Difference([], [], []), table, owners, at, why)
        elif at - self._written >= STILL_MS:
            record = Still(at - segment.began)
        if record is None:
            self._last, self._until = table, at
        elif self._append(segment, record, at):
            self._last, self._until, self._gap = table, at, ""
        else:
            return
        if self._due(segment, at):
            self._begin(table, owners, at, joined=True)

    def _scan(
        self,
        segment: Segment,
        found: Difference,
        table: ProcessTable,
        owners: Mapping[int, SetName],
        at: int,
        why: str,
    ) -> Scan:
        secrets = masker_of(self._config)
        return Scan(
            at - segment.began,
            self._until - segment.began,
            found.gone,
            [row_of(table.rows[pid], owners, at, secrets) for pid in found.new],
            [row_of(table.rows[pid], owners, at, secrets) for pid in found.other],
            why,
        )

    def _doubt(self, last: ProcessTable, table: ProcessTable, at: int) -> str:
        """Why it is not known what was between two scans; empty when they follow each other."""
        elapsed = at - self._until
        if elapsed - 1000 * (table.monotonic - last.monotonic) > CLOCK_MS:
            return CLOCK
        return LATE if elapsed > self._patience_ms else ""

    @property
    def _patience_ms(self) -> int:
        return max(LATE_MS, LATE_SCANS * 1000 * self._config.interval_s)

    def _due(self, segment: Segment, at: int) -> bool:
        """Whether the next segment begins: not for all devices at the same moment."""
        offset = int(DAY_MS * phase(self._config.device))
        other_day = (at + offset) // DAY_MS != (segment.began + offset) // DAY_MS
        return self._anew or other_day or self._size >= self._enough

    # --- files --------------------------------------------------------------------------------------------------------

    def _resume(self, table: ProcessTable, owners: Mapping[int, SetName], at: int) -> None:
        """Begin, or begin again after the disk refused or the book was full, unless it is too early for that."""
        if self._retry - RETRY_MS <= at < self._retry:
            return
        if self._allowance is None:
            today = (one for one in segments.segments(self._folder) if 0 <= at - one.began < DAY_MS)
            self._allowance = Allowance(at, sum(segments.size_bytes(self._folder, one) for one in today))
        if self._allowance.has(self._need, at):
            self._begin(table, owners, at, joined=False)
        elif self._why != FULL:
            self._standing.was_full(self._config.device)
            self._why = FULL

    def _begin(
        self, table: ProcessTable, owners: Mapping[int, SetName], at: int, *, joined: bool, back: bool = False
    ) -> None:
        """Begin a segment with all processes; those before it are closed and aged."""
        assert self._allowance is not None  # whoever begins has looked
        known = segments.segments(self._folder)
        segment = Segment(known[-1].number + 1 if known else 1, max(at, 0), back)
        data = self._beginning(segment, table, owners, at, joined=joined)
        if len(data) > DAY_BYTES:
            self._allowance.spend(DAY_BYTES, at)  # so that it is not tried again soon
            self._give_up()
            return
        segments.begin(self._folder, segment, data)
        self._allowance.spend(len(data), at)
        self._standing.wrote(len(data), at)
        self._segment, self._size = segment, len(data)
        self._need, self._enough = max(ROOM_BYTES, 2 * len(data)), max(SEGMENT_BYTES, 2 * len(data))
        self._last, self._until, self._written = table, at, at
        self._gap, self._why, self._anew, self._off = "", "", False, False
        old = segments.aged([*known, segment], at - self._config.roll_days * DAY_MS)
        try:
            segments.drop(self._folder, old)
            segments.tidy(self._folder, [one for one in known if one not in old])
        except OSError as error:  # what is written now is not concerned
            self._standing.refused(error, at)
        self._sweep(at)

    def _beginning(
        self, segment: Segment, table: ProcessTable, owners: Mapping[int, SetName], at: int, *, joined: bool
    ) -> bytes:
        secrets = masker_of(self._config)
        rows = [row_of(row, owners, at, secrets) for _, row in sorted(table.rows.items()) if row.alive]
        parts = [rows[start : start + ROWS_AT_ONCE] for start in range(0, len(rows), ROWS_AT_ONCE)] or [[]]
        begin = Begin(VERSION, self._config.device, segment.began, self._config.roll_days)
        tables = (
            Table(at - segment.began, part, joined, self._why, number < len(parts))
            for number, part in enumerate(parts, start=1)
        )
        return pack(begin) + b"".join(map(pack, tables))

    def _append(self, segment: Segment, record: Record, at: int) -> bool:
        """Write a record; False when the book is full.

        Raises:
            OSError: the disk refuses.
        """
        assert self._allowance is not None  # there is a segment
        data = pack(record)
        if not isinstance(record, Stop) and not self._allowance.has(len(data), at):
            self._give_up()
            return False
        segments.append(self._folder, segment, data)
        self._size += len(data)
        self._written = at
        self._allowance.spend(len(data), at)
        self._standing.wrote(len(data), at)
        return True

    def _give_up(self) -> None:
        """There is too much to be written."""
        self._standing.was_full(self._config.device)
        if self._segment is not None:
            self._stop(FULL)
        self._segment, self._last, self._why = None, None, FULL

    def _stop(self, why: str) -> None:
        """Say that nothing is known from the last scan on."""
        assert self._segment is not None  # whoever calls this has looked
        try:
            self._append(self._segment, Stop(self._until - self._segment.began, why), self._until)
        except OSError as error:
            self._failed(error, self._until)

    def _failed(self, error: OSError, at: int) -> None:
        self._standing.refused(error, at)
        self._segment = self._last = None
        self._why, self._retry = self._why or DISK, at + RETRY_MS

    def _switch_off(self) -> None:
        """Drop what there is, once."""
        if not self._off:
            self._segment = self._last = self._allowance = None
            self._why, self._off = OFF, True
            segments.drop(self._folder, segments.segments(self._folder))


def _told_by(config: DeviceConfig) -> tuple[object, ...]:
    """What a change of makes the rows of processes other ones that run on."""
    return config.process_sets, config.argument_masks, config.standard_masks, config.snmp
