"""What a stranger may say, from the attacks that stock Perspective Broker was measured with."""

from __future__ import annotations

import os
from collections.abc import Callable

from common.edge.expressions import encode
from tests.common.edge.test_broker import GREETING, PAYLOADS, nested, stock


def call(method: bytes, payload: bytes, request: int = 1, name: bytes = b"hub") -> bytes:
    """A call as a collector writes it."""
    return encode([b"message", request, name, method, 1, [b"tuple", 1, payload], [b"dictionary"]])


STRANGERS: dict[str, Callable[[], bytes]] = {
    **PAYLOADS,
    "lists that never close, 8 MB": lambda: GREETING + nested(4_000_000),
    "didNotUnderstand, fifty times": lambda: GREETING + stock([b"didNotUnderstand", b"x" * 600_000]) * 50,
    "attach with junk": lambda: GREETING + call(b"attach", os.urandom(2000)),
    "attach again and again": lambda: GREETING + b"".join(call(b"attach", b"\x00\x80", n) for n in range(49)),
    "events before attach": lambda: GREETING + b"".join(call(b"events", b"\x00\x80", n) for n in range(40)),
    "an error that nobody asked for": lambda: GREETING + encode([b"error", 7, b"x"]),
    "silence": lambda: b"",
    "the greeting, then silence": lambda: GREETING,
    "half a list, then silence": lambda: GREETING + b"\x05\x80",
    "random bytes": lambda: os.urandom(5000),
}
"""By name. All cost the connection at once, but for those below."""

PATIENT = frozenset(
    {
        "silence",
        "the greeting, then silence",
        "half a list, then silence",
        "attach with junk",
        "events before attach",
    }
)
"""Left to the timer: nothing is wrong with them yet."""
