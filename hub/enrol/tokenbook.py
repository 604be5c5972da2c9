"""Which tokens for enrolment there are: `pki/tokens.json`, which holds no secret, only what one can be checked by."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from common.durable import write_whole
from common.edge.tokens import ID_BYTES, SECRET_BYTES, Token
from common.errors import PermanentError, SettingsError

SHORTEST_S = 60.0
LONGEST_S = 30 * 86400.0
REMEMBER_S = 7 * 86400.0
"""How long it is known of a token that it was used, or is over, so that its holder can be told which."""
MAX_TOKENS = 1000


class TokenError(PermanentError):
    """A token that does not count; the sentence goes to whoever has shown it."""


class Record(Struct, frozen=True, kw_only=True):
    """What is kept of a token; times are epoch seconds.

    Attributes:
        id: that stands in the token.
        digest: SHA-256 of its secret.
        used_at: None while it is open.
        used_by: SHA-256 of the public key that was enrolled with it.
    """

    id: str
    name: str
    digest: str
    made_at: float
    ends_at: float
    used_at: float | None = None
    used_by: str = ""


class TokenBook:
    """Makes tokens, and knows which are open. There is one open token at most for each collector."""

    def __init__(
        self, path: Path, wall: Callable[[], float], random_bytes: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        """Read what is there.

        Raises:
            SettingsError: the file cannot be read.
        """
        self._path = path
        self._wall = wall
        self._random_bytes = random_bytes
        self._records = _read(path)

    def make(self, name: str, lifetime_s: float, ca: bytes) -> tuple[Token, float]:
        """Make a token, and tell when it ends; an open one for the same collector counts no longer.

        Raises:
            PermanentError: it would live too long or too short, or there are too many.
        """
        if not SHORTEST_S <= lifetime_s <= LONGEST_S:
            raise PermanentError("a token is good for between 1 minute and 30 days")
        now = self._wall()
        kept = {id_: one for id_, one in self._records.items() if not (one.name == name and self._is_open(one))}
        if sum(self._is_open(one) for one in kept.values()) >= MAX_TOKENS:
            raise PermanentError(
                f"there are {MAX_TOKENS} open tokens; withdraw some: `tocsin collector token NAME --withdraw`"
            )
        token = Token(id=self._random_bytes(ID_BYTES), name=name, ca=ca, secret=self._random_bytes(SECRET_BYTES))
        id_ = token.id.hex()
        kept[id_] = Record(id=id_, name=name, digest=_digest(token.secret), made_at=now, ends_at=now + lifetime_s)
        self._store(kept)
        return token, now + lifetime_s

    def find(self, token: Token) -> Record:
        """Find the record of a token that counts, or has counted and was used.

        Raises:
            TokenError: it is not known, or has expired.
        """
        record = self._records.get(token.id.hex())
        digest = record.digest if record is not None else "0" * 64
        is_right = hmac.compare_digest(_digest(token.secret), digest)
        if record is None or not is_right or record.name != token.name:
            raise TokenError("this token is not known here: it was withdrawn, or is of another hub; get a new one")
        if self._wall() >= record.ends_at:
            raise TokenError("this token has expired; get a new one")
        return record

    def use(self, record: Record, key: str) -> None:
        """The token has done its work."""
        used = msgspec.structs.replace(record, used_at=self._wall(), used_by=key)
        self._store({**self._records, record.id: used})

    def withdraw(self, name: str) -> int:
        """Let no token of a collector count any more; return how many were open."""
        mine = [one for one in self._records.values() if one.name == name]
        if mine:
            self._store({id_: one for id_, one in self._records.items() if one.name != name})
        return sum(self._is_open(one) for one in mine)

    def open(self) -> list[Record]:
        """The open ones, by collector."""
        return sorted((one for one in self._records.values() if self._is_open(one)), key=lambda one: one.name)

    def _is_open(self, record: Record) -> bool:
        return record.used_at is None and self._wall() < record.ends_at

    def _store(self, records: dict[str, Record]) -> None:
        """Write all that need not be forgotten yet; what is on disk is what counts."""
        now = self._wall()
        kept = {id_: one for id_, one in records.items() if now < one.ends_at + REMEMBER_S}
        write_whole(self._path, msgspec.json.encode(list(kept.values())), 0o600)
        self._records = kept


def key_digest(public: bytes) -> str:
    """What is kept of a public key in DER form."""
    return hashlib.sha256(public).hexdigest()


def _digest(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()


def _read(path: Path) -> dict[str, Record]:
    try:
        records = msgspec.json.decode(path.read_bytes(), type=list[Record])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsError(
            f"{path} cannot be read: {error}. Mend it, or remove it: tokens that are open then count no longer"
        ) from None
    return {record.id: record for record in records}
