"""The roll books of a daemon."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from collectors.process.rollbook import answers, segments
from collectors.process.rollbook.allowance import DAY_MS
from collectors.process.rollbook.book import NONE, OFF, RollBook
from collectors.process.rollbook.records import Begin
from collectors.process.rollbook.standing import Standing
from common.configs import DeviceConfig
from common.queries import RollAtQuery, RollBetweenQuery, RollChanges, RollTable

SWEEP_MS = DAY_MS
_FOLDER = re.compile(r"[0-9a-f]{2,32}", re.ASCII)


class RollBooks:
    """Makes the book of each device, and answers from it.

    The book of a device that has left stays until it is as old as it was to be kept: a device of a pool may come back.
    """

    def __init__(self, root: Path, on_problem: Callable[[str], None]) -> None:
        self._root = root
        self._standing = Standing(on_problem)
        self._swept: int | None = None

    def of(self, config: DeviceConfig) -> RollBook:
        """The book of a device."""
        return RollBook(config, self._root, self._standing, self._sweep)

    def figures(self) -> dict[str, Any]:
        """For `stats`."""
        return self._standing.figures()

    def at(self, query: RollAtQuery, config: DeviceConfig, book: RollBook) -> RollTable:
        """Who ran at a moment."""
        return answers.at(self._shelf(query.device, book), query, _nothing(config))

    def between(self, query: RollBetweenQuery, config: DeviceConfig, book: RollBook) -> RollChanges:
        """What started and ended."""
        return answers.between(self._shelf(query.device, book), query, _nothing(config))

    def _shelf(self, device: str, book: RollBook) -> answers.Shelf:
        return answers.Shelf(self._root, device, book.live(), book.refused())

    def _sweep(self, now: int) -> None:
        """Drop the books of devices that have left, when they are old enough; once a day, and at the start."""
        if self._swept is not None and abs(now - self._swept) < SWEEP_MS:
            return
        self._swept = now
        try:
            for folder in _folders(self._root / segments.FOLDER):
                _drop_if_over(folder, now)
        except OSError as error:
            self._standing.refused(error, now)


def _nothing(config: DeviceConfig) -> str:
    return NONE if config.roll_days else OFF


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    parents = [entry for entry in root.iterdir() if _FOLDER.fullmatch(entry.name) and entry.is_dir()]
    return [folder for parent in parents for folder in parent.iterdir() if _FOLDER.fullmatch(folder.name)]


def _drop_if_over(folder: Path, now: int) -> None:
    """Drop a book of which even the newest part is older than all is to be kept; one that is written to never is."""
    known = segments.segments(folder)
    if not known or now - known[-1].began <= 2 * DAY_MS:
        return
    first = segments.first(folder, known[-1])
    days = first.days if isinstance(first, Begin) else 0
    if now - known[-1].began > (days + 1) * DAY_MS:
        segments.drop(folder, known)
