"""The collector's own name: the hub says it, from the certificate, and it is remembered for starts without a hub."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from collectors.framework.eventspool import EventSpool
from common.errors import TransientError

STATE_KEY = "daemon:collector"

_log = Logger()


class CollectorName:
    """The name under which the daemon reports itself."""

    def __init__(self, configured: str) -> None:
        self._name = configured

    def get(self) -> str:
        """The name, as far as it is known."""
        return self._name

    def load(self, spool: EventSpool) -> None:
        """Remember what the hub said last."""
        state = spool.load(STATE_KEY)
        if state:
            self._name = state.decode("utf-8", "replace")

    def learn(self, name: str, spool: EventSpool) -> None:
        """Hear it from the hub."""
        if name != self._name or spool.load(STATE_KEY) is None:
            self._name = name
            Deferred.fromCoroutine(self._keep(spool))

    async def _keep(self, spool: EventSpool) -> None:
        try:
            await spool.send((), STATE_KEY, self._name.encode())
        except TransientError as error:
            _log.warn("the collector's name cannot be kept: {error}", error=str(error))
