"""What the daemon is to its hub: who it is, what it holds, how it fares, and the answers to its questions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct
from twisted.logger import Logger
from zope.interface import implementer

from collectors.framework.eventspool import EventSpool
from collectors.framework.held import HeldConfigs
from collectors.framework.interfaces import IHubClient
from collectors.framework.rrdreader import Reader
from collectors.framework.running.interfaces import IRunner
from common.errors import NotFoundError
from common.queries import (
    DecidedQuery,
    Decision,
    Done,
    FetchQuery,
    GraphQuery,
    ListQuery,
    LiveConfig,
    LiveConfigQuery,
    ModelQuery,
    Query,
    Result,
    RunNowQuery,
)
from common.readings import HeardQuery, Reading
from common.wire import (
    OLDEST_PROTOCOL_VERSION,
    PROTOCOL_VERSION,
    Attach,
    Attached,
    ConfigBatch,
    ConfigsApplied,
    Held,
    HeldRequest,
    TaskCounts,
)

_log = Logger()


class Identity(Struct, frozen=True, kw_only=True):
    """What the daemon tells of itself; `began` is the epoch second of its start."""

    service: str
    host: str
    software: str
    began: float


@implementer(IHubClient)
class HubClient:
    """Takes what the hub asks to the part that knows.

    Attributes:
        parts: who else answers questions, by their type.
        epoch: id of the hub's store; empty until the first session.
        on_attached: called with the collector's name, the highest number that the hub holds, the spool it is of, and
            whether the hub's store is another one than that which the configs came from.
        on_detached: called when the session is over.
    """

    def __init__(
        self,
        identity: Identity,
        spool: EventSpool,
        held: HeldConfigs,
        runner: IRunner,
        reader: Reader,
        counts: Callable[[], TaskCounts],
        alarms: Sequence[Callable[[Decision], bool]],
    ) -> None:
        """Join the parts; each of `alarms` takes note of a decision about an alarm, if that is one of its own."""
        self._identity = identity
        self._spool = spool
        self._held = held
        self._runner = runner
        self._reader = reader
        self._alarms = alarms
        self._offered = ""
        self.epoch = ""
        self.parts: dict[type, Callable[[Any], Awaitable[Result]]] = {}
        self.counts = counts
        self.on_attached: Callable[[str, int, str, bool], None] = lambda _name, _seq, _spool, _other: None
        self.on_detached: Callable[[], None] = lambda: None

    # --- the session --------------------------------------------------------------------------------------------------

    def attach_request(self) -> Attach:
        """Tell who we are."""
        self._offered = self._spool.spool
        return Attach(
            daemon=self._identity.service,
            host=self._identity.host[:255],
            software=self._identity.software,
            oldest=OLDEST_PROTOCOL_VERSION,
            newest=PROTOCOL_VERSION,
            spool=self._offered,
            started_at=self._identity.began,
            position=self._held.position,
            confirmed=self._spool.confirmed,
        )

    def attached(self, answer: Attached) -> None:
        """A session stands: events may go."""
        self.epoch = answer.epoch
        known = self._held.position.epoch
        self.on_attached(answer.collector, answer.stored_seq, self._offered, known not in {"", answer.epoch})

    def detached(self, reason: str) -> None:
        """The session is over; everything else goes on."""
        _log.debug("detached: {reason}", reason=reason)
        self.on_detached()

    # --- what the hub asks --------------------------------------------------------------------------------------------

    async def held(self, request: HeldRequest) -> Held:
        """Tell which configs are held."""
        return await self._held.page(request)

    async def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        """Run configs from now on."""
        return await self._held.apply(batch)

    async def answer(self, query: Query) -> Result:
        """Answer what the framework knows; leave the rest to the collector."""
        if isinstance(query, LiveConfigQuery):
            config = self._held.get(query.device)
            if config is None:
                raise NotFoundError(f"device {query.device} is not collected here")
            return LiveConfig(config=config, digest=self._held.digest(query.device))
        if isinstance(query, RunNowQuery):
            return self._run_now(query.devices)
        if isinstance(query, DecidedQuery):
            return Done(sum(any(take(decision) for take in self._alarms) for decision in query.decisions))
        if isinstance(query, ListQuery | FetchQuery | GraphQuery | Reading):
            return await self._reader.answer(query)
        if isinstance(query, HeardQuery):
            return self._reader.heard(query)
        if type(query) in self.parts:
            return await self.parts[type(query)](query)
        answer = await self._runner.answer(query)
        return self._run_now(query.devices) if isinstance(query, ModelQuery) else answer

    def _run_now(self, devices: Sequence[str]) -> Done:
        missing = [device for device in devices if not self._runner.has(device) or self._held.get(device) is None]
        if missing:
            raise NotFoundError(f"not collected here: {', '.join(missing[:10])}")
        return Done(self._runner.run_now(devices))
