"""Cuts what a collector has to be told into messages that fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from common.wire import ConfigBatch
from hub.distribution.pace import MOST_BYTES
from hub.distribution.wanted import Wanted

MAX_CHANGED = 500
MAX_REMOVED = 2000
NAME_BYTES = 5  # MessagePack's head of a string


class Batch(Struct, frozen=True):
    """What one `configs` message says: devices to run, with what they were made of, and devices to drop."""

    changed: dict[str, Wanted]
    removed: tuple[str, ...]

    def __len__(self) -> int:
        """How many devices it is about."""
        return len(self.changed) + len(self.removed)

    @property
    def size_bytes(self) -> int:
        """About how large its message is before compression."""
        dropped = sum(len(device.encode()) + NAME_BYTES for device in self.removed)
        return dropped + sum(wanted.size_bytes for wanted in self.changed.values())

    def message(self, revision: int, epoch: str) -> ConfigBatch:
        """The message, as of a revision of the model in the store of that epoch."""
        configs = [wanted.config for wanted in self.changed.values() if wanted.config is not None]
        return ConfigBatch(revision=revision, changed=configs, removed=list(self.removed), epoch=epoch)

    def halves(self) -> Iterator[Batch]:
        """Two smaller ones that say the same."""
        steps: list[tuple[str, Wanted | None]] = [(device, None) for device in self.removed]
        steps += list(self.changed.items())
        middle = len(steps) // 2
        for part in (steps[:middle], steps[middle:]):
            yield Batch(
                {device: wanted for device, wanted in part if wanted is not None},
                tuple(device for device, wanted in part if wanted is None),
            )


def first_batch(steps: Iterable[tuple[str, Wanted | None]], limit_bytes: int = MOST_BYTES) -> Batch:
    """Take from the front as many steps as fit in one message, one at least.

    Args:
        steps: device and what it shall run; None to drop it. Longest waiting first.
        limit_bytes: of all configs together, before compression.
    """
    changed: dict[str, Wanted] = {}
    removed: list[str] = []
    size_bytes = 0
    for device, wanted in steps:
        size_bytes += len(device.encode()) + NAME_BYTES if wanted is None else wanted.size_bytes
        full = len(changed) >= MAX_CHANGED or len(removed) >= MAX_REMOVED or size_bytes > limit_bytes
        if full and (changed or removed):
            break
        if wanted is None:
            removed.append(device)
        else:
            changed[device] = wanted
    return Batch(changed, tuple(removed))
