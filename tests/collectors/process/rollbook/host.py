"""A host whose processes come and go, and a daemon that keeps its roll book."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.columns import Columns, program
from collectors.process.rollbook.book import RollBook
from collectors.process.rollbook.books import RollBooks
from common.configs import DeviceConfig, SnmpConfig, SourceKind
from common.matching import SetName
from common.queries import RollAtQuery, RollBetweenQuery, RollChanges, RollTable
from common.roll import RollChange, RollGap, RollRow

START = 1_800_000_000.0
DAY_S = 86_400.0
SNMP: dict[str, Any] = {"source": SourceKind.SNMP, "address": "192.0.2.1", "snmp": SnmpConfig(), "interval_s": 60}


def columns_of(rows: Mapping[int, ProcessRow]) -> Columns:
    """A table as the SNMP source has it."""
    ordered = [row for _, row in sorted(rows.items())]
    return Columns(
        [row.pid for row in ordered],
        [program(row.name, row.path, row.parameters, b"") for row in ordered],
        [row.cpu_s or 0.0 for row in ordered],
        [row.memory_bytes or 0 for row in ordered],
        ["running" if row.alive else "invalid" for row in ordered],
        "invalid",
    )


class Host:
    """Has processes by pid; `scan` shows them to the book."""

    def __init__(self, root: Path, **changes: Any) -> None:
        fields: dict[str, Any] = {"device": "box", "address": "", "source": SourceKind.LOCAL, "interval_s": 10}
        self.config = DeviceConfig(**(fields | changes))
        self.root = root
        self.at = START
        self.monotonic = 500.0
        self.rows: dict[int, ProcessRow] = {}
        self.owners: dict[int, SetName] = {}
        self.uptime_s = 1000.0
        self.problems: list[str] = []
        self.as_rows = False
        self.start_daemon()

    # --- what happens -------------------------------------------------------------------------------------------------

    def run(self, pid: int, line: str = "", *, set_: str | None = None, started: float | None = None) -> None:
        """Start a process."""
        program, _, parameters = (line or f"/bin/p{pid} -x").partition(" ")
        local = self.config.source is SourceKind.LOCAL
        self.rows[pid] = ProcessRow(
            pid=pid,
            name=program.rpartition("/")[2][:15],
            path=program,
            parameters=parameters,
            started=(self.at if started is None else started) if local else None,
            cpu_s=1.0,
            memory_bytes=1,
            status="running",
            alive=True,
        )
        self.owners.pop(pid, None)
        if set_ is not None:
            self.owners[pid] = SetName(set_, set_)

    def alter(self, pid: int, **changes: Any) -> None:
        """Let a process be otherwise."""
        self.rows[pid] = msgspec.structs.replace(self.rows[pid], **changes)

    def end(self, *pids: int) -> None:
        """End processes."""
        for pid in pids:
            del self.rows[pid]

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.at += seconds
        self.monotonic += seconds
        self.uptime_s += seconds

    # --- what the daemon does -----------------------------------------------------------------------------------------

    def start_daemon(self) -> None:
        """Another daemon, that knows nothing but the files."""
        self.books = RollBooks(self.root, self.problems.append)
        self.book: RollBook = self.books.of(self.config)

    def scan(self, after: float = 10.0) -> None:
        """Scan, so many seconds later."""
        self.wait(after)
        rows: Mapping[int, ProcessRow] = {pid: msgspec.structs.replace(row) for pid, row in self.rows.items()}
        if self.config.source is SourceKind.SNMP and not self.as_rows:
            rows = columns_of(rows)
        table = ProcessTable(
            at=self.at,
            monotonic=self.monotonic,
            rows=rows,
            complete=True,
            full=False,
            uptime_s=self.uptime_s,
            host_uptime_s=self.uptime_s,
        )
        self.book.note(table, self.owners)

    # --- what is asked ------------------------------------------------------------------------------------------------

    def table(self, moment: float, **fields: Any) -> RollTable:
        """One page of who ran."""
        query = RollAtQuery(device=self.config.device, at=moment, **fields)
        return self.books.at(query, self.config, self.book)

    def ran(self, moment: float) -> list[int] | str:
        """The pids at a moment, or why they are not known."""
        table = self.table(moment)
        return table.gap.why if table.gap is not None else [row.pid for row in table.rows]

    def row(self, moment: float, pid: int) -> RollRow:
        """One process at a moment."""
        return next(row for row in self.table(moment).rows if row.pid == pid)

    def between(self, start: float, end: float, **fields: Any) -> tuple[list[RollChange], list[RollGap]]:
        """All pages of what changed."""
        changes: list[RollChange] = []
        gaps: dict[RollGap, None] = {}
        after = (0, 0)
        while True:
            query = RollBetweenQuery(device=self.config.device, start=start, end=end, after=after, **fields)
            page: RollChanges = self.books.between(query, self.config, self.book)
            changes += page.changes
            gaps |= dict.fromkeys(page.gaps)
            if not page.more:
                return changes, list(gaps)
            assert page.last > after
            after = page.last

    def told(self, start: float, end: float) -> list[tuple[str, int]]:
        """What changed, in short."""
        return [(change.what, change.process.pid) for change in self.between(start, end)[0]]

    def files(self) -> list[Path]:
        """The files of all books."""
        return sorted(path for path in self.root.rglob("*") if path.is_file())
