"""The configs that the daemon holds, and that its tasks run by: what the hub sends is made so here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from collectors.framework.interfaces import IConfigStore
from collectors.framework.rejections import Rejections
from collectors.framework.running.interfaces import IRunner, Ran
from common.configs import DeviceConfig, shared
from common.digests import LAPSED, digest, digest_of_all
from common.errors import TransientError
from common.wire import ConfigBatch, ConfigsApplied, Held, HeldRequest, Position, Rejected

PAGE = 1000

_log = Logger()


class HeldConfigs:
    """Owner of the configs; one change at a time, from whichever session it comes.

    A device whose lease has lapsed is not collected: its task pauses, with all that it knows, until the hub sends a
    config again, or removes the device. Until then the hub is told that it has lapsed.

    Args:
        on_lost: told why the hub, which knows devices as live, must be told anew what is held; a session that stands
            does not know.
    """

    def __init__(
        self,
        store: IConfigStore,
        runner: IRunner,
        rejections: Rejections,
        on_lost: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._runner = runner
        self._rejections = rejections
        self._on_lost = on_lost
        self._configs: dict[str, DeviceConfig] = {}
        self._digests: dict[str, str] = {}
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

    def configs(self) -> list[DeviceConfig]:
        """The configs that run."""
        return list(self._configs.values())

    def digest(self, device: str) -> str:
        """Digest of the config that runs for a device."""
        return self._digests[device]

    def devices(self) -> list[str]:
        """Ids of all devices, in order."""
        if self._order is None:
            self._order = sorted(self._digests)
        return self._order

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
            elif reason := self._runner.refusal(config):
                rejected[device] = reason
            else:
                self._keep(config)
        loaded = dict(self._configs)
        ran = await self._runner.run(list(loaded.values()))
        for device, reason in ran.refused.items():
            if self._configs.get(device) is loaded[device]:  # the hub may have sent another one meanwhile
                self._drop(device)
                rejected[device] = reason
        _log.info("{count} devices from the last good configs", count=len(self._configs))
        await self._rejections.tell(rejected, ())

    def lapse(self, devices: Iterable[str]) -> None:
        """Hold these no longer, until the hub says that they are this collector's; a run that is under way ends."""
        lapsed = list(devices)
        for device in lapsed:
            self._lapsed[device] = self._configs[device]
            self._drop(device)
        self._runner.pause(lapsed)

    def lose(self, reasons: Mapping[str, str]) -> None:
        """Hold these no longer: what ran them was started again, and cannot make their tasks any more.

        They stay on disk for the next start; the hub gets to know that they do not run, and their events say why.
        """
        done = Deferred.fromCoroutine(self._lose(reasons))
        done.addErrback(lambda failure: _log.failure("defect while devices were lost", failure))

    async def _lose(self, reasons: Mapping[str, str]) -> None:
        await self._changing.acquire()
        try:
            lost = {
                device: reason
                for device, reason in reasons.items()
                if device in self._configs and not self._runner.has(device)
            }
            for device, reason in lost.items():
                _log.error("{device} is not collected any more: {reason}", device=device, reason=reason)
                self._drop(device)
            await self._rejections.tell(lost, ())
        finally:
            self._changing.release()
        if lost:
            self._on_lost("devices are not collected any more that it knows as live")

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
        wanted = {config.device: shared(config) for config in batch.changed}
        removed = [device for device in batch.removed if device not in wanted]
        changed = [config for config in wanted.values() if not self._runs_already(config)]
        rejected = {config.device: reason for config in changed if (reason := self._runner.refusal(config))}
        away = await self._runner.away(config.device for config in changed)
        accepted = [config for config in changed if config.device not in rejected and config.device not in away]
        new = [config for config in accepted if self._lapsed.get(config.device) != config]  # those are stored already
        self._store.replace(new, removed, Position(batch.epoch, max(0, batch.revision)))
        leaving = [device for device in removed if device in self._configs or device in self._lapsed]
        for device in leaving:
            self._drop(device)
            self._lapsed.pop(device, None)
        await self._runner.remove(leaving)
        ran = await self._run(accepted)
        rejected |= ran.refused
        gone_by = away | ran.late
        settled = [*(device for device in wanted if device not in gone_by), *batch.removed]
        await self._rejections.tell(rejected, settled)
        return ConfigsApplied(
            live={
                device: self._digests[device]
                for device in wanted
                if device not in rejected
                and device not in gone_by
                and device in self._digests  # a lease may have ended meanwhile
            },
            rejected=[Rejected(device, reason) for device, reason in rejected.items()],
            all=self.all_digest,
        )

    def _runs_already(self, config: DeviceConfig) -> bool:
        return self._digests.get(config.device) == digest(config) and self._runner.has(config.device)

    async def _run(self, configs: Sequence[DeviceConfig]) -> Ran:
        """Hold and run these; of those that cannot run after all, hold and run what was there before."""
        before = {config.device: self._configs.get(config.device) for config in configs}
        lapsed = {config.device: self._lapsed.pop(config.device, None) for config in configs}
        for config in configs:
            self._keep(config)
        ran = await self._runner.run(configs)
        if ran.refused:
            await self._take_back(ran.refused, before, lapsed)
        return ran

    async def _take_back(
        self,
        refused: Iterable[str],
        before: Mapping[str, DeviceConfig | None],
        lapsed: Mapping[str, DeviceConfig | None],
    ) -> None:
        stored, strangers, ended = [], [], []
        for device in refused:
            was, was_lapsed = before[device], lapsed[device]
            if device in self._lapsed:
                continue  # its lease has ended meanwhile
            self._drop(device)
            if was is not None:
                self._keep(was)
                if not self._runner.has(device):
                    ended.append(was)
            elif was_lapsed is not None:
                self._lapsed[device] = was_lapsed
            kept = was or was_lapsed
            if kept is None:
                strangers.append(device)
            else:
                stored.append(kept)
        try:
            self._store.replace(stored, strangers)
        except TransientError as error:
            _log.error("configs that cannot run stay on disk until the next start: {error}", error=str(error))
        if ended:
            for device, reason in (await self._runner.run(ended)).refused.items():
                _log.error("nothing runs of {device}, not even by the config before: {why}", device=device, why=reason)
                self._drop(device)

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

    def _drop(self, device: str) -> None:
        self._configs.pop(device, None)
        self._digests.pop(device, None)
        self._leases.pop(device, None)
        self._changed()


def _first_after(order: Sequence[str], after: str) -> int:
    return bisect_right(order, after) if after else 0
