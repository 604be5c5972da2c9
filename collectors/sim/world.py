"""All hosts of a fleet, and their common time."""

from __future__ import annotations

import heapq

from collectors.sim.facts import Fact
from collectors.sim.host import Host
from collectors.sim.scenario import Scenario
from common.errors import SettingsError

OWN_PROCESSES = 2
"""Of every host: systemd and snmpd."""


class World:
    """A fleet without its network: the same scenario, numbers and seed give the same, whoever asks what and when.

    Raises:
        SettingsError: the scenario has more processes than there shall be.
    """

    def __init__(self, scenario: Scenario, devices: int, processes: int, seed: int) -> None:
        most = scenario.most_processes + OWN_PROCESSES
        if most > processes:
            raise SettingsError(
                f"the scenario has up to {most} processes on a device, its agent among them, and --processes is "
                f"{processes}; make that {most} or more"
            )
        digits = max(4, len(str(devices)))
        self.hosts = [Host(f"sim{number:0{digits}}", scenario, processes, seed) for number in range(1, devices + 1)]
        self._queue = [(host.next_at, number) for number, host in enumerate(self.hosts)]
        heapq.heapify(self._queue)

    @property
    def next_at(self) -> float:
        """When the next thing happens, as t."""
        return self._queue[0][0] if self._queue else float("inf")

    def advance(self, until: float) -> list[Fact]:
        """Let everything happen up to `until`, in order of time."""
        facts: list[Fact] = []
        while self._queue and self._queue[0][0] <= until:
            at, number = self._queue[0]
            host = self.hosts[number]
            facts += host.advance(at)
            heapq.heapreplace(self._queue, (host.next_at, number))
        return facts
