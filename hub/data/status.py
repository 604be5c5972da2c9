"""Asks the status collector of a device for its status tree, or a branch of it."""

from __future__ import annotations

from collections.abc import Callable

from common.errors import NotFoundError, PermanentError, RemoteError
from common.statustree import MAX_PART_BYTES, MAX_PARTS, StatusBranch, StatusQuery
from hub.data.asking import Asker, CollectorAwayError, is_unread

MAX_TRIES = 3
LIMIT_S = 15.0


class StatusReader:
    """Puts the parts of an answer together.

    Args:
        asker: of the status collectors.
        is_local: whether a device is the host of its collector; the status of no other can be known.
    """

    def __init__(self, asker: Asker, is_local: Callable[[str], bool]) -> None:
        self._asker = asker
        self._is_local = is_local

    async def branch(self, device: str, path: str, *, metadata: bool) -> StatusBranch:
        """What is at a quoted path of a device, in one part; the device may be a collector, for its host.

        Raises:
            NotFoundError: no such device, or it is not the host of a collector.
            CollectorAwayError: its status collector is not there.
            TooSlowError: it does not answer in time.
        """
        collector = self._asker.collector_of(device)
        if device != collector and not self._is_local(device):
            raise NotFoundError(
                f"{device} is read from afar: only a device with `source: local`, the host of its own collector, has a "
                "status tree"
            )
        return await self._asker.in_time(self._whole(collector, device, path, metadata=metadata), LIMIT_S)

    async def _whole(self, collector: str, device: str, path: str, *, metadata: bool) -> StatusBranch:
        session = self._asker.at(collector)
        query = StatusQuery(device=device, path=path, metadata=metadata)
        for _ in range(MAX_TRIES):
            try:
                first = await self._asker.ask(session, query, StatusBranch)
                data = [first.data]
                for number in range(1, min(first.parts, MAX_PARTS)):
                    part = StatusQuery(device=device, path=path, metadata=metadata, part=number, digest=first.digest)
                    more = await self._asker.ask(session, part, StatusBranch)
                    if len(more.data) > MAX_PART_BYTES:
                        raise CollectorAwayError(f"collector {collector} answers with larger parts than were agreed")
                    data.append(more.data)
            except NotFoundError:
                continue  # what was left of the answer is not kept any more
            except RemoteError as error:
                if is_unread(error):
                    raise CollectorAwayError(
                        f"tocsin-status of collector {collector} is of a version that has no status tree; update it"
                    ) from None
                raise PermanentError(error.message, error.details) from None
            return StatusBranch(found=first.found, data=b"".join(data))
        raise CollectorAwayError(f"collector {collector} did not keep its answer; ask for a smaller branch")
