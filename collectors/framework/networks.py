"""Which network a device is in, and how many devices of one network are read at the same time."""

from __future__ import annotations

import ipaddress
import math
from typing import Annotated

from msgspec import Meta, Struct

from collectors.framework.snmp.address import literal

SILENT = "silent"
"""The lane of all devices that do not answer, whatever their network: they wait for each other, and for nobody else."""
MOST_HOSTS = 100_000


class NetworkSettings(Struct, frozen=True, kw_only=True):
    """How devices share the line to their network, and how often those that do not answer are asked.

    Attributes:
        parallel: devices of one network that are read at the same time; also of all that do not answer.
        ipv4_prefix: bits that the addresses of one network have in common; also ipv6_prefix. Names count by the address
            that they were resolved to, until then by their domain.
        silent_s: one that does not answer is asked less and less often, but once in so many seconds.
    """

    parallel: Annotated[int, Meta(ge=1)] = 20
    ipv4_prefix: Annotated[int, Meta(ge=1, le=32)] = 24
    ipv6_prefix: Annotated[int, Meta(ge=1, le=128)] = 64
    silent_s: Annotated[int, Meta(ge=1, le=86400)] = 300


class Networks:
    """Knows the network of each device.

    Args:
        settings: of the daemon.
        part: this process's share of what the daemon reads at the same time.

    Attributes:
        limit: devices of one network that are read at the same time, here.
    """

    def __init__(self, settings: NetworkSettings | None = None, part: float = 1.0) -> None:
        self.settings = settings or NetworkSettings()
        self.limit = max(1, math.ceil(self.settings.parallel * part))
        self._known: dict[str, str] = {}
        self._back: dict[str, float] = {}

    def of(self, host: str) -> str:
        """The network of an address or a name: a key that devices of the same network have in common."""
        known = self._known.get(host)
        if known is None:
            known = self._keep(host, self._of_address(host) or _domain(host))
        return known

    def learn(self, host: str, address: str) -> None:
        """A name was resolved."""
        if host != address:
            self._keep(host, self._of_address(address))

    def is_back(self, host: str, now: float) -> None:
        """A device answers that did not: the others of its network may do so again, too."""
        self._back[self.of(host)] = now

    def back_at(self, host: str) -> float:
        """When a device of the same network was back, in seconds of the monotonic clock."""
        return self._back.get(self.of(host), float("-inf"))

    def _keep(self, host: str, network: str) -> str:
        if len(self._known) >= MOST_HOSTS:
            self._known.clear()
            self._back.clear()
        self._known[host] = network
        return network

    def _of_address(self, host: str) -> str:
        """The network of an address; empty for what is none."""
        found = literal(host)
        if found is None:
            return ""
        address = ipaddress.ip_address(found.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        prefix = self.settings.ipv4_prefix if address.version == 4 else self.settings.ipv6_prefix
        return str(ipaddress.ip_network((address, prefix), strict=False))


def _domain(name: str) -> str:
    """What stands for the network of a name that nobody has resolved; hosts of one site are mostly of one domain."""
    return "." + name.rstrip(".").partition(".")[2].lower()
