"""How much one message to a collector may carry, by how long the last ones took.

A message holds up everything behind it on its connection, heartbeats too. So it should be answered within a second or
two: on a slow line messages are small, on a fast one as large as may be. What takes its time however little is sent (a
long way, a busy collector) does not make messages smaller.
"""

from __future__ import annotations

MOST_BYTES = 240 * 1024
"""Before compression; leaves room for the frame of the message (wire.MAX_MESSAGE_BYTES)."""
FIRST_BYTES = 32 * 1024
LEAST_BYTES = 8 * 1024
AIM_S = 1.5
STEEPEST = 8
"""By how much one answer may make the next message smaller."""
APART = 0.25
"""Two messages differ enough in size to tell the time that bytes take from the time that any answer takes."""


class Pace:
    """The size of messages to one collector.

    Attributes:
        limit_bytes: what the next message may have, before compression.
    """

    def __init__(self) -> None:
        self.limit_bytes = FIRST_BYTES
        self._size_bytes = 0
        self._seconds = 0.0
        self._anyhow_s = 0.0

    def answered(self, size_bytes: int, seconds: float) -> None:
        """A message of that size was answered after so long."""
        if size_bytes <= 0:
            return
        per_byte_s = self._per_byte_s(size_bytes, seconds)
        self._size_bytes, self._seconds = size_bytes, seconds
        good = MOST_BYTES if per_byte_s * MOST_BYTES <= AIM_S else int(AIM_S / per_byte_s)
        if good < self.limit_bytes:
            self.limit_bytes = max(good, self.limit_bytes // STEEPEST, LEAST_BYTES)
        elif 2 * size_bytes >= self.limit_bytes:  # a small message says little about large ones
            self.limit_bytes = min(good, 2 * self.limit_bytes)

    def lost(self) -> None:
        """A message was not answered: it may have been too much."""
        self.limit_bytes = max(LEAST_BYTES, self.limit_bytes // 2)
        self._size_bytes, self._anyhow_s = 0, 0.0

    def _per_byte_s(self, size_bytes: int, seconds: float) -> float:
        """Seconds that a byte takes, at most."""
        more = size_bytes - self._size_bytes
        if self._size_bytes and abs(more) >= APART * size_bytes:
            per_byte_s = max(0.0, (seconds - self._seconds) / more)
            self._anyhow_s = max(0.0, seconds - per_byte_s * size_bytes)
        return max(0.0, seconds - self._anyhow_s) / size_bytes
