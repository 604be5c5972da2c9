"""Events as the spool keeps them: bytes that the hub is sure to take.

An event that does not fit the wire would be refused by the hub each time it is sent, and hold up all that follow. So it
is made to fit before it is stored: what is too long is cut, what cannot be encoded is written out. A checksum stands
before it, because SQLite has none: a damaged event would otherwise be sent as it is.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import msgspec

from common.events import Detail, Event, Severity

MAX_EVENT_BYTES = 32 * 1024
MAX_TEXT = 512
MAX_MESSAGE = 8192
MAX_DETAILS = 200
MAX_DETAIL = 1000
_INT64 = 2**63
_CHECKED = b"\xc1"
"""Begins what has a checksum; no MessagePack begins so, and events of earlier versions have none."""
_SUM_BYTES = 8

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Event)


def encode_event(event: Event) -> bytes:
    """Turn an event into bytes that `decode_event` and the hub take; what does not fit is cut."""
    try:
        data = _encoder.encode(event)
        _decoder.decode(data)
        if len(data) <= MAX_EVENT_BYTES and all(map(_plain, (event.at, *event.details.values()))):
            return _checked(data)
    except (ValueError, TypeError, OverflowError, msgspec.MsgspecError):
        pass
    return _checked(_encoder.encode(_fitted(event)))


def decode_event(data: bytes) -> Event:
    """Read an event from the spool.

    Raises:
        msgspec.MsgspecError: the bytes are no event, or not the one that was stored.
    """
    if not data.startswith(_CHECKED):
        return _decoder.decode(data)
    body = data[len(_CHECKED) + _SUM_BYTES :]
    if data != _checked(body):
        raise msgspec.DecodeError("it is damaged")
    return _decoder.decode(body)


def rank(event: Event) -> int:
    """How much it matters when not all can be kept; the lowest go first.

    A clear ranks with the worst: the alarm that it closes would stay open for ever without it.
    """
    return int(Severity.CRITICAL if event.severity is Severity.CLEAR else event.severity)


def _checked(body: bytes) -> bytes:
    return _CHECKED + hashlib.blake2b(body, digest_size=_SUM_BYTES).digest() + body


def _plain(value: Detail) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _fitted(event: Event) -> Event:
    def text(value: object, limit: int = MAX_TEXT) -> str:
        whole = str(value).encode("utf-8", "backslashreplace").decode()
        return whole if len(whole) <= limit else whole[: limit - 1] + "…"

    at = event.at if math.isfinite(event.at) else 0.0
    fitted = Event(
        device=text(event.device),
        component=text(event.component),
        event_class=text(event.event_class),
        event_key=text(event.event_key),
        severity=event.severity,
        summary=text(event.summary),
        message=text(event.message, MAX_MESSAGE),
        at=at,
        group=text(event.group),
        count=max(1, min(int(event.count), _INT64 - 1)),
        details={text(key, 100): _detail(value, text) for key, value in list(event.details.items())[:MAX_DETAILS]},
    )
    if len(_encoder.encode(fitted)) <= MAX_EVENT_BYTES:
        return fitted
    return msgspec.structs.replace(fitted, message=text(fitted.message, 2000), details={"details": "too many to keep"})


def _detail(value: Any, text: Any) -> Detail:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else text(value, MAX_DETAIL)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [one if isinstance(one, int) and -_INT64 <= one < _INT64 else text(one, 100) for one in value[:100]]
    return str(text(value, MAX_DETAIL))
