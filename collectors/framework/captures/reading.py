"""A reading: all that one look at a device brought, in the order in which it was asked for (values, no files)."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

from msgspec import Struct

from collectors.framework.processtable import ProcessRow
from collectors.framework.snmp import ber, errors
from collectors.framework.snmp.interfaces import Oid, SnmpValue
from common.errors import TocsinError

SYS_UPTIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
"""A GET of it begins a reading."""
KINDS: Mapping[str, type[TocsinError]] = {
    kind.__name__: kind for kind in (errors.SnmpTimeout, errors.SnmpAuthError, errors.SnmpConfigError, errors.SnmpError)
}
"""Errors that a reading may hold, by name."""


class Origin(enum.Enum):
    """Where a reading comes from."""

    SNMP = "snmp"
    LOCAL = "local"


class Typed(Struct, frozen=True):
    """A value with the type that the agent gave it (a tag of `ber`)."""

    tag: int
    value: SnmpValue


class Failure(Struct, frozen=True):
    """An error in place of an answer."""

    kind: str
    message: str

    def error(self) -> TocsinError:
        """The error, to be raised again."""
        return KINDS.get(self.kind, errors.SnmpError)(self.message)


class Got(Struct, frozen=True, kw_only=True):
    """A GET; None for what the agent does not have."""

    values: dict[Oid, Typed | None]
    failure: Failure | None = None


class Walked(Struct, frozen=True, kw_only=True):
    """A walk over some columns.

    Attributes:
        rows: for each column, row index to value.
        problem: why it is not complete; empty when it is.
    """

    columns: tuple[Oid, ...]
    rows: tuple[dict[Oid, Typed], ...]
    problem: str = ""
    varbinds: int = 0
    requests: int = 0
    failure: Failure | None = None


class Scanned(Struct, frozen=True, kw_only=True):
    """A scan of this host."""

    rows: tuple[ProcessRow, ...]
    full: bool
    problem: str = ""


class Probed(Struct, frozen=True, kw_only=True):
    """Which processes answered when they were asked for one by one."""

    alive: dict[int, bool]


Section = Got | Walked | Scanned | Probed


class Reading(Struct, kw_only=True):
    """One look at a device.

    Attributes:
        at: epoch seconds; `monotonic_s` is the same moment on the monotonic clock of who recorded it.
        engine, version: of SNMP; empty for a local one.
    """

    device: str
    origin: Origin
    at: float
    monotonic_s: float
    engine: str = ""
    version: str = ""
    sections: list[Section]


def guessed(value: SnmpValue) -> Typed:
    """A value whose type nobody has told."""
    if isinstance(value, bytes):
        return Typed(ber.OCTET_STRING, value)
    if isinstance(value, tuple):
        return Typed(ber.OBJECT_IDENTIFIER, value)
    if value is None:
        return Typed(ber.NULL, None)
    if -(1 << 31) <= value < 1 << 31:
        return Typed(ber.INTEGER, value)
    return Typed(ber.GAUGE32 if 0 <= value < 1 << 32 else ber.COUNTER64, value)


def values_of(sections: Sequence[Section]) -> dict[Oid, Typed]:
    """Everything that an agent would have to serve for these sections: walks first, then what no walk has covered."""
    found: dict[Oid, Typed] = {}
    covered: set[Oid] = set()
    for section in sections:
        if isinstance(section, Walked):
            for column, rows in zip(section.columns, section.rows, strict=True):
                covered.add(column)
                found.update({column + index: typed for index, typed in rows.items()})
    for section in sections:
        if isinstance(section, Got):
            for oid, value in section.values.items():
                if value is not None and not any(oid[: len(column)] == column for column in covered):
                    found.setdefault(oid, value)
    return found


def completed(readings: Sequence[Reading], at: int) -> dict[Oid, Typed]:
    """What one of some readings tells, and, of what it did not ask for, what the others tell of the same rows.

    A collector reads names and arguments when a process is new, and not in each reading after that: they are taken
    from the reading before that has them, or else from the one behind.
    """
    sections = readings[at].sections
    found = values_of(sections)
    walks = [section for section in sections if isinstance(section, Walked) and section.failure is None]
    if not walks:
        return found
    columns = {column for walk in walks for column in walk.columns}
    asked = {oid for section in sections if isinstance(section, Got) for oid in section.values}
    indexes = {index for walk in walks for rows in walk.rows for index in rows}
    sizes = {len(index) for index in indexes}
    for other in [*reversed(readings[:at]), *readings[at + 1 :]]:
        for oid, typed in values_of(other.sections).items():
            if oid in found or oid in asked or any(oid[: len(column)] == column for column in columns):
                continue
            if oid[-1] == 0 or any(oid[-size:] in indexes for size in sizes):
                found[oid] = typed
    return found
