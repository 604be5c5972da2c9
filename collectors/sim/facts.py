"""What really happened to a fleet: one fact a line, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import Struct

from common.errors import SettingsError


class Alive(Struct, frozen=True, array_like=True):
    """A process: its CPU time so far, and what it uses of one CPU."""

    pid: int
    cpu_s: float
    cpu_percent: float


class Fact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened.

    Attributes:
        t: seconds since the fleet began.
        what: docs/simulation.md lists the words.
        why: of a process, by which part of its program's description.
        cpu_percent: of one CPU, what a process that begins will use.
        running: the processes of each program, where all of them are new.
    """

    t: float
    device: str
    what: str
    program: str = ""
    pid: int | None = None
    old_pid: int | None = None
    why: str = ""
    ailment: str = ""
    command: str = ""
    cpu_percent: float = 0.0
    running: dict[str, list[Alive]] | None = None


class TruthFile:
    """Writes facts, each with its epoch second.

    Args:
        path: replaced.
        began: epoch seconds of t = 0.

    Raises:
        SettingsError: it cannot be written.
    """

    def __init__(self, path: Path, began: float) -> None:
        self._began = began
        try:
            self._file: IO[bytes] = path.open("wb")
        except OSError as error:
            raise SettingsError(f"the truth cannot be written to {path}: {error.strerror or error}") from None

    def write(self, facts: Iterable[Fact]) -> None:
        """Write facts, so that they can be read at once."""
        self._put([self._line(msgspec.to_builtins(fact), fact.t) for fact in facts])

    def begin(self, notes: Iterable[Mapping[str, Any]]) -> None:
        """Write what is no fact, but true at t = 0."""
        self._put([self._line({"t": 0.0} | dict(words), 0.0) for words in notes])

    def _put(self, lines: list[bytes]) -> None:
        if lines:
            self._file.write(b"".join(lines))
            self._file.flush()

    def close(self) -> None:
        """Have all of it on disk."""
        self._file.close()

    def _line(self, words: dict[str, Any], t: float) -> bytes:
        return msgspec.json.encode({"at": round(self._began + t, 3)} | words) + b"\n"
