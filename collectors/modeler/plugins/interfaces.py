"""The network interfaces of a device (IF-MIB, RFC 2863: ifTable and ifXTable)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.values import text
from collectors.modeler.facts import Found, Plugin, Tables, Unbelievable, Walk
from collectors.modeler.words import Ignored, distinct, figure, known, name, phrase
from common.components import ComponentKind, FoundComponent
from common.configs import DeviceConfig, ModelConfig

IF_TABLE: Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1)
IF_X_TABLE: Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
DESCR, TYPE, MTU, SPEED = (*IF_TABLE, 2), (*IF_TABLE, 3), (*IF_TABLE, 4), (*IF_TABLE, 5)
MAC, ADMIN, OPER = (*IF_TABLE, 6), (*IF_TABLE, 7), (*IF_TABLE, 8)
NAME, HIGH_SPEED, ALIAS = (*IF_X_TABLE, 1), (*IF_X_TABLE, 15), (*IF_X_TABLE, 18)

INTERFACES = Walk(
    name="interfaces",
    what="the interface table (IF-MIB ifTable, ifXTable)",
    columns=(DESCR, TYPE, MTU, SPEED, MAC, ADMIN, OPER, NAME, HIGH_SPEED, ALIAS),
)

TYPES = {
    1: "other",
    6: "ethernet",
    23: "ppp",
    24: "loopback",
    53: "virtual",
    71: "wireless",
    131: "tunnel",
    135: "vlan",
    161: "aggregate",
    209: "bridge",
}
"""The more frequent ones of IANAifType; others are told by number."""
STATES = {1: "up", 2: "down", 3: "testing", 4: "unknown", 5: "dormant", 6: "notPresent", 7: "lowerLayerDown"}
SPEED_UNKNOWN = 2**32 - 1  # what ifSpeed holds when the speed does not fit
MAX_MAC_BYTES = 32


class InterfaceRow(Struct, frozen=True, kw_only=True):
    """An interface as it was read.

    Attributes:
        mac: its physical address in hex with colons; empty when it has none.
        speed_bps: bits per second.
    """

    name: str
    index: int | None = None
    descr: str = ""
    alias: str = ""
    type: str = ""
    mtu: int | None = None
    speed_bps: int | None = None
    mac: str = ""
    admin: str = ""
    oper: str = ""


def of_tables(tables: Tables) -> Sequence[InterfaceRow]:
    """A row for each index that has a name or a description."""
    descrs, types, mtus, speeds, macs, admins, opers, names, high_speeds, aliases = tables.columns(INTERFACES)
    indexes = sorted(index for index in descrs.keys() | names.keys() if len(index) == 1)
    return [
        InterfaceRow(
            name=name(text(names.get(index))) or name(text(descrs.get(index))) or f"if{index[0]}",
            index=index[0],
            descr=phrase(text(descrs.get(index))),
            alias=phrase(text(aliases.get(index))),
            type=_word(TYPES, types.get(index)),
            mtu=figure(mtus.get(index)),
            speed_bps=_speed_bps(high_speeds.get(index), speeds.get(index)),
            mac=_mac(macs.get(index)),
            admin=_word(STATES, admins.get(index)),
            oper=_word(STATES, opers.get(index)),
        )
        for index in indexes
    ]


def found(rows: Sequence[InterfaceRow], config: DeviceConfig) -> Found:
    """A component for each interface that is not to be ignored."""
    if not rows:
        raise Unbelievable(
            "the device shows no interface (IF-MIB ifTable): load that part of the agent, or give this credential a "
            "view that includes 1.3.6.1.2.1.2 and 1.3.6.1.2.1.31"
        )
    ignored = Ignored((config.model or ModelConfig()).interfaces_ignore)
    kept = sorted((row for row in rows if row.name not in ignored), key=lambda row: (row.mac, row.index or 0))
    names = distinct([row.name for row in kept])
    return Found(
        kinds=(ComponentKind.INTERFACE,),
        components=tuple(_component(one, row) for one, row in zip(names, kept, strict=True)),
    )


def _component(called: str, row: InterfaceRow) -> FoundComponent:
    return FoundComponent(
        kind=ComponentKind.INTERFACE,
        name=called,
        anchor=row.mac,
        attributes=known(
            {
                "index": row.index,
                "descr": row.descr,
                "alias": row.alias,
                "type": row.type,
                "mtu": row.mtu,
                "speed_bps": row.speed_bps,
                "mac": row.mac,
                "admin_status": row.admin,
                "oper_status": row.oper,
            }
        ),
    )


def _word(words: dict[int, str], value: SnmpValue) -> str:
    number = figure(value)
    return "" if number is None else words.get(number, str(number))


def _speed_bps(high: SnmpValue, low: SnmpValue) -> int | None:
    """Bits per second of ifHighSpeed (megabits), or of ifSpeed; None for 0, which says that nothing is known."""
    megabits = figure(high)
    if megabits:
        return figure(megabits * 1_000_000)
    bits = figure(low)
    return bits if bits and bits != SPEED_UNKNOWN else None


def _mac(value: SnmpValue) -> str:
    """A physical address that tells interfaces apart; one of zeros alone does not."""
    return value[:MAX_MAC_BYTES].hex(":") if isinstance(value, bytes) and value.strip(b"\0") else ""


PLUGIN = Plugin(name="interfaces", walks=(INTERFACES,), of_tables=of_tables, found=found)
