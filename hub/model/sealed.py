"""The model's store with the secrets in it sealed: communities and passwords are on disk only as ciphertext."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from twisted.logger import Logger
from zope.interface import implementer

from common.errors import SettingsError
from common.sealing import Sealer, UnsealableError, add_key, drop_old_keys, key_of
from hub.interfaces import DocumentChange, IModelStore, Revision
from hub.model.properties import is_secret

SEALED = "sealed"
PROPERTIES = "properties"

Body = Callable[[str, str, str], str]
"""(kind, id, JSON body) -> JSON body."""


@implementer(IModelStore)
class SealedModelStore:
    """Seals on the way in, opens on the way out; everything else is the store's own business.

    Args:
        store: that holds it.
        sealer: of the key file.
        key_file: where the keys are.
    """

    log = Logger()

    def __init__(self, store: IModelStore, sealer: Sealer, key_file: Path) -> None:
        self._store = store
        self._sealer = sealer
        self._key_file = key_file

    async def epoch(self) -> str:
        """Id of the store."""
        return await self._store.epoch()

    async def load(self) -> tuple[int, list[tuple[str, str, str]]]:
        """Read all documents; what is not sealed with the newest key, or not at all, is sealed now.

        Raises:
            SettingsError: a secret cannot be opened.
        """
        number, rows = await self._store.load()
        opened = [(kind, id_, self._open(kind, id_, body)) for kind, id_, body in rows]
        if len(self._sealer.keys) > 1 or any(self._seal(*row, renew=True) != row[2] for row in rows):
            count = await self._seal_all()
            self.log.info("sealed the secrets of {count} documents anew", count=count)
        return number, opened

    async def commit(
        self, at: float, author: str, text: str, summary: str, changes: Sequence[DocumentChange]
    ) -> Revision:
        """Store a revision."""
        return await self._store.commit(
            at, author, text, summary, [self._changed(change, self._seal) for change in changes]
        )

    async def revisions(self, limit: int) -> list[Revision]:
        """Read the newest revisions."""
        return await self._store.revisions(limit)

    async def revision(self, number: int) -> Revision | None:
        """Read one revision."""
        return await self._store.revision(number)

    async def changes_of(self, number: int) -> list[DocumentChange]:
        """Read what a revision changed."""
        return [self._changed(change, self._open) for change in await self._store.changes_of(number)]

    async def undone(self, number: int) -> list[tuple[str, str, str | None]]:
        """Read the documents that later revisions changed, as they were at this one."""
        rows = await self._store.undone(number)
        return [(kind, id_, body if body is None else self._open(kind, id_, body)) for kind, id_, body in rows]

    async def rewrite(self, change: Body) -> int:
        """Rewrite bodies as they are stored."""
        return await self._store.rewrite(change)

    async def rotate_key(self) -> int:
        """Seal everything with a new key, then forget the old one; return how many documents were sealed anew.

        Killed at any moment, the key file has what opens every secret, and the next start finishes it.

        Raises:
            SettingsError: the key file cannot be written, for example because it is a credential of systemd.
            TransientError: the store refused; both keys stay.
        """
        self._sealer = add_key(self._key_file, self._sealer)
        return await self._seal_all()

    async def _seal_all(self) -> int:
        count = await self._store.rewrite(lambda kind, id_, body: self._seal(kind, id_, body, renew=True))
        self._sealer = drop_old_keys(self._key_file, self._sealer)
        return count

    def _changed(self, change: DocumentChange, work: Body) -> DocumentChange:
        before, after = (
            None if body is None else work(change.kind, change.id, body) for body in (change.before, change.after)
        )
        return replace(change, before=before, after=after)

    def _seal(self, kind: str, id_: str, body: str, *, renew: bool = False) -> str:
        """Seal the secrets of a document; `renew` also those that an older key has sealed."""
        document = _with_properties(body)
        if document is None:
            return body
        changed = False
        properties = document[PROPERTIES]
        for name, value in properties.items():
            if not is_secret(name):
                continue
            context = _context(kind, id_, name)
            if isinstance(value, str):
                secret = value.encode()
            elif renew and (sealed := _sealed(value)) is not None and not self._sealer.is_current(sealed):
                secret = self._unsealed(kind, id_, sealed, context)
            else:
                continue
            properties[name] = {SEALED: base64.b64encode(self._sealer.seal(secret, context)).decode()}
            changed = True
        return msgspec.json.encode(document).decode() if changed else body

    def _open(self, kind: str, id_: str, body: str) -> str:
        if SEALED not in body or (document := _with_properties(body)) is None:
            return body
        properties = document[PROPERTIES]
        for name, value in properties.items():
            sealed = _sealed(value)
            if sealed is not None:
                properties[name] = self._unsealed(kind, id_, sealed, _context(kind, id_, name)).decode()
        return msgspec.json.encode(document).decode()

    def _unsealed(self, kind: str, id_: str, sealed: bytes, context: bytes) -> bytes:
        try:
            return self._sealer.open(sealed, context)
        except UnsealableError as error:
            raise SettingsError(
                f"{kind} {id_}: {error.message}. Put the key file {self._key_file} back from its backup"
            ) from None


def sealing_keys(bodies: Iterable[str]) -> set[str]:
    """Ids of the keys that have sealed what is secret in these bodies."""
    documents = (document for body in bodies if (document := _with_properties(body)) is not None)
    sealed = (_sealed(value) for document in documents for value in document[PROPERTIES].values())
    return {key_of(one) for one in sealed if one}


def _with_properties(body: str) -> dict[str, Any] | None:
    """A document that has properties."""
    if PROPERTIES not in body:
        return None
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None  # who reads it says so
    is_one = isinstance(document, dict) and isinstance(document.get(PROPERTIES), dict)
    return document if is_one else None


def _sealed(value: object) -> bytes | None:
    text = value.get(SEALED) if isinstance(value, dict) else None
    return base64.b64decode(text) if isinstance(text, str) else None


def _context(kind: str, id_: str, name: str) -> bytes:
    return f"{kind}\0{id_}\0{name}".encode()
