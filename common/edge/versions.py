"""Which version of the protocol two sides speak with each other."""

from __future__ import annotations

from common.edge.answers import refusal
from common.wire import OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION, FailureCode


def negotiate(oldest: int, newest: int, peer: str) -> int:
    """Choose the newest version that both sides speak.

    Raises:
        RemoteError: there is none; the sentence says which side is behind.
    """
    version = min(newest, PROTOCOL_VERSION)
    if version >= max(oldest, OLDEST_PROTOCOL_VERSION):
        return version
    behind = "this hub" if oldest > PROTOCOL_VERSION else peer
    raise refusal(
        FailureCode.VERSION,
        f"{peer} speaks protocol versions {oldest} to {newest}, this hub "
        f"{OLDEST_PROTOCOL_VERSION} to {PROTOCOL_VERSION}: update {behind}",
    )


def check_spoken(version: int, agreed: int) -> None:
    """Refuse a call in another version than was agreed on.

    Raises:
        RemoteError: names both.
    """
    if version != agreed:
        raise refusal(FailureCode.VERSION, f"the call speaks version {version}, agreed on was {agreed}")
