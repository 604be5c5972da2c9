"""Reads what plugins need of this host, in a thread of its own, because a disk may not answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from collectors.framework.interfaces import IProcessSource
from collectors.framework.local.own import OwnDaemons
from collectors.modeler.facts import HostRows, Plugin
from collectors.modeler.guests import Guests
from collectors.modeler.plugins.catalogue import is_own
from common.errors import TransientError

InThread = Callable[[Callable[[], None]], None]
"""Begins work in a thread."""
Readers = Mapping[str, Callable[[], object]]
ONLY_AGENTS = "it does not read the host of its modeler, only agents"
FIRST_PID = 1
"""There in every process table that is whole, also in that of a container."""
HIDDEN = (
    "this host shows only a part of its process table, process 1 is not in it: /proc is mounted with hidepid (let the "
    "modeler's user be in the group of its option gid), or the unit of the modeler has ProtectProc (take it out)"
)

_log = Logger()


def in_daemon_thread(work: Callable[[], None]) -> None:
    """Begin work in a thread that does not keep the process from ending."""
    threading.Thread(target=work, name="model of this host", daemon=True).start()


class LocalReader:
    """Reads this host.

    Args:
        reactor: where results come back.
        readers: what blocks, by name of its plugin.
        processes: reads the process table without blocking.
        in_thread: how to begin a thread.
        clock: for the time that plugins of packages have; without it they read nothing.
    """

    def __init__(
        self,
        reactor: Any,
        readers: Readers,
        processes: IProcessSource,
        in_thread: InThread = in_daemon_thread,
        clock: Any = None,
    ) -> None:
        self._reactor = reactor
        self._readers = readers
        self._processes = processes
        self._in_thread = in_thread
        self._guests = Guests(reactor, clock, in_thread) if clock is not None else None
        self._lock = DeferredLock()
        self._busy = False  # longer than a reading that was given up

    async def read(self, plugins: Sequence[Plugin[Any]], own: OwnDaemons | None = None) -> HostRows:
        """Read what these plugins begin with; what cannot be read is a problem of its plugin alone.

        Args:
            plugins: by them.
            own: whose processes are left out; None for nobody's.

        Raises:
            TransientError: an earlier reading still waits for this host.
        """
        rows: dict[str, object] = {}
        hidden: dict[str, str] = {}
        names = [plugin.name for plugin in plugins]
        if "processes" in names:
            table = await self._processes.scan(True)  # noqa: FBT003 - the interface has it
            if FIRST_PID in table.rows:
                without = own.among(table.rows) if own is not None else ()
                rows["processes"] = [row.line for pid, row in table.rows.items() if row.alive and pid not in without]
            else:
                hidden["processes"] = HIDDEN
        async with self._lock:
            read, problems = await self._beside({name: self._readers[name] for name in names if name in self._readers})
        if self._guests is not None:
            guests = {one.name: one.of_host for one in plugins if not is_own(one) and one.of_host is not None}
            more, wrong = await self._guests.read(guests)
            read, problems = read | more, problems | wrong
        missing = {name: ONLY_AGENTS for name in names if name not in {**rows, **read}}
        return HostRows(rows=rows | read, problems=missing | hidden | problems)

    def leaving_out(self, own: OwnDaemons) -> WithoutOwn:
        """A reader of the same host that leaves Tocsin's own daemons out."""
        return WithoutOwn(self, own)

    async def _beside(self, readers: Readers) -> tuple[dict[str, object], dict[str, str]]:
        if self._busy:
            raise TransientError(
                "this host does not answer: an earlier reading still waits, most likely for a disk or a network "
                "filesystem; see which with `cat /proc/mounts` and `df`"
            )
        done: Deferred[tuple[dict[str, object], dict[str, str]]] = Deferred(lambda _: None)

        def end(result: tuple[dict[str, object], dict[str, str]]) -> None:
            self._busy = False
            if not done.called:
                done.callback(result)

        self._busy = True
        self._in_thread(lambda: self._reactor.callFromThread(end, all_of(readers)))
        return await done


class WithoutOwn:
    """Reads this host through another reader, without Tocsin's own daemons."""

    def __init__(self, reader: LocalReader, own: OwnDaemons) -> None:
        self._reader = reader
        self._own = own

    async def read(self, plugins: Sequence[Plugin[Any]]) -> HostRows:
        """As `LocalReader.read`."""
        return await self._reader.read(plugins, self._own)


def all_of(readers: Readers) -> tuple[dict[str, object], dict[str, str]]:
    """What readers give, and what was wrong with those that gave nothing."""
    rows: dict[str, object] = {}
    problems: dict[str, str] = {}
    for name, reader in readers.items():
        try:
            rows[name] = reader()
        except Exception as error:  # noqa: BLE001 - the supervisor of the thread
            _log.failure("this host could not be read for {name}", name=name)
            problems[name] = f"this host could not be read: {type(error).__name__}: {error}"
    return rows, problems
