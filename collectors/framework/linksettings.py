"""Where the hub is, and how patient the link to it is: as settings have it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from collectors.framework.hubaddresses import HubAddress, read_addresses
from common.edge.names import DEFAULT_PORT, HUB_NAME

DEFAULT_HOST = "127.0.0.1"


class LinkSettings(Struct, frozen=True, kw_only=True):
    """Where the hub is, and who we are.

    Attributes:
        certificates: folder with ca.crt, collector.crt, collector.key as the hub has issued them.
        addresses: of several hubs of one site, instead of host, for example `["hub1", "hub2:8789", "[2001:db8::1]"]`.
            They are tried in turn; the one that worked is tried first the next time.
        port: also of each address that names none.
        timeout_s: of a connection attempt, and of each call.
        heartbeat_s: between heartbeats; three without a sign of life end the session.
        hub_name: that the hub's certificate must bear, whatever its address.
    """

    certificates: Path
    host: str = DEFAULT_HOST
    port: Annotated[int, Meta(ge=1, le=65535)] = DEFAULT_PORT
    addresses: tuple[str, ...] = ()
    timeout_s: Annotated[float, Meta(gt=0)] = 15.0
    heartbeat_s: Annotated[float, Meta(gt=0)] = 5.0
    hub_name: str = HUB_NAME

    def __post_init__(self) -> None:
        """Refuse addresses that cannot be.

        Raises:
            ValueError: the sentence names the one.
        """
        self.hubs()

    def hubs(self) -> tuple[HubAddress, ...]:
        """All hubs, in the order in which they are tried."""
        return read_addresses(self.addresses, self.host, self.port, DEFAULT_HOST)
