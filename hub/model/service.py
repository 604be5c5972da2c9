"""The model in memory, and the one way to change it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from twisted.internet.defer import DeferredLock
from twisted.logger import Logger

from common.errors import NotFoundError, SettingsError
from hub.interfaces import DocumentChange, IModelStore, Revision
from hub.model.change import Change, left_out, plan, plan_back
from hub.model.diff import Difference, differences
from hub.model.documents import SourceFile, places_of, read_files
from hub.model.entities import (
    TYPES,
    Entity,
    Key,
    decode_entity,
    kind_of,
)
from hub.model.export import Exported, export
from hub.model.forgotten import warnings_of_forgotten
from hub.model.interfaces import IWorker
from hub.model.model import Model
from hub.model.refusing import refusal
from hub.model.shield import shielded
from hub.model.strangers import warnings_about

T = TypeVar("T")

MAX_AUTHOR = 255
MAX_TEXT = 4096


ModelObserver = Callable[[int, Model, Model, Sequence[str]], None]
"""Called after each commit with the revision, the model before and after, and the devices whose configs it changes."""


Differing = Callable[[Model, Model, Sequence[str]], Sequence[str]]
"""Gives, of devices that a change may concern, those whose configs it changes, from the model before and after."""


def all_of(_before: Model, _after: Model, devices: Sequence[str]) -> Sequence[str]:
    """For a model of which nothing is compiled."""
    return devices


class ApplyResult(Struct, frozen=True, kw_only=True):
    """What applying did, or would do.

    Attributes:
        revision: its number; None when nothing changed, or nothing was to be changed.
        created, changed, removed: (kind, id).
        devices: ids of those whose configs change, in order.
        warnings: what is not wrong, but should be otherwise; sentences with file and line.
    """

    revision: int | None
    dry_run: bool
    created: tuple[Key, ...]
    changed: tuple[Key, ...]
    unchanged: int
    removed: tuple[Key, ...]
    devices: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class ModelService:
    """Holds the model, and changes it one revision after the other.

    Attributes:
        model: as the last commit made it.
        epoch: id of the store.
    """

    log = Logger()

    def __init__(self, store: IModelStore, wall: Callable[[], float], reader: IWorker) -> None:
        """Begin with an empty model; `load` reads it.

        Args:
            store: where it is kept.
            wall: epoch seconds, for the stamps of revisions.
            reader: where the texts of documents are read, which takes seconds for thousands of them.
        """
        self._store = store
        self._wall = wall
        self._reader = reader
        self._lock = DeferredLock()
        self._observers: list[ModelObserver] = []
        self._differing: Differing = all_of
        self._present: Callable[[], Collection[str]] = frozenset
        self.model = Model()
        self.epoch = ""

    async def load(self) -> Model:
        """Read the model from the store.

        Raises:
            SettingsError: a document there cannot be read.
        """
        self.epoch = await self._store.epoch()
        revision, rows = await self._store.load()
        self.model = await self._reader.run(lambda: _model(revision, rows))
        return self.model

    def observe(self, observer: ModelObserver) -> None:
        """Call back after each commit."""
        self._observers.append(observer)

    def narrow_by(self, differing: Differing) -> None:
        """Look from now on which configs a change really changes."""
        self._differing = differing

    def know_collectors(self, present: Callable[[], Collection[str]]) -> None:
        """Ask from now on which collectors have ever logged in, to warn of names that are none of theirs."""
        self._present = present

    async def revisions(self, limit: int) -> list[Revision]:
        """Read the newest revisions, newest first."""
        return await self._store.revisions(limit)

    async def revision(self, number: int) -> tuple[Revision, list[Difference]]:
        """Read one revision, and what it changed, field by field.

        Raises:
            NotFoundError: there is no such revision.
        """
        found = await self._store.revision(number)
        if found is None:
            raise NotFoundError(_no_revision(number, self.model.revision))
        return found, await self.explain(await self._store.changes_of(number))

    async def explain(self, changes: Sequence[DocumentChange]) -> list[Difference]:
        """Tell changes field by field; of thousands of documents this takes a second, so it is done in the worker."""
        return await self._reader.run(lambda: differences(changes))

    async def export(self, *, with_secrets: bool, kinds: Collection[str] = TYPES) -> tuple[int, list[Exported]]:
        """Give the number of the present revision, and all documents of these kinds; all of them make the model."""
        model = self.model
        wanted = [entity for entity in model.entities() if kind_of(entity) in kinds]
        return model.revision, await self._reader.run(lambda: export(wanted, with_secrets=with_secrets))

    # --- changes ------------------------------------------------------------------------------------------------------

    async def apply(
        self, files: Sequence[SourceFile], author: str, text: str, *, dry_run: bool = False, prune: bool = False
    ) -> ApplyResult:
        """Make the model say what the files say.

        Args:
            files: of documents.
            author: who.
            text: why.
            dry_run: only tell what would change.
            prune: also remove what the files do not have, of those kinds that they have.

        Raises:
            SettingsError: something in the files is wrong; nothing is applied.
            TransientError: it could not be stored; nothing is applied.
        """
        change_of = await self._reading(files, prune=prune)
        if dry_run:
            return result_of(self._narrowed(change_of(self.model)), None, dry_run=True)
        change, revision = await self.change(change_of, author, text)
        return result_of(change, revision, dry_run=False)

    async def preview(self, files: Sequence[SourceFile], *, prune: bool = False) -> Change:
        """Plan what `apply` would do, and change nothing.

        Raises:
            SettingsError: something in the files is wrong.
        """
        return self._narrowed((await self._reading(files, prune=prune))(self.model))

    async def _reading(self, files: Sequence[SourceFile], *, prune: bool) -> Callable[[Model], Change]:
        reading = await self._reader.run(lambda: read_files(files))
        if reading.mistakes:
            raise await self._reader.run(lambda: refusal(self.model, reading, prune=prune))
        documents = reading.documents
        wanted = [document.entity for document in documents]
        where = places_of(documents)
        warnings = [warning for document in documents for warning in document.warnings]

        def planned(model: Model) -> Change:
            change = plan(model, wanted, left_out(model, wanted) if prune else (), where, warnings)
            strange = warnings_about(documents, change.before, change.after, self._present())
            forgotten = warnings_of_forgotten(documents, change.before)
            return msgspec.structs.replace(change, warnings=(*change.warnings, *strange, *forgotten))

        return planned

    async def change(self, change_of: Callable[[Model], Change], author: str, text: str) -> tuple[Change, int | None]:
        """Plan by the newest model, commit, swap; all of it even if the caller gives up, or memory and disk part.

        Args:
            change_of: gives the change of a model.
            author: who.
            text: why.

        Returns:
            The change, and the number of its revision; None when there was nothing to change.

        Raises:
            TocsinError: what `change_of` raises.
            TransientError: it could not be stored; nothing is changed.
        """
        return await shielded(self._locked(self._commit(change_of, author, text)))

    async def roll_back(self, number: int, author: str, text: str) -> ApplyResult:
        """Make the model say what it said at a revision; history goes on with a new one.

        Args:
            number: of the revision; 0 for the empty model.
            author: who.
            text: why; the number is put before it.

        Raises:
            NotFoundError: there is no such revision.
            SettingsError: what the model said then cannot be said any more; nothing is changed.
            TransientError: it could not be stored; nothing is changed.
        """
        why = f"rollback to revision {number}" + (f": {text}" if text else "")
        change, revision = await shielded(self._locked(self._undo(number, author, why)))
        return result_of(change, revision, dry_run=False)

    async def preview_roll_back(self, number: int) -> Change:
        """Plan what `roll_back` would do, and change nothing.

        Raises:
            NotFoundError: there is no such revision.
            SettingsError: what the model said then cannot be said any more.
        """
        return self._narrowed(await shielded(self._locked(self._undoing(number))))

    async def _undo(self, number: int, author: str, text: str) -> tuple[Change, int | None]:
        change = await self._undoing(number)
        return await self._commit(lambda _: change, author, text)

    async def _undoing(self, number: int) -> Change:
        """What undoes all revisions after one; holds as long as the lock is held."""
        self._check_revision(number)
        rows = await self._store.undone(number)
        return plan_back(self.model, number, rows)

    def _check_revision(self, number: int) -> None:
        newest = self.model.revision
        if not 0 <= number <= newest:
            raise NotFoundError(_no_revision(number, newest))

    async def _locked(self, work: Coroutine[Any, Any, T]) -> T:
        await self._lock.acquire()
        try:
            return await work
        finally:
            self._lock.release()

    async def _commit(self, change_of: Callable[[Model], Change], author: str, text: str) -> tuple[Change, int | None]:
        change = self._narrowed(change_of(self.model))
        if not change.documents:
            return change, None
        revision = await self._store.commit(
            self._wall(), author[:MAX_AUTHOR], text[:MAX_TEXT], change.summary, change.documents
        )
        assert revision.number == change.after.revision, "the store numbers revisions one by one"
        self.model = change.after
        self.log.info(
            "revision {number} by {author}: {summary}", number=revision.number, author=author, summary=change.summary
        )
        self._tell(revision.number, change)
        return change, revision.number

    def _narrowed(self, change: Change) -> Change:
        """The same, with those devices only whose configs it changes."""
        devices = tuple(self._differing(change.before, change.after, change.devices))
        return msgspec.structs.replace(change, devices=devices)

    def _tell(self, revision: int, change: Change) -> None:
        for observer in self._observers:
            try:
                observer(revision, change.before, change.after, change.devices)
            except Exception:  # noqa: BLE001 - the supervisor of observers: the revision stands all the same
                self.log.failure("error in an observer of the model")


def _model(revision: int, rows: Collection[tuple[str, str, str]]) -> Model:
    entities: list[Entity] = []
    wrong: list[str] = []
    for kind, id_, body in rows:
        try:
            entities.append(decode_entity(kind, body))
        except (msgspec.DecodeError, KeyError) as error:
            wrong.append(f"{kind} {id_}: {error}")
    if wrong:
        raise SettingsError(
            "documents in the database cannot be read; they are damaged, or of a newer version of Tocsin", wrong[:20]
        )
    return Model(revision, entities)


def _no_revision(number: int, newest: int) -> str:
    rest = f"the newest is {newest}" if newest else "nothing was ever changed"
    return f"there is no revision {number}; {rest}. `tocsin history` lists them"


def result_of(change: Change, revision: int | None, *, dry_run: bool) -> ApplyResult:
    """Say what a change did, or would do."""
    return ApplyResult(
        revision=revision,
        dry_run=dry_run,
        created=change.created,
        changed=change.changed,
        unchanged=change.unchanged,
        removed=change.removed,
        devices=change.devices,
        warnings=change.warnings,
    )
