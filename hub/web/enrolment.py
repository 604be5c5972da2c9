"""The API of tokens and certificates of collectors."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Annotated

from msgspec import Meta, Struct

from common.certificates import fingerprint
from hub.enrol.desk import EnrolDesk
from hub.enrol.leaving import Leaving
from hub.web.call import Author, Call
from hub.web.refusals import RefusalError
from hub.web.router import Route
from hub.web.shapes import iso

MAX_DEVICES = 1000


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token that is wanted; `again` for a collector that has a certificate."""

    expires_s: Annotated[float, Meta(gt=0, le=1e9)] = 3600.0
    again: bool = False
    author: Author = ""


class MadeToken(Struct, frozen=True, kw_only=True):
    """A token. It is told once, and never again.

    Attributes:
        hub: address for enrolment, as a host may reach it.
        only_here: hosts other than the hub's own cannot reach it.
        fingerprint: of the site's authority, SHA-256.
        replaces: until when the present certificate of the collector holds, which the token's use ends.
        supersedes: until when an earlier token of the collector would have counted, which this one has ended.
    """

    collector: str
    token: str
    expires_at: str | None
    hub: str
    only_here: bool
    fingerprint: str
    replaces: str | None
    supersedes: str | None

    def __repr__(self) -> str:
        return "MadeToken(secret hidden)"


class OpenToken(Struct, frozen=True, kw_only=True):
    """A token that nobody has used yet."""

    collector: str
    made_at: str | None
    expires_at: str | None


class OpenTokens(Struct, frozen=True, kw_only=True):
    """All of them."""

    tokens: list[OpenToken]


class Withdrawn(Struct, frozen=True, kw_only=True):
    """How many tokens of a collector count no longer."""

    collector: str
    tokens: int


class Revocation(Struct, frozen=True, kw_only=True):
    """A collector that was thrown out.

    Attributes:
        certificate: whether it had one that counted.
        sessions: its daemons that were cut off.
        devices: that name it and are watched by nobody now; a thousand of them tell enough.
        pools: whose other members get its share, when it was away for `failover_after_s`.
    """

    collector: str
    certificate: bool
    sessions: list[str]
    tokens: int
    devices: list[str]
    devices_total: int
    pools: list[str]


class Removal(Struct, frozen=True, kw_only=True):
    """A collector that is forgotten."""

    collector: str
    daemons: list[str]


class Where(Struct, frozen=True, kw_only=True):
    """Where hosts are enrolled; `problem` is why they are not, else empty."""

    host: str
    port: int
    problem: str


class EnrolmentTopic:
    """Lets operators let collectors in, and throw them out."""

    def __init__(self, desk: EnrolDesk, leaving: Leaving, where: Callable[[], Where], names: Sequence[str]) -> None:
        """Join the parts; `names` are those in the hub's certificate, the first is told to new hosts."""
        self._desk = desk
        self._leaving = leaving
        self._where = where
        self._names = names

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [
            Route("GET", "tokens", self.tokens),
            Route("POST", "collectors/{name}/token", self.make),
            Route("DELETE", "collectors/{name}/token", self.withdraw),
            Route("DELETE", "collectors/{name}/certificate", self.revoke),
            Route("DELETE", "collectors/{name}", self.remove),
        ]

    async def tokens(self, call: Call) -> OpenTokens:
        """List open tokens; none of them can be told again."""
        call.only()
        return OpenTokens(
            tokens=[
                OpenToken(collector=one.name, made_at=iso(one.made_at), expires_at=iso(one.ends_at))
                for one in self._desk.open_tokens()
            ]
        )

    async def make(self, call: Call) -> MadeToken:
        """Make a token."""
        call.only()
        wish = call.body(Wish)
        where = self._where()
        if where.problem:
            raise RefusalError("conflict", f"no host can be enrolled now: {where.problem}")
        made = self._desk.make_token(call.names["name"], wish.expires_s, again=wish.again, by=wish.author)
        host, only_here = advertised(where.host, self._names)
        return MadeToken(
            collector=made.name,
            token=made.text,
            expires_at=iso(made.ends_at),
            hub=f"{f'[{host}]' if ':' in host else host}:{where.port}",
            only_here=only_here,
            fingerprint=fingerprint(self._desk.authority).hex(),
            replaces=iso(made.replaces),
            supersedes=iso(made.supersedes),
        )

    async def withdraw(self, call: Call) -> Withdrawn:
        """Let a collector's token count no longer."""
        call.only()
        name = call.names["name"]
        return Withdrawn(collector=name, tokens=self._desk.withdraw(name))

    async def revoke(self, call: Call) -> Revocation:
        """Let a collector's certificate count no longer, and cut it off."""
        call.only("author")
        done, left = self._leaving.revoke(call.names["name"], _author(call))
        return Revocation(
            collector=done.name,
            certificate=done.had_certificate,
            sessions=done.cut,
            tokens=done.tokens,
            devices=left.devices[:MAX_DEVICES],
            devices_total=len(left.devices),
            pools=left.pools,
        )

    async def remove(self, call: Call) -> Removal:
        """Forget a collector that is gone for good."""
        call.only("daemon", "author")
        name = call.names["name"]
        daemons = await self._leaving.remove(name, call.text("daemon"), _author(call))
        return Removal(collector=name, daemons=daemons)


def _author(call: Call) -> str:
    return (call.text("author") or "")[:255]


def advertised(listens_on: str, names: Sequence[str]) -> tuple[str, bool]:
    """The host name or address to tell new hosts, and whether only the hub's own machine can reach it."""
    try:
        address = ipaddress.ip_address(listens_on)
    except ValueError:
        return (names[0] if names else listens_on), listens_on == "localhost"
    if address.is_loopback:
        return listens_on, True
    if names:
        return names[0], False
    return (socket.gethostname() if address.is_unspecified else listens_on), False
