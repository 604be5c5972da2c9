"""What crosses the hub's door for enrolment, as JSON over HTTPS: the request of a host, and the two answers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from common.edge.requests import MAX_REQUEST_CHARS
from common.edge.tokens import MAX_TOKEN_CHARS

ENROL_PATH = "/api/v1/enrol"


class Wanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a host asks with (POST)."""

    token: Annotated[str, Meta(max_length=MAX_TOKEN_CHARS)]
    request: Annotated[str, Meta(max_length=MAX_REQUEST_CHARS)]

    def __repr__(self) -> str:
        return "Wanted(secret hidden)"


class Authority(Struct, frozen=True, kw_only=True):
    """Who signs there (GET).

    Attributes:
        ca: the authority's certificate, in PEM form.
        at: the hub's time in epoch seconds.
        broker_port: where collectors connect.
    """

    ca: str
    at: float
    broker_port: int


class Enrolled(Struct, frozen=True, kw_only=True):
    """What a host gets for a token; certificates in PEM form."""

    collector: str
    certificate: str
    ca: str
    expires: str | None = None
    broker_port: int
