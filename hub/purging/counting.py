"""How many files collectors have of each device, and how large they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from common.configs import SERVICE_PROCESS
from common.errors import RemoteError, TransientError
from common.holdings import HeldFile
from hub.purging.asking import sort_in
from hub.purging.desk import Purging


class Counted:
    """Files by device, of those that are wanted."""

    def __init__(self, wanted: Collection[str]) -> None:
        self._wanted = wanted
        self.files: dict[str, int] = {}
        self.bytes: dict[str, int] = {}

    def add(self, files: Iterable[HeldFile]) -> None:
        """Count some in; also what is kept beside a series."""
        for file in files:
            if file.key is not None and file.key.device in self._wanted:
                device = file.key.device
                self.files[device] = self.files.get(device, 0) + 1
                self.bytes[device] = self.bytes.get(device, 0) + file.size


async def count(
    purging: Purging, collectors: Iterable[str], devices: Collection[str]
) -> tuple[Counted, dict[str, str]]:
    """Ask some collectors, one after the other, their daemons too; give what they have, and why some were not asked."""
    counted, problems = Counted(devices), dict[str, str]()
    for name in collectors:
        for daemon in purging.daemons(name) or [SERVICE_PROCESS]:
            try:
                await sort_in(purging.session(name, daemon), counted)
            except (TransientError, RemoteError) as error:
                problems[name] = error.message
    return counted, problems
