"""What a collector may call at the hub, over one connection."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from msgspec import Struct
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.spread import pb

from common.certificates import (
    Site,
    check_new_collector_name,
    check_standing,
    collector_name,
    note_login,
    renew_collector,
)
from common.edge.answers import encode_answer, failure_of, refusal
from common.edge.broker import HardBroker
from common.edge.pem import pem
from common.edge.quota import Quota
from common.edge.requests import read_request
from common.edge.versions import check_spoken, negotiate
from common.errors import SettingsError, TocsinError, TransientError
from common.events import HUB
from common.wire import (
    Alive,
    Attach,
    EventBatch,
    FailureCode,
    Heartbeat,
    ModelReport,
    ModelTaken,
    Renew,
    Renewed,
    WireError,
    decode,
)
from hub.broker.session import CollectorSession
from hub.interfaces import IFrontDesk

_DAEMON = re.compile(r"[A-Za-z0-9_-]{1,100}")

STOPPED = "it was stopped"
"""Why a daemon is away that has ended its session in order."""

MAX_REFUSAL = 500  # a stranger's broker takes 4 KB, and a letter may be four bytes


class SessionSettings(Struct, frozen=True, kw_only=True):
    """How patient the hub is with a collector."""

    timeout_s: float = 15.0
    heartbeat_s: float = 5.0


class HubPerspective(pb.Referenceable):
    """Known to the collector as `hub`. Nothing but `attach` is answered before its certificate has been looked up."""

    log = Logger()

    def __init__(
        self,
        broker: HardBroker,
        clock: IReactorTime,
        wall: Callable[[], float],
        site: Site,
        desk: IFrontDesk,
        settings: SessionSettings,
        renewals: Quota,
    ) -> None:
        """Serve one connection; `renewals` bounds how often each collector may have its certificate renewed."""
        self._renewals = renewals
        self._broker = broker
        self._clock = clock
        self._wall = wall
        self._site = site
        self._desk = desk
        self._settings = settings
        self._tried = False
        self._session: CollectorSession | None = None

    async def remote_attach(self, _version: int, payload: bytes) -> bytes:
        """Log a daemon in, once for each connection."""
        if self._tried:
            raise refusal(FailureCode.BAD_REQUEST, "attach is called once for each connection")
        self._tried = True
        try:
            request = decode(payload, Attach)
        except WireError:
            self._broker.report("login refused: the request cannot be read")
            raise
        try:
            return await self._attach(request)
        except SettingsError as error:  # names files of ours
            self._broker.report(f"login refused: {error.message}")
            raise TransientError("the hub cannot look the certificate up now; its log has more") from None
        except TocsinError as error:
            self._broker.report(f"login refused: {error.message[:200]}")
            raise refusal(failure_of(error).code, error.message[:MAX_REFUSAL]) from None

    async def remote_events(self, version: int, payload: bytes) -> bytes:
        """Store events; answered when they are committed."""
        session = self._attached(version)
        return encode_answer(await self._desk.events(session, decode(payload, EventBatch)))

    async def remote_modelled(self, version: int, payload: bytes) -> bytes:
        """Take what a modelling found; answered when what it changes is committed."""
        session = self._attached(version)
        await self._desk.modelled(session, decode(payload, ModelReport))
        return encode_answer(ModelTaken())

    async def remote_renew(self, version: int, payload: bytes) -> bytes:
        """Issue a certificate for another key, in the name that the present one has and no other."""
        session = self._attached(version)
        wanted = decode(payload, Renew)
        present = self._broker.peer_certificate()
        if present is None or not self._renewals.take(session.collector):
            raise refusal(FailureCode.BUSY, "certificates were renewed a moment ago; try again later")
        public = read_request(wanted.request, session.collector)
        try:
            certificate = renew_collector(self._site, present, public)
        except SettingsError as error:  # names files of ours
            self._broker.report(f"the certificate cannot be renewed: {error.message}")
            raise TransientError("the hub cannot store the certificate now; its log has more") from None
        self.log.info("the certificate of collector {collector} was renewed", collector=session.collector)
        return encode_answer(Renewed(pem(certificate).decode("ascii")))

    async def remote_heartbeat(self, version: int, payload: bytes) -> bytes:
        """Note that the daemon lives."""
        session = self._attached(version)
        heartbeat = decode(payload, Heartbeat)
        session.counts = heartbeat.counts
        self._desk.heartbeat(session, heartbeat)
        return encode_answer(Alive())

    async def _attach(self, request: Attach) -> bytes:
        name = collector_name(self._site, self._broker.peer_certificate())
        check_new_collector_name(name)
        if not _DAEMON.fullmatch(request.daemon):
            raise refusal(FailureCode.BAD_REQUEST, "a daemon's name is of letters, digits, dashes and underscores")
        if request.daemon == HUB:
            raise refusal(
                FailureCode.BAD_REQUEST, f"no daemon can be called {HUB}: the hub's own events bear that name"
            )
        version = negotiate(request.oldest, request.newest, f"collector {name}")
        session = CollectorSession(
            self._broker,
            self._clock,
            self._wall,
            name,
            request,
            lambda: check_standing(self._site, self._broker.peer_certificate()),
            timeout_s=self._settings.timeout_s,
            heartbeat_s=self._settings.heartbeat_s,
        )
        answer = await self._desk.attached(session, request)
        self._broker.on_lost(lambda reason: self._detached(session, reason))
        if self._broker.lost:
            raise TransientError("the connection ended during the login")
        self._note_login()
        self._broker.spoken = version
        self._broker.trust()
        self._session = session
        # What the hub asks must reach the collector after the answer to this call, which leaves when we return.
        self._clock.callLater(0, session.open)
        self.log.info(
            "{peer}: collector {collector} attached its daemon {daemon} (protocol {version})",
            peer=self._broker.peer,
            collector=name,
            daemon=request.daemon,
            version=version,
        )
        return encode_answer(msgspec.structs.replace(answer, collector=name, version=version))

    def _note_login(self) -> None:
        """A full disk keeps nobody out: the certificate before this one counts until it can be written."""
        try:
            note_login(self._site, self._broker.peer_certificate())
        except SettingsError as error:
            self._broker.report(f"it cannot be noted that the renewed certificate is in use: {error.message}")

    def _attached(self, version: int) -> CollectorSession:
        if self._session is None:
            raise refusal(FailureCode.NOT_ATTACHED, "call attach first")
        check_spoken(version, self._broker.spoken)
        return self._session

    def _detached(self, session: CollectorSession, reason: str) -> None:
        if self._broker.has_parted:
            reason = STOPPED
        session.close(f"the session with collector {session.collector} is over: {reason}")
        self.log.info(
            "{peer}: daemon {daemon} of collector {collector} is gone: {reason}",
            peer=self._broker.peer,
            daemon=session.daemon,
            collector=session.collector,
            reason=reason,
        )
        self._desk.detached(session, reason)
