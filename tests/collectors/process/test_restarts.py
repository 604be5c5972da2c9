from __future__ import annotations

from typing import Any

import pytest

from collectors.framework.processtable import ProcessTable
from collectors.process.memory import DeviceMemory
from collectors.process.restarts import restarted


@pytest.mark.parametrize(
    ("before", "now", "what"),
    [
        ((1000.0, 9000.0), (1010.0, 9010.0), ""),
        ((1000.0, 9000.0), (5.0, 9010.0), "agent"),
        ((1000.0, 9000.0), (5.0, 8.0), "host"),
        ((1000.0, None), (5.0, None), "agent"),
        ((2**32 / 100 - 20.0, 9e9), (10.0, 9e9 + 30), ""),  # sysUpTime wraps after 497 days
    ],
)
def test_uptime_tells_what_was_restarted(before: tuple[Any, Any], now: tuple[Any, Any], what: str) -> None:
    memory = DeviceMemory(uptime_s=before[0], host_uptime_s=before[1])
    table = ProcessTable(at=0, monotonic=0, rows={}, complete=True, full=True, uptime_s=now[0], host_uptime_s=now[1])
    assert restarted(memory, table) == what
