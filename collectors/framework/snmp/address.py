"""Where an agent is: literal addresses as they stand, names through the reactor's resolver, within a time."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IAddress, IHostResolution, IReactorTime, IResolutionReceiver
from zope.interface import implementer

from collectors.framework.snmp.errors import SnmpConfigError, SnmpTimeout

RESOLVE_TIMEOUT_S = 5.0


@implementer(IResolutionReceiver)
class _FirstAddress:
    """Takes the first address that a resolver finds; "" when there is none."""

    def __init__(self) -> None:
        self.found: Deferred[str] = Deferred()

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Nothing to keep: Twisted's threaded resolver cannot be cancelled."""

    def addressResolved(self, address: IAddress) -> None:
        if isinstance(address, IPv4Address | IPv6Address):
            self._tell(address.host)

    def resolutionComplete(self) -> None:
        self._tell("")

    def _tell(self, host: str) -> None:
        if not self.found.called:
            self.found.callback(host)


def literal(host: str) -> str | None:
    """An IP address in the form that sockets report it in; None for a name."""
    address, percent, zone = host.strip("[]").partition("%")
    try:
        return str(ipaddress.ip_address(address)) + percent + zone
    except ValueError:
        return None


async def resolve(reactor: Any, clock: IReactorTime, host: str, timeout_s: float = RESOLVE_TIMEOUT_S) -> str:
    """The IP address of a host.

    Raises:
        SnmpConfigError: there is no such name.
        SnmpTimeout: the resolver does not say.
    """
    address = literal(host)
    if address is not None:
        return address
    if not host or host != host.strip() or any(character.isspace() for character in host):
        raise SnmpConfigError(f"{host!r} is no host name or IP address: correct the device's address.")
    receiver = _FirstAddress()
    kinds: Sequence[type[IAddress]] = (IPv4Address, IPv6Address)
    timer = clock.callLater(timeout_s, receiver.found.cancel)
    try:
        reactor.nameResolver.resolveHostName(receiver, host, 0, kinds, "UDP")
        found = await receiver.found
    except UnicodeError:
        found = ""
    except CancelledError:
        if timer.active():
            raise
        raise SnmpTimeout(
            f"The name {host} could not be resolved within {timeout_s:g} s: check the name servers of this machine."
        ) from None
    finally:
        if timer.active():
            timer.cancel()
    if not found:
        raise SnmpConfigError(f"The name {host} has no address: correct the device's address, or the name service.")
    return found
