"""A connection that is logged in, by hand, in blocking calls: what a member may say that no daemon of ours says."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from common.edge.expressions import encode
from common.wire import Attach
from common.wire import encode as encode_message
from tests.common.edge.test_broker import GREETING, call_of, laughs, nested, stock
from tests.faults.hostile.attacker import context
from tests.faults.hostile.payloads import call


def _colliding() -> bytes:
    """An event whose details have fifteen thousand integers as keys that Python puts in one place."""
    keys = [n * (2**61 - 1) + 7 for n in range(1, 8)] * 2000
    details = b"\xde\x36\xb0" + b"".join(b"\xcf" + (key % 2**64).to_bytes(8, "big") + b"\x01" for key in keys)
    body = {"seq": 1, "event": {"device": "x", "event_class": "/A", "severity": 4, "summary": "s", "at": 1.0}}
    packed = msgspec.msgpack.encode({"type": "EventBatch", "spool": "s", "events": [body]})
    return call(b"events", b"\x00" + packed[:-1] + b"\xa7details" + details)


MEMBERS: dict[str, Callable[[], bytes]] = {
    "a string of a megabyte": lambda: encode([b"message", 9, b"x" * 1_000_000]),
    "a megabyte of junk": lambda: b"\x7f" * 1_000_000,
    "a million open lists": lambda: nested(1_000_000),
    "keys that collide, in a call": lambda: call_of(
        [b"dictionary", *([n * (2**61 - 1) + 7, 1] for n in range(1, 100_000))]
    ),
    "a billion laughs": lambda: call_of(laughs(24)) * 200,
    "commands that are not spoken": lambda: stock([b"didNotUnderstand", b"x" * 600_000]),
    "answers that nobody asked for": lambda: encode([b"answer", 123_456, b"x"]),
    "keys that collide, in an event": _colliding,
    "events that are none": lambda: b"".join(call(b"events", b"\x00" + b"\x93" * 50_000, n) for n in range(100)),
    "a map of maps": lambda: call(b"events", b"\x00" + b"\x81\xa1x" * 60_000),
    "a list that announces four billion": lambda: call(b"events", b"\x00\xdd\xff\xff\xff\xff"),
    "heartbeats that never end": lambda: b"".join(
        call(b"heartbeat", b"\x00" + msgspec.msgpack.encode({"type": "Heartbeat", "counts": {}}), n)
        for n in range(10_000)
    ),
    "attach again and again": lambda: call(b"attach", b"\x00\x80") * 5000,
    "methods that are not there": lambda: call(b"__init__", b"x") * 5000,
}
"""What a member may send, by name."""
FATAL = frozenset(
    {
        "a string of a megabyte",
        "a megabyte of junk",
        "a million open lists",
        "keys that collide, in a call",
        "a billion laughs",
        "commands that are not spoken",
        "answers that nobody asked for",
    }
)
"""Those of them that end the session at once."""


class Member:
    """One session."""

    def __init__(self, port: int, folder: Path, source: str = "127.0.0.1", patience_s: float = 60.0) -> None:
        attach = Attach(daemon="process", host="x", software="0", oldest=1, newest=1, spool=source, started_at=1.0)
        self._line: ssl.SSLSocket = context(folder).wrap_socket(
            socket.create_connection(("127.0.0.1", port), patience_s, (source, 0))
        )
        self._line.sendall(GREETING + call(b"attach", encode_message(attach)))
        heard = b""
        while b"Attached" not in heard and (part := self._line.recv(65536)):
            heard += part
        self.attached = b"Attached" in heard

    def say(self, data: bytes, listen_s: float) -> bool:
        """Send, then listen for so long at most; whether the hub ended the session."""
        try:
            for start in range(0, len(data), 65536):
                self._line.sendall(data[start : start + 65536])
            deadline = time.monotonic() + listen_s
            while (left := deadline - time.monotonic()) > 0:
                self._line.settimeout(left)
                if not self._line.recv(65536):
                    return True
        except TimeoutError:
            return False
        except OSError:
            return True
        return False

    def shout(self, data: bytes, seconds: float) -> int:
        """Send again and again, and never read; how many bytes went out."""
        deadline = time.monotonic() + seconds
        sent = 0
        self._line.settimeout(0.2)
        while time.monotonic() < deadline:
            try:
                sent += self._line.send(data)
            except TimeoutError:
                continue
            except OSError:
                break
        return sent

    def close(self) -> None:
        """Go."""
        self._line.close()
