"""Puts together what was there (pure): two scans and the host in, a small piece of evidence out."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Mapping, Sequence

import msgspec
import zstandard
from msgspec import Struct

from collectors.framework.processtable import ProcessRow
from collectors.process.tables import View
from common.errors import PermanentError
from common.evidence import Evidence, EvidenceRow, HostEvidence, SetEvidence
from common.masking import Masker
from common.matching import printable

PIECE_BYTES = 8 * 1024
"""Of a piece as it is kept."""
UNPACKED_BYTES = 128 * 1024
TOP = 10
MOST_SETS = 20
SHAPES = ((12, 300), (6, 160), (3, 80), (1, 40), (0, 20))
"""Rows of a set, and characters of a command line: the first with which a piece is small enough."""
MASKED_CHARACTERS = 4096
MOST_SIZE = 1 << 53

Members = Mapping[int, ProcessRow]

_compressor = zstandard.ZstdCompressor(level=6)


class Taken(Struct, frozen=True):
    """What is to be kept of one scan.

    Attributes:
        sets: with an alarm that opened, and the processes that each had in the last scan that showed some; None where
            that is not known.
        before: the scan before; None where there is none.
    """

    id: str
    device: str
    at: float
    sets: Mapping[str, Members | None]
    before: View | None
    now: View


def id_of(device: str, at: float) -> str:
    """The id of the evidence of a scan: ids of one device sort by time."""
    stamp = int(max(at, 0.0) * 1000) & 0xFFFFFFFFFFF
    return f"{stamp:011x}{hashlib.blake2b(device.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()[:9]}"


def taken_at(id_: str) -> float:
    """Epoch seconds of a piece, by its id."""
    return int(id_[:11], 16) / 1000


def piece(taken: Taken, host: HostEvidence, secrets: Masker) -> bytes:
    """The evidence as it is kept, small enough."""
    for rows, characters in SHAPES:
        data = msgspec.msgpack.encode(_evidence(taken, host, secrets, rows, characters))
        packed = _compressor.compress(data)
        if len(packed) <= PIECE_BYTES and len(data) <= UNPACKED_BYTES:
            break
    return packed


def unpacked(data: bytes) -> Evidence:
    """What was kept.

    Raises:
        PermanentError: it is damaged.
    """
    try:
        plain = zstandard.ZstdDecompressor().decompress(data, max_output_size=UNPACKED_BYTES)
        return msgspec.msgpack.decode(plain, type=Evidence)
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise PermanentError(f"it is damaged: {error}") from None


def _evidence(taken: Taken, host: HostEvidence, secrets: Masker, rows: int, characters: int) -> Evidence:
    now, before = taken.now, taken.before
    row = _row_maker(secrets, characters)
    present = {pid: (one, now) for pid, one in now.table.rows.items()}
    gone = {pid: (one, before) for pid, one in before.table.rows.items() if pid not in present} if before else {}
    every = gone | present
    used = {pid: cpu for pid, (_, view) in every.items() if (cpu := view.used.get(pid))}
    size = {pid: bytes_ for pid, (one, _) in every.items() if (bytes_ := _sane(one.memory_bytes))}

    def largest(figures: Mapping[int, float]) -> list[EvidenceRow]:
        top = heapq.nlargest(TOP, figures, key=lambda pid: (figures[pid], -pid))
        return [row(*every[pid], gone=pid in gone) for pid in top]

    sets = list(taken.sets.items())
    return Evidence(
        id=taken.id,
        device=taken.device,
        at=taken.at,
        before_at=before.table.at if before is not None else None,
        processes=len(present),
        sets=[_set(name, last, taken, row, rows) for name, last in sets[:MOST_SETS]],
        more_sets=max(0, len(sets) - MOST_SETS),
        by_cpu=largest(used),
        by_memory=largest(size),
        host=host,
    )


def _sane(size: int | None) -> int | None:
    """A size that is none is the word of an agent that lies."""
    return size if size is not None and 0 <= size < MOST_SIZE else None


RowMaker = Callable[..., EvidenceRow]


def _set(name: str, last: Members | None, taken: Taken, row: RowMaker, most: int) -> SetEvidence:
    present = taken.now.of(name)
    shown = _largest(present.values(), most)
    was = _largest(last.values(), most) if last is not None else []
    there = {pid for pid, one in taken.now.table.rows.items() if one.alive}  # what nobody has reaped yet is gone
    return SetEvidence(
        set=name[:512],
        before=[row(one, taken.before, gone=one.pid not in there) for one in was] if last is not None else None,
        now=[row(one, taken.now) for one in shown],
        more_before=len(last) - len(was) if last is not None else 0,
        more_now=len(present) - len(shown),
    )


def _largest(rows: object, most: int) -> Sequence[ProcessRow]:
    return heapq.nlargest(most, rows, key=lambda one: (_sane(one.memory_bytes) or 0, -one.pid))  # type: ignore[call-overload,no-any-return]


def _row_maker(secrets: Masker, characters: int) -> RowMaker:
    def row(one: ProcessRow, view: View | None, *, gone: bool = False) -> EvidenceRow:
        owner = view.owners.get(one.pid) if view is not None else None
        line = one.line[:MASKED_CHARACTERS]
        cpu = view.used.get(one.pid) if view is not None else None
        return EvidenceRow(
            pid=one.pid,
            set=owner.component[:512] if owner is not None else None,
            name=printable(secrets.mask(one.name[:100]), 100),
            command=printable(secrets.mask(line), characters),
            started_at=one.started,
            cpu_percent=round(cpu, 2) if cpu is not None else None,
            memory_bytes=_sane(one.memory_bytes),
            state=one.status[:40],
            gone=gone,
        )

    return row
