"""The API of collectors, of the hub itself, and of the configs that are sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from common.configs import DeviceConfig
from common.errors import NotFoundError
from common.events import Severity
from hub.data.reader import Reader
from hub.distribution.roster import Roster, Seat
from hub.distribution.services import Services
from hub.distribution.uncollected import Uncollected, missing
from hub.enrol.desk import Standing
from hub.web.call import Call
from hub.web.moveshapes import FileMove
from hub.web.pools import AbsentMember
from hub.web.refusals import RefusalError
from hub.web.router import Route
from hub.web.shapes import Behind, Collector, behind_shapes, collector_shape, iso

SECRETS = ("community", "auth_password", "priv_password")
SET = "(set)"


class Collectors(Struct, frozen=True):
    """All daemons that have ever logged in."""

    collectors: list[Collector]


class HubFacts(Struct, frozen=True, kw_only=True):
    """The hub itself."""

    version: str
    epoch: str
    revision: int
    started_at: str | None
    host: str
    pb_port: int


class Status(Struct, frozen=True, kw_only=True):
    """How the whole of it stands; `behind` may be cut short, `behind_total` counts all.

    Attributes:
        absent_members: of pools: others have their devices.
        moves: of files that follow their devices to other collectors and are not there yet; not too many.
        uncollected: devices with sources that no daemon of their collector reads.
    """

    hub: HubFacts
    revision_live: bool
    behind: list[Behind]
    behind_total: int
    devices: int
    open_events: dict[str, int]
    collectors: list[Collector]
    absent_members: list[AbsentMember] = []
    moves: list[FileMove] = []
    uncollected: list[Uncollected] = []


class Health(Struct, frozen=True):
    """The hub answers."""

    ok: bool
    version: str


class ShownConfig(Struct, frozen=True, kw_only=True):
    """A compiled config; secrets are shown as `(set)`."""

    service: str
    device: str
    source: str
    digest: str
    config: dict[str, Any]


class About(Struct, frozen=True, kw_only=True):
    """What the hub knows of itself; `pb_port` is asked for, as the kernel may choose it."""

    version: str
    epoch: Callable[[], str]
    started_at: float
    host: str
    pb_port: Callable[[], int]
    revision: Callable[[], int]


class CollectorTopic:
    """Tells how hub and collectors stand."""

    def __init__(
        self,
        about: About,
        roster: Roster,
        services: Services,
        reader: Reader,
        devices: Callable[[], Sequence[str]],
        open_counts: Callable[[], Awaitable[dict[str, dict[int, int]]]],
        certificate: Callable[[str], Standing] = lambda _: Standing(),
        absent_members: Callable[[], list[AbsentMember]] = list,
        *,
        moves: Callable[[], list[FileMove]] = list,
        uncollected: Callable[[], list[Uncollected]] = list,
    ) -> None:
        self._about = about
        self._roster = roster
        self._services = services
        self._reader = reader
        self._devices = devices
        self._certificate = certificate
        self._absent_members = absent_members
        self._moves = moves
        self._uncollected = uncollected
        self._open_counts = open_counts

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [
            Route("GET", "health", self.health, is_open=True),
            Route("GET", "status", self.status),
            Route("GET", "collectors", self.collectors),
            Route("GET", "configs/{service}/{device}", self.config),
        ]

    def figures(self) -> dict[str, Any]:
        """What `tocsin-hub stats` shows."""
        seats = self._roster.seats()
        return {
            "revision": self._about.revision(),
            "devices": len(self._devices()),
            "behind": len(self._services.everywhere.behind()),
            "daemons": len(seats),
            "daemons_connected": sum(seat.session is not None for seat in seats),
        }

    async def health(self, call: Call) -> Health:
        """Say that the hub is there."""
        call.only()
        return Health(ok=True, version=self._about.version)

    async def collectors(self, call: Call) -> Collectors:
        """List collector daemons."""
        call.only()
        return Collectors(self._collectors())

    async def status(self, call: Call) -> Status:
        """Everything at a glance."""
        call.only()
        behind = self._services.everywhere.behind()
        about = self._about
        return Status(
            hub=HubFacts(
                version=about.version,
                epoch=about.epoch(),
                revision=about.revision(),
                started_at=iso(about.started_at),
                host=about.host,
                pb_port=about.pb_port(),
            ),
            revision_live=not behind,
            behind=behind_shapes(behind),
            behind_total=len(behind),
            devices=len(self._devices()),
            open_events=_by_severity(await self._open_counts()),
            collectors=self._collectors(),
            absent_members=self._absent_members(),
            moves=self._moves(),
            uncollected=self._uncollected(),
        )

    async def config(self, call: Call) -> ShownConfig:
        """Show what the hub would send, or what the collector runs."""
        call.only("live")
        service, device = call.names["service"], call.names["device"]
        distributor = self._services.of(service)
        if distributor is None:
            known = ", ".join(self._services.names)
            raise NotFoundError(f"there is no service {service[:100]!r}; there are {known}")
        if call.flag("live"):
            live = await self._reader.live_config(device, service)
            return _shown(service, device, "collector", live.digest, live.config)
        collector = self._services.process.owner(device)
        if distributor.owner(device) is None and collector is not None:
            is_known = self._services.is_known(collector, service)
            why = "there is nothing that it reads of this device" if is_known else missing(collector, service)
            raise NotFoundError(f"{device!r} has no config of the service {service}: {why}")
        if collector is None:
            raise NotFoundError(f"there is no device {device!r}; `tocsin device list` shows those that there are")
        wanted = distributor.wanted(device)
        if wanted is not None and wanted.error:
            raise RefusalError("conflict", f"the config of {device} cannot be made: {wanted.error}")
        if wanted is None or wanted.config is None:
            raise RefusalError("busy", f"the config of {device} is not compiled yet; try again in a second")
        return _shown(service, device, "hub", wanted.digest, wanted.config)

    def _collectors(self) -> list[Collector]:
        seats = self._roster.seats()
        away = {seat.daemon for seat in seats if seat.session is None}
        owned = {service: self._owned(service) for service in away}
        return [self._collector(seat, owned.get(seat.daemon, Counter())) for seat in seats]

    def _owned(self, service: str) -> Counter[str | None]:
        """How many devices each collector has, as the hub sees it."""
        distributor = self._services.of(service)
        if distributor is None:
            return Counter()
        return Counter(distributor.owner(device) for device in distributor.devices())

    def _collector(self, seat: Seat, owned: Counter[str | None]) -> Collector:
        """Shape a daemon; of one that is away others may have the devices that it told of last."""
        distributor, certificate = self._services.of(seat.daemon), self._certificate(seat.collector)
        devices = None if seat.session is not None else owned[seat.collector]
        if distributor is None:
            return collector_shape(seat, self._about.revision(), 0, certificate, devices)
        revision, behind = distributor.standing(seat.collector)
        return collector_shape(seat, revision, behind, certificate, devices)


def _by_severity(counts: dict[str, dict[int, int]]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for of_device in counts.values():
        for severity, number in of_device.items():
            label = Severity(severity).label
            totals[label] = totals.get(label, 0) + number
    return totals


def _shown(service: str, device: str, source: str, digest: str, config: DeviceConfig) -> ShownConfig:
    plain: dict[str, Any] = msgspec.to_builtins(config)
    snmp = plain.get("snmp")
    if isinstance(snmp, dict):
        for name in SECRETS:
            if snmp.get(name):
                snmp[name] = SET
    return ShownConfig(service=service, device=device, source=source, digest=digest, config=plain)
