"""Takes passes: asks every reader beside the reactor, and waits for none longer than its patience."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from collectors.framework.local.host import LocalHost
from collectors.status.beside import PATIENCE_S, Answer, Beside
from collectors.status.disks import usage
from collectors.status.gathering import Gathering
from collectors.status.hostreading import ALL_DISKS, INDEXES, HostReader
from collectors.status.paces import Paces
from collectors.status.passes import Found, Pass, ProcessName, Wanted
from collectors.status.processes import Reading
from collectors.status.sensors import sensors
from collectors.status.units import units
from collectors.status.ways import local_host, local_processes, uptime_s
from common.statuspoints import ITEMS

Clock = Callable[[], float]
_HOST, _PROCESSES, _DISK = "host", "processes", "disk "
MOST_QUICK, QUICK_PATIENCE_S = 4, 5.0
"""Threads for what answers at once, and how long it is waited for: on a very large host it takes its time."""
LOST_AFTER_S = 30.0
"""What may take its time keeps its figures for so long, and is stuck then."""
_BESIDE = frozenset({"sensors", "units"})
"""Items that may take their time."""


class Readers(Struct, frozen=True, kw_only=True):
    """What reads this host; each may block, and raises what it likes.

    Attributes:
        host: items that answer at once, by item.
        processes: of names, with the seconds from pass to pass.
        disk: figures of a folder's filesystem.
        beside: the items that take their time, each as rows by name.
        uptime_s: since this host was started.
    """

    host: Callable[[frozenset[str]], Mapping[str, Any]]
    processes: Callable[[tuple[ProcessName, ...], float], Reading]
    disk: Callable[[str], Mapping[str, Any]]
    beside: Mapping[str, Callable[[], Mapping[str, Mapping[str, Any]]]]
    uptime_s: Clock


def local_readers(wall: Clock, monotonic: Clock, host: LocalHost | None = None) -> Readers:
    """What reads the host that this process runs on."""
    return Readers(
        host=HostReader(local_host(), wall).read,
        processes=local_processes(wall, monotonic, host or LocalHost()).read,
        disk=usage,
        beside={"sensors": sensors, "units": units},
        uptime_s=uptime_s,
    )


class Watcher:
    """Reads this host, one pass at a time.

    Args:
        wanted: what is read.
        clock: the reactor (`IReactorTime` and `callFromThread`).
        wall: epoch seconds.
        monotonic: seconds of a clock that nobody sets.
        readers: None for those of this host.
        patience_s: how long a pass waits for disks and whatever else may not answer.

    Attributes:
        last: the newest pass.
    """

    def __init__(
        self,
        wanted: Wanted,
        clock: Any,
        wall: Clock,
        monotonic: Clock = time.monotonic,
        readers: Readers | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._wanted = wanted
        self._wall = wall
        self._monotonic = monotonic
        self._readers = readers or local_readers(wall, monotonic)
        self._quick = Beside(clock, monotonic, QUICK_PATIENCE_S, most=MOST_QUICK)
        self._slow = Beside(clock, monotonic, patience_s)
        self._gathering = Gathering()
        self._paces = Paces()
        self._waiting: list[Deferred[Pass]] | None = None
        self.last: Pass | None = None

    async def look(self) -> Pass:
        """Take a pass; while one is under way, that one is waited for."""
        if self._waiting is not None:
            waiter: Deferred[Pass] = Deferred()
            self._waiting.append(waiter)
            return await waiter
        self._waiting = []
        outcome: Pass | Failure | None = None
        try:
            self.last = outcome = await self._take()
        except BaseException:
            outcome = Failure()  # type: ignore[no-untyped-call]  # Twisted has no types for it
            raise
        finally:
            waiting, self._waiting = self._waiting, None
            for waiter in waiting:
                if not waiter.called:
                    waiter.callback(outcome)  # type: ignore[arg-type]  # a Failure goes the other way
        return outcome

    def update(self, wanted: Wanted) -> None:
        """Want something else from the next pass on; what stays wanted keeps what is known of it."""
        self._wanted = wanted

    def close(self) -> None:
        """Take no more passes; threads that are held up end with the process."""
        self._quick.close()
        self._slow.close()

    # --- a pass -------------------------------------------------------------------------------------------------------

    async def _take(self) -> Pass:
        wanted = self._wanted
        at, now = self._wall(), self._monotonic()
        asked = _items_of(wanted)
        self._paces.forget_all_but(asked | _BESIDE & wanted.further)
        quick = await self._quick.ask(self._quick_questions(wanted, asked, now))
        told = self._told(quick.get(_HOST), at, now)
        mounted = self._mounted(wanted)
        disks = tuple(dict.fromkeys((*wanted.disks, *mounted)))
        due = self._paces.due(_BESIDE & wanted.further, now)
        slow = await self._slow.ask(
            {
                **{f"{_DISK}{path}": partial(self._readers.disk, path) for path in disks},
                **{item: self._readers.beside[item] for item in due},
            }
        )
        for item in due:
            if slow[item].waiting_s is None:
                self._paces.keep(item, slow[item].error or slow[item].value, at, now)
        self._gathering.begin(self._wall())
        waiting = {item: seconds for item in due if (seconds := slow[item].waiting_s) is not None}
        items = self._items(wanted, told, quick.get(_HOST), waiting, at)
        if wanted.disks or "disks" in wanted.further:
            before = self.last.items.get("disks", {}) if self.last is not None else {}
            answers = {path: slow[f"{_DISK}{path}"] for path in disks}
            items["disks"] = self._gathering.disks(answers, mounted, before, at)
        processes = quick.get(_PROCESSES, Answer())
        found = self._gathering.processes(wanted.processes, processes, at)
        self._gathering.end()
        return Pass(
            at=at,
            monotonic=now,
            elapsed_s=now - self.last.monotonic if self.last is not None else None,
            items=items,
            processes=found,
            races=processes.value.races if processes.value is not None else {},
            took_s=self._monotonic() - now,
            uptime_s=self._readers.uptime_s(),
        )

    def _quick_questions(self, wanted: Wanted, asked: frozenset[str], now: float) -> Mapping[str, Callable[[], object]]:
        questions: dict[str, Callable[[], object]] = {}
        if due := self._paces.due(asked, now):
            questions[_HOST] = partial(self._readers.host, due)
        if wanted.processes:
            questions[_PROCESSES] = partial(self._readers.processes, wanted.processes, wanted.every_s)
        return questions

    def _told(self, answer: Answer | None, at: float, now: float) -> Mapping[str, Any]:
        """What the host has told now; what is told seldom is kept."""
        if answer is None or answer.waiting_s is not None:
            return {}
        told: Mapping[str, Any] = answer.value or {}
        for item, value in told.items():
            self._paces.keep(item, value, at, now)
        return told

    def _mounted(self, wanted: Wanted) -> Sequence[str]:
        """Where filesystems are mounted, if all are wanted."""
        kept = self._paces.last(ALL_DISKS)
        if "disks" not in wanted.further or kept is None or isinstance(kept.value, Exception):
            return ()
        places: Sequence[str] = kept.value
        return places

    def _items(
        self, wanted: Wanted, told: Mapping[str, Any], answer: Answer | None, waiting: Mapping[str, float], at: float
    ) -> dict[str, Mapping[str, Found]]:
        items: dict[str, Mapping[str, Found]] = {}
        stuck_s, failed = (answer.waiting_s, answer.error) if answer is not None else (None, None)
        if wanted.interfaces or "interfaces" in wanted.further:
            items["interfaces"] = (
                self._gathering.stuck("interfaces", wanted.interfaces, stuck_s, at)
                if stuck_s is not None
                else self._gathering.interfaces(
                    told.get("interfaces", failed),
                    told.get(INDEXES, failed),
                    wanted.interfaces,
                    everything="interfaces" in wanted.further,
                    at=at,
                )
            )
        for item in ITEMS:
            if item not in wanted.further or item in {"disks", "interfaces", "processes"}:
                continue
            if item in _BESIDE:
                items[item] = self._beside(item, waiting.get(item), at)
            elif stuck_s is not None:
                items[item] = self._gathering.stuck(item, (), stuck_s, at)
            elif item in {"cpu", "cpus"}:
                items[item] = self._gathering.cpu(item, told.get("cpu", failed), self.last, at)
            elif failed is not None:
                items[item] = {"": self._gathering.failed((item, ""), failed, item, at)}
            else:
                items[item] = self._gathering.rows(item, self._paces.last(item), at)
        return items

    def _beside(self, item: str, waiting_s: float | None, at: float) -> Mapping[str, Found]:
        """An item that may take its time: what it had stands for a while."""
        kept = self._paces.last(item)
        if waiting_s is not None and (kept is None or waiting_s >= LOST_AFTER_S):
            return self._gathering.stuck(item, (), waiting_s, at)
        return self._gathering.rows(item, kept, at)


def _items_of(wanted: Wanted) -> frozenset[str]:
    """What the host is asked for."""
    asked = set((wanted.further & ITEMS.keys()) - _BESIDE - {"disks", "processes", "cpus"})
    if "cpus" in wanted.further:
        asked.add("cpu")
    if wanted.interfaces or "interfaces" in wanted.further:
        asked |= {"interfaces", INDEXES}
    if "disks" in wanted.further:
        asked.add(ALL_DISKS)
    return frozenset(asked)
