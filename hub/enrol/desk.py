"""Lets hosts in, and throws them out: tokens, first certificates, revocations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import Certificate
from msgspec import Struct
from twisted.logger import Logger

from common.certificates import (
    Site,
    check_collector_name,
    check_new_collector_name,
    days_left,
    ends_at,
    enrol_collector,
    fingerprint,
    registered,
    registered_names,
    revoke_collector,
    revoked_at,
)
from common.edge.requests import read_request
from common.edge.tokens import Token, write_token
from common.errors import NotFoundError, PermanentError, SettingsError
from hub.enrol.tokenbook import Record, TokenBook, TokenError, key_digest
from hub.interfaces import ISession

Sessions = Callable[[str], Sequence[ISession]]


class Made(Struct, frozen=True, kw_only=True):
    """A token, as text.

    Attributes:
        ends_at: epoch seconds.
        replaces: epoch seconds until which the collector's present certificate holds, which then counts no longer.
        supersedes: epoch seconds until which an earlier token of the collector would have counted, which counts no
            longer now.
    """

    name: str
    text: str
    ends_at: float
    replaces: float | None
    supersedes: float | None

    def __repr__(self) -> str:
        return f"Made({self.name!r}, secret hidden)"


class Revoked(Struct, frozen=True, kw_only=True):
    """What a revocation has done.

    Attributes:
        had_certificate: False when only tokens were withdrawn, or it was revoked before.
        cut: daemons whose sessions were ended.
    """

    name: str
    had_certificate: bool
    cut: list[str]
    tokens: int


class Standing(Struct, frozen=True, kw_only=True):
    """How it stands with a collector's certificate; times are epoch seconds."""

    expires: float | None = None
    revoked: float | None = None


class EnrolDesk:
    """Decides about tokens and certificates.

    Nothing here waits for anything: of two that show one token at the same time, one comes second.
    """

    log = Logger()

    def __init__(
        self, site: Site, tokens: TokenBook, sessions: Sessions, is_pool: Callable[[str], bool] = lambda _: False
    ) -> None:
        """Join the parts.

        Args:
            site: the authority.
            tokens: those that are open.
            sessions: all of a collector.
            is_pool: whether a name is that of a pool.
        """
        self._site = site
        self._tokens = tokens
        self._sessions = sessions
        self._is_pool = is_pool

    @property
    def authority(self) -> Certificate:
        """The site's authority."""
        return self._site.ca.certificate

    def make_token(self, name: str, lifetime_s: float, *, again: bool, by: str = "") -> Made:
        """Make a token for a collector; `by` is who wants it, for the log.

        Raises:
            PermanentError: the name cannot be, is taken, or the lifetime is out of bounds.
        """
        check_new_collector_name(name)
        if self._is_pool(name):
            raise PermanentError(f"{name} is a pool, not a collector; choose another name")
        entry = registered(self._site, name)
        present = entry.newest if entry is not None else None
        if present is not None and days_left(present, self._site.wall()) <= 0:
            present = None
        if present is not None and not again:
            raise PermanentError(
                f"collector {name} is enrolled already. To enrol another host, or this one anew, under its name say "
                "--again: as soon as the token is used, its present certificate counts no longer"
            )
        earlier = max((one.ends_at for one in self._tokens.open() if one.name == name), default=None)
        token, until = self._tokens.make(name, lifetime_s, fingerprint(self.authority))
        self.log.info("{by} made a token for collector {name}", name=name, by=by or "somebody")
        return Made(
            name=name,
            text=write_token(token),
            ends_at=until,
            replaces=None if present is None else ends_at(present),
            supersedes=earlier,
        )

    def open_tokens(self) -> list[Record]:
        """Tokens that nobody has used yet."""
        return self._tokens.open()

    def withdraw(self, name: str) -> int:
        """Let no token of a collector count any more; return how many were open.

        Raises:
            NotFoundError: there was none.
        """
        number = self._tokens.withdraw(name)
        if not number:
            raise NotFoundError(f"there is no open token for collector {name[:100]}")
        self.log.info("the token for collector {name} was withdrawn", name=name)
        return number

    def enrol(self, token: Token, request: str) -> Certificate:
        """Issue the certificate that a token is good for.

        Who has used it may ask again with the same key until it ends: an answer may get lost.

        Raises:
            TokenError: the token does not count.
            PermanentError: the request is not what it should be.
            SettingsError: it cannot be stored.
        """
        if token.ca != fingerprint(self.authority):
            raise TokenError("this token is of another hub")
        record = self._tokens.find(token)
        public = read_request(request, token.name)
        key = key_digest(_der(public))
        if record.used_at is not None and record.used_by != key:
            raise TokenError("this token has been used already, and is good only once; get a new one")
        entry = registered(self._site, record.name)
        if entry is not None and entry.newest.public_key() == public:
            certificate = entry.newest  # the first answer did not arrive, or we were killed before it
        elif record.used_at is not None:
            raise TokenError("this token has been used already, and what it gave counts no longer; get a new one")
        else:
            certificate = enrol_collector(self._site, record.name, public)
            self.cut(record.name, "it was enrolled anew")
        if record.used_at is None:
            self._tokens.use(record, key)
        return certificate

    def revoke(self, name: str, by: str = "") -> Revoked:
        """Let a collector's certificate and tokens count no longer, and end its sessions.

        Raises:
            NotFoundError: there is nothing to revoke.
            PermanentError: it is revoked already.
        """
        check_collector_name(name)
        had = revoke_collector(self._site, name)
        tokens = self._tokens.withdraw(name)
        cut = self.cut(name, "its certificate was revoked")
        if not (had or tokens or cut):
            raise self._nothing_of(name)
        self.log.warn(  # noqa: G010 - twisted.logger calls it so
            "{by} revoked the certificate of collector {name}; sessions cut: {cut}",
            name=name,
            cut=len(cut),
            by=by or "somebody",
        )
        return Revoked(name=name, had_certificate=had, cut=cut, tokens=tokens)

    def cut(self, name: str, reason: str) -> list[str]:
        """End all sessions of a collector; return their daemons."""
        daemons = []
        for session in self._sessions(name):
            session.abort(reason)
            daemons.append(session.daemon)
        return daemons

    def standing(self, name: str) -> Standing:
        """How it stands with a collector's certificate; nothing when its entry cannot be read."""
        try:
            return self._standing(name)
        except SettingsError:
            return Standing()

    def _standing(self, name: str) -> Standing:
        entry = registered(self._site, name)
        if entry is not None:
            return Standing(expires=ends_at(entry.newest))
        return Standing(revoked=revoked_at(self._site, name))

    def names(self) -> list[str]:
        """All collectors with a certificate."""
        return registered_names(self._site)

    def _nothing_of(self, name: str) -> PermanentError:
        if revoked_at(self._site, name) is not None:
            return PermanentError(f"collector {name} is revoked already")
        known = ", ".join(self.names()[:20])
        return NotFoundError(
            f"collector {name} has no certificate" + (f"; those that have one: {known}" if known else "")
        )


def _der(public: ec.EllipticCurvePublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
