"""Answers to the hub that are too large for one message, kept until all of their parts were fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from common.errors import NotFoundError, PermanentError
from common.statustree import MAX_PART_BYTES, MAX_PARTS, StatusBranch

MOST = 8
KEPT_S = 30.0


class Pieces:
    """The last few answers of several parts: the next pass would give others.

    Args:
        seconds: monotonic.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._kept: dict[str, tuple[float, bytes]] = {}

    def first(self, data: bytes, *, found: bool) -> StatusBranch:
        """The first part of an answer.

        Raises:
            PermanentError: it is too large for anybody.
        """
        count = max(1, -(-len(data) // MAX_PART_BYTES))
        if count == 1:
            return StatusBranch(found=found, data=data)
        if count > MAX_PARTS:
            raise PermanentError(f"the answer has {len(data)} bytes, which are too many; ask for a branch of it")
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        self._tidy()
        self._kept[digest] = self._seconds() + KEPT_S, data
        return StatusBranch(found=found, data=data[:MAX_PART_BYTES], parts=count, digest=digest)

    def part(self, digest: str, number: int) -> StatusBranch:
        """Another part of it.

        Raises:
            NotFoundError: it is not kept any more.
        """
        _, data = self._kept.get(digest, (0.0, b""))
        part = data[number * MAX_PART_BYTES : (number + 1) * MAX_PART_BYTES]
        if not part:
            raise NotFoundError("this answer is not kept any more; ask anew")
        return StatusBranch(found=True, data=part, parts=-(-len(data) // MAX_PART_BYTES), digest=digest)

    def _tidy(self) -> None:
        now = self._seconds()
        self._kept = {digest: kept for digest, kept in self._kept.items() if kept[0] > now}
        while len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]
