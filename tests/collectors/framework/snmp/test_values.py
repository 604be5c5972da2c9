"""Values of agents as numbers, names and words."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.snmp import ber
from collectors.framework.snmp.interfaces import SnmpValue
from collectors.framework.snmp.values import number, row_name, told
from common.components import MAX_NAME


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (2**64 - 1, 2**64 - 1),
        (b"42", 42),
        (b" -3.5\0", -3.5),
        (b"1e3", 1000.0),
        (b"18446744073709551615", 2**64 - 1),
        (b"\x9f\x78\x04" + struct.pack(">f", 1.5), 1.5),
        (b"\x9f\x79\x08" + struct.pack(">d", 0.1), 0.1),
        (b"\x9f\x78\x04" + struct.pack(">f", float("nan")), None),
        (b"1e999", None),
        (b"1_000", None),
        (b"0x10", None),
        (b"5 %", None),
        (b"", None),
        (b"9" * 65, None),
        ((1, 3, 6), None),
        (None, None),
    ],
)
def test_numbers(value: SnmpValue, found: float | None) -> None:
    assert number(value) == found
    assert type(number(value)) is type(found)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b" eth0\0", "eth0"),
        (b"a\x07b", "a\ufffdb"),
        (b"B\xfcro", "B\ufffdro"),
        ("Büro".encode(), "Büro"),
        (ber.decode_value(ber.IP_ADDRESS, b"\n\0\0\1"), "10.0.0.1"),
        (b"\0\x1a+<M^", "00:1a:2b:3c:4d:5e"),
        (b"C:\\ Label:System  Serial Number 1a2b", "C:"),
        (b"C:\\", "C:"),
        (b"D:\\data", "D:\\data"),
        (7, "7"),
        ((1, 3, 6), "1.3.6"),
        (b"", ""),
        (None, ""),
    ],
)
def test_names(value: SnmpValue, name: str) -> None:
    assert row_name(value) == name


@given(st.one_of(st.binary(max_size=500), st.integers(-(2**63), 2**64), st.lists(st.integers(0, 2**32)).map(tuple)))
def test_whatever_it_is_a_name_and_a_sentence_can_be_made_of_it(value: SnmpValue) -> None:
    assert len(row_name(value)) <= MAX_NAME
    assert row_name(value).isprintable()
    assert told(value).isprintable()
    assert len(told(value)) < 1500
