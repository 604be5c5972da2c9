"""Drafts: documents laid over the model, to see what they would change; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from common.configs import ProcessSetConfig, SourceKind
from common.roll import CommandLine
from hub.model.change import plan
from hub.model.definitions import to_config
from hub.model.documents import SourceFile, places_of, read_documents
from hub.model.entities import (
    DEFAULT_CLASS,
    ProcessSet,
    Scope,
    key_of,
)
from hub.model.model import Model
from hub.model.preview import Host, line_of, look
from hub.model.previewreport import DraftState, Report
from hub.model.properties import effective

STDIN = "<stdin>"
"""What lines are from that are from no device."""

Definitions = tuple[ProcessSetConfig, ...]


class Drafts(Struct, frozen=True, kw_only=True):
    """A model before and after documents are laid over it.

    Attributes:
        states: what each process set among the documents is to the model, by id.
    """

    before: Model
    after: Model
    states: Mapping[str, DraftState]

    def host(self, device_id: str, at: float | None) -> Host:
        """A device as it is in the model.

        Raises:
            NotFoundError: there is no such device.
        """
        device = self.before.device(device_id)
        source = effective(self.before.properties_of(device))["source"]
        return Host(name=device_id, at=at, is_snmp=source == SourceKind.SNMP.value)

    def look(self, host: Host, lines: Iterable[CommandLine], examples: int) -> Report:
        """Tell what the drafts would change about the lines of a device."""
        before, after = self.before.device(host.name), self.after.device(host.name)
        return look(
            host,
            lines,
            before=_watched(self.before.sets_of(before)),
            after=_watched(self.after.sets_of(after)),
            drafts=self.states,
            examples=examples,
        )

    def look_at_text(self, texts: Iterable[str], scope: Scope | None, examples: int) -> Report:
        """Tell what the drafts would change about lines of text.

        Args:
            texts: one for each process; empty ones are left out.
            scope: class and groups of the device that the lines are from; None: every definition applies.
            examples: as in `look`.
        """
        before, after = (
            tuple(one for one in model.sets if scope is None or one.applies(*scope))
            for model in (self.before, self.after)
        )
        return look(
            Host(name=STDIN),
            [line for line in map(line_of, texts) if line.text],
            before=_watched(before),
            after=_watched(after),
            drafts=self.states,
            examples=examples,
        )


def lay_over(model: Model, files: Sequence[SourceFile]) -> Drafts:
    """Lay the documents of some files over a model, as applying them would.

    Raises:
        SettingsError: something in the files is wrong; its details are one sentence for each mistake.
    """
    documents = read_documents(files)
    wanted = [document.entity for document in documents]
    after = plan(model, wanted, (), places_of(documents)).after
    states = {entity.id: _state(model, entity) for entity in wanted if isinstance(entity, ProcessSet)}
    return Drafts(before=model, after=after, states=states)


def scope_like(class_: str = "", groups: Sequence[str] = ()) -> Scope:
    """Class and groups of a device that is none of the model."""
    return class_ or DEFAULT_CLASS, tuple(groups)


def _state(model: Model, draft: ProcessSet) -> DraftState:
    if not draft.monitor:
        return DraftState.UNMONITORED
    present = model.get(key_of(draft))
    if present is None:
        return DraftState.NEW
    return DraftState.UNCHANGED if present == draft else DraftState.CHANGED


def _watched(definitions: Iterable[ProcessSet]) -> Definitions:
    return tuple(to_config(definition) for definition in definitions if definition.monitor)
