"""A process source that knows what happened between its scans, and asks for one when a watched process has died."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from collectors.framework.interfaces import IProcessSource
from collectors.framework.local import procfs
from collectors.framework.processevents.connector import Connector, Standing
from collectors.framework.processevents.lives import Impact, Lives
from collectors.framework.processevents.messages import Answered, Executed, ProcessEvent
from collectors.framework.processevents.oom import OomWitness
from collectors.framework.processevents.pace import Waker
from collectors.framework.processevents.values import Happened, ProcessLife
from collectors.framework.processtable import ProcessRow, ProcessTable
from common.configs import DeviceConfig


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known of those who scan.

    Attributes:
        wanted: whether a process is watched.
        awaited: whether the set that a watched command line belongs to has no process now.
        wake: asks for a scan out of turn.
    """

    wanted: Callable[[ProcessRow], bool]
    awaited: Callable[[str], bool]
    wake: Callable[[], object]


def what_runs(pid: int) -> ProcessRow | None:
    """What a process of this host runs now, as far as it matters for matching; None when it is gone."""
    try:
        path, _, parameters = procfs.arguments(f"/proc/{pid}").partition(" ")
        by_name = not path or "\\" in path
        name = procfs.read(f"/proc/{pid}/comm").rstrip(b"\n").decode("utf-8", "replace") if by_name else ""
    except OSError:
        return None
    return ProcessRow(
        pid=pid,
        name=name,
        path=path,
        parameters=parameters,
        started=None,
        cpu_s=None,
        memory_bytes=None,
        status="running",
        alive=True,
    )


@implementer(IProcessSource)
class WatchingSource:
    """Scans by another source, and listens between.

    Args:
        source: scans.
        make_connector: gives what listens, of what takes events and of what is called when some are lost.
    """

    def __init__(
        self,
        source: Any,
        watch: Watch,
        reactor: Any,
        clock: IReactorTime,
        *,
        make_connector: Callable[..., Any] = Connector,
        look: Callable[[int], ProcessRow | None] = what_runs,
        witness: OomWitness | None = None,
    ) -> None:
        self._source = source
        self._watch = watch
        self._lives = Lives(watch.wanted, look)
        self._waker = Waker(clock, watch.wake)
        self._witness = witness or OomWitness()
        self._connector = make_connector(reactor, self._take, self._lost, random.SystemRandom())
        self._session = 0  # of the connector, at the last scan; 0 when it did not listen
        self._unseen = 0

    async def scan(self, full: bool) -> ProcessTable:  # noqa: FBT001 - the interface has it
        """See IProcessSource."""
        if self._connector.standing is Standing.NOT_ASKED:
            self._witness.begin()
            self._connector.start()
        began = time.thread_time()
        woken = self._waker.asked
        self._connector.drain()
        table: ProcessTable = await self._source.scan(full)
        self._connector.drain()
        # Nobody goes by a table that is not complete; the next one that is tells of what was before it, too.
        happened = self._happened(table) if table.complete else None
        self._waker.scanned(time.thread_time() - began)
        if self._lives.waits:
            self._waker.ring()
        return msgspec.structs.replace(table, happened=happened, woken=woken)

    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        """See IProcessSource."""
        alive: frozenset[int] = await self._source.alive(pids)
        return alive

    def update(self, config: DeviceConfig) -> None:
        """See IProcessSource."""
        self._source.update(config)

    async def close(self) -> None:
        """See IProcessSource."""
        self._waker.stop()
        self._connector.stop()
        self._witness.close()
        await self._source.close()

    @property
    def listening(self) -> bool:
        """Whether what happens between scans is known; before the first scan it is taken to be."""
        return self._connector.standing in {Standing.LISTENING, Standing.NOT_ASKED, Standing.ASKED}

    def sentence(self) -> str:
        """Whether what happens between scans is known, and why not."""
        standing = self._connector.standing
        if standing is Standing.LISTENING:
            return "process events: on"
        if standing in {Standing.NOT_ASKED, Standing.ASKED}:
            return "process events: not yet"
        return f"process events: {'paused' if standing is Standing.PAUSED else 'off'}: {self._connector.reason}"

    def figures(self) -> dict[str, Any]:
        """For `stats`."""
        return {
            "standing": self._connector.standing.value,
            "reason": self._connector.reason,
            **msgspec.to_builtins(self._connector.counts),
            "unseen": self._unseen,
            "scans_out_of_turn": self._waker.wakes,
        }

    # --- events -------------------------------------------------------------------------------------------------------

    def _take(self, events: Sequence[ProcessEvent]) -> None:
        ring = False
        for event in events:
            if isinstance(event, Answered):
                continue
            impact = self._lives.take(event)
            if impact is Impact.DEATH:
                ring = True
            elif impact is Impact.BIRTH:
                if isinstance(event, Executed):
                    self._witness.note(event.pid)
                ring = ring or self._watch.awaited(self._lives.born)
        if ring:
            self._waker.ring()

    def _lost(self) -> None:
        self._lives.lose()
        self._waker.ring()

    def _happened(self, table: ProcessTable) -> Happened | None:
        """What was told since the last complete table; None when it was not listened to all the time."""
        whole = self._connector.listening and self._connector.session == self._session
        self._session = self._connector.session if self._connector.listening else 0
        happened = self._lives.collect(table)
        self._unseen += happened.unseen
        if self._session:
            happened = self._with_kills(happened, table)
        else:
            self._lives.forget()
        return happened if whole else None

    def _with_kills(self, happened: Happened, table: ProcessTable) -> Happened:
        """Add what is known of kills for want of memory."""
        killed = {life.pid: life.memory_bytes for life in happened.lives if life.signal == signal.SIGKILL}
        there = [pid for pid, row in table.rows.items() if row.extra is not None and row.alive]
        kills = self._witness.judge(killed, there)
        if not kills:
            return happened

        def judged(life: ProcessLife) -> ProcessLife:
            found = kills.get(life.pid) if life.signal == signal.SIGKILL else None
            return life if found is None else msgspec.structs.replace(life, oom=found)

        return msgspec.structs.replace(happened, lives=tuple(judged(life) for life in happened.lives))
