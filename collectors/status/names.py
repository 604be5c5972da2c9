"""Which processes are meant by a name: one that is in theirs, or in one of their arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any

import re2

from collectors.framework.processtable import ProcessRow
from collectors.status.passes import ProcessName
from common.matching import check_regex
from common.sources import Match

SHORT_NAME = 15
"""Letters of a name that Linux keeps; what is as long may have been longer (proc(5), `comm`)."""

Arguments = Callable[[int], Sequence[str]]


def mistake_of(name: ProcessName) -> str:
    """What is wrong with a name, as a sentence; empty when nothing is."""
    if not name.name:
        return "the name of a process must not be empty: it would be in every process; leave it out"
    return check_regex(name.name) if name.match is Match.REGEX else ""


def full_name(row: ProcessRow) -> str:
    """The name of a process, which Linux cuts short, as far as its program tells the rest."""
    if len(row.name) < SHORT_NAME:
        return row.name
    program = PurePosixPath(row.path).name
    return program if program.startswith(row.name) else row.name


class Names:
    """Tells which of some names mean a process.

    Args:
        names: those with a mistake mean none.
        arguments: of a process; asked for only where its command line leaves a doubt.
    """

    def __init__(self, names: Sequence[ProcessName], arguments: Arguments) -> None:
        self._arguments = arguments
        options = re2.Options()
        options.log_errors = False
        self._names: list[tuple[int, str, Match, Any]] = []
        for number, name in enumerate(names):
            if not mistake_of(name):
                pattern = re2.compile(name.name, options) if name.match is Match.REGEX else None
                self._names.append((number, name.name, name.match, pattern))

    def of(self, row: ProcessRow) -> tuple[int, ...]:
        """Numbers of the names that mean a process.

        Raises:
            OSError, psutil.Error: its arguments are wanted, and cannot be read.
        """
        line = f"{row.path} {row.parameters}" if row.parameters else row.path
        name = full_name(row)
        arguments: Sequence[str] | None = None
        hits = []
        for number, text, match, pattern in self._names:
            if match is Match.SUBSTRING:
                # Arguments stand with blanks between them in the line: what has none lies within one of them.
                hit = text in name or (text in line and " " not in text)
                if hit or text not in line:
                    if hit:
                        hits.append(number)
                    continue
            if arguments is None:
                arguments = self._arguments(row.pid) if line else ()
            if _fits(text, match, pattern, name, arguments):
                hits.append(number)
        return tuple(hits)


def _fits(text: str, match: Match, pattern: Any, name: str, arguments: Sequence[str]) -> bool:
    if match is Match.SUBSTRING:
        return any(text in one for one in arguments)
    if match is Match.EXACT:
        return text == name or text in arguments
    return pattern.search(name) is not None or any(pattern.search(one) is not None for one in arguments)
