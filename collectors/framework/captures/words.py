"""SNMP values as a capture writes them: `{"ticks": 512}`, or the bare value where the type is known from its column."""

from __future__ import annotations

import ipaddress
import math
from typing import Any

from collectors.framework.captures.reading import Typed
from collectors.framework.snmp import ber
from collectors.framework.snmp.interfaces import Oid

TYPES = {
    "integer": ber.INTEGER,
    "string": ber.OCTET_STRING,
    "oid": ber.OBJECT_IDENTIFIER,
    "null": ber.NULL,
    "ip": ber.IP_ADDRESS,
    "counter32": ber.COUNTER32,
    "gauge32": ber.GAUGE32,
    "ticks": ber.TIMETICKS,
    "opaque": ber.OPAQUE,
    "nsap": ber.NSAP_ADDRESS,
    "counter64": ber.COUNTER64,
    "uinteger32": ber.UINTEGER32,
}
NAMES = {tag: name for name, tag in TYPES.items()}
HEX = "hex"
"""An OCTET STRING whose bytes are no UTF-8 text, in hexadecimal."""
_RANGES = {
    ber.INTEGER: (-(1 << 31), (1 << 31) - 1),
    ber.COUNTER64: (0, (1 << 64) - 1),
}
_UNSIGNED_32 = (0, (1 << 32) - 1)


class WrongWordError(ValueError):
    """What is no value; the message says what was expected."""


def oid_word(oid: Oid) -> str:
    """An OID with dots."""
    return ".".join(map(str, oid))


def read_oid(word: object) -> Oid:
    """Numbers of an OID with dots, with or without one in front.

    Raises:
        WrongWordError: it is none.
    """
    parts = word.removeprefix(".").split(".") if isinstance(word, str) else []
    if (
        not parts
        or len(parts) > ber.MAX_SUB_IDENTIFIERS
        or not all(part.isascii() and part.isdigit() for part in parts)
    ):
        raise WrongWordError(f'{shown(word)} is no OID, wanted text such as "1.3.6.1.2.1.1.3.0"')
    numbers = tuple(map(int, parts))
    if max(numbers) > 0xFFFFFFFF:
        raise WrongWordError(f"{shown(word)} is no OID: a number of it is over 4294967295")
    return numbers


def word_of(typed: Typed | None, usual: int | None = None) -> Any:
    """A value for JSON; bare when its type is the usual one of its column."""
    if typed is None:
        return None
    name, content = _named(typed)
    return content if typed.tag == usual and name != HEX and content is not None else {name: content}


def _named(typed: Typed) -> tuple[str, Any]:
    tag, value = typed.tag, typed.value
    name = NAMES.get(tag, "null")
    if isinstance(value, tuple):
        return name, oid_word(value)
    if not isinstance(value, bytes):
        return name, value
    if tag == ber.IP_ADDRESS and len(value) == 4:
        return name, str(ipaddress.IPv4Address(value))
    if tag != ber.OCTET_STRING:
        return name, value.hex()
    try:
        return name, value.decode("utf-8")
    except UnicodeDecodeError:
        return HEX, value.hex()


def read_word(word: Any, usual: int | None = None) -> Typed | None:
    """Inverse of `word_of`.

    Raises:
        WrongWordError: it is no value.
    """
    if word is None:
        return None
    if not isinstance(word, dict):
        if usual is None:
            raise WrongWordError(f'{shown(word)} has no type, wanted for example {{"integer": 5}} or null')
        return Typed(usual, _value(usual, word))
    if len(word) != 1:
        raise WrongWordError(f'{shown(word)} is no value, wanted one type with its value, as {{"integer": 5}}')
    ((name, content),) = word.items()
    if name == HEX:
        return Typed(ber.OCTET_STRING, _bytes(content))
    if name not in TYPES:
        raise WrongWordError(f"{shown(name)} is no type; there are: {HEX}, {', '.join(TYPES)}")
    tag = TYPES[name]
    return Typed(tag, _value(tag, content))


def read_type(word: object) -> int:
    """The tag of a type's name.

    Raises:
        WrongWordError: there is no such type.
    """
    if not isinstance(word, str) or word not in TYPES:
        raise WrongWordError(f"{shown(word)} is no type; there are: {', '.join(TYPES)}")
    return TYPES[word]


def _value(tag: int, content: Any) -> int | bytes | Oid | None:
    if tag == ber.NULL:
        if content is not None:
            raise WrongWordError(f"{shown(content)} is no value of type null, wanted null")
        return None
    if tag == ber.OBJECT_IDENTIFIER:
        return read_oid(content)
    if tag == ber.OCTET_STRING:
        if not isinstance(content, str):
            raise WrongWordError(f'{shown(content)} is no text; bytes are written as {{"hex": "ff00"}}')
        return content.encode("utf-8", "surrogatepass")
    if tag == ber.IP_ADDRESS and isinstance(content, str) and "." in content:
        try:
            return ipaddress.IPv4Address(content).packed
        except ValueError:
            raise WrongWordError(f"{shown(content)} is no IPv4 address") from None
    if tag in ber.BYTES:
        return _bytes(content)
    low, high = _RANGES.get(tag, _UNSIGNED_32)
    if isinstance(content, bool) or not isinstance(content, int) or not low <= content <= high:
        raise WrongWordError(f"{shown(content)} is no {NAMES[tag]}, wanted a whole number from {low} to {high}")
    return content


def _bytes(content: Any) -> bytes:
    try:
        return bytes.fromhex(content)
    except (ValueError, TypeError):
        raise WrongWordError(f'{shown(content)} is no hexadecimal text, wanted for example "ff00"') from None


def shown(word: object) -> str:
    """What was found, short enough for a sentence."""
    if isinstance(word, float) and not math.isfinite(word):
        return str(word)
    text = repr(word)
    return text if len(text) <= 60 else f"{text[:60]}…"
