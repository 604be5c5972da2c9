"""How files that follow their devices are shown."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class FileMove(Struct, frozen=True, kw_only=True):
    """The files of a device that one collector has, and another one should.

    Attributes:
        state: moving, waiting, failed (some stay; it is tried again from time to time) or done.
        reason: why it waits or failed; empty otherwise.
        files, bytes: that are moved; the others how much there is in all, 0 before that is known.
        problems: a sentence for each file that stays, while they are brought.
        daemon: of either collector, whose files they are.
    """

    device: str
    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    state: str
    reason: str
    since: str | None
    done_at: str | None
    files: int
    files_in_all: int
    bytes: int
    bytes_in_all: int
    problems: list[str] = []
    daemon: str = ""
