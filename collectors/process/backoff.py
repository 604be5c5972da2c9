"""How long a device may take to be scanned (pure)."""

from __future__ import annotations

from collectors.framework.snmp.backoff import within
from common.configs import SnmpConfig

AFTER_READING_S = 4.0
"""Of a cycle, left for what comes after its table: events go to disk, and a host is asked how it is."""
SILENCE_SHARE = 0.8
"""Of the time that reading a table may take: so soon has to be known that a device does not answer."""


def longest_cycle_s(interval_s: int) -> float:
    """How long a cycle may take."""
    return max(12.0, 0.9 * interval_s)


def longest_read_s(interval_s: int) -> float:
    """How long reading a table that can be believed may take."""
    return longest_cycle_s(interval_s) - AFTER_READING_S


def in_time(snmp: SnmpConfig, interval_s: int) -> SnmpConfig:
    """The same with no more patience than reading has: else silence would show as a table that takes too long."""
    return within(snmp, SILENCE_SHARE * longest_read_s(interval_s))
