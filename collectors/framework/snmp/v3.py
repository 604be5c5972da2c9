"""The v3 message around a scoped PDU, as bytes (RFC 3412, section 6; RFC 3414, section 2.4)."""

from __future__ import annotations

from msgspec import Struct

from collectors.framework.snmp import ber
from collectors.framework.snmp.errors import BadAnswer
from collectors.framework.snmp.messages import Pdu, decode_pdu
from collectors.framework.snmp.usm import Signer

AUTH_FLAG = 1
PRIV_FLAG = 2
REPORTABLE_FLAG = 4
USM = 3
MAX_MESSAGE_BYTES = 65507  # the largest UDP payload over IPv4
ENGINE_ID_BYTES = range(5, 33)  # RFC 3411, SnmpEngineID
MAX_TIME = 2**31 - 1

_VERSION = ber.encode_int(3)
_MAX_SIZE = ber.encode_int(MAX_MESSAGE_BYTES)
_MODEL = ber.encode_int(USM)


class Message(Struct, frozen=True):
    """A v3 message, its authentication not yet checked.

    Attributes:
        mac_at, mac_size: where the authentication parameters stand in `data`.
        salt: privacy parameters.
        start, stop: the scoped PDU is the element at `data[start:stop]`, or enciphered content of that place.
    """

    data: bytes
    message_id: int
    flags: int
    engine_id: bytes
    boots: int
    time_s: int
    user: bytes
    mac_at: int
    mac_size: int
    salt: bytes
    start: int
    stop: int


class Origin(Struct, frozen=True):
    """What the security parameters of an outgoing message say."""

    engine_id: bytes = b""
    boots: int = 0
    time_s: int = 0
    user: bytes = b""


def encode_scoped(engine_id: bytes, context: bytes, pdu: bytes) -> bytes:
    """A scoped PDU."""
    head = ber.encode_tlv(ber.OCTET_STRING, engine_id) + ber.encode_tlv(ber.OCTET_STRING, context)
    return ber.encode_tlv(ber.SEQUENCE, head + pdu)


def encode_message(
    message_id: int, flags: int, origin: Origin, mac_size: int, salt: bytes, body: bytes
) -> tuple[bytes, int]:
    """A message whose authentication parameters are zeros, and where they stand.

    `body` is a scoped PDU, or the OCTET STRING of an enciphered one.
    """
    tlv, number = ber.encode_tlv, ber.encode_int
    header = number(message_id) + _MAX_SIZE + bytes((ber.OCTET_STRING, 1, flags)) + _MODEL
    engine = tlv(ber.OCTET_STRING, origin.engine_id) + number(origin.boots) + number(origin.time_s)
    salt_part = tlv(ber.OCTET_STRING, salt)
    security = engine + tlv(ber.OCTET_STRING, origin.user) + tlv(ber.OCTET_STRING, bytes(mac_size)) + salt_part
    parameters = tlv(ber.OCTET_STRING, tlv(ber.SEQUENCE, security))
    message = tlv(ber.SEQUENCE, _VERSION + tlv(ber.SEQUENCE, header) + parameters + body)
    return message, len(message) - len(body) - len(salt_part) - mac_size


def signed_message(
    message_id: int, flags: int, origin: Origin, salt: bytes, body: bytes, signer: Signer | None
) -> bytes:
    """A message with the signature of its user, and the flag that says so; as it is without a signer.

    `body` is as for `encode_message`.
    """
    if signer is None:
        return encode_message(message_id, flags, origin, 0, salt, body)[0]
    size = signer.size_bytes
    message, at = encode_message(message_id, flags | AUTH_FLAG, origin, size, salt, body)
    return message[:at] + signer.sign(message) + message[at + size :]


def decode_message(data: bytes) -> Message:
    """The outer parts of a message.

    Raises:
        BadAnswer: it is no v3 message of the user-based security model.
    """
    at, end = ber.expect(data, 0, len(data), ber.SEQUENCE)
    version, at = ber.read_int(data, at, end)
    if version != 3:
        raise BadAnswer(f"a message of version number {version} where 3 was asked")
    header, header_end = ber.expect(data, at, end, ber.SEQUENCE)
    message_id, header = ber.read_int(data, header, header_end)
    _, header = ber.read_int(data, header, header_end)
    flags_at, header = ber.expect(data, header, header_end, ber.OCTET_STRING)
    model, _ = ber.read_int(data, header, header_end)
    if header - flags_at != 1 or model != USM:
        raise BadAnswer(f"a message of security model {model}")
    flags = data[flags_at]

    outer, outer_end = ber.expect(data, header_end, end, ber.OCTET_STRING)
    at, security_end = ber.expect(data, outer, outer_end, ber.SEQUENCE)
    engine_at, at = ber.expect(data, at, security_end, ber.OCTET_STRING)
    engine_id = data[engine_at:at]
    boots, at = ber.read_int(data, at, security_end)
    time_s, at = ber.read_int(data, at, security_end)
    if not (0 <= boots <= MAX_TIME and 0 <= time_s <= MAX_TIME):
        raise BadAnswer("an engine time out of range")
    user_at, at = ber.expect(data, at, security_end, ber.OCTET_STRING)
    user = data[user_at:at]
    mac_at, mac_end = ber.expect(data, at, security_end, ber.OCTET_STRING)
    salt_at, salt_end = ber.expect(data, mac_end, security_end, ber.OCTET_STRING)

    start, stop = outer_end, end
    if flags & PRIV_FLAG:
        start, stop = ber.expect(data, outer_end, end, ber.OCTET_STRING)
    return Message(
        data,
        message_id,
        flags,
        engine_id,
        boots,
        time_s,
        user,
        mac_at,
        mac_end - mac_at,
        data[salt_at:salt_end],
        start,
        stop,
    )


def decode_scoped(data: bytes, at: int, end: int) -> Pdu:
    """The PDU of the scoped PDU at `at`; what follows it is padding of a cipher.

    Raises:
        BadAnswer: there is none.
    """
    at, stop = ber.expect(data, at, end, ber.SEQUENCE)
    _, at = ber.expect(data, at, stop, ber.OCTET_STRING)
    _, at = ber.expect(data, at, stop, ber.OCTET_STRING)
    return decode_pdu(data, at, stop)
