"""The seams of a collector daemon.

Whatever a test fakes or a plugin fills is an interface here; each implementation, fakes included, passes the
same contract tests (tests/contracts).
"""

from __future__ import annotations

import enum
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from zope.interface import Attribute, Interface, implementer

from collectors.framework.judging.baselines import Lessons
from collectors.framework.networks import Networks
from collectors.framework.processtable import ProcessTable
from collectors.framework.snmp.interfaces import SnmpClientFactory
from common.configs import DeviceConfig
from common.events import CLASS_SNMP, Event
from common.queries import Decision, Query, Result
from common.series import Sample
from common.wire import (
    Attach,
    Attached,
    ConfigBatch,
    ConfigsApplied,
    EventBatch,
    EventsStored,
    Held,
    HeldRequest,
    ModelReport,
    ModelTaken,
    Position,
    TaskCounts,
)

# --- tasks ------------------------------------------------------------------------------------------------------------


class TaskState(enum.Enum):
    """What a task is doing."""

    IDLE = "idle"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    CLOSED = "closed"


class ITask(Interface):
    """What a collector does for one device again and again.

    The scheduler never runs a task twice at once, and cancels a run that takes longer than `timeout_s`.
    """

    name: str = Attribute("Unique, and the same over restarts, for example `process:web1`.")
    interval_s: int = Attribute("Whole seconds from run to run.")
    timeout_s: float = Attribute("How long a run may take.")
    lane: str = Attribute("Of the tasks of one lane, a network as a rule, only so many run at once; empty for none.")
    rests: bool = Attribute("Its turns are left out for now, because what it works for does not answer.")

    async def run(slot: int) -> None:
        """Do it once.

        Args:
            slot: epoch second of the run's step, a multiple of `interval_s`; the stamp of its samples.

        Raises:
            TransientError, PermanentError: the run failed; the task has said so in an event of its own.
            Exception: a defect; the scheduler counts and logs it, and raises `task_failed`.
        """

    def update(config: DeviceConfig) -> None:
        """Work by another config from the next run on; what is known of the device so far is kept."""

    async def close() -> None:
        """End for good: the device is not collected here any more."""


class ITurns(Interface):
    """When a task runs that has several intervals: its attribute `turns`; its `interval_s` is the shortest."""

    def everything() -> None:
        """Have all intervals due for the next run, in turn or not."""

    def due(wall: float) -> dict[int, int]:
        """Intervals that are due at an epoch second, each with its step."""

    def wait_s(wall: float, *, begins: bool = False) -> float:
        """Seconds from now to the next turn; where a run begins now that is out of turn, it is not too soon."""


class ICollector(Interface):
    """What one kind of collector adds to the framework."""

    def validate(config: DeviceConfig) -> None:
        """Refuse a config that cannot be run.

        Raises:
            PermanentError: the sentence goes back to the hub, and the config before it goes on.
        """

    def make_task(config: DeviceConfig) -> ITask:
        """Make the task of a device."""

    def forget(device: str) -> None:
        """The device has left: drop what is kept of it on disk, but never its series."""

    def decided(decision: Decision) -> bool:
        """Take note of what an operator made of an alarm of a device; False when that alarm is not this collector's."""

    async def answer(query: Query) -> Result:
        """Answer what only this kind of collector knows; after a `ModelQuery` its tasks are run at once.

        Raises:
            NotFoundError: no such device, or a query that is not this collector's.
        """

    async def once(config: DeviceConfig, *, show_processes: bool, show_tables: bool) -> list[str]:
        """Do a task's work once, for somebody at a terminal, and tell in lines of text what was read and decided.

        Raises:
            TransientError, PermanentError: it could not be done; the sentence is printed.
        """

    def services() -> Sequence[Any]:
        """What is started before the tasks and stopped after them, beside what the framework has."""

    def figures() -> dict[str, Any]:
        """Figures for `stats`, beside those of the framework."""

    def listening() -> tuple[int, int]:
        """Of how many devices it is told what happens as it does, and of how many that can be scanned it is not."""


class Refreshed(Struct, frozen=True, kw_only=True):
    """What becomes of the tasks of a device with another config; those that are not named go on as they are.

    Attributes:
        added: new ones.
        changed: names of those that go on by something else, and run at once (`ITask.update`).
        gone: names of those that end.
    """

    added: Sequence[ITask] = ()
    changed: Sequence[str] = ()
    gone: Sequence[str] = ()


class IManyTasks(ICollector):
    """A collector that may have several tasks for a device; `make_task` is never asked of it."""

    def refresh(config: DeviceConfig) -> Refreshed:
        """Say what tasks a device has from now on.

        Raises:
            PermanentError: it has those that it had; the sentence goes back to the hub.
        """


# --- what the framework offers to tasks -------------------------------------------------------------------------------


class IEventSink(Interface):
    """Takes events for the hub, durably."""

    async def send(events: Sequence[Event], state_key: str = "", state: bytes | None = None) -> None:
        """Put events, and the state they were decided from, on disk in one transaction.

        Returns when both are durable. A task that raises events by a state therefore neither loses nor doubles one
        when it is killed between the two. `events` may be empty, `state` None (nothing is kept).

        Raises:
            TransientError: the disk refused; neither is stored.
        """


class IStateStore(Interface):
    """Gives back what tasks kept through `IEventSink.send`."""

    def load(key: str) -> bytes | None:
        """The last state under a key, or None."""

    def forget(key: str) -> None:
        """Drop the state under a key, if there is one."""


class ISampleSink(Interface):
    """Takes samples for the RRD files."""

    def write(samples: Sequence[Sample]) -> None:
        """Accept samples; they are durable within a second, and in their files soon after.

        A sample whose stamp is not after the last one of its series, or in the future, is dropped and counted, never an
        error for the task. A value that is no finite number is counted too, and becomes unknown.
        """


class IConfigStore(Interface):
    """The last good configs, on disk."""

    position: Position = Attribute("Epoch and revision of what was stored last; `all` is empty.")

    def load() -> dict[str, DeviceConfig]:
        """All that can be read, by device id; what is damaged is left out, and reported to the log."""

    def replace(changed: Sequence[DeviceConfig], removed: Sequence[str], position: Position | None = None) -> None:
        """Store and drop, and the position that they belong to, all or nothing, durable on return.

        Without a position the one before stays.

        Raises:
            TransientError: the disk refused; the store is as before.
        """


class ITap(Interface):
    """Stands between a collector and what it reads: records it, or puts something else in its place."""

    def clients(config: DeviceConfig, make: SnmpClientFactory) -> SnmpClientFactory:
        """The SNMP clients of a device, in place of those that `make` gives."""

    def source(config: DeviceConfig, source: IProcessSource) -> IProcessSource:
        """The process source of this host, in place of the one given."""


@implementer(ITap)
class NoTap:
    """Nothing stands between."""

    def clients(self, config: DeviceConfig, make: SnmpClientFactory) -> SnmpClientFactory:  # noqa: ARG002
        """See ITap."""
        return make

    def source(self, config: DeviceConfig, source: IProcessSource) -> IProcessSource:  # noqa: ARG002
        """See ITap."""
        return source


def _run_nothing(_name: str) -> None:
    """There is no scheduler."""


def _tell_nobody(_sentence: str) -> None:
    """It is counted all the same."""


def _nobody_for(_part: str) -> Callable[[str], None]:
    return _tell_nobody


class CollectorContext(Struct, frozen=True, kw_only=True):
    """What the framework hands to a collector when the daemon starts.

    Attributes:
        clock: monotonic.
        wall: epoch seconds, for stamps alone.
        reactor: for sockets and processes.
        data_dir: folder of the daemon.
        hub_epoch: id of the hub's store, empty until the hub has told; another one knows of no alarm that is open.
        send_model: as `IHub.send_model`.
        tap: an `ITap`, through which devices are read.
        networks: which network a device is in, and how those that do not answer are asked.
        run_soon: has the task of a name run out of turn, before others that wait, by the scheduler that owns it: that
            of the very process in which the collector runs. A name that it does not know is ignored; a task that runs
            is run once more when it has ended; asking again before that changes nothing. Call it from the reactor's
            thread.
        refresh_soon: has a collector that may have many tasks for a device asked for these anew, by the config that the
            device has. A device that it does not know is ignored. Call it from the reactor's thread.
        keeps_files: a collector may keep files of its own in `data_dir`; not where a task only is looked at.
        on_problem: where a collector tells what ails its files, and "" when it is over.
        lessons: what is new of what was learned of devices, for their tasks to take.
        settings: of the daemon, of the type that its spec names; None where there is no daemon.
        problem_of: gives a part of the collector, by a word that is the key of its event, where to tell what ails it,
            and "" when it is over. Ask when the collector is made. Worker processes have it not: what is told there of
            itself is a task's, or `on_problem`'s.
        collector: name of the collector, the device under which it reports itself; empty in worker processes.
    """

    clock: Any
    wall: Callable[[], float]
    reactor: Any
    rng: random.Random
    events: Any
    states: Any
    samples: Any
    data_dir: Path
    hub_epoch: Callable[[], str]
    send_model: Callable[[ModelReport], Awaitable[ModelTaken]]
    tap: Any = NoTap()
    networks: Networks = field(default_factory=Networks)
    run_soon: Callable[[str], object] = _run_nothing
    keeps_files: bool = False
    on_problem: Callable[[str], None] = _tell_nobody
    lessons: Lessons = field(default_factory=Lessons)
    settings: Any = None
    problem_of: Callable[[str], Callable[[str], None]] = _nobody_for
    collector: Callable[[], str] = lambda: ""
    refresh_soon: Callable[[str], object] = _run_nothing


class CollectorSpec(Struct, frozen=True, kw_only=True):
    """All that makes a kind of collector a daemon.

    Attributes:
        service: name in certificates' sessions and configs, for example `process`.
        program: name of the command, for example `tocsin-process`.
        make_collector: gives the `ICollector` of a daemon.
        failure_class: class of the event `task_failed`.
        settings_type: a kind of `daemonsettings.CollectorSettings` with other defaults; None for that itself.
        runs_on_captures: all that its tasks read comes through the tap, and they need none of its services.
        found_at: where worker processes find this spec, as `MODULE:NAME`; empty where one process runs all tasks.
    """

    service: str
    program: str
    title: str
    make_collector: Callable[[CollectorContext], Any]
    failure_class: str = CLASS_SNMP
    settings_type: Any = None
    runs_on_captures: bool = False
    found_at: str = ""


# --- hub link ---------------------------------------------------------------------------------------------------------


class IHub(Interface):
    """The hub, as a daemon's parts see it."""

    connected: bool = Attribute("Whether a session stands.")

    async def send_events(batch: EventBatch) -> EventsStored:
        """Hand events over.

        Raises:
            TransientError: no session, time-out, or the hub could not store them now.
            RemoteError: the hub refuses the batch as it stands.
        """

    async def send_model(report: ModelReport) -> ModelTaken:
        """Hand over what a modelling found; the hub has committed what it changes when this returns.

        Raises:
            WireError: the report is too large to cross.
            TransientError, RemoteError: as above; a defect of the hub is a RemoteError, which may pass or not.
        """


class IHubClient(Interface):
    """The daemon, as its hub link sees it; everything the hub may ask arrives here."""

    def attach_request() -> Attach:
        """What to log in with."""

    def attached(answer: Attached) -> None:
        """A session stands."""

    def detached(reason: str) -> None:
        """The session is over."""

    def counts() -> TaskCounts:
        """Figures for the heartbeat."""

    async def held(request: HeldRequest) -> Held:
        """Which configs are held."""

    async def apply(batch: ConfigBatch) -> ConfigsApplied:
        """Run these configs from now on.

        Raises:
            TransientError: nothing was stored; the hub will send it again.
        """

    async def answer(query: Query) -> Result:
        """Answer a question about devices, series, pictures.

        Raises:
            NotFoundError, TransientError, PermanentError: the sentence goes to who asked.
        """


# --- processes --------------------------------------------------------------------------------------------------------


class IProcessSource(Interface):
    """Reads the process table of one device."""

    async def scan(full: bool) -> ProcessTable:
        """Read the table once; `full` reads names and arguments of every row anew.

        Raises:
            SnmpTimeout, SnmpAuthError, SnmpError, NoHostResources: see collectors.framework.snmp.errors.
        """

    async def alive(pids: Sequence[int]) -> frozenset[int]:
        """Which of up to 10 pids answer when asked for one by one."""

    def update(config: DeviceConfig) -> None:
        """Use another address or credential from the next scan on."""

    async def close() -> None:
        """Release sockets."""
