"""How far the hub's store had come when the hub last looked, in a file beside it.

A store that is behind this mark was put back in its place from a backup. The file is no part of the database, so that a
backup of the one does not bring the other back too; and it is written now and then only, so it may be a little behind
the store, which says nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from twisted.logger import Logger

from common.durable import write_whole
from common.errors import SettingsError

Number = Annotated[int, Meta(ge=0)]

_log = Logger()


class Mark(Struct, frozen=True, kw_only=True):
    """A store and its newest numbers.

    Attributes:
        epoch: of the store.
        revision: of the model.
        change: the newest number of a change of events.
    """

    epoch: str
    revision: Number
    change: Number

    def contradicted_by(self, found: Mark) -> str:
        """Why a store that was found so cannot be the one that was left so; empty when it can."""
        if found.epoch != self.epoch:
            return "it is another store than the one that this hub used last"
        if found.revision < self.revision:
            return f"its newest revision is {found.revision}, but it has had revision {self.revision}"
        if found.change < self.change:
            return f"its newest change of events has number {found.change}, but it has had number {self.change}"
        return ""


class MarkFile:
    """The file; every method blocks."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Mark | None:
        """What it says; None when there is none, or none that can be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Mark)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            _log.warn("{path} cannot be read and is not gone by: {error}", path=str(self._path), error=str(error))
            return None

    def write(self, mark: Mark) -> None:
        """Put a new one in its place; a disk that refuses is told in the log."""
        try:
            write_whole(self._path, msgspec.json.encode(mark) + b"\n", 0o600)
        except SettingsError as error:
            _log.warn("{reason}", reason=error.message)
