"""Where simulated agents listen: loopback, unless somebody says otherwise on purpose."""

from __future__ import annotations

import ipaddress

from common.errors import SettingsError

ANY_ADDRESS = "--any-address"
Endpoint = tuple[str, int]


def endpoint(text: str, *, anywhere: bool) -> Endpoint:
    """Address and port of `127.0.0.1:1161` or `[::1]:1161`.

    Raises:
        SettingsError: it is none, or not on the loopback and `anywhere` is false.
    """
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535 or ("[" in host) != (":" in bare):
        raise SettingsError(f"--listen {text}: wanted an IP address and a port, for example 127.0.0.1:1161")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        raise SettingsError(f"--listen {text}: {bare!r} is no IP address") from None
    _check(str(address), anywhere=anywhere)
    return str(address), int(port)


def fleet(first: Endpoint, count: int, *, by_port: bool, anywhere: bool) -> list[Endpoint]:
    """So many endpoints, counted up from the first: the address, or with `by_port` the port.

    Raises:
        SettingsError: there are not so many.
    """
    host, port = first
    if by_port:
        if port and port + count - 1 > 65535:
            raise SettingsError(f"{count} ports from {port} on go beyond 65535; begin lower, or use more addresses")
        return [(host, port + number if port else 0) for number in range(count)]
    address = ipaddress.ip_address(host)
    found = [str(address + number) for number in range(count)]
    if isinstance(address, ipaddress.IPv6Address) and count > 1:
        raise SettingsError("there is but one IPv6 address of the loopback; use --by-port, or addresses of 127.0.0.0/8")
    for last in found[-1:]:
        _check(last, anywhere=anywhere)
    return [(host, port) for host in found]


def _check(host: str, *, anywhere: bool) -> None:
    if not anywhere and not ipaddress.ip_address(host).is_loopback:
        raise SettingsError(
            f"{host} is not on the loopback: anybody in the network could read these agents. If that is what you want, "
            f"add {ANY_ADDRESS}"
        )
