"""When each simulated host was read: one reading a line, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from collectors.framework.snmp import ber
from collectors.sim import oids
from common.errors import SettingsError

_UPTIME = ber.encode_oid(oids.SYS_UPTIME[:-1])
"""Asked for by itself in a GET, and as what follows this in a GETBULK."""


class Visit(Struct, kw_only=True):
    """A reading: all that was asked from one question for sysUpTime to the next.

    Attributes:
        t: of the first request, in seconds since the fleet began; `until` of the last one.
        at: as `t`, in epoch seconds.
    """

    device: str
    t: float
    until: float
    at: float
    requests: int = 0
    answers: int = 0


class VisitsFile:
    """Writes readings when the next one begins.

    Args:
        path: replaced; None to write nothing.
        began: epoch seconds of t = 0.

    Raises:
        SettingsError: it cannot be written.
    """

    def __init__(self, path: Path | None, began: float) -> None:
        self._began = began
        self._open: dict[str, tuple[Visit, bytes]] = {}
        self._file: IO[bytes] | None = None
        if path is not None:
            try:
                self._file = path.open("wb")
            except OSError as error:
                raise SettingsError(f"the visits cannot be written to {path}: {error.strerror or error}") from None

    def note(self, device: str, datagram: bytes, t: float, *, answered: bool) -> None:
        """A request came; one that is sent once more, because no answer came, begins nothing."""
        if self._file is None:
            return
        known, first = self._open.get(device, (None, b""))
        if known is None or (_UPTIME in datagram and datagram != first):
            self._write(known)
            known = Visit(device=device, t=round(t, 3), until=0.0, at=round(self._began + t, 3))
            self._open[device] = known, datagram
        known.until = round(t, 3)
        known.requests += 1
        known.answers += answered

    def _write(self, visit: Visit | None) -> None:
        if visit is not None and self._file is not None:
            self._file.write(msgspec.json.encode(visit) + b"\n")

    def close(self) -> None:
        """Have all of it on disk."""
        for visit, _ in self._open.values():
            self._write(visit)
        self._open.clear()
        if self._file is not None:
            self._file.close()
