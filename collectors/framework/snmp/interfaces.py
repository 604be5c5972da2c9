"""The seam of SNMP: what every engine gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from zope.interface import Attribute, Interface

from collectors.framework.snmp.prints import Prints
from collectors.framework.snmp.sizing import Sizing
from common.configs import SnmpConfig

Oid = tuple[int, ...]
SnmpValue = int | bytes | Oid | None


class Table(Struct, frozen=True, kw_only=True):
    """What a walk over some columns brought.

    Attributes:
        columns: for each column asked for, in order, row index (the sub-identifiers after the column) to value.
            Integers, counters and ticks are int, OCTET STRING and IpAddress bytes, OIDs tuples.
        complete: every column was read to its end; otherwise `problem` says what stopped the walk.
        scalars: what was asked for beside the columns, in order.
        same: so many rows came byte for byte as they were known, and are not in the columns.
        differ: places of the known rows that are not among these, whether they are in the columns or gone; None when
            nothing was compared, and all that was read is in the columns.
        read: for each column, when the rows up to which index came (monotonic seconds), in the order of answers; empty
            where that is not known.
        silent: what stopped the walk is that no answer came any more.
        prints: of all rows as they are now, to be given as `known` to the next walk; None when there are none.
    """

    columns: tuple[dict[Oid, SnmpValue], ...]
    complete: bool
    problem: str = ""
    varbinds: int = 0
    requests: int = 0
    scalars: tuple[SnmpValue, ...] = ()
    same: int = 0
    differ: list[int] | None = None
    prints: Prints | None = None
    read: tuple[list[tuple[Oid, float]], ...] = ()
    silent: bool = False


class ISnmpClient(Interface):
    """Speaks SNMP with one agent. At most one request of it is in flight."""

    sizing: Sizing = Attribute("How much the agent is asked for at once; who has kept what was learnt may put it back.")

    async def get(oids: Sequence[Oid], retries: int | None = None) -> list[SnmpValue]:
        """GET; None for what the agent does not have (noSuchObject, noSuchInstance; v1: noSuchName).

        Args:
            oids: of the values.
            retries: in place of those that the config says.

        Raises:
            SnmpTimeout: no answer, after all retries.
            SnmpAuthError: wrong user, password, security level (v3 reports).
            SnmpConfigError: settings that cannot work, for example an unresolvable address.
            SnmpError: any other error status, or an answer that makes no sense.
        """

    async def table(
        columns: Sequence[Oid], max_rows: int = 50_000, scalars: Sequence[Oid] = (), known: Prints | None = None
    ) -> Table:
        """Walk columns together: as many of them in one GETBULK as fit (v1: GETNEXT), to the end of each.

        Values that belong to no table (`scalars`, whose OIDs end with 0) ride in the first request, or are asked for by
        themselves when the agent does not understand that; the answer has them as `get` gives them.

        Rows that are as they were `known` may be left out of the columns (see Table); a client need not heed it. Prints
        without rows ask for those of this walk, and prints of the first columns alone are made of these.

        `tooBig` halves the repetitions and remembers that. OIDs that do not increase, and more than `max_rows` rows,
        end the walk with `complete` False. A time-out after the first answer does too.

        Raises:
            as `get`, when not even the first request was answered.
        """

    def close() -> None:
        """Release the socket; a request in flight fails."""


SnmpClientFactory = Callable[[str, SnmpConfig], Any]
"""(address, config) -> ISnmpClient."""
