"""How the files of a device go from the collector that had it to the one that has it: queries, and what is answered.

The hub asks for all of it, a piece at a time. Nothing in these messages is a path: files are named by hashes.
"""

from __future__ import annotations

import enum
import hashlib
from functools import partial
from io import BufferedReader
from typing import Annotated

from msgspec import Meta, Struct

from common.configs import Digest
from common.names import DeviceId
from common.series import Layout, SeriesKey

MAX_PIECE_BYTES = 128 * 1024
MAX_FILE_BYTES = 256 * 1024 * 1024
"""A file of 20 points that keeps a year of minutes has less than half of it."""
MAX_POINTS = 1000

FileName = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
"""Of a series: `common.rrd.file_name` without folders and ending."""
Beside = Annotated[
    str,
    Meta(
        pattern=r"^(|gap-[0-9]{9,11}-[0-9]{9,11}|likely\.[0-9]{1,3}[a-z]\.[0-9]{1,11}\.[A-Za-z0-9-][A-Za-z0-9.-]{0,18})\Z"
    ),
]
"""Without the name of the file, and a point."""
Version = Annotated[str, Meta(pattern=r"^[0-9a-f-]{1,64}\Z")]
"""Of a file's content, as who has it tells two states of it apart."""
Place = Annotated[int, Meta(ge=0, le=MAX_FILE_BYTES)]


class MovedFile(Struct, frozen=True, kw_only=True):
    """A file as its collector offers it.

    Attributes:
        file: its name.
        version: changes with its content.
        layout: points in the order of the file, and the step.
        first, last: epoch seconds of the first and the newest sample.
        size: bytes.
        digest: of all bytes (`digest_of`).
        beside: empty for the file itself; of one that lies beside it, what its name has more: a copy from before an
            outage, or what was learned of a point.
    """

    file: FileName
    version: Version
    key: SeriesKey
    layout: Layout
    first: Annotated[int, Meta(ge=0, le=2**33)]
    last: Annotated[int, Meta(ge=0, le=2**33)]
    size: Place
    digest: Digest
    beside: Beside = ""


class LeftQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Of which devices files lie here although they are not collected here; a page in order of id."""

    after: str = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000


class Left(Struct, frozen=True, tag=True, kw_only=True):
    """A page of devices; `last` is what the next one is asked for with, and `more` may be true of an empty page."""

    devices: Annotated[list[DeviceId], Meta(max_length=1000)]
    last: str
    more: bool


class OutgoingQuery(Struct, frozen=True, tag=True, kw_only=True):
    """The files of a device that is another collector's now; a page in order of name."""

    device: DeviceId
    after: str = ""


class Outgoing(Struct, frozen=True, tag=True, kw_only=True):
    """A page of files.

    Attributes:
        last: what the next page is asked for with.
        unread: a sentence for each file that cannot be read.
        files_in_all, bytes_in_all: of all pages, as far as it is known before they are read.
    """

    files: Annotated[list[MovedFile], Meta(max_length=1000)]
    more: bool
    last: str = ""
    unread: Annotated[list[str], Meta(max_length=1000)] = []
    files_in_all: int = 0
    bytes_in_all: int = 0


class PieceQuery(Struct, frozen=True, tag=True, kw_only=True):
    """A part of a file, as long as it is of that version."""

    device: DeviceId
    file: FileName
    version: Version
    offset: Place
    size: Annotated[int, Meta(ge=1, le=MAX_PIECE_BYTES)]
    beside: Beside = ""


class Piece(Struct, frozen=True, tag=True, kw_only=True):
    """Bytes of a file; `check` is their digest, taken where they were read."""

    data: Annotated[bytes, Meta(max_length=MAX_PIECE_BYTES)]
    check: Digest


class GiveQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Take a piece of a file; without data it only asks how far the file has come."""

    file: MovedFile
    offset: Place = 0
    data: Annotated[bytes, Meta(max_length=MAX_PIECE_BYTES)] = b""
    check: Digest | None = None


class Given(enum.Enum):
    """What the receiver has of a file."""

    WANTED = "wanted"
    """The bytes up to `Taken.offset`."""
    WORKING = "working"
    """All of it; it is brought together with what there is of the series already."""
    HELD = "held"
    """It is in its place, and on disk."""
    REFUSED = "refused"
    """It will never be taken as it is."""


class Taken(Struct, frozen=True, tag=True, kw_only=True):
    """How far a file has come; `reason` says why it is refused, or begun anew."""

    state: Given
    offset: Place = 0
    reason: Annotated[str, Meta(max_length=1000)] = ""


class LetGoQuery(Struct, frozen=True, tag=True, kw_only=True):
    """Another collector holds this file now: put it away."""

    device: DeviceId
    file: FileName
    version: Version
    to: Annotated[str, Meta(max_length=255)]
    beside: Beside = ""


MovingQuery = LeftQuery | OutgoingQuery | PieceQuery | GiveQuery | LetGoQuery
MovingResult = Left | Outgoing | Piece | Taken


def digest_of(data: bytes | memoryview) -> str:
    """Name of some bytes: 32 hex digits (BLAKE2b, 16 bytes)."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def digest_of_file(file: BufferedReader) -> str:
    """The same of all that a file has, read a piece at a time.

    Raises:
        OSError: it cannot be read.
    """
    return hashlib.file_digest(file, partial(hashlib.blake2b, digest_size=16)).hexdigest()
