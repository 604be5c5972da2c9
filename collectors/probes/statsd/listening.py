"""Where datagrams of statsd arrive, and the job that makes readings of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger

from collectors.framework.kit import Due, Job
from collectors.framework.sources.results import Measured, Problem, Result
from collectors.probes.statsd.figures import MAX_POINTS, Figures
from collectors.probes.statsd.lines import parse
from collectors.probes.statsd.settings import StatsdSettings
from common.configs import DeviceConfig, SourceKind
from common.series import Point

SOURCE = "statsd"
LISTEN, FLAWED, DROPPED, CROWDED, MIXED = KEYS = (
    "statsd_listen",
    "statsd_flawed",
    "statsd_dropped",
    "statsd_crowded",
    "statsd_mixed",
)
MAX_TOLD = 5
LISTENER = "statsd_listener"
LISTENER_POINTS = (Point(name="datagrams", unit="/s"),)


class Statsd(DatagramProtocol):
    """Takes figures in; a service, too.

    They are those of the collector's own host: of the first of its devices that are local.
    """

    log = Logger()

    def __init__(self, reactor: Any, clock: Any, wall: Callable[[], float], settings: StatsdSettings) -> None:
        self._reactor = reactor
        self._clock = clock
        self._wall = wall
        self._settings = settings
        self._address = settings.address() if settings.listen else None
        self._figures = Figures(settings.most)
        self._port: Any = None
        self._problem = ""
        self._device = ""
        self._since = clock.seconds()
        self._wrong: list[str] = []
        self._datagrams = 0
        self._refused = 0

    def startService(self) -> None:
        """Listen, if that is wanted; where it cannot be, it is told, and all else goes on."""
        if self._address is None:
            return
        host, port = self._address
        try:
            self._port = self._reactor.listenUDP(port, self, interface=host, maxPacketSize=65535)
        except CannotListenError as error:
            self._problem = (
                f"figures of statsd cannot be taken on {self._settings.listen}: {error.socketError}; "
                "stop what uses it, or set another statsd.listen"
            )
            self.log.error("{problem}", problem=self._problem)  # noqa: TRY400 - a sentence, and no traceback

    def stopService(self) -> Deferred[None]:
        """Listen no more."""
        port, self._port = self._port, None
        stopped: Deferred[None] = maybeDeferred(port.stopListening) if port is not None else succeed(None)
        return stopped

    @property
    def port(self) -> int:
        """The port that is listened on; 0 for none."""
        return int(self._port.getHost().port) if self._port is not None else 0

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:  # noqa: ARG002 - its name
        """Take in what it says."""
        self._datagrams += 1
        now = self._wall()
        for line in parse(datagram):
            if isinstance(line, str):
                self._refused += 1
                if len(self._wrong) < MAX_TOLD:
                    self._wrong.append(line)
            else:
                self._figures.add(line, now)

    def figures(self) -> dict[str, Any]:
        """For `stats`."""
        if self._address is None:
            return {}
        return {"statsd_metrics": len(self._figures), "statsd_refused": self._refused}

    def jobs(self, config: DeviceConfig) -> Iterable[Job]:
        """One, for the first local device."""
        if self._address is None or config.source is not SourceKind.LOCAL or self._device not in {"", config.device}:
            return
        self._device = config.device
        yield Job(id=f":{SOURCE}", intervals=[self._settings.interval_s], run=self._read, parameters=self._settings)

    def forget(self, device: str) -> None:
        """A device has left."""
        if device == self._device:
            self._device = ""

    async def _read(self, due: Due) -> Sequence[Result]:
        step = next(iter(due.steps.values()))
        now = self._clock.seconds()
        passed_s, self._since = max(now - self._since, 0.001), now
        found = self._figures.read(passed_s, self._wall())
        problems = self._problems()
        self._figures.forgive()
        datagrams, self._datagrams, self._wrong = self._datagrams, 0, []
        interval_s = self._settings.interval_s
        own = Measured(component=SOURCE, values={"datagrams": datagrams / passed_s}, taken=self._wall())
        return [
            Result(
                source=LISTENER, step=step, rows=[own], problems=problems, points=LISTENER_POINTS, interval_s=interval_s
            ),
            *(
                Result(
                    source=SOURCE,
                    step=step,
                    rows=[row],
                    complete=False,
                    points=points,
                    part=row.component,
                    interval_s=interval_s,
                )
                for row, points in found
            ),
        ]

    def _problems(self) -> list[Problem]:
        told = [(LISTEN, self._problem)]
        if self._wrong:
            told.append((FLAWED, f"lines that are no figures: {'; '.join(self._wrong)}"))
        if self._figures.dropped:
            text = f"{self._figures.dropped} values are of more than the {self._settings.most} metrics that are kept"
            told.append((DROPPED, f"{text}; raise statsd.most, or send fewer names"))
        if self._figures.crowded:
            text = f"component {self._figures.crowded!r:.80} has more than {MAX_POINTS} points; the others are dropped"
            told.append((CROWDED, text))
        if self._figures.mixed:
            names = ", ".join(sorted(self._figures.mixed)[:MAX_TOLD])
            told.append((MIXED, f"one name, several types; the first counts: {names[:300]}"))
        return [Problem(key=key, summary=text) for key, text in told if text]
