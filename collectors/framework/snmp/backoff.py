"""How long an agent is waited for, and when one that does not answer is asked again (pure)."""

from __future__ import annotations

import random

from msgspec.structs import replace

from collectors.framework.snmp.errors import SnmpAuthError, SnmpConfigError, SnmpTimeout
from common.configs import SnmpConfig

SLACK = 0.5
"""Of an interval: a turn so close to the time at which one is to be asked again is the one."""
LEAST_SHARE = 0.5
"""Of the time to the next attempt that chance leaves at least."""
PROBE_RETRIES = 1
"""Of the one value by which one that was silent is asked whether it answers again."""
NO_ANSWER = (SnmpTimeout, SnmpAuthError, SnmpConfigError)
"""What is asked again less and less often: who is silent, who refuses us, who cannot be found."""


def within(snmp: SnmpConfig, limit_s: float) -> SnmpConfig:
    """The same with no more patience than that: silence of so many seconds is known to be one."""
    timeout_s = min(snmp.timeout_s, limit_s / 2)
    retries = min(snmp.retries, max(int(limit_s / timeout_s) - 1, 0))
    if (timeout_s, retries) == (snmp.timeout_s, snmp.retries):
        return snmp
    return replace(snmp, timeout_s=timeout_s, retries=retries)


class Backoff:
    """Counts how often a device did not answer; after each time it rests longer, up to a bound.

    Chance makes the rests uneven, so that devices that fell silent together are not asked together ever after.

    Args:
        most_s: longest rest; one that is read less often than that anyway is asked in each of its turns.
        silent: it did not answer when it was asked last.

    Attributes:
        silent: it did not answer.
    """

    def __init__(self, most_s: float, rng: random.Random, *, silent: bool = False) -> None:
        self._most_s = most_s
        self._rng = rng
        self._failures = int(silent)
        self._tried = self._until = float("-inf")

    @property
    def silent(self) -> bool:
        """Whether it did not answer when it was asked last."""
        return self._failures > 0

    def rests(self, now: float, neighbour_back_at: float = float("-inf")) -> bool:
        """Whether its turn is to be left out; not when one of its network has come back since it was asked."""
        return now < self._until and neighbour_back_at <= self._tried

    def failed(self, began: float, interval_s: float) -> None:
        """It did not answer; the attempt began at a moment of the monotonic clock."""
        self._failures = min(self._failures + 1, 32)
        longest_s = min(interval_s * 2 ** (self._failures - 1), max(self._most_s, interval_s))
        wait_s = max(interval_s, longest_s * self._rng.uniform(LEAST_SHARE, 1.0))
        self._tried = began
        self._until = began + wait_s - SLACK * interval_s

    def answered(self) -> None:
        """It did."""
        self._failures, self._until = 0, float("-inf")

    def again(self) -> None:
        """Something has changed: it may answer now, and its rests begin anew."""
        self._failures, self._until = min(self._failures, 1), float("-inf")
