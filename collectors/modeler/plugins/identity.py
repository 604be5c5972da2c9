"""What a device says that it is: the system group (SNMPv2-MIB, RFC 3418)."""

from __future__ import annotations

from collections.abc import Mapping

from collectors.framework.snmp.errors import oid_text
from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.values import text
from collectors.modeler.facts import Found, Plugin, Tables, Unbelievable
from collectors.modeler.words import known, phrase
from common.components import Attribute
from common.configs import DeviceConfig

SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
SCALARS: Mapping[str, Oid] = {
    "sysDescr": (*SYSTEM, 1, 0),
    "sysObjectID": (*SYSTEM, 2, 0),
    "sysContact": (*SYSTEM, 4, 0),
    "sysName": (*SYSTEM, 5, 0),
    "sysLocation": (*SYSTEM, 6, 0),
}

Identity = Mapping[str, Attribute]


def of_tables(tables: Tables) -> Identity:
    """The attributes by name, as the agent has them."""
    values = {name: tables.values.get(oid) for name, oid in SCALARS.items()}
    if all(value is None for value in values.values()):
        raise Unbelievable(
            "the agent does not say what it is (SNMPv2-MIB system): give this credential a view that includes "
            f"{oid_text(SYSTEM)}"
        )
    return {name: _words(value) for name, value in values.items()}


def found(identity: Identity, _config: DeviceConfig) -> Found:
    """The attributes of the device."""
    return Found(
        attributes=known({name: phrase(value) if isinstance(value, str) else value for name, value in identity.items()})
    )


def _words(value: SnmpValue) -> str:
    return oid_text(value) if isinstance(value, tuple) else text(value)


PLUGIN = Plugin(name="identity", scalars=tuple(SCALARS.values()), of_tables=of_tables, found=found)
