"""pysnmp as an agent: its engine speaks the protocol, we give the values."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp
from pysnmp.entity.rfc3413.context import SnmpContext
from pysnmp.proto import rfc1902
from pysnmp.smi import error, exval

from collectors.framework.captures.reading import Typed
from collectors.framework.snmp import ber
from collectors.framework.snmp.interfaces import Oid
from collectors.framework.snmp.pysnmp_engine import AUTH, PRIV
from collectors.sim.served import IServed, View
from collectors.sim.users import User

MOST_VARBINDS = 400
"""Of an answer to a GETBULK."""
_VALUES: Mapping[int, Callable[[Any], Any]] = {
    ber.INTEGER: rfc1902.Integer32,
    ber.OCTET_STRING: rfc1902.OctetString,
    ber.OBJECT_IDENTIFIER: rfc1902.ObjectIdentifier,
    ber.IP_ADDRESS: rfc1902.IpAddress,
    ber.COUNTER32: rfc1902.Counter32,
    ber.GAUGE32: rfc1902.Gauge32,
    ber.UINTEGER32: rfc1902.Unsigned32,
    ber.TIMETICKS: rfc1902.TimeTicks,
    ber.OPAQUE: rfc1902.Opaque,
    ber.NSAP_ADDRESS: rfc1902.OctetString,
    ber.COUNTER64: rfc1902.Counter64,
    ber.NULL: lambda _value: rfc1902.Null(""),
}


class Credentials(Struct, frozen=True, kw_only=True):
    """Who may ask.

    Attributes:
        communities: of v1 and v2c, with the device that each of them reads.
        user: of v3; pysnmp refuses less security than it has. The context says which device, the empty one is that of
            a single device.
    """

    communities: dict[str, str]
    user: User | None

    def words(self) -> str:
        """How to ask, for people."""
        ways = [f"v1 and v2c, community {', '.join(list(self.communities)[:5])}"] if self.communities else []
        ways += [f"v3, user {self.user.name}, {self.user.level}"] if self.user is not None else []
        return "; ".join(ways)


class Silence(error.SmiError):  # type: ignore[misc]  # pysnmp has no types
    """No answer is sent."""


class Values:
    """What pysnmp asks for values: the instrumentation of one device."""

    def __init__(self, served: IServed, t: Callable[[], float]) -> None:
        self._served = served
        self._t = t

    def read_variables(self, *varbinds: Any, **_context: Any) -> list[tuple[Any, Any]]:
        """GET."""
        view = self._view()
        return [(name, self._value(view, tuple(name))) for name, _ in varbinds]

    def read_next_variables(self, *varbinds: Any, **_context: Any) -> list[tuple[Any, Any]]:
        """GETNEXT, and each repetition of GETBULK."""
        view = self._view()
        found = []
        for name, _ in varbinds:
            following = view.following(tuple(name))
            if following is None:
                found.append((name, exval.endOfMib))
            else:
                found.append((rfc1902.ObjectName(following), value_of(view.values[following])))
        return found

    def write_variables(self, *varbinds: Any, **_context: Any) -> None:
        """SET: nothing can be changed."""
        raise error.NotWritableError(name=varbinds[0][0], idx=0)

    def _value(self, view: View, oid: Oid) -> Any:
        typed = view.values.get(oid)
        return exval.noSuchInstance if typed is None else value_of(typed)

    def _view(self) -> View:
        view = self._served.view(self._t())
        if view is None:
            raise Silence
        return view


def value_of(typed: Typed) -> Any:
    """A value as pysnmp has it."""
    return _VALUES[typed.tag](typed.value)


class _Quiet:
    """A responder that says nothing while a capture says nothing."""

    def handle_management_operation(self, snmp_engine: Any, reference: Any, context: Any, pdu: Any) -> None:
        try:
            super().handle_management_operation(snmp_engine, reference, context, pdu)  # type: ignore[misc]  # a mixin
        except Silence:
            self.release_state_information(reference)  # type: ignore[attr-defined]  # of the class beside


class _Get(_Quiet, cmdrsp.GetCommandResponder):  # type: ignore[misc]  # pysnmp has no types
    pass


class _Next(_Quiet, cmdrsp.NextCommandResponder):  # type: ignore[misc]  # as above
    pass


class _Bulk(_Quiet, cmdrsp.BulkCommandResponder):  # type: ignore[misc]  # as above
    max_varbinds = MOST_VARBINDS


def start_engine(
    listening: socket.socket, devices: Mapping[str, IServed], credentials: Credentials, t: Callable[[], float]
) -> Callable[[], None]:
    """Answer on a socket, on the asyncio loop that runs; gives what ends it.

    Args:
        listening: bound, and not blocking.
        devices: what each of them tells.
        credentials: who may ask.
        t: seconds since the beginning.
    """
    agent = engine.SnmpEngine()
    six = listening.family == socket.AF_INET6
    domain, transport = (udp6.DOMAIN_NAME, udp6.Udp6Transport) if six else (udp.DOMAIN_NAME, udp.UdpTransport)
    config.add_transport(agent, domain, transport().open_server_mode(sock=listening))
    context = SnmpContext(agent)
    for number, (device, served) in enumerate(devices.items()):
        values = Values(served, t)
        context.register_context_name(device, values)
        if number == 0:
            context.context_names[b""] = values if len(devices) == 1 else Nobody()
    for number, (community, device) in enumerate(credentials.communities.items()):
        config.add_v1_system(agent, f"community{number}", community, contextName=device)
    user = credentials.user
    if user is not None:
        secrets = {"authKey": user.auth_password or None, "privKey": user.priv_password or None}
        config.add_v3_user(agent, user.name, AUTH[user.auth], privProtocol=PRIV[user.priv], **secrets)
    for responder in (_Get, _Next, _Bulk, cmdrsp.SetCommandResponder):
        responder(agent, context)

    def close() -> None:
        agent.close_dispatcher()

    return close


class Nobody(Values):
    """The empty context where there are several devices: it has nothing."""

    def __init__(self) -> None:
        """Have nothing."""

    def _view(self) -> View:
        return View({})
