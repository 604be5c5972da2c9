"""Where hubs may be: addresses as the settings name them, and which of them is tried next."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from msgspec import Struct

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")
_PORT = re.compile(r"[0-9]{1,5}")


class HubAddress(Struct, frozen=True):
    """A host name or IP address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"


def read_address(text: str, default_port: int) -> HubAddress:
    """Read `hub1`, `hub1:8789`, `192.0.2.1:8789`, `2001:db8::1` or `[2001:db8::1]:8789`.

    Raises:
        ValueError: it is none; the sentence says what is wrong.
    """
    host, port = _split(text)
    if port is not None and (not _PORT.fullmatch(port) or not 1 <= int(port) <= 65535):
        raise ValueError(f"{text!r} has no port from 1 to 65535 behind its colon")
    return HubAddress(host, default_port if port is None else int(port))


def _split(text: str) -> tuple[str, str | None]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or not _is_ipv6(host) or (rest and not rest.startswith(":")):
            raise ValueError(f"{text!r} is no IPv6 address in brackets, as in [2001:db8::1] or [2001:db8::1]:8789")
        return host, rest[1:] if rest else None
    if text.count(":") > 1:
        if not _is_ipv6(text):
            raise ValueError(f"{text!r} is no IPv6 address; one with a port is written [2001:db8::1]:8789")
        return text, None
    host, colon, port = text.partition(":")
    if not _NAME.fullmatch(host):
        raise ValueError(f"{text!r} is no host name or IP address")
    return host, port if colon else None


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def read_addresses(addresses: Sequence[str], host: str, port: int, default_host: str) -> tuple[HubAddress, ...]:
    """All hubs that the settings name, in order: `addresses`, or `host` alone where there are none.

    Raises:
        ValueError: one cannot be read, stands there twice, or `host` names a hub that is not among them.
    """
    if not addresses:
        return (HubAddress(host, port),)
    found = tuple(read_address(text, port) for text in addresses)
    twice = next((str(one) for one in found if found.count(one) > 1), "")
    if twice:
        raise ValueError(f"addresses has {twice} twice")
    if host != default_host and host not in {one.host for one in found}:
        raise ValueError(f"host is {host}, which is not among addresses; leave host out, or add it there")
    return found


class Rotation:
    """Which hub is tried next: the one that worked last, and after each failure the next in order."""

    def __init__(self, addresses: Sequence[HubAddress]) -> None:
        self._addresses = tuple(addresses)
        self._at = 0
        self._failures = 0

    @property
    def now(self) -> HubAddress:
        """The one whose turn it is."""
        return self._addresses[self._at]

    @property
    def rounds(self) -> int:
        """How often each of them has failed in a row; it begins with 1, so that a second hub is tried soon."""
        return -(-self._failures // len(self._addresses))

    def worked(self) -> None:
        """The last attempt was a good one: it is tried first when it ends."""
        self._failures = 0

    def failed(self) -> None:
        """The last attempt failed."""
        self._failures += 1
        self._at = (self._at + 1) % len(self._addresses)
