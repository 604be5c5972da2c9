"""Messages of the process event connector, as bytes (pure).

Source: linux/netlink.h, linux/connector.h, linux/cn_proc.h. A message is a netlink header, a connector header and a
`struct proc_event`, all in the byte order of the host. Exits tell of the parent since Linux 4.18; older kernels leave
that out. Since 6.6 a listener may say which events it wants.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct

CN_IDX_PROC, CN_VAL_PROC = 1, 1
LISTEN, IGNORE = 1, 2

_NETLINK = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_CONNECTOR = struct.Struct("=IIIIHH")  # index, value, sequence, acknowledgement, length, flags
_HEAD = struct.Struct("=IIQ")  # what, CPU, nanoseconds of the monotonic clock
_FORK = struct.Struct("=iiii")  # parent's thread and process, child's thread and process
_EXEC = struct.Struct("=ii")  # thread, process
_EXIT = struct.Struct("=iiII")  # thread, process, status as wait(2) has it, signal for the parent
_ACK = struct.Struct("=I")

_DONE, _NOOP, _ERROR, _OVERRUN = 3, 1, 2, 4
_NONE, _FORKED, _EXECUTED, _EXITED = 0, 1, 2, 0x80000000
WANTED_EVENTS = _FORKED | _EXECUTED | _EXITED

MAX_DATAGRAM_BYTES = 8192
"""More than any event takes: the largest has less than 100."""


class MalformedError(ValueError):
    """These bytes are no message of the connector."""


class Forked(Struct, frozen=True, gc=False):
    """A process made another; threads are left out. `at` is a second of the monotonic clock, as in all of these."""

    parent: int
    child: int
    at: float


class Executed(Struct, frozen=True, gc=False):
    """A process runs another program from now on."""

    pid: int
    at: float


class Exited(Struct, frozen=True, gc=False):
    """A process ended; `status` as wait(2) has it."""

    pid: int
    status: int
    at: float


class Answered(Struct, frozen=True, gc=False):
    """The kernel's answer to somebody who began or ceased to listen; every listener sees it.

    Attributes:
        error: an errno; 0 when it was done.
        ack: one more than what the request had in its place.
    """

    error: int
    ack: int


ProcessEvent = Forked | Executed | Exited | Answered


def request(what: int, ack: int, *, filtered: bool) -> bytes:
    """Ask to be told of events from now on, or no more.

    Args:
        what: `LISTEN` or `IGNORE`.
        ack: comes back in the answer, one more than here.
        filtered: of forks, execs and exits alone. A kernel that does not know this form takes no note of it.
    """
    body = struct.pack("=II", what, WANTED_EVENTS) if filtered else struct.pack("=I", what)
    connector = _CONNECTOR.pack(CN_IDX_PROC, CN_VAL_PROC, 0, ack, len(body), 0)
    return _NETLINK.pack(_NETLINK.size + len(connector) + len(body), _DONE, 0, 0, 0) + connector + body


def parse(data: bytes) -> list[ProcessEvent]:
    """What a datagram of the kernel tells; threads, and events of other kinds, are left out.

    Raises:
        MalformedError: sizes in it do not fit.
    """
    return [event for body, ack in _bodies(data) if (event := _event(body, ack)) is not None]


def _bodies(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Each `struct proc_event`, and the acknowledgement before it."""
    offset = 0
    while len(data) - offset >= _NETLINK.size:
        length, kind, _, _, _ = _NETLINK.unpack_from(data, offset)
        if not _NETLINK.size <= length <= len(data) - offset:
            raise MalformedError(f"a message says that it has {length} bytes, and has {len(data) - offset}")
        if kind not in {_NOOP, _ERROR, _OVERRUN}:
            begin = offset + _NETLINK.size
            if length < _NETLINK.size + _CONNECTOR.size:
                raise MalformedError(f"a message of {length} bytes is too short")
            index, value, _, ack, size, _ = _CONNECTOR.unpack_from(data, begin)
            begin += _CONNECTOR.size
            if size > offset + length - begin:
                raise MalformedError(f"an event says that it has {size} bytes, and has {offset + length - begin}")
            if (index, value) == (CN_IDX_PROC, CN_VAL_PROC):
                yield data[begin : begin + size], ack
        offset += (length + 3) & ~3
    if offset < len(data):
        raise MalformedError(f"{len(data) - offset} bytes are left over")


def _event(body: bytes, ack: int) -> ProcessEvent | None:
    try:
        what, _, stamp = _HEAD.unpack_from(body)
        at = stamp / 1e9
        if what == _EXITED:
            thread, pid, status, _ = _EXIT.unpack_from(body, _HEAD.size)
            return Exited(pid, status, at) if thread == pid else None
        if what == _EXECUTED:
            return Executed(_EXEC.unpack_from(body, _HEAD.size)[1], at)
        if what == _FORKED:
            _, parent, thread, pid = _FORK.unpack_from(body, _HEAD.size)
            return Forked(parent, pid, at) if thread == pid else None
        if what == _NONE:
            return Answered(_ACK.unpack_from(body, _HEAD.size)[0], ack)
    except struct.error as error:
        raise MalformedError(f"an event of {len(body)} bytes is too short: {error}") from None
    return None
