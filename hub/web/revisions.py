"""The API of changes: apply them, look back at them, wait until they are live."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from common.errors import NotFoundError
from hub.compile.differing import Owner, named
from hub.compile.process import Expected, nothing
from hub.distribution.everywhere import Everywhere
from hub.model.change import Change
from hub.model.documents import SourceFile
from hub.model.entities import Key
from hub.model.service import ApplyResult, ModelService, result_of
from hub.web.call import Author, Call, Message
from hub.web.devices import OPERATOR
from hub.web.longpolls import MAX_WAIT_S, LongPolls
from hub.web.plans import DifferenceRow, Plan, difference_shapes, plan_shape
from hub.web.refusals import bad_request
from hub.web.router import Route
from hub.web.shapes import Behind, RevisionRow, behind_shapes, revision_shape

MAX_REVISIONS = 1000
MAX_FILES = 100_000


class Revisions(Struct, frozen=True):
    """Changes of the model, newest first."""

    revisions: list[RevisionRow]


class AppliedFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of documents."""

    path: Annotated[str, Meta(max_length=4096)]
    text: str
    secrets: dict[str, str] = {}


class Apply(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to apply.

    Attributes:
        dry_run: only tell what would change, field by field.
        prune: also remove what the files do not have, of the kinds that they have.
        device: in a dry run, tell what becomes of its compiled config as well.
    """

    files: Annotated[list[AppliedFile], Meta(max_length=MAX_FILES)]
    message: Message = ""
    author: Author = ""
    dry_run: bool = False
    prune: bool = False
    device: str = ""


class RollBack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why to go back to a revision, or whether to tell only what that would change; `device` as in `Apply`."""

    message: Message = ""
    author: Author = ""
    dry_run: bool = False
    device: str = ""


class Named(Struct, frozen=True):
    """A document."""

    kind: str
    id: str


class Applied(Struct, frozen=True, kw_only=True):
    """What a change did, or would do.

    Attributes:
        devices: those whose configs change.
        plan: what it would do, field by field and collector by collector; only of a dry run.
        warnings: what is not wrong in the files, but should be otherwise.
    """

    revision: int | None
    dry_run: bool
    created: list[Named]
    changed: list[Named]
    unchanged: int
    removed: list[Named]
    devices: tuple[str, ...]
    plan: Plan | None = None
    warnings: tuple[str, ...] = ()


class ShownRevision(RevisionRow, frozen=True, kw_only=True):
    """A change of the model, with what it did to each document."""

    differences: list[DifferenceRow]


class Live(Struct, frozen=True):
    """Whether a revision runs wherever it should, and where it does not: the first of them, and how many in all."""

    revision: int
    live: bool
    behind: list[Behind]
    behind_total: int


class Push(Struct, frozen=True, forbid_unknown_fields=True):
    """Which devices to send again."""

    devices: list[str] = []
    all: bool = False


class Pushed(Struct, frozen=True):
    """How many are sent again, and the revision to wait for."""

    devices: int
    revision: int


class RevisionTopic:
    """Applies documents, and follows revisions to the collectors."""

    def __init__(
        self,
        model: ModelService,
        everywhere: Everywhere,
        polls: LongPolls,
        expected: Expected = nothing,
        owner: Owner = named,
    ) -> None:
        """Begin.

        Args:
            model: is changed.
            everywhere: knows what is live.
            polls: of those who wait for it.
            expected: what modellings have found.
            owner: who of a pool watches a device.
        """
        self._model = model
        self._expected = expected
        self._owner = owner
        self._everywhere = everywhere
        self._polls = polls

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [
            Route("POST", "apply", self.apply),
            Route("GET", "revisions", self.find),
            Route("GET", "revisions/{revision}", self.show),
            Route("GET", "revisions/{revision}/live", self.live),
            Route("POST", "revisions/{revision}/rollback", self.roll_back),
            Route("POST", "push", self.push),
        ]

    async def apply(self, call: Call) -> Applied:
        """Make the model say what the files say: all of them, or nothing."""
        call.only()
        body = call.body(Apply)
        files = [SourceFile(file.path, file.text, file.secrets) for file in body.files]
        if body.dry_run:
            return await self._planned(await self._model.preview(files, prune=body.prune), body.device)
        _check_device(body.device)
        return _applied(await self._model.apply(files, body.author or OPERATOR, body.message, prune=body.prune))

    async def roll_back(self, call: Call) -> Applied:
        """Make the model say what it said at a revision."""
        call.only()
        number, body = call.number("revision"), call.body(RollBack)
        if body.dry_run:
            return await self._planned(await self._model.preview_roll_back(number), body.device)
        _check_device(body.device)
        return _applied(await self._model.roll_back(number, body.author or OPERATOR, body.message))

    async def _planned(self, change: Change, device: str) -> Applied:
        told = await self._model.explain(change.documents)
        shape = plan_shape(change, told, device, self._expected, self._owner)
        return _applied(result_of(change, None, dry_run=True), shape)

    async def show(self, call: Call) -> ShownRevision:
        """Show a change: who, when, why, and every field."""
        call.only()
        revision, told = await self._model.revision(call.number("revision"))
        row = msgspec.structs.asdict(revision_shape(revision))
        return ShownRevision(**row, differences=difference_shapes(told))

    async def find(self, call: Call) -> Revisions:
        """List changes, newest first."""
        call.only("limit")
        limit = call.integer("limit", 50, 1, MAX_REVISIONS) or 1
        return Revisions([revision_shape(revision) for revision in await self._model.revisions(limit)])

    async def live(self, call: Call) -> Live:
        """Say whether a revision is live; wait for it for a while if that is wanted."""
        call.only("wait", "device")
        number, device = call.number("revision"), call.text("device")
        wait_s = call.seconds("wait", 0.0, MAX_WAIT_S)
        newest = self._model.model.revision
        if number > newest:
            raise NotFoundError(f"there is no revision {number}; the newest is {newest}")
        with self._polls.one(wait_s):
            is_live = await self._everywhere.wait_live(number, wait_s, device)
        behind = [] if is_live else self._everywhere.behind(number, device)
        return Live(number, not behind, behind_shapes(behind), len(behind))

    async def push(self, call: Call) -> Pushed:
        """Compile and send configs again, changed or not."""
        call.only()
        body = call.body(Push)
        if body.all == bool(body.devices):
            raise bad_request("name devices, or say all")
        model = self._model.model
        names = list(model.devices) if body.all else list(dict.fromkeys(body.devices))
        for name in names:
            model.device(name)
        return Pushed(len(names), self._everywhere.push_again(names))


def _check_device(device: str) -> None:
    if device:
        raise bad_request("device is for a dry run")


def _applied(done: ApplyResult, plan: Plan | None = None) -> Applied:
    return Applied(
        revision=done.revision,
        dry_run=done.dry_run,
        created=_named(done.created),
        changed=_named(done.changed),
        unchanged=done.unchanged,
        removed=_named(done.removed),
        devices=done.devices,
        plan=plan,
        warnings=done.warnings,
    )


def _named(keys: Iterable[Key]) -> list[Named]:
    return [Named(kind, id_) for kind, id_ in keys]
