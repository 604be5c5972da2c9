"""What is taken in: pieces of files that another collector had, until a file is whole and in its place.

Pieces lie in a folder of their own, under names of hashes. What is no file of the series that it is told to be never
leaves that folder, and the folder never grows beyond a bound.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's, raised by addTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from collectors.framework.data.baselinefiles import known
from collectors.framework.data.copies import copy_in
from collectors.framework.data.room import spare_bytes
from collectors.framework.moving.form import why_not
from collectors.framework.moving.orders import Adopt, Moved
from collectors.framework.worker import Worker
from common import durable, rrd
from common.errors import PermanentError, TransientError
from common.moving import Given, GiveQuery, MovedFile, Taken, digest_of, digest_of_file

MOST_BYTES = 512 * 1024 * 1024
KEEP_S = 7 * 86_400.0
"""A part that nothing was added to for so long is dropped."""
HELD_S = 60.0
"""So long it is known of a file that it was taken in. Later it would be taken once more, which changes nothing; nobody
could say then that it is still here: it may have gone on to another collector."""
PATIENCE_S = 3.0
"""A file is mostly in its place by then; who gave it asks again if it is not."""
MOST_BROKEN = 3
"""So often a file may turn out to be another than was told, before it is refused."""

_NAME = re.compile(r"^[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{32}\.part\Z")
SAME = 42
"""Characters of a name that are those of another state of the same file, too: it has changed since."""
_READY = Taken(state=Given.WORKING)

_log = Logger()


class Incoming:
    """Takes in files, one piece after the other.

    Args:
        folder: for what has come; it is made when it is needed.
        worker: does what blocks.
        adopt: has the writer process bring a file to its place.

    Attributes:
        files, refused, bytes: taken in, refused, and come, since the start.
    """

    def __init__(
        self,
        folder: Path,
        clock: IReactorTime,
        wall: Callable[[], float],
        worker: Worker,
        adopt: Callable[[Adopt], Awaitable[Moved]],
        *,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._wall = wall
        self._worker = worker
        self._adopt = adopt
        self._most_bytes = most_bytes
        self._under_way: dict[str, list[Deferred[Taken]]] = {}
        self._broken: dict[str, int] = {}
        self._held: dict[str, float] = {}
        self.files = self.refused = self.bytes = 0

    async def take(self, query: GiveQuery) -> Taken:
        """Take a piece, or tell how far its file has come.

        Raises:
            TransientError: the disk refused, or there is no room; nothing that has come is lost.
        """
        name, now = _name_of(query.file), self._clock.seconds()
        self._held = {one: until for one, until in self._held.items() if until > now}
        if name in self._held:
            return Taken(state=Given.HELD, offset=query.file.size)
        if name not in self._under_way:
            try:
                taken = await self._worker.run(lambda: self._take(name, query))
            except OSError as error:
                raise TransientError(
                    f"{self._folder} cannot be written: {error.strerror}; free some space there"
                ) from None
            self.bytes += len(query.data)
            if taken.state is Given.REFUSED:
                self._refuse(query.file, taken.reason)
            if taken is not _READY:
                return taken
            self._wait_for(query.file)
        return await self._place(name, query.file)

    def _wait_for(self, told: MovedFile) -> None:
        """Samples of a clock that is ahead of ours would keep our own out of their file until that time has come."""
        ahead_s = told.last - self._wall()
        if ahead_s > told.layout.step_s:
            raise TransientError(
                f"the last sample of a file of {told.key.device} is {ahead_s:.0f} s ahead of the clock of this host; "
                "it is taken when that time has come"
            )

    # --- pieces (in the worker's thread) ------------------------------------------------------------------------------

    def _take(self, name: str, query: GiveQuery) -> Taken:
        told = query.file
        if reason := _not_ours(told):
            return Taken(state=Given.REFUSED, reason=reason)
        path = self._folder / f"{name}.part"
        have = path.stat().st_size if path.exists() else 0
        if query.data:
            if query.offset != have or digest_of(query.data) != query.check:
                return Taken(state=Given.WANTED, offset=have, reason="another piece was wanted, or it came damaged")
            if have + len(query.data) > told.size:
                path.unlink(missing_ok=True)
                return Taken(state=Given.REFUSED, reason=f"it is longer than the {told.size} bytes that were told")
            self._make_room(path, len(query.data))
            self._leave_room(2 * told.size - have)
            with path.open("ab") as file:
                file.write(query.data)
            have += len(query.data)
        if have < told.size:
            return Taken(state=Given.WANTED, offset=have)
        return self._judge(name, path, told)

    def _judge(self, name: str, path: Path, told: MovedFile) -> Taken:
        """Whether a file that is whole is what was told."""
        with path.open("rb") as file:
            is_whole = digest_of_file(file) == told.digest
        if not is_whole:
            path.unlink()
            self._broken[name] = self._broken.get(name, 0) + 1
            if self._broken[name] < MOST_BROKEN:
                return Taken(state=Given.WANTED, reason="what came is not what was told; it is begun anew")
            return Taken(state=Given.REFUSED, reason=f"{MOST_BROKEN} times, what came was not what was told")
        if reason := why_not(path, told):
            path.unlink()
            return Taken(state=Given.REFUSED, reason=reason)
        durable.sync(path)
        return _READY

    def _make_room(self, path: Path, more: int) -> None:
        """Drop what is old, and if need be what others began: it is given anew."""
        if not self._folder.exists():
            self._folder.mkdir(mode=0o750, parents=True)
        kept: list[tuple[float, int, Path]] = []
        for entry in self._folder.iterdir():
            if not _NAME.match(entry.name):
                continue
            found = entry.lstat()
            is_earlier = entry.name.startswith(path.name[:SAME]) and entry.stem not in self._under_way
            if entry != path and (is_earlier or found.st_mtime < self._wall() - KEEP_S):
                entry.unlink(missing_ok=True)
            else:
                kept.append((found.st_mtime, found.st_size, entry))
        total = sum(size for _, size, _ in kept) + more
        for _, size, entry in sorted(kept):
            if total <= self._most_bytes:
                return
            if entry != path and entry.stem not in self._under_way:
                entry.unlink(missing_ok=True)
                total -= size
        if total > self._most_bytes:
            raise TransientError(f"{self._folder} may not hold more than {self._most_bytes} bytes; ask again later")

    def _leave_room(self, more: int) -> None:
        """A file is there twice before its part goes."""
        disk = os.statvfs(self._folder)
        if disk.f_bavail * disk.f_frsize - more < spare_bytes(disk):
            raise TransientError(
                f"the disk of {self._folder} has too little room for a file of {more} bytes; free some space there"
            )

    # --- whole files --------------------------------------------------------------------------------------------------

    async def _place(self, name: str, told: MovedFile) -> Taken:
        """Have a file brought to its place; it may take longer than one may wait here."""
        waiter: Deferred[Taken] = Deferred()
        if name in self._under_way:
            self._under_way[name].append(waiter)
        else:
            self._under_way[name] = [waiter]
            Deferred.fromCoroutine(self._bring(name, told)).addBoth(self._brought, name)
        try:
            return await waiter.addTimeout(PATIENCE_S, self._clock)
        except TimeoutError:
            return Taken(state=Given.WORKING, offset=told.size)

    async def _bring(self, name: str, told: MovedFile) -> Taken:
        part = self._folder / f"{name}.part"
        try:
            await self._adopt(
                Adopt(
                    path=str(part.absolute()),
                    key=told.key,
                    layout=told.layout,
                    first=told.first,
                    last=told.last,
                    beside=told.beside,
                )
            )
        except PermanentError as error:
            await self._worker.run(lambda: part.unlink(missing_ok=True))
            self._refuse(told, error.message)
            return Taken(state=Given.REFUSED, reason=error.message[:1000])
        self._held[name] = self._clock.seconds() + HELD_S
        self.files += 1
        with contextlib.suppress(OSError):  # it goes later, with what is old
            await self._worker.run(lambda: part.unlink(missing_ok=True))
        _log.info("the file of {series} has come from another collector", series=_series(told))
        return Taken(state=Given.HELD, offset=told.size)

    def forget(self) -> None:
        """Files leave: of none it is sure any more that it is here."""
        self._held.clear()

    def _brought(self, outcome: Any, name: str) -> None:
        waiting = [waiter for waiter in self._under_way.pop(name) if not waiter.called]
        for waiter in waiting:
            waiter.callback(outcome)
        if not waiting and isinstance(outcome, Failure):
            _log.warn("a file that came is not in its place yet: {reason}", reason=outcome.getErrorMessage())

    def _refuse(self, told: MovedFile, reason: str) -> None:
        self.refused += 1
        _log.warn("the file of {series} is not taken: {reason}", series=_series(told), reason=reason)


def _not_ours(told: MovedFile) -> str:
    """Why a file can be none of ours, by what is told of it alone."""
    if not rrd.file_name(told.key).endswith(f"/{told.file}.rrd"):
        return "its name is not that of its series"
    place = f"{told.file}.rrd.{told.beside}"
    copy = copy_in(place)
    if told.beside and (copy is None or copy[1:] != (told.first, told.last)) and known(place) is None:
        return "its name is not that of a file that lies beside another"
    if told.first > told.last:
        return "its first sample comes after its last"
    return ""


def _name_of(told: MovedFile) -> str:
    return f"{told.file}-{digest_of(told.beside.encode())[:8]}-{told.digest}"


def _series(told: MovedFile) -> str:
    return f"{told.key.device} / {told.key.component} / {told.key.source}"
