from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.snmp import ber, messages
from collectors.framework.snmp.errors import BadAnswer
from collectors.framework.snmp.messages import PduType

NUMBERS = st.integers(0, 2**32 - 1)
OIDS = st.tuples(st.integers(0, 2), st.integers(0, 39), st.lists(NUMBERS, max_size=20)).map(
    lambda o: (o[0], o[1], *o[2])
)


@given(OIDS)
def test_oid_comes_back(oid: tuple[int, ...]) -> None:
    assert ber.decode_oid(ber.encode_oid(oid)) == oid


@given(st.integers(-(2**63), 2**64 - 1))
def test_integer_comes_back_in_the_fewest_bytes(value: int) -> None:
    encoded = ber.encode_int(value)
    assert ber.read_int(encoded, 0, len(encoded)) == (value, len(encoded))
    content = encoded[2:]
    assert len(content) == 1 or content[:2] not in {b"\0" + bytes((low,)) for low in range(0x80)}


@pytest.mark.parametrize(
    ("oid", "content"),
    [
        ((1, 3, 6, 1, 2, 1, 25, 4), "2b06010201 1904"),
        ((1, 3, 6, 1, 4, 1, 2680, 1), "2b06010401 9478 01"),
        ((2, 39, 3), "7703"),
    ],
)
def test_oid_as_the_standard_writes_it(oid: tuple[int, ...], content: str) -> None:
    assert ber.encode_oid(oid) == bytes.fromhex(content)


@given(st.binary(max_size=300), st.integers(0, 255))
def test_element_of_any_size_comes_back(content: bytes, tag: int) -> None:
    encoded = ber.encode_tlv(tag, content)
    found, start, stop = ber.read_tlv(encoded, 0, len(encoded))
    assert (found, encoded[start:stop], stop) == (tag, content, len(encoded))


@pytest.mark.parametrize(
    "element", ["", "30", "3081", "3082ff", "3005", "3080", "308500000000000", "3084ffffffff", "30847fffffff", "0402ff"]
)
def test_element_that_does_not_fit_is_refused(element: str) -> None:
    data = bytes.fromhex(element + "0" * (len(element) % 2))
    with pytest.raises(BadAnswer):
        ber.read_tlv(data, 0, len(data))


@pytest.mark.parametrize("content", ["", "80", "8001", "2b80", "2b8001", "2bff", "2b9080808000", "2b" + "01" * 128])
def test_oid_that_is_none_is_refused(content: str) -> None:
    with pytest.raises(BadAnswer):
        ber.decode_oid(bytes.fromhex(content))


@pytest.mark.parametrize(
    ("tag", "content", "value"),
    [
        (ber.INTEGER, "ff", -1),
        (ber.INTEGER, "00ff", 255),
        (ber.COUNTER32, "ffffffff", 4294967295),  # an agent that forgot the leading zero
        (ber.GAUGE32, "00ffffffff", 4294967295),
        (ber.TIMETICKS, "05", 5),
        (ber.COUNTER64, "00ffffffffffffffff", 2**64 - 1),
        (ber.OCTET_STRING, "", b""),
        (ber.OCTET_STRING, "00ff", b"\x00\xff"),
        (ber.IP_ADDRESS, "7f000001", b"\x7f\0\0\1"),
        (ber.OBJECT_IDENTIFIER, "2b06", (1, 3, 6)),
        (ber.OBJECT_IDENTIFIER, "00", (0, 0)),
        (ber.NULL, "", None),
        (ber.NO_SUCH_OBJECT, "", None),
        (ber.NO_SUCH_INSTANCE, "", None),
        (ber.END_OF_MIB_VIEW, "", None),
    ],
)
def test_values_by_type(tag: int, content: str, value: object) -> None:
    assert ber.decode_value(tag, bytes.fromhex(content)) == value


@pytest.mark.parametrize(
    ("tag", "content"), [(2, ""), (2, "00" * 10), (0x41, ""), (0x46, "01" * 30_000), (9, "00"), (0x30, ""), (0x7F, "")]
)
def test_values_that_cannot_be_are_refused(tag: int, content: str) -> None:
    with pytest.raises(BadAnswer):
        ber.decode_value(tag, bytes.fromhex(content))


@given(st.lists(OIDS, max_size=5), st.integers(0, 2**31 - 1), st.integers(0, 18), st.integers(0, 300))
def test_message_comes_back(oids: list[tuple[int, ...]], request_id: int, status: int, index: int) -> None:
    pdu = messages.encode_pdu(PduType.RESPONSE, request_id, status, index, messages.ask_for_all(oids))
    version, community, found = messages.decode_message(messages.encode_message(1, b"secret", pdu))
    assert (version, community) == (1, b"secret")
    assert (found.kind, found.request_id, found.status, found.index) == (PduType.RESPONSE, request_id, status, index)
    assert [oid for oid, _, _ in messages.decode_varbinds(found)] == oids


def test_oid_too_long_for_a_short_varbind_comes_back() -> None:
    oid = (1, 3, *([2**32 - 1] * 100))
    pdu = messages.encode_pdu(PduType.GET, 1, 0, 0, messages.ask_for_all([oid]))
    assert messages.decode_varbinds(messages.decode_pdu(pdu, 0, len(pdu))) == [(oid, ber.NULL, None)]


@given(st.binary(max_size=200))
def test_rubbish_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        messages.decode_message(data)
