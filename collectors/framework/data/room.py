"""How much of a disk is left free: the last room is for samples of files that are there."""

from __future__ import annotations

import os

LEAST_FREE = 0.05
"""Of the disk."""
LEAST_FREE_BYTES = 512 * 1024**2
"""As much is enough of any disk."""


def spare_bytes(disk: os.statvfs_result, share: float = LEAST_FREE, most_bytes: int = LEAST_FREE_BYTES) -> float:
    """What is to be left of a disk: a share of it, and no more than so many bytes."""
    return min(disk.f_blocks * disk.f_frsize * share, most_bytes)
