"""ICMP echoes as bytes (RFC 792, RFC 4443): what is sent, and what of the things that come is an answer (pure).

An answer is known by sixteen random bytes that it brings back. Nobody who has not seen the question can make them up,
and none of an earlier question has them.
"""

from __future__ import annotations

import struct

from msgspec import Struct

COOKIE_BYTES = 16
PAYLOAD_BYTES = 56
"""As `ping` sends them."""
V4_REQUEST, V4_REPLY = 8, 0
V6_REQUEST, V6_REPLY = 128, 129
_HEAD = struct.Struct("!BBHHH")


class Answer(Struct, frozen=True):
    """An echo reply."""

    identifier: int
    sequence: int
    cookie: bytes


def request(kind: int, identifier: int, sequence: int, cookie: bytes) -> bytes:
    """An echo request; of IPv6 the kernel adds the checksum, which has addresses in it."""
    payload = cookie.ljust(PAYLOAD_BYTES, b"\x00")
    total = 0
    if kind == V4_REQUEST:
        total = checksum(_HEAD.pack(kind, 0, 0, identifier, sequence) + payload)
    return _HEAD.pack(kind, 0, total, identifier, sequence) + payload


def answer(kind: int, packet: bytes) -> Answer | None:
    """What a packet answers, as it comes from a socket for echoes; None if it is no whole echo reply.

    Args:
        kind: of the replies that are looked for.
        packet: of an ICMP message, the whole; an IPv4 header before it is skipped.
    """
    at = 0
    if kind == V4_REPLY and packet and packet[0] >> 4 == 4:  # a raw socket's: an echo reply itself begins with 0
        at = (packet[0] & 15) * 4
    if len(packet) < at + _HEAD.size + COOKIE_BYTES:
        return None
    found, code, _, identifier, sequence = _HEAD.unpack_from(packet, at)
    if found != kind or code != 0:
        return None
    at += _HEAD.size
    return Answer(identifier, sequence, packet[at : at + COOKIE_BYTES])


def checksum(data: bytes) -> int:
    """Of an ICMP message of even length (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
