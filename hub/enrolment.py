"""Enrolment of collectors: its parts, joined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from common.certificates import Site, open_tls_options
from common.edge.quota import LineQuota
from hub.distribution.absence import Absence
from hub.distribution.roster import Roster
from hub.distribution.services import Services
from hub.enrol.desk import EnrolDesk
from hub.enrol.leaving import Leaving
from hub.enrol.tokenbook import TokenBook
from hub.events.store import SqlEventStore
from hub.model.service import ModelService
from hub.settings import HubSettings
from hub.web.enrolfront import EnrolSite, Front
from hub.web.enrolment import EnrolmentTopic, Where
from hub.web.enrolserver import EnrolDoor, EnrolServer


class Enrolment:
    """Lets collectors in and throws them out.

    Attributes:
        desk: decides.
        server: the door for hosts; a service.
        topic: the API for operators.
    """

    def __init__(
        self,
        reactor: Any,
        wall: Callable[[], float],
        settings: HubSettings,
        site: Site,
        *,
        model: ModelService,
        roster: Roster,
        absence: Absence,
        services: Services,
        events: SqlEventStore,
        broker_port: Callable[[], int],
    ) -> None:
        """Join the parts; `broker_port` is asked for, as the kernel may choose it.

        Raises:
            SettingsError: the book of tokens cannot be read.
        """
        tokens = TokenBook(settings.pki / "tokens.json", wall)
        desk = self.desk = EnrolDesk(site, tokens, roster.sessions_of, lambda name: name in model.model.pools)
        leaving = Leaving(desk, roster, absence, services, events, events.close_devices, lambda: model.model, wall)
        front = Front(desk, LineQuota(reactor), wall, broker_port)
        http = EnrolSite(reactor, front, settings.enrol.answer_s)
        self._door = EnrolDoor(http, open_tls_options(site), reactor, settings.enrol)
        server = self.server = EnrolServer(reactor, settings.enrol, self._door if settings.enrol.enabled else None)
        self.topic = EnrolmentTopic(
            desk,
            leaving,
            lambda: Where(host=server.host, port=server.port, problem=server.problem),
            settings.names,
        )

    def renew(self, site: Site) -> None:
        """Show another certificate of the hub to those who connect from now on."""
        self._door.tls.renew(open_tls_options(site))
