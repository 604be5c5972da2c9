"""The time that a request is about."""

from __future__ import annotations

from hub.web.call import Call
from hub.web.refusals import bad_request

HOUR_S = 3600.0


def span_of(call: Call, now: float) -> tuple[int, int]:
    """Start and end in epoch seconds, by default the last hour.

    Raises:
        RefusalError: the start is not before the end.
    """
    end = call.moment("end")
    end = now if end is None else end
    start = call.moment("start")
    start = end - HOUR_S if start is None else start
    if start >= end:
        raise bad_request("parameter start: it must be before end")
    return int(start), int(end)
