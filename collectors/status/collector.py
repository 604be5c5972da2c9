"""The status collector, as the framework sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Protocol

from collectors.framework.interfaces import CollectorContext
from collectors.framework.kit import Collector, Due, Job
from collectors.framework.local.host import LocalHost
from collectors.framework.sources.results import Result
from collectors.status.itemevents import ItemEvents
from collectors.status.live import Live, Looks
from collectors.status.passes import Pass, ProcessName, Wanted
from collectors.status.pieces import Pieces
from collectors.status.rows import rows_of
from collectors.status.settings import StatusCollectorSettings, StatusSettings
from collectors.status.tree import answer
from collectors.status.treeserver import TreeServer
from collectors.status.troubles import UNKNOWN, of_source, of_wanted
from collectors.status.watcher import Watcher, local_readers
from collectors.status.wishes import key_of
from common.configs import DeviceConfig, SourceKind
from common.daemon import version
from common.errors import NotFoundError
from common.matching import check_regex
from common.queries import Query
from common.queries import Result as Answer
from common.sources import SERVICE_STATUS, Match, StatusSource
from common.statuspoints import ITEMS
from common.statustree import StatusQuery

FRESH = 0.1
"""Of a step: a pass that is older than this share of it does not stand for its end."""


class Watches(Looks, Protocol):
    """Takes passes of what it is told."""

    def update(self, wanted: Wanted) -> None:
        """Want something else from the next pass on."""
        raise NotImplementedError


class StatusCollector(Collector):
    """Watches its own host: what its settings name, and what the sources of its devices do."""

    name: ClassVar[str] = SERVICE_STATUS

    def __init__(
        self, context: CollectorContext, make_watcher: Callable[[CollectorContext, Wanted], Watches] | None = None
    ) -> None:
        """Join the parts; what takes passes is that of this host when nothing else makes one.

        Raises:
            SettingsError: what the settings name cannot be watched.
        """
        super().__init__(context)
        settings = context.settings
        chosen = settings.status if isinstance(settings, StatusCollectorSettings) else StatusSettings(http=False)
        wishes = chosen.wishes()
        self._every_s = 1.0 / wishes.rate
        self._named = wishes.wanted()
        self._sources: dict[str, tuple[StatusSource, ...]] = {}
        self._watcher = (make_watcher or _of_this_host)(context, self._wanted())
        self._events = ItemEvents(context, context.collector)
        self._live = Live(
            context.clock,
            self._watcher,
            wishes.rate,
            context.problem_of("live status"),
            inodes=bool(wishes.more),
            on_pass=self._look_over,
        )
        self._pieces = Pieces(context.clock.seconds)
        self._server = TreeServer(
            context.reactor,
            context.clock,
            context.wall,
            self._live,
            chosen.http_port,
            version(),
            context.problem_of("status tree"),
        )
        self._serves = chosen.http

    def check(self, config: DeviceConfig) -> list[str]:
        """What is wrong with the sources of a device."""
        wrong = [f"source {source.id}: {mistake}" for source in _sources(config) for mistake in _mistakes(source)]
        if _sources(config) and config.source is not SourceKind.LOCAL:
            wrong.append("only a device with `source: local` has a status: it is this host")
        return wrong

    def jobs(self, config: DeviceConfig) -> Iterable[Job]:
        """One job: at each step, what the last pass has of its sources."""
        sources = _sources(config)
        self._watch(config.device, sources)
        if sources:
            intervals = {source.interval_s for source in sources}
            run = _Steps(self._live, sources).run
            yield Job(id="", intervals=sorted(intervals), run=run, parameters=sources)

    def forget(self, device: str) -> None:
        """A device has left."""
        self._watch(device, ())

    def services(self) -> Sequence[Any]:
        """The live tier, and who serves the tree."""
        return (self._live, self._server) if self._serves else (self._live,)

    def figures(self) -> dict[str, Any]:
        """How the live tier fares."""
        latest = self._live.latest
        return {
            "live_status": {
                "passes": self._live.passes,
                "turns_left_out": self._live.skipped,
                "seconds_a_pass": None if latest is None else round(latest.took_s, 6),
                "left_out_of_the_last_pass": {} if latest is None else dict(latest.races),
            },
            **({"status_tree": self._server.address} if self._server.address else {}),
        }

    async def answer(self, query: Query) -> Answer:
        """Answer from the last pass.

        Raises:
            TransientError: there is none yet.
        """
        if not isinstance(query, StatusQuery):
            raise NotFoundError(f"{type(query).__name__} is not for {self.name}")
        if query.digest:
            return self._pieces.part(query.digest, query.part)
        await self._live.first()
        found, data = answer(self._live.tree(), query.path, self.context.wall(), metadata=query.metadata)
        return self._pieces.first(data, found=found)

    def _watch(self, device: str, sources: tuple[StatusSource, ...]) -> None:
        if self._sources.get(device, ()) == sources:
            return
        self._sources.pop(device, None)
        if sources:
            self._sources[device] = sources
        self._watcher.update(self._wanted())
        self._live.changed()

    def _wanted(self) -> Wanted:
        sources = [source for of_device in self._sources.values() for source in of_device]
        return together(self._named, sources, self._every_s)

    def _look_over(self, taken: Pass) -> None:
        self._events.take(of_wanted(self._named, taken))


def _of_this_host(context: CollectorContext, wanted: Wanted) -> Watches:
    seconds = context.clock.seconds
    readers = local_readers(context.wall, seconds, LocalHost(folder=context.data_dir))
    return Watcher(wanted, context.reactor, context.wall, seconds, readers)


class _Steps:
    """The rows of some sources at the end of each step."""

    def __init__(self, live: Live, sources: Sequence[StatusSource]) -> None:
        self._live = live
        self._sources = sources
        self._before: dict[int, Pass] = {}

    async def run(self, due: Due) -> Sequence[Result]:
        """Read the sources that are due."""
        shortest = min(due.steps)
        now = await self._live.no_older_than(max(FRESH * shortest, 1.5 * min(self._live.interval_s, shortest)))
        results = [self._read(source, now, due) for source in self._sources if source.interval_s in due.steps]
        self._before |= dict.fromkeys(due.steps, now)
        return results

    def _read(self, source: StatusSource, now: Pass, due: Due) -> Result:
        problems = of_source(source, now)
        return Result(
            source=source.id,
            step=due.steps[source.interval_s],
            rows=rows_of(source, now, self._before.get(source.interval_s)),
            complete=not any(problem.key in UNKNOWN for problem in problems),
            problems=problems,
        )


def together(named: Wanted, sources: Iterable[StatusSource], every_s: float) -> Wanted:
    """What a pass reads so that all have theirs."""
    disks, interfaces = dict.fromkeys(named.disks), dict.fromkeys(named.interfaces)
    processes, further = dict.fromkeys(named.processes), set(named.further)
    for source in sources:
        if source.item == "processes":
            processes |= dict.fromkeys(
                ProcessName(name=name, match=source.match, follow=source.follow) for name in source.only
            )
        elif source.only and source.item == "disks":
            disks |= dict.fromkeys(source.only)
        elif source.only and source.item == "interfaces":
            interfaces |= dict.fromkeys(source.only)
        else:
            further.add(source.item)
    return Wanted(
        disks=tuple(disks),
        interfaces=tuple(interfaces),
        processes=tuple(processes),
        further=frozenset(further),
        every_s=every_s,
    )


def _sources(config: DeviceConfig) -> tuple[StatusSource, ...]:
    return tuple(source for source in config.sources if isinstance(source, StatusSource))


def _mistakes(source: StatusSource) -> Iterator[str]:
    item = ITEMS.get(source.item)
    if item is None:
        yield f"there is no item {source.item}; there are {', '.join(ITEMS)}"
        return
    if item.must_name and not source.only:
        yield f"the item {item.name} needs {item.names} in `only`"
    if source.only and not item.names:
        yield f"the item {item.name} has no names to choose from; leave `only` out"
    if "" in source.only:
        yield "an empty text in `only` names nothing"
    if source.item == "processes" and source.match is Match.REGEX:
        yield from (f"only: {wrong}" for name in source.only if (wrong := check_regex(name)))
    if source.item == "disks":
        yield from (f"only: {disk} is no absolute path" for disk in source.only if not disk.startswith("/"))
        keys: dict[str, str] = {}
        for disk in source.only:
            other = keys.setdefault(key_of(disk), disk)
            if other != disk:
                yield f"only: {other} and {disk} would both be called {key_of(disk)} in the status tree"
