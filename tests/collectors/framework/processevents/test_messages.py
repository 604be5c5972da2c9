"""Bytes of the process event connector, in both layouts, and bytes that are none of its."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.processevents.messages import (
    IGNORE,
    LISTEN,
    Answered,
    Executed,
    Exited,
    Forked,
    MalformedError,
    parse,
    request,
)

EXIT = bytes.fromhex(  # of Linux 6.18: `exit 3`, with the parent
    "4c0000000300000002000000000000000100000001000000020000000000000028000000"
    "0000008001000000996af415f528000028150000281500000003000011000000fc140000fc140000"
)


def message(
    what: int, body: bytes, *, ack: int = 0, index: int = 1, kind: int = 3, at_ns: int = 2_500_000_000
) -> bytes:
    event = struct.pack("=IIQ", what, 0, at_ns) + body
    connector = struct.pack("=IIIIHH", index, 1, 0, ack, len(event), 0) + event
    return struct.pack("=IHHII", 16 + len(connector), kind, 0, 0, 0) + connector


def test_an_exit_of_a_new_kernel_is_read() -> None:
    assert parse(EXIT) == [Exited(5416, 0x300, 45033.100438169)]


def test_an_exit_of_an_old_kernel_without_the_parent_is_read() -> None:
    assert parse(message(0x80000000, struct.pack("=iiII", 7, 7, 9, 17))) == [Exited(7, 9, 2.5)]


def test_threads_are_no_processes() -> None:
    assert parse(message(0x80000000, struct.pack("=iiIIii", 8, 7, 9, 17, 1, 1))) == []
    assert parse(message(1, struct.pack("=iiii", 7, 7, 8, 7))) == []


def test_forks_execs_and_answers_are_read() -> None:
    assert parse(message(1, struct.pack("=iiii", 6, 5, 9, 9))) == [Forked(5, 9, 2.5)]
    assert parse(message(2, struct.pack("=ii", 9, 9))) == [Executed(9, 2.5)]
    assert parse(message(0, struct.pack("=I", 1), ack=42)) == [Answered(1, 42)]


def test_what_is_not_wanted_is_left_out() -> None:
    assert parse(message(0x200, struct.pack("=ii16s", 9, 9, b"comm"))) == []
    assert parse(message(2, struct.pack("=ii", 9, 9), index=4)) == []  # another user of the connector
    assert parse(message(2, struct.pack("=ii", 9, 9), kind=2)) == []  # NLMSG_ERROR


def test_several_messages_may_come_in_one_datagram() -> None:
    one = message(2, struct.pack("=ii", 9, 9))
    assert parse(one + EXIT) == [Executed(9, 2.5), *parse(EXIT)]


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 3,
        EXIT[:40],  # says that it has more than it has
        struct.pack("=IHHII", 4, 3, 0, 0, 0),  # shorter than its own header
        struct.pack("=IHHII", 20, 3, 0, 0, 0) + b"\0" * 4,  # no room for the connector's
        message(0x80000000, b"\0" * 8),  # an exit without a status
        message(1, struct.pack("=ii", 1, 1)),
        message(2, b""),
        EXIT[:32] + b"\xff\xff" + EXIT[34:],  # an event longer than the message
        EXIT + b"\0\0",
    ],
)
def test_sizes_that_do_not_fit_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse(data)


@given(st.data())
def test_no_bytes_raise_anything_else(data: st.DataObject) -> None:
    text = bytearray(EXIT + message(1, struct.pack("=iiii", 6, 5, 9, 9)))
    for _ in range(data.draw(st.integers(0, 6))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(text[: data.draw(st.integers(0, len(text)))])
    try:
        found = parse(cut)
    except MalformedError:
        return
    assert len(found) <= len(cut) // 16


def test_requests_have_the_sizes_that_kernels_ask_for() -> None:
    plain, filtered = (request(LISTEN, 5, filtered=filtered) for filtered in (False, True))
    assert (len(plain), len(filtered)) == (40, 44)
    assert plain[36:] == struct.pack("=I", 1)
    assert struct.unpack_from("=I", plain) == (40,)
    assert struct.unpack_from("=IIIIHH", filtered, 16) == (1, 1, 0, 5, 8, 0)
    assert struct.unpack("=II", filtered[36:]) == (1, 0x80000003)
    assert request(IGNORE, 5, filtered=False)[36:] == struct.pack("=I", 2)
