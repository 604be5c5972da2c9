"""The configs that the daemon holds, and the tasks that run by them: what the hub sends is made so here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from collectors.framework.alarms import TaskAlarms
from collectors.framework.interfaces import ICollector, IConfigStore, ITask
from collectors.framework.rejections import Rejections
from collectors.framework.scheduler import Scheduler
from common.configs import LAPSED, DeviceConfig, digest, digest_of_all
from common.errors import PermanentError
from common.wire import ConfigBatch, ConfigsApplied, Held, HeldRequest, Position, Rejected

PAGE = 1000
MAX_REASON = 1000

_log = Logger()


class HeldConfigs:
    """Owner of the configs; one change at a time, from whichever session it comes.

    A device whose lease has lapsed is not collected: its task pauses, with all that it knows, until the hub sends a
    config again, or removes the device. Until then the hub is told that it has lapsed.
    """

    def __init__(
        self,
        store: IConfigStore,
        collector: ICollector,
        scheduler: Scheduler,
        rejections: Rejections,
        alarms: TaskAlarms,
    ) -> None:
        self._store = store
        self._collector = collector
        self._scheduler = scheduler
        self._rejections = rejections
        self._alarms = alarms
        self._configs: dict[str, DeviceConfig] = {}
        self._digests: dict[str, str] = {}
        self._tasks: dict[str, str] = {}  # device -> name of its task
        self._lapsed: dict[str, DeviceConfig] = {}
        self._leases: dict[str, int] = {}
        self._changing = DeferredLock()
        self._all: str | None = None
        self._order: list[str] | None = None
        self._told: dict[str, str] | None = None

    # --- looking ------------------------------------------------------------------------------------------------------

    def get(self, device: str) -> DeviceConfig | None:
        """The config that runs for a device."""
        return self._configs.get(device)

    def digest(self, device: str) -> str:
        """Digest of the config that runs for a device."""
        return self._digests[device]

    def devices(self) -> list[str]:
        """Ids of all devices, in order."""
        if self._order is None:
            self._order = sorted(self._digests)
        return self._order

    def task_of(self, device: str) -> str | None:
        """Name of a device's task."""
        return self._tasks.get(device)

    @property
    def leases(self) -> Mapping[str, int]:
        """Seconds of lease of those devices that run and have one."""
        return self._leases

    @property
    def lapsed(self) -> Mapping[str, DeviceConfig]:
        """The configs of devices whose lease has lapsed."""
        return self._lapsed

    @property
    def position(self) -> Position:
        """How far the configs have come; while they change, what is held is not told."""
        stored = self._store.position
        return Position(stored.epoch, stored.revision, "" if self._changing.locked else self.all_digest)

    @property
    def all_digest(self) -> str:
        """Name of everything that is held; worked out once for each change."""
        if self._all is None:
            self._all = digest_of_all(self._all_told())
        return self._all

    def _all_told(self) -> dict[str, str]:
        """What the hub is told of every device, in order of id."""
        if self._told is None:
            told = {**self._digests, **dict.fromkeys(self._lapsed, LAPSED)}
            self._told = {device: told[device] for device in sorted(told)}
        return self._told

    async def page(self, request: HeldRequest) -> Held:
        """One page of what is held, in order of id; a change that an earlier session began is made first."""
        await self._changing.run(lambda: None)
        told = self._all_told()
        order = list(told)
        start = _first_after(order, request.after)
        part = order[start : start + PAGE]
        return Held(
            all=self.all_digest,
            configs=[(device, told[device]) for device in part],
            more=start + PAGE < len(order),
        )

    # --- changing -----------------------------------------------------------------------------------------------------

    async def load(self, may_run: Callable[[DeviceConfig], bool] = lambda _: True) -> None:
        """Run what the store holds; what cannot be run any more is left out and said.

        Args:
            may_run: whether a config's lease still holds.
        """
        rejected: dict[str, str] = {}
        for device, config in self._store.load().items():
            if not may_run(config):
                self._lapsed[device] = config
                self._changed()
                continue
            made = self._make(config)
            if isinstance(made, str):
                rejected[device] = made
            else:
                self._keep(config)
                self._start(config, made)
        _log.info("{count} devices from the last good configs", count=len(self._configs))
        await self._rejections.tell(rejected, ())

    def lapse(self, devices: Iterable[str]) -> None:
        """Hold these no longer, until the hub says that they are this collector's; a run that is under way ends."""
        for device in devices:
            self._lapsed[device] = self._configs.pop(device)
            del self._digests[device], self._leases[device]
            self._changed()
            self._pause(device)

    async def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        """Judge, store, then run a batch of configs.

        Raises:
            TransientError: the store refused; everything is as before.
        """
        await self._changing.acquire()
        try:
            return await self._apply(batch)
        finally:
            self._changing.release()

    async def _apply(self, batch: ConfigBatch) -> ConfigsApplied:
        wanted = {config.device for config in batch.changed}
        removed = [device for device in batch.removed if device not in wanted]
        accepted, rejected = await self._judge(batch.changed)
        new = [
            config for config, _ in accepted if self._lapsed.get(config.device) != config
        ]  # those are stored already
        try:
            self._store.replace(new, removed, Position(batch.epoch, max(0, batch.revision)))
        except Exception:
            for config, task in accepted:
                if task is not None:
                    await _close(task)
                    if config.device not in self._lapsed:
                        self._forget(config.device)
            raise
        for device in removed:
            if device in self._configs or device in self._lapsed:
                await self._remove(device)
        for config, task in accepted:
            lapsed = self._lapsed.pop(config.device, None)
            self._keep(config)
            if task is not None:
                self._start(config, task)
                continue
            if lapsed is not None:
                self._scheduler.resume(self._tasks[config.device])
            if lapsed != config:
                await self._update(config)
        settled = [*(config.device for config in batch.changed), *batch.removed]
        await self._rejections.tell(rejected, settled)
        return ConfigsApplied(
            live={
                config.device: self._digests[config.device]
                for config in batch.changed
                if config.device not in rejected and config.device in self._digests  # a lease may have ended meanwhile
            },
            rejected=[Rejected(device, reason) for device, reason in rejected.items()],
            all=self.all_digest,
        )

    async def _judge(
        self, changed: Sequence[DeviceConfig]
    ) -> tuple[list[tuple[DeviceConfig, ITask | None]], dict[str, str]]:
        """Those that are to run, with the tasks of new devices, and those that are not, with the reason."""
        accepted: dict[str, tuple[DeviceConfig, ITask | None]] = {}
        rejected: dict[str, str] = {}
        for config in changed:
            device = config.device
            if self._digests.get(device) == digest(config) and device in self._tasks:
                continue
            is_new = device not in self._tasks
            made = self._make(config) if is_new else self._refusal(config)
            if isinstance(made, str):
                rejected[device] = made
            elif device in accepted:
                await _close(accepted[device][1])
                accepted[device] = (config, made)
            else:
                accepted[device] = (config, made)
        return list(accepted.values()), rejected

    def _refusal(self, config: DeviceConfig) -> str | None:
        """Why a config cannot be run; None when it can."""
        try:
            self._collector.validate(config)
        except PermanentError as error:
            return str(error)[:MAX_REASON]
        except Exception as error:  # noqa: BLE001 - the supervisor of collectors: a defect must not stop the others
            _log.failure("defect while a config of {device} was judged", device=config.device)
            return f"an error of ours: {type(error).__name__}: {error}"[:MAX_REASON]
        return None

    def _make(self, config: DeviceConfig) -> ITask | str:
        """The task of a device, or why there cannot be one."""
        refusal = self._refusal(config)
        if refusal is not None:
            return refusal
        try:
            task: ITask = self._collector.make_task(config)
        except PermanentError as error:
            return str(error)[:MAX_REASON]
        except Exception as error:  # noqa: BLE001 - as above
            _log.failure("defect while the task of {device} was made", device=config.device)
            return f"an error of ours: {type(error).__name__}: {error}"[:MAX_REASON]
        return task

    def _keep(self, config: DeviceConfig) -> None:
        self._configs[config.device] = config
        self._digests[config.device] = digest(config)
        if config.lease_s is None:
            self._leases.pop(config.device, None)
        else:
            self._leases[config.device] = config.lease_s
        self._changed()

    def _changed(self) -> None:
        self._all = self._order = self._told = None

    def _start(self, config: DeviceConfig, task: Any) -> None:
        self._scheduler.add(task, config.device)
        self._tasks[config.device] = task.name

    def _pause(self, device: str) -> None:
        name = self._tasks.get(device)
        if name is None:
            return  # one whose task could not be made anew
        try:
            self._scheduler.pause(name)
        except Exception:  # noqa: BLE001 - as above; the others must lapse all the same
            _log.failure("defect while {name} was paused", name=name)

    async def _update(self, config: DeviceConfig) -> None:
        name = self._tasks[config.device]
        try:
            self._scheduler.update(name, config)
        except Exception:  # noqa: BLE001 - as above; a task that cannot change is replaced by a new one
            _log.failure("defect while {name} took its new config; it starts anew", name=name)
            del self._tasks[config.device]
            await self._scheduler.remove(name)
            if config.device not in self._configs:
                return  # its lease has ended meanwhile
            made = self._make(config)
            if isinstance(made, str):
                _log.error("the task of {device} cannot be made: {reason}", device=config.device, reason=made)
            else:
                self._start(config, made)

    async def _remove(self, device: str) -> None:
        self._configs.pop(device, None)
        self._digests.pop(device, None)
        self._leases.pop(device, None)
        self._lapsed.pop(device, None)
        self._changed()
        name = self._tasks.pop(device, None)
        if name is not None:
            await self._scheduler.remove(name)
            self._alarms.forget(name)
        self._forget(device)

    def _forget(self, device: str) -> None:
        try:
            self._collector.forget(device)
        except Exception:  # noqa: BLE001 - as above
            _log.failure("defect while {device} was forgotten", device=device)


def _first_after(order: Sequence[str], after: str) -> int:
    return bisect_right(order, after) if after else 0


async def _close(task: ITask | None) -> None:
    if task is not None:
        try:
            await task.close()
        except Exception:  # noqa: BLE001 - as above
            _log.failure("defect while a task was closed")
