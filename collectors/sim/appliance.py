"""`appliance`: a switch, a power supply or a printer that is not there, served over SNMP v1, v2c and v3."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable

from collectors.framework.captures.reading import Typed
from collectors.framework.snmp import ber
from collectors.framework.snmp.interfaces import Oid
from collectors.sim import oids
from collectors.sim.addresses import ANY_ADDRESS, endpoint
from collectors.sim.appliances import DAY_S, Printer, Switch, Ups
from collectors.sim.served import View
from collectors.sim.users import add_user_options, user_of
from common.errors import SettingsError

Appliance = Switch | Ups | Printer
KINDS = ("switch", "ups", "printer")
MOST_PORTS = 10_000


def add_appliance_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `appliance`."""
    parser.add_argument("kind", choices=KINDS, help="what it is")
    parser.add_argument("--ports", type=int, default=24, metavar="N", help="of a switch [24]")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same seed, the same behaviour [1]")
    parser.add_argument("--faster", type=float, default=1.0, metavar="X", help="days go by so many times as fast [1]")
    parser.add_argument("--listen", default="127.0.0.1:1161", metavar="ADDRESS:PORT", help="[127.0.0.1:1161]")
    parser.add_argument(ANY_ADDRESS, action="store_true", help="allow an address that others can reach")
    parser.add_argument("--community", default="public", metavar="WORD", help="of v1 and v2c; empty for none [public]")
    add_user_options(parser)


def run_appliance(options: argparse.Namespace) -> int:
    """Do what these options say.

    Raises:
        SettingsError: they cannot be.
    """
    from collectors.sim.agent import bound, serve  # pysnmp is slow to load
    from collectors.sim.engine import Credentials

    if not 1 <= options.ports <= MOST_PORTS:
        raise SettingsError(f"--ports {options.ports}: wanted a number from 1 to {MOST_PORTS}")
    if not 0 < options.faster <= DAY_S:
        raise SettingsError(f"--faster {options.faster:g}: wanted a number over 0, and at most {DAY_S}")
    address = endpoint(options.listen, anywhere=options.any_address)
    made = _made(options)
    communities = {options.community: options.kind} if options.community else {}
    with bound(address) as listening:
        devices = {options.kind: Moving(options.kind, made.values, options.faster)}
        asyncio.run(serve(listening, devices, Credentials(communities=communities, user=user_of(options))))
    return 0


def _made(options: argparse.Namespace) -> Appliance:
    if options.kind == "switch":
        return Switch(options.seed, options.ports, options.faster)
    return Ups(options.seed) if options.kind == "ups" else Printer(options.seed, options.faster)


class Moving:
    """What an appliance tells, at most a second old.

    Args:
        values: of it, at t.
        faster: so many seconds of its time pass in each of ours.
    """

    def __init__(self, name: str, values: Callable[[float], dict[Oid, bytes]], faster: float = 1.0) -> None:
        self._name = name
        self._values = values
        self._faster = faster
        self._at = -1
        self._view = View({})

    def view(self, t: float) -> View:
        """What is told, t seconds after the beginning."""
        if int(t) != self._at:
            self._at = int(t)
            found = {oid: _typed(value) for oid, value in self._values(self._at * self._faster).items()}
            found[oids.SYS_DESCR] = Typed(ber.OCTET_STRING, f"a simulated {self._name}".encode())
            found[oids.SYS_OBJECT_ID] = Typed(ber.OBJECT_IDENTIFIER, (0, 0))
            found[oids.SYS_UPTIME] = Typed(ber.TIMETICKS, int(100 * (t + 3600)) & 0xFFFFFFFF)
            found[oids.SYS_NAME] = Typed(ber.OCTET_STRING, f"sim-{self._name}".encode())
            self._view = View(found)
        return self._view


def _typed(value: bytes) -> Typed:
    tag, start, end = ber.read_tlv(value, 0, len(value))
    return Typed(tag, ber.decode_value(tag, value[start:end]))
