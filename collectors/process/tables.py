"""Whose processes a table shows (pure)."""

from __future__ import annotations

from msgspec import Struct

from collectors.framework.interfaces import ProcessRow, ProcessTable
from common.masking import Masker, masker
from common.matching import Matcher, SetName, arguments_of, command_line, printable
from common.roll import CommandLine, Process

Members = dict[str, dict[int, ProcessRow]]
"""Living processes by component and pid."""


class View(Struct, kw_only=True):
    """A scan with what was made of it; the rows that people see are made when somebody looks."""

    table: ProcessTable
    owners: dict[int, SetName]
    lines: dict[int, str]
    used: dict[int, float]

    def processes(self, secrets: Masker | None = None) -> list[Process]:
        """The process table, in order of pid, without what looks like a secret."""
        mask = (secrets or masker()).mask
        owners = self.owners
        return [
            Process(
                pid=pid,
                set=owners[pid].component if pid in owners else None,
                name=printable(mask(row.name), 100),
                command=printable(mask(self.lines[pid]), 500),
                started_at=row.started,
                cpu_percent=self.used.get(pid),
                memory_bytes=row.memory_bytes,
                state=row.status,
            )
            for pid, row in sorted(self.table.rows.items())
        ]

    def line(self, pid: int, secrets: Masker | None = None) -> CommandLine | None:
        """The whole text that a process was matched by, but for what looks like a secret; None when it does not run."""
        row, text = self.table.rows[pid], self.lines[pid]
        if not row.alive:
            return None
        arguments = arguments_of(text, row.parameters)
        masked = (secrets or masker()).mask(text)
        return CommandLine(masked, min(max(arguments + len(masked) - len(text), 0), len(masked)))


def members_of(table: ProcessTable, matcher: Matcher) -> tuple[Members, dict[int, SetName], dict[int, str]]:
    """Which set takes which process: living members by component, the set and the command line by pid."""
    members: Members = {}
    owners: dict[int, SetName] = {}
    lines: dict[int, str] = {}
    for pid, row in table.rows.items():
        line = lines[pid] = command_line(row.path, row.name, row.parameters)
        found = matcher.match(line)
        if found is not None and row.alive and not row.own:
            owners[pid] = found
            members.setdefault(found.component, {})[pid] = row
    return members, owners, lines
