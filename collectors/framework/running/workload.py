"""The configs that one worker is to run, whichever process of it there is (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from common.configs import DeviceConfig


class Workload:
    """What a worker is to run, what a new process has still to be given of it, and what that could not run.

    Attributes:
        wanted: by device, all that it is to run.
        unsent: of these, what a process that comes up has not been given yet.
    """

    def __init__(self) -> None:
        self.wanted: dict[str, DeviceConfig] = {}
        self.unsent: dict[str, DeviceConfig] = {}
        self._refused: dict[str, tuple[DeviceConfig, str]] = {}

    def take(self, configs: Mapping[str, DeviceConfig], *, later: bool) -> None:
        """It is to run these, too; `later` if a process that comes up is to be given them in its turn."""
        self.wanted.update(configs)
        if later:
            self.unsent.update(configs)
        for device in configs:
            self._refused.pop(device, None)

    def drop(self, devices: Iterable[str]) -> None:
        """It is to run these no more."""
        for device in devices:
            self.wanted.pop(device, None)
            self.unsent.pop(device, None)

    def begin(self) -> None:
        """A new process has nothing yet."""
        self.unsent, self._refused = dict(self.wanted), {}

    def next(self, most: int) -> dict[str, DeviceConfig]:
        """What it is given now, and not more at once."""
        return {device: self.unsent.pop(device) for device in list(self.unsent)[:most]}

    def judged(self, given: Mapping[str, DeviceConfig], refused: Mapping[str, str]) -> None:
        """It has said which of these it cannot run; of devices for which something else has come this says nothing."""
        for device, reason in refused.items():
            config = self.wanted.get(device)
            if config is not None and config is given.get(device):
                self._refused[device] = config, reason
                self.drop([device])

    def refused(self, configs: Mapping[str, DeviceConfig]) -> dict[str, str]:
        """Which of these very configs cannot run, and why; it is said once."""
        found = [device for device, (config, _) in self._refused.items() if configs.get(device) is config]
        return {device: self._refused.pop(device)[1] for device in found}

    def all_refused(self) -> dict[str, str]:
        """Those that nobody has asked about."""
        refused, self._refused = self._refused, {}
        return {device: reason for device, (_, reason) in refused.items()}
