"""BER as SNMP uses it: definite lengths, one-byte tags, no floats (RFC 3417, section 8; RFC 2578).

Whatever bytes come in, only `BadAnswer` comes out.
"""

from __future__ import annotations

from collections.abc import Sequence

from collectors.framework.snmp.errors import BadAnswer
from collectors.framework.snmp.interfaces import Oid, SnmpValue

INTEGER = 0x02
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
SEQUENCE = 0x30
IP_ADDRESS = 0x40
COUNTER32 = 0x41
GAUGE32 = 0x42
TIMETICKS = 0x43
OPAQUE = 0x44
NSAP_ADDRESS = 0x45
COUNTER64 = 0x46
UINTEGER32 = 0x47
NO_SUCH_OBJECT = 0x80
NO_SUCH_INSTANCE = 0x81
END_OF_MIB_VIEW = 0x82

UNSIGNED = frozenset({COUNTER32, GAUGE32, TIMETICKS, COUNTER64, UINTEGER32})
BYTES = frozenset({OCTET_STRING, IP_ADDRESS, OPAQUE, NSAP_ADDRESS})
EXCEPTIONS = frozenset({NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW})

MAX_SUB_IDENTIFIERS = 128  # RFC 2578, section 3.5
MAX_INTEGER_BYTES = 9  # a Counter64 with its leading zero


class Address(bytes):
    """An IpAddress: bytes like any others, but where it is shown."""

    __slots__ = ()


def encode_length(size: int) -> bytes:
    """The length octets of a content of `size` bytes."""
    if size < 0x80:
        return bytes((size,))
    if size < 0x100:
        return bytes((0x81, size))
    return bytes((0x82, size >> 8, size & 0xFF))


def encode_tlv(tag: int, content: bytes) -> bytes:
    """Tag, length and content; content is shorter than 64 KiB."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    return bytes((tag,)) + encode_length(size) + content


def encode_int(value: int, tag: int = INTEGER) -> bytes:
    """An integer in the fewest bytes, two's complement, which is right for unsigned types too."""
    return encode_tlv(
        tag, value.to_bytes(((value if value >= 0 else ~value).bit_length() >> 3) + 1, "big", signed=True)
    )


def encode_sub_identifiers(numbers: Sequence[int]) -> bytes:
    """Sub-identifiers, base 128, most significant first, the last byte of each below 0x80."""
    content = bytearray()
    for number in numbers:
        if number < 0x80:
            content.append(number)
            continue
        shift = (number.bit_length() - 1) // 7 * 7
        while shift:
            content.append(0x80 | (number >> shift) & 0x7F)
            shift -= 7
        content.append(number & 0x7F)
    return bytes(content)


def encode_oid(oid: Sequence[int]) -> bytes:
    """Content of an OBJECT IDENTIFIER; the first two sub-identifiers share a byte; where one is missing, it is 0."""
    first, second = (*oid, 0, 0)[:2]
    return encode_sub_identifiers((first * 40 + second, *oid[2:]))


def decode_sub_identifiers(content: bytes) -> Oid:
    """Inverse of `encode_sub_identifiers`.

    Raises:
        BadAnswer: cut short, not in the fewest bytes, a number over 32 bits, or more numbers than an OID may have.
    """
    numbers: list[int] = []
    number = 0
    fresh = True
    for byte in content:
        if fresh and byte == 0x80:
            raise BadAnswer("an OID with a padded sub-identifier")
        number = number << 7 | byte & 0x7F
        if number > 0xFFFFFFFF:
            raise BadAnswer("an OID with a sub-identifier over 32 bits")
        fresh = byte < 0x80
        if fresh:
            numbers.append(number)
            number = 0
            if len(numbers) > MAX_SUB_IDENTIFIERS:
                raise BadAnswer(f"an OID of more than {MAX_SUB_IDENTIFIERS} sub-identifiers")
    if not fresh:
        raise BadAnswer("an OID that is cut short")
    return tuple(numbers)


def decode_oid(content: bytes) -> Oid:
    """Content of an OBJECT IDENTIFIER as numbers.

    Raises:
        BadAnswer: it is none.
    """
    numbers = decode_sub_identifiers(content)
    if not numbers:
        raise BadAnswer("an OID without content")
    first = min(numbers[0] // 40, 2)
    return (first, numbers[0] - first * 40, *numbers[1:])


def read_tlv(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, start and stop of the content of the element at `at`, which must lie before `end`.

    Raises:
        BadAnswer: it does not.
    """
    if at + 2 > end:
        raise BadAnswer("an element that is cut short")
    size = data[at + 1]
    start = at + 2
    if size > 0x7F:
        width = size & 0x7F
        start += width
        if not 1 <= width <= 4 or start > end:
            raise BadAnswer("a length that is indefinite, too long or cut short")
        size = int.from_bytes(data[at + 2 : start], "big")
    stop = start + size
    if stop > end:
        raise BadAnswer(f"an element of {size} bytes where {end - start} are left")
    return data[at], start, stop


def expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Start and stop of the content of the element at `at`, which must have this tag.

    Raises:
        BadAnswer: it has another, or does not fit.
    """
    if at + 2 <= end and data[at] == tag and (size := data[at + 1]) < 0x80 and at + 2 + size <= end:
        return at + 2, at + 2 + size
    found, start, stop = read_tlv(data, at, end)
    if found != tag:
        raise BadAnswer(f"an element of type {found:#04x} where {tag:#04x} belongs")
    return start, stop


def read_int(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Value of the INTEGER at `at`, and where the next element starts.

    Raises:
        BadAnswer: there is none.
    """
    start, stop = expect(data, at, end, INTEGER)
    if not 0 < stop - start <= MAX_INTEGER_BYTES:
        raise BadAnswer(f"an integer of {stop - start} bytes")
    return int.from_bytes(data[start:stop], "big", signed=True), stop


def decode_value(tag: int, content: bytes) -> SnmpValue:
    """A varbind's value; None for NULL and for the exceptions noSuchObject, noSuchInstance, endOfMibView.

    Unsigned types are read as unsigned even where an agent forgot the leading zero.

    Raises:
        BadAnswer: a type that SNMP does not have, or a content that the type cannot have.
    """
    if tag in BYTES:
        return Address(content) if tag == IP_ADDRESS else content
    if tag == INTEGER or tag in UNSIGNED:
        if not 0 < len(content) <= MAX_INTEGER_BYTES:
            raise BadAnswer(f"an integer of {len(content)} bytes")
        return int.from_bytes(content, "big", signed=tag == INTEGER)
    if tag == OBJECT_IDENTIFIER:
        return decode_oid(content)
    if tag == NULL or tag in EXCEPTIONS:
        return None
    raise BadAnswer(f"a value of type {tag:#04x}")
