"""Whether some bytes can be an RRD file of a layout (pure): looked at before librrd is let near them.

librrd maps a file and believes what its header says. One that another host sent is read by this module first.

Source: the structures of rrd_format.h (1.7, 64 bit, little endian).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from common import rrd
from common.moving import MAX_POINTS, MovedFile
from common.series import Kind, Layout, Point

_HEAD = struct.Struct("<4s5s7xdQQQ80x")
_SOURCE = struct.Struct("<20s20s80x")
_ARCHIVE = struct.Struct("<20s4xQQ80x")
_LIVE = struct.Struct("<qQ")
_POINTER = struct.Struct("<Q")
_PDP_BYTES, _CDP_BYTES, _VALUE_BYTES = 112, 80, 8
_COOKIE, _FLOAT_COOKIE = b"RRD\0", 8.642135e130
_VERSIONS = (b"0003\0", b"0004\0", b"0005\0")
_KINDS = {"GAUGE": Kind.GAUGE, "DERIVE": Kind.DERIVE, "COUNTER": Kind.DERIVE, "ABSOLUTE": Kind.ABSOLUTE}
_FORECASTS = ("HWPREDICT", "MHWPREDICT", "SEASONAL", "DEVSEASONAL", "DEVPREDICT", "FAILURES")
_ARCHIVES = frozenset({*rrd.CONSOLIDATIONS, *_FORECASTS})
MAX_ARCHIVES = 200
MAX_HEADER_BYTES = 8 * 1024 * 1024


class Header(Struct, frozen=True, kw_only=True):
    """What the header of a file says.

    Attributes:
        points: names and types of the data sources, in order.
        length: bytes of the header.
        size: bytes that the whole file must have.
    """

    step_s: int
    points: tuple[tuple[str, str], ...]
    last: int
    length: int
    size: int


class NoFormError(ValueError):
    """It is no RRD file that can be used; the text says why."""


def read_header(data: bytes) -> Header:
    """Read a header from the beginning of a file.

    Raises:
        NoFormError: it is none.
    """
    try:
        return _read(data)
    except (struct.error, UnicodeDecodeError):
        raise NoFormError("its header is cut short, or has names that are none") from None


def _read(data: bytes) -> Header:
    cookie, version, number, sources, archives, step_s = _HEAD.unpack_from(data)
    if cookie != _COOKIE or version not in _VERSIONS or number != _FLOAT_COOKIE:
        raise NoFormError("it is no RRD file of this kind of machine")
    if not (1 <= sources <= MAX_POINTS and 1 <= archives <= MAX_ARCHIVES and 1 <= step_s <= rrd.DAY_S):
        raise NoFormError(f"{sources} data sources, {archives} archives and a step of {step_s} s cannot be")
    at = _HEAD.size
    points = []
    for _ in range(sources):
        name, type_ = (_text(raw) for raw in _SOURCE.unpack_from(data, at))
        if type_ not in _KINDS:
            raise NoFormError(f"a data source of type {type_!r} is none of ours")
        points.append((name, type_))
        at += _SOURCE.size
    rows = []
    for _ in range(archives):
        consolidation, row_count, steps = _ARCHIVE.unpack_from(data, at)
        if _text(consolidation) not in _ARCHIVES or not 1 <= row_count < 2**32 or not 1 <= steps < 2**32:
            raise NoFormError(f"an archive {_text(consolidation)!r} of {row_count} rows of {steps} steps cannot be")
        rows.append(row_count)
        at += _ARCHIVE.size
    last, _ = _LIVE.unpack_from(data, at)
    at += _LIVE.size + sources * _PDP_BYTES + sources * archives * _CDP_BYTES
    for row_count in rows:
        (row,) = _POINTER.unpack_from(data, at)
        if row >= row_count:
            raise NoFormError(f"an archive of {row_count} rows is at row {row}")
        at += _POINTER.size
    return Header(
        step_s=step_s, points=tuple(points), last=last, length=at, size=at + sum(rows) * sources * _VALUE_BYTES
    )


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("ascii")


def why_not(path: Path, told: MovedFile) -> str:
    """In which way a file is not what was told of it; empty when it is.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(MAX_HEADER_BYTES)
    try:
        header = read_header(data)
    except NoFormError as error:
        return str(error)
    if header.size != told.size:
        return f"it has {told.size} bytes, and by its header should have {header.size}"
    if header.step_s != told.layout.step_s:
        return f"its step is {header.step_s} s, and not {told.layout.step_s} s"
    if header.last != told.last:
        return f"its last sample is of {header.last}, and not of {told.last}"
    if sorted(names := [name for name, _ in header.points]) != sorted(wanted := [p.name for p in told.layout.points]):
        return f"its data sources are {_named(names)}, and not {_named(wanted)}"
    return ""


def layout_of(header: Header, known: Layout) -> Layout:
    """The layout of a file: what is known of its points, and what only the file tells."""
    by_name = {point.name: point for point in known.points}
    points = tuple(by_name.get(name) or Point(name=name, kind=_KINDS[type_]) for name, type_ in header.points)
    return Layout(points=points, step_s=header.step_s, retention=known.retention)


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown
