"""Brings one collector daemon to what the model wants, and keeps it there while its session lives.

What the collector holds is known from its login, if that told the digest of what it should hold; otherwise it is asked.
Then the difference is sent: one message in flight, each made of what is newest at that moment, the next one after the
answer. After any failure it waits with jitter, and asks again what is held.

A collector whose last configs came from a store of another epoch gets everything again: nothing that it has from that
store is taken for granted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from common.digests import digest_of_all
from common.errors import PermanentError, RemoteError, TocsinError, TransientError
from common.wire import ConfigsApplied, FailureCode, Position
from hub.distribution.agreement import Agreement, Step
from hub.distribution.batches import Batch, first_batch
from hub.distribution.errand import Errand
from hub.distribution.holdings import ask_holdings
from hub.distribution.interfaces import IConfigReports
from hub.distribution.pace import Pace
from hub.distribution.wanted import Wanted
from hub.interfaces import ISession

MAX_BACKOFF_S = 30.0
LONGEST_STREAK = 10
REFUSED = "config_refused"

_PASSES_BY = frozenset({FailureCode.NOT_ATTACHED.value, FailureCode.VERSION.value})


class Subscription:
    """The distribution's end of one session.

    Attributes:
        trouble: why the last attempt failed; empty while all goes well.
        holds_back: something waits until another collector has let go of it.
        former: devices that it has dropped during this session; its spool may still hold events of them.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        rng: random.Random,
        session: ISession,
        agreement: Agreement,
        reports: IConfigReports,
        revision: Callable[[], int],
        progress: Callable[[], None],
        *,
        epoch: Callable[[], str] = lambda: "",
        pace: Pace | None = None,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            clock: for waiting.
            rng: for how long.
            session: of the daemon.
            agreement: what is wanted, and what runs.
            reports: where it is told that a config is refused.
            revision: of the model, now.
            progress: called when something has moved.
            epoch: of the hub's store.
            pace: how large messages may be, from earlier sessions of the daemon.
        """
        self._clock = clock
        self._rng = rng
        self._agreement = agreement
        self._reports = reports
        self._revision = revision
        self._progress = progress
        self._epoch = epoch
        self._pace = pace or Pace()
        self._position = session.position
        self._undated = self._is_foreign = False
        self._todo: dict[str, None] = {}
        self._told = False
        self._left_out = 0
        self._wake: Deferred[None] | None = None
        self._woken = False
        self._errand = Errand(clock, self._run)
        self.session = session
        self.collector = session.collector
        self.trouble = ""
        self.holds_back = False
        self.former: set[str] = set()

    def start(self) -> None:
        """Begin; goes on until `stop`."""
        self._errand.start()

    def stop(self) -> None:
        """The session is over."""
        self._errand.stop()

    @property
    def is_busy(self) -> bool:
        """Whether it has something to say, or waits for an answer; not while it only tries again what failed."""
        return not self._errand.stopped and not self.trouble and self._wake is None

    def tell(self, devices: Iterable[str]) -> None:
        """Something may have to be done about these; `wake` follows when all have been named."""
        self._todo.update(dict.fromkeys(devices))

    def wake(self) -> None:
        """Look again, also when it is awake: it may have looked already, and wait for an answer now."""
        self._woken = True
        wake, self._wake = self._wake, None
        if wake is not None:
            wake.callback(None)

    # --- the loop -----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        failures = 0
        while not self._errand.stopped:
            try:
                await self._catch_up()
            except CancelledError:
                raise
            except TocsinError as error:
                failures += 1
                self._failed(error.message)
            except Exception:  # noqa: BLE001 - the supervisor of one session: the others go on
                failures += 1
                self.log.failure("error while sending configs to {collector}", collector=self.collector)
                self._failed("an error of ours; the hub's log has more")
            else:
                failures = 0
                await self._rest()
                continue
            await deferLater(self._clock, self._backoff_s(failures), lambda: None)

    async def _rest(self) -> None:
        """Wait until there may be something to do."""
        if not self._errand.stopped and not self._woken:
            self._wake = Deferred()
            await self._wake

    async def _catch_up(self) -> None:
        self._woken = False
        if not self._told:
            await self._ask()
        while (batch := self._next()) is not None:
            await self._push(batch)
            self._recovered()
        if self._undated:  # nothing had to be sent: let it know all the same whose configs it holds
            await self._push(Batch({}, ()))
        if self._left_out:
            raise TransientError(f"it holds {self._left_out} more devices that are not known here; they go by and by")
        self._recovered()

    def _failed(self, sentence: str) -> None:
        self._told = False
        if sentence != self.trouble:
            self.trouble = sentence
            self.log.warn(  # noqa: G010 - twisted.logger calls it so
                "configs for {collector} are late: {reason}; trying again", collector=self.collector, reason=sentence
            )
        self._progress()

    def _recovered(self) -> None:
        if self.trouble:
            self.log.info("configs for {collector} go out again", collector=self.collector)
        self.trouble = ""

    def _backoff_s(self, failures: int) -> float:
        return self._rng.uniform(0.2, min(MAX_BACKOFF_S, 2.0 ** min(failures, LONGEST_STREAK)))

    # --- asking -------------------------------------------------------------------------------------------------------

    async def _ask(self) -> None:
        """Find out what is held: from the login, or by asking."""
        position, self._position = self._position, Position()
        expected, epoch = self._agreement.digests_of(self.collector), self._epoch()
        is_ours = position.epoch == epoch
        held = expected
        self._left_out = 0
        if not is_ours and (position.all or position.epoch):  # one that tells its position, at whatever attempt it is
            self._undated, self._is_foreign = True, bool(position.epoch)
        if not is_ours or position.all != digest_of_all(expected):
            holdings = await ask_holdings(
                self.session,
                partial(self._agreement.digests_of, self.collector),
                partial(self._agreement.concerns, self.collector),
            )
            held, self._left_out = holdings.digests, holdings.left_out
        waits = self._agreement.told(self.collector, held)
        for device, digest in held.items():
            if expected.get(device) == digest:  # as after an update of the one or the other
                self._reports.well(device, REFUSED)
        self._told = True
        if self._is_foreign:
            self._is_foreign = False
            self._agreement.resend(self.collector)
            waits = self._agreement.devices_of(self.collector)
        self._todo = dict.fromkeys(waits)
        self._progress()

    # --- telling ------------------------------------------------------------------------------------------------------

    def _next(self) -> Batch | None:
        """Gather the next message from what waits for longest."""
        batch = first_batch(self._steps(), self._pace.limit_bytes)
        for device in (*batch.changed, *batch.removed):
            del self._todo[device]
            self._agreement.ledger.fly(self.collector, device)
        return batch if len(batch) else None

    def _steps(self) -> Iterator[tuple[str, Wanted | None]]:
        """What is to be done, oldest first; what needs nothing leaves the list."""
        self.holds_back = False
        for device in list(self._todo):
            step = self._agreement.step(self.collector, device)
            if step is Step.NOTHING:
                del self._todo[device]
            elif step is Step.WAIT:
                self.holds_back = True
            else:
                yield device, None if step is Step.DROP else self._agreement.wanted[device]

    async def _push(self, batch: Batch) -> None:
        """Send a message; one that is refused whole is cut in halves until the device that is to blame stands alone."""
        began = self._clock.seconds()
        try:
            answer = await self.session.push(batch.message(self._revision(), self._epoch()))
        except (TransientError, CancelledError):
            self._pace.lost()
            raise
        except (RemoteError, PermanentError) as error:
            if isinstance(error, RemoteError) and error.code in _PASSES_BY:
                raise
            if len(batch) > 1:
                for half in batch.halves():
                    await self._push(half)
                return
            if not batch.changed:
                raise
            for device, wanted in batch.changed.items():
                self._refused(device, wanted, str(error))
            self._todo.update(dict.fromkeys(batch.changed))  # it may have changed meanwhile
        else:
            self._pace.answered(batch.size_bytes, self._clock.seconds() - began)
            self._undated = False
            self._take(batch, answer)
        self._progress()

    def _take(self, batch: Batch, answer: ConfigsApplied) -> None:
        """Note what became of each device; go through those again that have changed meanwhile."""
        rejected = {item.device: item.reason for item in answer.rejected}
        missing = 0
        for device, wanted in batch.changed.items():
            live = answer.live.get(device)
            if device in rejected:  # the collector has an event of its own for that
                self._agreement.refused(self.collector, device, wanted.digest, rejected[device])
            elif live == wanted.digest:
                self._agreement.runs(self.collector, device, wanted)
                self._reports.well(device, REFUSED)
            elif live is not None:
                reason = "it runs something else than was sent; hub and collector may be of different versions"
                self._refused(device, wanted, reason, live)
            else:
                missing += 1
        for device in batch.removed:
            if self._agreement.may_speak_of(self.collector, device):
                self.former.add(device)
            self._agreement.dropped(self.collector, device)
            self._reports.well(device, REFUSED)
        self._todo.update(dict.fromkeys((*batch.changed, *batch.removed)))
        if missing:
            raise TransientError(f"it did not say what became of {missing} configs")
        if not self._left_out and answer.all != self._agreement.ledger.digest(self.collector):
            raise TransientError("it holds other configs than it was sent")

    def _refused(self, device: str, wanted: Wanted, reason: str, live: str | None = None) -> None:
        """Note what the collector cannot have an event for: it did not take the message, or did not understand it."""
        self._agreement.refused(self.collector, device, wanted.digest, reason, live)
        summary = f"collector {self.collector} does not take the config of {device}: {reason.splitlines()[0]}"
        message = (
            f"{reason}\n\nThe last good config goes on. It is sent again when it changes or the collector logs in."
        )
        self._reports.trouble(device, REFUSED, summary, message)
