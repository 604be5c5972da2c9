"""The API of modelling on demand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from twisted.internet.interfaces import IReactorTime

from hub.components.merged import Note as MergedNote
from hub.model.entities import is_below
from hub.model.service import ModelService
from hub.modelling.desk import ModellingDesk
from hub.modelling.findings import unpack
from hub.modelling.runs import Answer, Run
from hub.web.call import Call
from hub.web.longpolls import MAX_WAIT_S, LongPolls
from hub.web.plans import FieldRow, field_shapes
from hub.web.refusals import RefusalError, bad_request
from hub.web.router import Route

MAX_PAGE = 200
MAX_DEVICES = 100_000


class Ask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which devices to model: some by name, those of a class and below, or all."""

    devices: Annotated[list[str], Meta(max_length=MAX_DEVICES)] = []
    class_: Annotated[str, Meta(max_length=2000)] = msgspec.field(default="", name="class")
    all: bool = False
    dry_run: bool = False


class Begun(Struct, frozen=True, kw_only=True):
    """A modelling has begun; ask for its answers by `run`."""

    run: str
    dry_run: bool
    total: int


class NoteRow(Struct, frozen=True, kw_only=True):
    """What is said of a component; `what` is added, changed, renamed, back, missed, still absent, kept or double."""

    what: str
    kind: str
    name: str
    before: str
    fields: list[FieldRow]


class ModelledRow(Struct, frozen=True, kw_only=True):
    """What the modelling of a device found.

    Attributes:
        problem: why nothing was found out; empty when something was.
        problems: by plugin, why nothing of it was believed.
        attributes: those of the device itself that changed.
        left_out: new components beyond what a device may have.
    """

    device: str
    problem: str
    problems: dict[str, str]
    notes: list[NoteRow]
    attributes: list[FieldRow]
    left_out: int


class Answers(Struct, frozen=True, kw_only=True):
    """Answers after the first few; `waiting` counts devices that have not answered yet, `more` the answers that follow.

    Attributes:
        waiting_for: the first of those that have not answered.
    """

    run: str
    dry_run: bool
    total: int
    answers: list[ModelledRow]
    more: int
    waiting: int
    waiting_for: list[str]


class ModelTopic:
    """Has devices modelled, and tells what came of it."""

    def __init__(self, model: ModelService, desk: ModellingDesk[bytes], polls: LongPolls, clock: IReactorTime) -> None:
        self._model = model
        self._desk = desk
        self._polls = polls
        self._clock = clock

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [Route("POST", "models", self.begin), Route("GET", "models/{run}", self.answers)]

    async def begin(self, call: Call) -> Begun:
        """Begin to model."""
        call.only()
        ask = call.body(Ask)
        devices = self._devices(ask)
        run = self._desk.begin(devices, dry_run=ask.dry_run)
        return Begun(run=run.id, dry_run=run.dry_run, total=run.total)

    async def answers(self, call: Call) -> Answers:
        """Tell the answers after the first `after`; wait for one of them for a while if that is wanted."""
        call.only("after", "wait")
        run = self._desk.runs.get(call.names["run"])
        after = call.integer("after", 0, 0, MAX_DEVICES) or 0
        wait_s = call.seconds("wait", 0.0, MAX_WAIT_S)
        with self._polls.one(wait_s):
            await run.more_than(after, self._clock, wait_s)
        return _answers(run, after)

    def _devices(self, ask: Ask) -> Sequence[str]:
        if sum((bool(ask.devices), bool(ask.class_), ask.all)) != 1:
            raise bad_request("name devices, or a class, or say all")
        model = self._model.model
        if ask.devices:
            for name in ask.devices:
                model.device(name)
            return list(dict.fromkeys(ask.devices))
        found = sorted(one.id for one in model.devices.values() if ask.all or is_below(one.class_, ask.class_))
        if not found:
            where = f"of class {ask.class_} or below" if ask.class_ else "yet"
            raise RefusalError("not_found", f"there is no device {where}")
        return found


def _answers(run: Run[bytes], after: int) -> Answers:
    page = run.answers[after : after + MAX_PAGE]
    waiting = run.waiting
    return Answers(
        run=run.id,
        dry_run=run.dry_run,
        total=run.total,
        answers=[_row(answer) for answer in page],
        more=max(0, len(run.answers) - after - len(page)),
        waiting=len(waiting),
        waiting_for=waiting[:20],
    )


def _row(answer: Answer[bytes]) -> ModelledRow:
    found = unpack(answer.found) if answer.found is not None else None
    problems = dict(found.problems) if found is not None else {}
    whole = problems.pop("", "")
    return ModelledRow(
        device=answer.device,
        problem=answer.problem or whole,
        problems=problems,
        notes=[_note(note) for note in found.notes] if found is not None else [],
        attributes=field_shapes(found.attributes) if found is not None else [],
        left_out=found.left_out if found is not None else 0,
    )


def _note(note: MergedNote) -> NoteRow:
    return NoteRow(
        what=note.what.value, kind=note.kind.value, name=note.name, before=note.before, fields=field_shapes(note.fields)
    )
