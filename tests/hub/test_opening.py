# mypy: allow-untyped-calls
"""What the hub looks after while it runs."""

from __future__ import annotations

import time
from pathlib import Path

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent

from common.certificates import Site
from hub.distribution.errand import Every
from hub.opening import hub_renewal, open_site
from hub.settings import HubSettings

DAY_S = 86400.0


def test_a_certificate_of_the_hub_that_cannot_be_renewed_is_a_line_a_day_until_it_can(tmp_path: Path) -> None:
    clock, began = Clock(), time.time()
    settings = HubSettings(folder=tmp_path)
    shown: list[Site] = []

    def wall() -> float:
        return began + 800 * DAY_S + clock.seconds()

    first = open_site(settings, lambda: began).hub.certificate
    blocked = settings.pki / ".hub.key.new"
    blocked.mkdir()
    every = Every(clock, DAY_S, hub_renewal(settings, wall, shown.append))
    every.start()
    with capturedLogs() as logged:
        clock.pump([DAY_S] * 3)
    lines = [line for line in logged if line["log_namespace"].startswith("hub.")]  # who else logs is not heard
    assert [line["log_level"] for line in lines] == [LogLevel.error] * 3
    assert all("log_failure" not in line for line in lines)
    assert "the hub's certificate cannot be renewed: " in formatEvent(lines[0])
    assert "hub.key cannot be written" in formatEvent(lines[0])
    assert shown == []
    blocked.rmdir()
    clock.advance(DAY_S)
    every.stop()
    assert [site.hub.certificate != first for site in shown] == [True]
