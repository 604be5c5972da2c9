"""What the values of an agent mean; all of it may be anything, for hosts are not trusted."""

from __future__ import annotations

import ipaddress
import math
import re
import struct
from functools import lru_cache

from collectors.framework.snmp.ber import Address
from collectors.framework.snmp.interfaces import SnmpValue
from common.matching import component_name

MOST_TEXT_BYTES = 4096
"""Of a text that is kept. MIBs allow some hundred; what is longer is cut."""
MOST_32_BITS = 2**32 - 1
SHARED_TEXTS = 16_384
MOST_SHARED_BYTES = 128
MOST_NAME_CHARACTERS = 255
PHYSICAL_BYTES = (6, 8)
"""Of a MAC address; what is so long and cannot be text is taken for one."""
MOST_TOLD = 60


def text(value: SnmpValue) -> str:
    """An OCTET STRING as text, not too long; bytes that are no UTF-8 become U+FFFD."""
    return value[:MOST_TEXT_BYTES].decode("utf-8", "replace").rstrip("\0") if isinstance(value, bytes) else ""


def shared_text(value: SnmpValue) -> str:
    """The same for texts that are alike on many hosts: each is decoded, and kept in memory, once."""
    return _shared(value) if isinstance(value, bytes) and len(value) <= MOST_SHARED_BYTES else text(value)


_shared = lru_cache(SHARED_TEXTS)(text)


def count(value: SnmpValue) -> int | None:
    """A number that cannot be negative, and has 32 bits; None for what cannot be one."""
    return value if isinstance(value, int) and 0 <= value <= MOST_32_BITS else None


# --- numbers ----------------------------------------------------------------------------------------------------------

_NUMERIC = re.compile(rb"[\s\0]*([+-]?(?:[0-9]+(\.[0-9]*)?|(\.[0-9]+))([eE][+-]?[0-9]+)?)[\s\0]*")
_OPAQUE = {b"\x9f\x78\x04": ">f", b"\x9f\x79\x08": ">d", b"\x9f\x76\x08": ">Q", b"\x9f\x7a\x08": ">q"}
"""How net-snmp wraps numbers that SNMP does not have (its file NET-SNMP-TC): tag and length, then the number."""
MOST_DIGITS_BYTES = 64


def number(value: SnmpValue) -> int | float | None:
    """A value as a number: an integer of any type as it is, a text of digits, a wrapped float; None for all else."""
    if isinstance(value, int):
        return value
    if not isinstance(value, bytes) or len(value) > MOST_DIGITS_BYTES:
        return None
    form = _OPAQUE.get(value[:3])
    if form is not None and len(value) == 3 + struct.calcsize(form):
        found: int | float = struct.unpack(form, value[3:])[0]
        return found if math.isfinite(found) else None
    numeric = _NUMERIC.fullmatch(value)
    if numeric is None:
        return None
    if numeric[2] is None and numeric[3] is None and numeric[4] is None:
        return int(numeric[1])
    found = float(numeric[1])
    return found if math.isfinite(found) else None


# --- names ------------------------------------------------------------------------------------------------------------

_DRIVE = re.compile(r"([A-Za-z]:)\\(?: |$)")
"""How Windows tells of a drive: `C:\\ Label:System  Serial Number 1a2b`."""


def row_name(value: SnmpValue) -> str:
    """A value as a part of a component's name, as the modeler calls it; empty when it says nothing.

    Addresses are hex or dotted; all other bytes are text, of which what cannot be shown becomes U+FFFD.
    """
    if isinstance(value, bytes):
        return _row_name(value[:MOST_TEXT_BYTES], isinstance(value, Address))
    if isinstance(value, tuple):
        return ".".join(map(str, value))[:MOST_NAME_CHARACTERS]
    return "" if value is None else str(value)


@lru_cache(SHARED_TEXTS)
def _row_name(value: bytes, is_address: bool) -> str:  # noqa: FBT001 - positional, for the cache
    if is_address and len(value) in {4, 16}:
        return str(ipaddress.ip_address(value))
    if len(value) in PHYSICAL_BYTES and any(byte < 0x20 for byte in value.rstrip(b"\0")):
        return value.hex(":")
    plain = text(value)
    drive = _DRIVE.match(plain)
    return drive[1] if drive is not None else component_name(plain)


def told(value: SnmpValue) -> str:
    """What an agent answered, for a sentence."""
    if value is None:
        return "nothing (it does not have that object)"
    if isinstance(value, bytes):
        plain = text(value)
        shown = plain if plain.isprintable() else value.hex(" ")
        return f"'{shown[:MOST_TOLD]}'" + ("…" if len(shown) > MOST_TOLD else "")
    return ".".join(map(str, value)) if isinstance(value, tuple) else str(value)
