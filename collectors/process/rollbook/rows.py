"""A process as the roll book has it (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from collectors.framework.processtable import ProcessRow
from collectors.process.rollbook.records import Row
from common.masking import Masker
from common.matching import SetName, command_line, printable

MAX_LINE = 500
MAX_NAME = 100

_KERNEL_WORKER = re.compile(r"kworker/\w+:\w+(?=[-+])", re.ASCII)


def row_of(row: ProcessRow, owners: Mapping[int, SetName], at: int, secrets: Masker) -> Row:
    """A process of a scan at this stamp, masked and fit to be seen."""
    called = row.name if row.path or row.parameters else lasting_name(row.name)
    line = printable(secrets.mask(command_line(row.path, called, row.parameters)), MAX_LINE)
    name = printable(secrets.mask(called), MAX_NAME)
    owner = owners.get(row.pid)
    return Row(
        row.pid,
        line,
        None if name == short_name(line) else name,
        owner.component if owner is not None else None,
        None if row.started is None else at - round(row.started * 1000),
    )


def lasting_name(name: str) -> str:
    """A name without what a worker thread of the Linux kernel tells in it of its work, which is another each second."""
    worker = _KERNEL_WORKER.match(name)
    return worker[0] if worker is not None else name


def short_name(line: str) -> str:
    """What a process is called whose command line begins so, where nobody says otherwise."""
    return line.split(" ", 1)[0].rpartition("/")[2][:15]
