"""Settings of the enrolment of collectors."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from common.certificates import COLLECTOR_DAYS
from common.edge.tokens import DEFAULT_ENROL_PORT

Count = Annotated[int, Meta(ge=1)]


class EnrolSettings(Struct, frozen=True, kw_only=True):
    """Where new hosts get their certificate, over HTTPS, with a token of `tocsin collector token`.

    Attributes:
        enabled: whether anybody may; those who are enrolled are not concerned.
        host: address to listen on. As for [broker], 0.0.0.0 or an address of this host lets others reach it.
        port: 0 lets the kernel choose; the hub writes the real one to run.json.
        certificate_days: how long certificates of collectors hold. Daemons renew them by themselves when 60 days, or
            a third of a shorter life, are left.
        max_connections: at once; one more, and the eldest is dropped.
        connections_per_s: from one address, over time; `connections_burst` at once. From all together ten times that.
        answer_s: how long a connection may stand.
    """

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = DEFAULT_ENROL_PORT
    certificate_days: Annotated[float, Meta(ge=0.01, le=825)] = COLLECTOR_DAYS
    max_connections: Count = 64
    connections_per_s: Annotated[float, Meta(gt=0)] = 5.0
    connections_burst: Count = 40
    answer_s: Annotated[float, Meta(gt=0)] = 15.0
