"""PDUs and the messages of v1 and v2c, as bytes (RFC 3416, section 3; RFC 1901)."""

from __future__ import annotations

import enum
from collections.abc import Iterable

from msgspec import Struct

from collectors.framework.snmp import ber
from collectors.framework.snmp.errors import BadAnswer
from collectors.framework.snmp.interfaces import Oid, SnmpValue

VERSION_NUMBERS = {"1": 0, "2c": 1, "3": 3}


class PduType(enum.IntEnum):
    """Tags of the PDUs that polling needs."""

    GET = 0xA0
    GETNEXT = 0xA1
    RESPONSE = 0xA2
    GETBULK = 0xA5
    REPORT = 0xA8


PDU_TAGS = frozenset(int(kind) for kind in PduType)
NULL_VALUE = bytes((ber.NULL, 0))
_MOST_SHORT = 0x7B  # content of an OID whose varbind's length fits one byte
_HEADS = tuple(bytes((ber.SEQUENCE, size + 4, ber.OBJECT_IDENTIFIER, size)) for size in range(_MOST_SHORT + 1))


class Pdu(Struct, frozen=True):
    """One PDU, its varbinds not yet decoded.

    Attributes:
        status, index: error-status and error-index; of a GETBULK, non-repeaters and max-repetitions.
        data, start, stop: the varbinds are `data[start:stop]`.
    """

    kind: int
    request_id: int
    status: int
    index: int
    data: bytes
    start: int
    stop: int


def encode_pdu(kind: int, request_id: int, status: int, index: int, varbinds: bytes) -> bytes:
    """A PDU around encoded varbinds."""
    numbers = ber.encode_int(request_id) + ber.encode_int(status) + ber.encode_int(index)
    return ber.encode_tlv(kind, numbers + ber.encode_tlv(ber.SEQUENCE, varbinds))


def ask_for(oid_content: bytes) -> bytes:
    """A varbind that asks for an OID, given as the content of its encoding."""
    if len(oid_content) <= _MOST_SHORT:
        return _HEADS[len(oid_content)] + oid_content + NULL_VALUE
    name = ber.encode_tlv(ber.OBJECT_IDENTIFIER, oid_content)
    return ber.encode_tlv(ber.SEQUENCE, name + NULL_VALUE)


def ask_for_all(oids: Iterable[Oid]) -> bytes:
    """The varbinds that ask for some OIDs."""
    return b"".join([ask_for(ber.encode_oid(oid)) for oid in oids])


def decode_pdu(data: bytes, at: int, end: int) -> Pdu:
    """The PDU that fills `data[at:end]`.

    Raises:
        BadAnswer: there is none, or something follows it.
    """
    kind, at, stop = ber.read_tlv(data, at, end)
    if kind not in PDU_TAGS:
        raise BadAnswer(f"a PDU of type {kind:#04x}")
    if stop != end:
        raise BadAnswer("bytes after the PDU")
    request_id, at = ber.read_int(data, at, stop)
    status, at = ber.read_int(data, at, stop)
    index, at = ber.read_int(data, at, stop)
    start, last = ber.expect(data, at, stop, ber.SEQUENCE)
    if last != stop:
        raise BadAnswer("bytes after the varbinds")
    return Pdu(kind, request_id, status, index, data, start, last)


def decode_varbinds(pdu: Pdu) -> list[tuple[Oid, int, SnmpValue]]:
    """OID, type and value of each varbind.

    Raises:
        BadAnswer: one of them is malformed.
    """
    found = []
    at = pdu.start
    while at < pdu.stop:
        varbind, at = _decode_varbind(pdu.data, at, pdu.stop)
        found.append(varbind)
    return found


def split(pdu: Pdu, count: int) -> tuple[list[tuple[Oid, int, SnmpValue]], Pdu]:
    """The first varbinds decoded, and the PDU with only the others.

    Raises:
        BadAnswer: one of the first is malformed, or missing.
    """
    found = []
    at = pdu.start
    for _ in range(count):
        varbind, at = _decode_varbind(pdu.data, at, pdu.stop)
        found.append(varbind)
    return found, Pdu(pdu.kind, pdu.request_id, pdu.status, pdu.index, pdu.data, at, pdu.stop)


def _decode_varbind(data: bytes, at: int, end: int) -> tuple[tuple[Oid, int, SnmpValue], int]:
    start, stop = ber.expect(data, at, end, ber.SEQUENCE)
    name, name_end = ber.expect(data, start, stop, ber.OBJECT_IDENTIFIER)
    tag, value, value_end = ber.read_tlv(data, name_end, stop)
    if value_end != stop:
        raise BadAnswer("bytes after a varbind's value")
    return (ber.decode_oid(data[name:name_end]), tag, ber.decode_value(tag, data[value:stop])), stop


def encode_message(version: int, community: bytes, pdu: bytes) -> bytes:
    """A v1 or v2c message."""
    head = ber.encode_int(version) + ber.encode_tlv(ber.OCTET_STRING, community)
    return ber.encode_tlv(ber.SEQUENCE, head + pdu)


def decode_message(data: bytes) -> tuple[int, bytes, Pdu]:
    """Version, community and PDU of a v1 or v2c message.

    Raises:
        BadAnswer: it is none.
    """
    at, end = ber.expect(data, 0, len(data), ber.SEQUENCE)
    version, at = ber.read_int(data, at, end)
    if version not in {0, 1}:
        raise BadAnswer(f"a message of version number {version}")
    start, stop = ber.expect(data, at, end, ber.OCTET_STRING)
    return version, data[start:stop], decode_pdu(data, stop, end)
