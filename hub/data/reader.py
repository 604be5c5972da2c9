"""Asks the collector that owns a device for what only that one has: its process table, its series, their pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime

from common.configs import SERVICE_PROCESS
from common.errors import NotFoundError, RemoteError, TocsinError, TransientError
from common.evidence import Evidence
from common.queries import (
    Done,
    EvidenceQuery,
    FetchQuery,
    GraphQuery,
    LastValue,
    LiveConfig,
    LiveConfigQuery,
    Picture,
    Processes,
    ProcessesQuery,
    Query,
    Rows,
    RunNowQuery,
    Sets,
    SetsQuery,
)
from common.roll import CommandLine, DeviceScan, Process, SetStatus
from hub.data.asking import Asker, CollectorAwayError, TooSlowError, is_unread
from hub.data.heap import Heap
from hub.data.keepers import Keepers, Located, Part, Wants, nothing_wanted, only_process
from hub.data.pictures import whole_picture
from hub.data.renaming import as_called_now
from hub.interfaces import ISession

MAX_LINES_S = 20.0
"""How long tables of many devices are asked for; what is not there by then is left out."""
MAX_PAGES = 1000
MAX_TORN = 3

T = TypeVar("T")


class ProcessTable(Struct, frozen=True, kw_only=True):
    """All rows of the last scan; `at` is None before the first."""

    at: float | None
    rows: list[Process]


class LineTable(Struct, frozen=True, kw_only=True):
    """The whole command lines of the last scan, in order of pid, without what does not run.

    Attributes:
        at: epoch second of the scan; None before the first.
        problem: why there are none; empty when there are.
    """

    at: float | None = None
    lines: list[CommandLine] = []
    problem: str = ""


class SetReport(Struct, frozen=True, kw_only=True):
    """Process sets and scans; `problems` says by collector why some of them are missing."""

    sets: list[SetStatus]
    scans: list[DeviceScan]
    problems: dict[str, str]


def all_under_their_names(_device: str) -> Mapping[str, str]:
    """Where no process set was ever renamed."""
    return {}


class Reader:
    """Finds the right session, asks it page by page, and puts the pages together.

    Every method raises `NotFoundError` for a device that nobody has, `CollectorAwayError` when its collector is not
    there, `TooSlowError` when the answer takes longer than half a minute, `RemoteError` for what the collector refuses.
    """

    def __init__(
        self,
        clock: IReactorTime,
        owner: Callable[[str], str | None],
        is_collector: Callable[[str], bool],
        session: Callable[[str, str], ISession | None],
        whereabouts: Callable[[str, str], str],
        service: str = SERVICE_PROCESS,
        *,
        series: Callable[[str], Mapping[str, str]] = all_under_their_names,
        daemons: Callable[[str], Sequence[str]] = only_process,
        wants: Wants = nothing_wanted,
    ) -> None:
        """Join the parts.

        `series` tells of a device which process sets have their series under another name, and under which: they were
        renamed. Whoever asks may use either name. `daemons` and `wants` are as `Keepers` has them.
        """
        self._asker = Asker(clock, owner, is_collector, session, whereabouts, service)
        self._series = series
        self.keepers = Keepers(self._asker, daemons, wants)

    def seconds(self) -> float:
        """The time, by the clock that answers are waited for with."""
        return self._asker.seconds()

    def kept_under(self, device: str) -> Mapping[str, str]:
        """Of a device the process sets whose series are kept under another name, and under which."""
        return self._series(device)

    # --- questions about one device -----------------------------------------------------------------------------------

    async def processes(self, device: str, set_: str | None) -> ProcessTable:
        """The last process table, all pages of it from one scan."""
        return await self._asker.in_time(self._processes(self._asker.of(device), device, set_))

    async def listed(self, device: str, component: str | None) -> list[Part[LastValue]]:
        """Which series there are, with their last values, by daemon; the device may be a collector, for its own.

        Names are those of now; that a daemon is away is told in its part.
        """
        elsewhere = self._series(device)
        asked = component if component is None else elsewhere.get(component, component)
        parts = await self.keepers.listed(device, asked)
        return [replace(part, found=as_called_now(part.found, elsewhere)) for part in parts]

    async def located(self, device: str, component: str | None) -> Located:
        """The same with where they are; at least one is there."""
        parts = await self.listed(device, component)
        located = self.keepers.located(device, parts)
        if not located.values and any(part.error is not None for part in parts):
            raise await self.keepers.missing(device, component, parts)
        return located

    async def listing(self, device: str, component: str | None) -> Sequence[LastValue]:
        """The same alone."""
        return (await self.located(device, component)).values

    async def told(self, device: str, component: str | None) -> tuple[Sequence[LastValue], str]:
        """The same, and why it is not all of them; else empty."""
        located = await self.located(device, component)
        return located.values, " ".join(located.gaps.values())

    async def fetch(self, query: FetchQuery) -> Rows:
        """Rows of a series."""
        component = self._series(query.device).get(query.component, query.component)
        return (await self.keepers.one(replace(query, component=component), Rows))[0]

    async def graph(self, query: GraphQuery, daemon: str | None = None) -> Picture:
        """A picture, by the daemon that has what is on it."""
        elsewhere = self._series(query.device)
        asked = None if query.component is None else elsewhere.get(query.component, query.component)
        called = {series: name for name, series in elsewhere.items()}
        query = replace(query, component=asked, shown=called)
        session = self._asker.at(self._asker.collector_of(query.device), daemon)
        try:
            return await self._asker.in_time(whole_picture(lambda part: self._asker.ask(session, part, Picture), query))
        except RemoteError as error:
            if is_unread(error):
                raise CollectorAwayError(
                    f"collector {session.collector} is of a version that does not draw {query.form}; update it"
                ) from None
            raise

    async def live_config(self, device: str, service: str | None = None) -> LiveConfig:
        """The config that the collector's daemon of a service runs, by default of the one that all else is asked."""
        session = self._asker.at(self._asker.collector_of(device), service)
        found = await self._asker.in_time(self._asker.ask(session, LiveConfigQuery(device), LiveConfig))
        if found.config.device != device:
            raise CollectorAwayError(f"collector {session.collector} told the config of another device than {device}")
        return found

    async def evidence(self, collector: str, daemon: str, device: str, id_: str) -> Evidence:
        """What was there when an alarm opened; it stays with the collector that raised it, wherever the device is."""
        session = self._asker.at(collector, daemon)
        found = await self._asker.in_time(
            self._asker.ask(session, EvidenceQuery(device=device, evidence=id_), Evidence)
        )
        if (found.device, found.id) != (device, id_):
            raise CollectorAwayError(f"collector {session.collector} told other evidence than {id_} of {device}")
        return found

    async def ask(self, device: str, query: Query, answer: type[T]) -> T:
        """Ask one question, whose answer fits into one message, of the collector that owns a device."""
        return await self._asker.in_time(self._asker.ask(self._asker.of(device), query, answer))

    async def ask_at(self, session: ISession, query: Query, answer: type[T]) -> T:
        """The same of a session."""
        return await self._asker.in_time(self._asker.ask(session, query, answer))

    async def scan_now(self, device: str) -> int:
        """Have a device read now by all daemons that read something of it; give how many readings were begun."""

        async def begin(session: ISession) -> list[int]:
            return [(await self._asker.ask(session, RunNowQuery([device]), Done)).count]

        parts = await self.keepers.all(device, begin)
        begun = sum(count for part in parts for count in part.found)
        if not begun and parts[0].error is not None:
            raise parts[0].error
        return begun

    # --- questions about many -----------------------------------------------------------------------------------------

    async def sets(self, devices: Sequence[str], *, strict: bool) -> SetReport:
        """Process sets of these devices, each collector asked beside the others.

        `strict` raises when a collector cannot answer; otherwise what is missing is told in `problems`.
        """
        by_collector: dict[str, list[str]] = {}
        for device in devices:
            by_collector.setdefault(self._asker.collector_of(device), []).append(device)
        failed: dict[str, TocsinError] = {}
        pages: list[Sets] = []

        async def ask(collector: str, named: list[str]) -> None:
            try:
                pages.extend(await self._asker.in_time(self._sets(self._asker.at(collector), named)))
            except (TransientError, RemoteError) as error:
                failed[collector] = error

        await DeferredList([Deferred.fromCoroutine(ask(*item)) for item in by_collector.items()])
        if strict and failed:
            raise next(iter(failed.values()))
        return SetReport(
            sets=[status for page in pages for status in page.sets],
            scans=[scan for page in pages for scan in page.scans],
            problems={collector: error.message for collector, error in failed.items()},
        )

    async def lines(self, devices: Sequence[str]) -> dict[str, LineTable]:
        """The command lines of these devices, each collector asked beside the others for one device after the other.

        A collector that is away is told in the tables of its devices; so is one that does not answer in time.
        """
        by_collector: dict[str, list[str]] = {}
        for device in devices:
            by_collector.setdefault(self._asker.collector_of(device), []).append(device)
        until = self._asker.seconds() + MAX_LINES_S
        tables: dict[str, LineTable] = {}

        async def ask(collector: str, named: list[str]) -> None:
            away = ""
            for device in named:
                if not away and self._asker.seconds() >= until:
                    away = f"collector {collector} was asked for too much at once; try again"
                if away:
                    tables[device] = LineTable(problem=away)
                    continue
                try:
                    work = self._lines(self._asker.at(collector), device)
                    tables[device] = await self._asker.in_time(work, max(until - self._asker.seconds(), 0.0))
                except (CollectorAwayError, TooSlowError) as error:
                    away = error.message
                    tables[device] = LineTable(problem=away)
                except (NotFoundError, TransientError, RemoteError) as error:
                    tables[device] = LineTable(problem=error.message)

        await DeferredList([Deferred.fromCoroutine(ask(*item)) for item in by_collector.items()])
        return tables

    # --- paging -------------------------------------------------------------------------------------------------------

    async def _processes(self, session: ISession, device: str, set_: str | None) -> ProcessTable:
        pages = await self._table(session, ProcessesQuery(device=device, set=set_))
        return ProcessTable(at=pages[0].at, rows=[row for page in pages for row in page.rows])

    async def _lines(self, session: ISession, device: str) -> LineTable:
        pages = await self._table(session, ProcessesQuery(device=device, lines=True))
        if any(page.lines is None for page in pages):
            raise CollectorAwayError(
                f"collector {session.collector} is of a version that does not tell whole command lines; update it"
            )
        lines = [line for page in pages for line in page.lines or () if line is not None]
        at = pages[0].at
        return LineTable(at=at, lines=lines, problem=f"device {device} was not scanned yet" if at is None else "")

    async def _table(self, session: ISession, query: ProcessesQuery) -> list[Processes]:
        """All pages of a process table, of one scan; at least one."""
        for _ in range(MAX_TORN):
            pages = await self._one_table(session, query)
            if pages is not None:
                return pages
        raise TooSlowError(f"device {query.device} is scanned faster than its process table can be read; try again")

    async def _one_table(self, session: ISession, query: ProcessesQuery) -> list[Processes] | None:
        """Read all pages; None when a new scan came between two of them."""
        pages = [await self._asker.ask(session, query, Processes)]
        heap = Heap()
        for _ in range(MAX_PAGES):
            page = pages[-1]
            _check(heap.takes([*page.rows, *(page.lines or ())]), session)
            if not page.more or not page.rows:
                break
            rest = replace(query, after_pid=page.rows[-1].pid)
            pages.append(await self._asker.ask(session, rest, Processes))
            if pages[-1].at != page.at:
                return None
        return pages

    async def _sets(self, session: ISession, devices: list[str]) -> list[Sets]:
        """Of these devices and no others, whatever it tells."""
        pages: list[Sets] = []
        heap, asked = Heap(len(devices)), set(devices)
        for start in range(0, len(devices), 1000):
            after = ""
            named = sorted(devices)[start : start + 1000]
            for _ in range(MAX_PAGES):
                page = await self._asker.ask(session, SetsQuery(devices=named, after=after), Sets)
                _check(heap.takes([*page.sets, *page.scans]), session)
                pages.append(
                    Sets(
                        sets=[status for status in page.sets if status.device in asked],
                        scans=[scan for scan in page.scans if scan.device in asked],
                        more=page.more,
                    )
                )
                last = max([scan.device for scan in page.scans] + [row.device for row in page.sets], default="")
                if not page.more or last <= after:
                    break
                after = last
        return pages


def _check(fits: bool, session: ISession) -> None:  # noqa: FBT001 - the one thing that it checks
    if not fits:
        raise CollectorAwayError(
            f"collector {session.collector} answered with more than a device can have; see whether it is well"
        )
