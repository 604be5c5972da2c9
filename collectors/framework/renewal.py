"""Renews the certificate of this host before it ends; its daemons share it, and one of them asks the hub."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from common.certificates import collector_in, due_at, ends_at
from common.edge.certificate import signed_by
from common.edge.collectorfiles import can_store, load_collector, renewing, store_collector
from common.edge.pem import new_key
from common.edge.requests import make_request
from common.errors import PermanentError, RemoteError, SettingsError, TocsinError, TransientError
from common.wire import Renew, Renewed

LOOK_EVERY_S = 3600.0
TRY_AGAIN_S = 600.0
SOONEST_S = 1.0
SPREAD = 20
"""Hosts that were enrolled together do not ask together: each waits up to this part of the time that is left."""


class Renewal(Service):
    """Looks at the certificate now and then.

    Attributes:
        ends_at: epoch seconds of the end of the certificate; None before the first look.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        rng: random.Random,
        wall: Callable[[], float],
        folder: Path,
        ask: Callable[[Renew], Awaitable[Renewed]],
        on_problem: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Join the parts.

        Args:
            clock: for waiting.
            rng: for waiting not as long as others.
            wall: epoch seconds.
            folder: with the three files.
            ask: hands a request to the hub.
            on_problem: is told why it cannot be renewed, and "" when it is well.
        """
        self._clock = clock
        self._rng = rng
        self._wall = wall
        self._folder = folder
        self._ask = ask
        self._on_problem = on_problem
        self._work: Deferred[None] | None = None
        self.ends_at: float | None = None

    def startService(self) -> None:
        """Begin to look."""
        stock: Any = super()  # it has no types
        stock.startService()
        self._work = Deferred.fromCoroutine(self._run())
        self._work.addErrback(_stopped)

    def stopService(self) -> None:
        """Look no more."""
        stock: Any = super()  # it has no types
        stock.stopService()
        work, self._work = self._work, None
        if work is not None:
            work.cancel()

    async def _run(self) -> None:
        while self.running:
            try:
                wait_s = await self._look()
            except CancelledError:
                raise
            except Exception:  # noqa: BLE001 - the supervisor of renewal: it looks again
                self.log.failure("error while looking after the certificate")
                wait_s = TRY_AGAIN_S
            await deferLater(self._clock, max(SOONEST_S, wait_s), lambda: None)

    async def _look(self) -> float:
        """Renew the certificate if it is time; give the seconds until the next look."""
        try:
            certificate = load_collector(self._folder)[0].certificate
        except PermanentError:
            return TRY_AGAIN_S  # the link says so, each time it connects
        self.ends_at = ends_at(certificate)
        wait_s = due_at(certificate) - self._wall()
        if wait_s > 0:
            self._well()
            return min(wait_s + self._some(certificate), LOOK_EVERY_S)
        try:
            with renewing(self._folder) as is_mine:
                if is_mine:
                    await self._renew()
        except TransientError as error:
            self._not_now(certificate, error.message)
        except TocsinError as error:
            self._failed(certificate, error)
        left_s = self.ends_at - self._wall()
        return min(TRY_AGAIN_S, left_s / SPREAD) if left_s > 0 else TRY_AGAIN_S

    async def _renew(self) -> None:
        """Ask, and put what comes in the place of what is there.

        Raises:
            TransientError: it may work later.
            TocsinError: it will not, before somebody changes something.
        """
        pair, ca = load_collector(self._folder)
        if self._wall() < due_at(pair.certificate):
            return  # another daemon was faster
        can_store(self._folder)
        name, key = collector_in(pair.certificate), new_key()
        answer = await self._ask(Renew(make_request(key, name)))
        certificate = _read(answer.certificate)
        fits = certificate.public_key() == key.public_key() and signed_by(certificate, ca)
        if not fits or collector_in(certificate) != name:
            raise PermanentError("the hub gave a certificate that is not for this collector's key and name")
        store_collector(self._folder, ca, key, certificate)
        self.ends_at = ends_at(certificate)
        self.log.info(
            "the certificate of collector {name} was renewed; it holds until {until}",
            name=name,
            until=certificate.not_valid_after_utc.isoformat(),
        )
        self._well()

    def _some(self, certificate: x509.Certificate) -> float:
        return self._rng.uniform(0.0, (ends_at(certificate) - due_at(certificate)) / SPREAD)

    def _not_now(self, certificate: x509.Certificate, reason: str) -> None:
        """It is early enough to wait, until half of the time for it has passed."""
        self.log.debug("the certificate is not renewed yet: {reason}", reason=reason)
        end = ends_at(certificate)
        if self._wall() > (due_at(certificate) + end) / 2:
            self._tell(certificate, reason)

    def _failed(self, certificate: x509.Certificate, error: TocsinError) -> None:
        if isinstance(error, RemoteError) and error.code == "bad_request":
            self._tell(certificate, f"the hub refuses ({error.message}); it may have to be updated")
        elif isinstance(error, SettingsError):
            self._tell(certificate, f"{error.message}; the daemon must be able to write there")
        else:
            self._tell(certificate, error.message)

    def _tell(self, certificate: x509.Certificate, reason: str) -> None:
        until = certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
        self._on_problem(f"the certificate ends {until} and cannot be renewed: {reason}")

    def _well(self) -> None:
        self._on_problem("")


def _read(text: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        raise PermanentError("the hub gave a certificate that cannot be read") from None


def _stopped(failure: Failure) -> None:
    """Its cancellation is how it is stopped."""
    failure.trap(CancelledError)  # type: ignore[no-untyped-call]  # it has no types
