"""The API of files that nothing in the model speaks of: which there are, and their deletion."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from common.names import DeviceId
from hub.purging.desk import Purging
from hub.purging.findings import Asked, Done, Found, Kept
from hub.web.call import Author, Call
from hub.web.router import Route
from hub.web.shapes import iso

MOST_DEVICES = 1000
MOST_GRACE_S = 3_153_600_000.0


class OrphanRow(Struct, frozen=True, kw_only=True):
    """Files at a daemon of a collector that are orphans for one reason.

    Attributes:
        reason: left, elsewhere, component, source, aside or unknown.
        device, component, source: empty for all, or where nobody knows.
        written: when one of them was changed last.
        left_at: when the device left the model, or its files were found; null for another reason.
        purge_from: from when on they may be purged.
        aside_at: when the first of them was set aside; null where none was.
    """

    collector: str
    reason: str
    device: str
    component: str
    source: str
    files: int
    bytes: int
    written: str | None
    detail: str
    left_at: str | None
    purge_from: str | None
    aside_at: str | None = None
    daemon: str = ""


class AskedRow(Struct, frozen=True, kw_only=True):
    """A daemon of a collector: files and bytes in all, or why that is not known."""

    collector: str
    files: int
    bytes: int
    problem: str
    daemon: str = ""


class Orphans(Struct, frozen=True, kw_only=True):
    """Orphans; `cut` when there are more of them."""

    orphans: list[OrphanRow]
    collectors: list[AskedRow]
    grace_s: float
    cut: bool


class PurgeRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be purged: what these devices left behind, or all of them."""

    devices: Annotated[list[DeviceId], Meta(max_length=MOST_DEVICES)] = []
    collector: Annotated[str, Meta(max_length=255)] | None = None
    dry_run: bool = False
    grace_s: Annotated[float, Meta(ge=0, le=MOST_GRACE_S)] | None = None
    author: Author = ""


class PurgedRow(Struct, frozen=True, kw_only=True):
    """What was purged of a device at a daemon of a collector, or would be."""

    device: str
    collector: str
    files: int
    bytes: int
    daemon: str = ""


class KeptRow(Struct, frozen=True, kw_only=True):
    """What was not, and why; `waits` when it will be, once the collector is there."""

    device: str
    collector: str
    why: str
    purge_from: str | None
    waits: bool
    daemon: str = ""


class PurgeResult(Struct, frozen=True, kw_only=True):
    """What a purge did."""

    dry_run: bool
    purged: list[PurgedRow]
    kept: list[KeptRow]
    collectors: list[AskedRow]


class OrphanTopic:
    """Tells, and deletes."""

    def __init__(self, purging: Purging) -> None:
        self._purging = purging

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("GET", "data/orphans", self.all), Route("POST", "data/purge", self.purge)]

    async def all(self, call: Call) -> Orphans:
        """Ask collectors, all of them or those that are named."""
        call.only("collector")
        findings = await self._purging.orphans(list(dict.fromkeys(call.all("collector"))))
        return Orphans(
            orphans=[_row(one) for one in findings.found],
            collectors=[_asked(one) for one in findings.asked],
            grace_s=self._purging.grace_s,
            cut=findings.cut,
        )

    async def purge(self, call: Call) -> PurgeResult:
        """Delete what devices left behind that are not in the model."""
        call.only()
        wanted = call.body(PurgeRequest)
        outcome = await self._purging.purge(
            list(dict.fromkeys(wanted.devices)),
            wanted.collector,
            by=wanted.author or "somebody",
            dry_run=wanted.dry_run,
            grace_s=wanted.grace_s,
        )
        return PurgeResult(
            dry_run=outcome.dry_run,
            purged=[_purged(one) for one in outcome.done],
            kept=[_kept(one) for one in outcome.kept],
            collectors=[_asked(one) for one in outcome.asked],
        )


def _row(found: Found) -> OrphanRow:
    one = found.orphan
    return OrphanRow(
        collector=one.collector,
        reason=one.reason.value,
        device=one.device,
        component=one.component,
        source=one.source,
        files=one.files,
        bytes=one.bytes,
        written=iso(one.written),
        detail=one.detail,
        left_at=iso(found.left_at),
        purge_from=iso(found.purge_from),
        aside_at=iso(one.aside_at) if one.aside_at else None,
        daemon=one.daemon,
    )


def _asked(one: Asked) -> AskedRow:
    return AskedRow(collector=one.collector, files=one.files, bytes=one.bytes, problem=one.problem, daemon=one.daemon)


def _purged(one: Done) -> PurgedRow:
    return PurgedRow(device=one.device, collector=one.collector, files=one.files, bytes=one.bytes, daemon=one.daemon)


def _kept(one: Kept) -> KeptRow:
    return KeptRow(
        device=one.device,
        collector=one.collector,
        why=one.why,
        purge_from=iso(one.purge_from),
        waits=one.waits,
        daemon=one.daemon,
    )
