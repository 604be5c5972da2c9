"""What an agent answered, before anything is made of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from collectors.framework.snmp.interfaces import Oid, SnmpValue


class Uptime(Struct, frozen=True):
    """sysUpTime, and the epoch second at which it was that; None where the agent does not tell."""

    seconds: float | None = None
    at: float = 0.0

    def when(self, at: float) -> float | None:
        """What it is at another moment of the same pass."""
        return None if self.seconds is None else max(self.seconds + at - self.at, 0.0)


class Value(Struct, frozen=True):
    """One value of the device.

    Attributes:
        at: epoch second of the answer.
        problem: why there is none, where the agent answered with an error.
    """

    value: SnmpValue
    at: float = 0.0
    uptime: Uptime = Uptime()
    problem: str = ""


class Column(Struct, frozen=True):
    """One column of a table.

    Attributes:
        rows: by index.
        read: up to which index came at which epoch second, in the order of answers.
        problem: why it was not read to its end; empty when it was.
        refused: that was the column's own fault.
    """

    rows: Mapping[Oid, SnmpValue]
    read: Sequence[tuple[Oid, float]] = ()
    uptime: Uptime = Uptime()
    problem: str = ""
    refused: bool = False

    def taken(self, indexes: Sequence[Oid], otherwise: float) -> list[float]:
        """When each of these rows came; they are in order."""
        if not self.read:
            return [otherwise] * len(indexes)
        taken: list[float] = []
        for last, at in self.read:
            taken += [at] * (bisect_right(indexes, last, lo=len(taken)) - len(taken))
        return taken + [self.read[-1][1]] * (len(indexes) - len(taken))


class Readings(Struct):
    """All that one pass over a device brought.

    Attributes:
        at: epoch second at which it ended.
        values: by OID.
        columns: by the OID that was walked.
        stopped: why not all was asked for; empty when it was.
    """

    at: float = 0.0
    values: dict[Oid, Value] = field(default_factory=dict)
    columns: dict[Oid, Column] = field(default_factory=dict)
    stopped: str = ""
