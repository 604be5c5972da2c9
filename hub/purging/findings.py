"""What is told of orphans, and of a purge."""

from __future__ import annotations

from msgspec import Struct

from common.configs import SERVICE_PROCESS
from hub.purging.orphans import Orphan


class Asked(Struct, frozen=True, kw_only=True):
    """A daemon of a collector that was asked: what it has in all, or why that is not known."""

    collector: str
    daemon: str = SERVICE_PROCESS
    files: int = 0
    bytes: int = 0
    problem: str = ""


class Found(Struct, frozen=True, kw_only=True):
    """Orphans; of those of devices that left, when they did, and from when on they may be deleted."""

    orphan: Orphan
    left_at: float | None = None
    purge_from: float | None = None


class Findings(Struct, frozen=True, kw_only=True):
    """What was found, and who was asked."""

    found: list[Found]
    asked: list[Asked]
    cut: bool = False


class Done(Struct, frozen=True, kw_only=True):
    """What was deleted, or would be, of a device at a daemon of a collector."""

    device: str
    collector: str
    daemon: str = SERVICE_PROCESS
    files: int
    bytes: int


class Kept(Struct, frozen=True, kw_only=True):
    """What was not deleted, and why.

    Attributes:
        collector, daemon: empty for all.
        purge_from: epoch second from which on it may be; None where that is not the reason.
        waits: it will be deleted when the collector is there.
    """

    device: str
    collector: str = ""
    daemon: str = ""
    why: str
    purge_from: float | None = None
    waits: bool = False


class Outcome(Struct, frozen=True, kw_only=True):
    """What a purge did, or would do."""

    dry_run: bool
    done: list[Done]
    kept: list[Kept]
    asked: list[Asked]
