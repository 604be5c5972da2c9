"""What the hub may call at a collector daemon, over one connection."""

from __future__ import annotations

from msgspec.structs import replace
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's, raised by addTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.spread import pb

from collectors.framework.interfaces import IHubClient
from common.configbatches import read_batch
from common.edge.answers import encode_answer, refusal
from common.edge.broker import HardBroker
from common.edge.versions import check_spoken
from common.errors import TransientError
from common.queries import Result
from common.wire import Alive, FailureCode, HeldRequest, decode, decode_query


class CollectorPerspective(pb.Referenceable):
    """Known to the hub as `collector`."""

    def __init__(self, broker: HardBroker, clock: IReactorTime, client: IHubClient, limit_s: float) -> None:
        self._broker = broker
        self._clock = clock
        self._client = client
        self._limit_s = limit_s
        self._applying = False

    async def remote_held(self, version: int, payload: bytes) -> bytes:
        """Tell a page of the configs that are held."""
        self._check(version)
        return encode_answer(await self._client.held(decode(payload, HeldRequest)))

    async def remote_configs(self, version: int, payload: bytes) -> bytes:
        """Run configs from now on; one batch at a time, because each must be on disk whole before the next."""
        self._check(version)
        batch, unread = read_batch(payload)
        if self._applying:
            raise refusal(FailureCode.BUSY, "the configs before these are still being applied")
        self._applying = True
        try:
            applied = await self._client.apply(batch)
            return encode_answer(replace(applied, rejected=[*applied.rejected, *unread]) if unread else applied)
        finally:
            self._applying = False

    async def remote_query(self, version: int, payload: bytes) -> bytes:
        """Answer a question, or say in time that it takes too long: no answer at all would cost the session."""
        self._check(version)
        query = decode_query(payload)
        answer: Deferred[Result] = Deferred.fromCoroutine(self._client.answer(query))
        try:
            return encode_answer(await answer.addTimeout(self._limit_s, self._clock))
        except TimeoutError:
            name = type(query).__name__
            raise TransientError(f"{name} took longer than {self._limit_s:g} s; ask for less, or later") from None

    async def remote_ping(self, version: int, payload: bytes) -> bytes:
        """Say that the daemon lives."""
        self._check(version)
        decode(payload, Alive)
        return encode_answer(Alive())

    def _check(self, version: int) -> None:
        if not self._broker.trusted:
            raise refusal(FailureCode.NOT_ATTACHED, "the login has not been answered yet")
        check_spoken(version, self._broker.spoken)
