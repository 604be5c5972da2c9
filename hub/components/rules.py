"""What a modelling changes, and what time does. Nothing is deleted here but what is retired, when there is no room."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from common.components import MAX_NAME, MOMENTARY, Attributes, ComponentKind, FoundComponent, Lock
from common.wire import ModelReport, PluginOutcome
from hub.components.merged import Merged, Note, What
from hub.components.names import possible
from hub.components.values import MAX_HELD, Component, ComponentKey, DeviceComponents, State
from hub.model.diff import FieldChange, field_changes

DAY_S = 86400.0

C = TypeVar("C", Component, FoundComponent)

LocksOf = Callable[[Component], Collection[Lock]]
"""What may not be done to a component."""
Identifies = Callable[[ComponentKind, str], bool]
"""Whether an anchor can stand for one component alone."""


def always(_kind: ComponentKind, _anchor: str) -> bool:
    """Every anchor can."""
    return True


class Believed(Struct, frozen=True, kw_only=True):
    """What of a report may be believed.

    Attributes:
        found: components by key; of several with the same key the first.
        kinds: those that were looked for to the end: what is not found of them is not there.
        doubles: keys that were found more than once.
    """

    found: Mapping[ComponentKey, FoundComponent]
    kinds: frozenset[ComponentKind]
    doubles: tuple[ComponentKey, ...]


def merge(
    held: DeviceComponents,
    report: ModelReport,
    locks: LocksOf,
    now: float,
    new_id: Callable[[], str],
    identifies: Identifies = always,
) -> Merged:
    """Tell what a report does to what is held of its device.

    Args:
        held: what is there.
        report: what was found; one that is older than what is held changes nothing.
        locks: of the components that are held.
        now: epoch seconds; a collector whose clock is ahead has found nothing later than this.
        new_id: makes the id of a component.
        identifies: which anchors may tell that a component has another name.
    """
    at = min(report.at, now)
    if held.modelled_at is not None and at < held.modelled_at:
        return Merged(device=report.device, after=held, problems={"": "a later modelling is known already"})
    problems = _problems(report)
    outcomes = [] if report.problem else [outcome for outcome in report.outcomes if not outcome.problem]
    told = "; ".join(f"{plugin}: {problem}" if plugin else problem for plugin, problem in problems.items())
    if not outcomes:
        return Merged(device=report.device, after=replace(held, problem=told), problems=problems)
    attributes = dict(held.attributes)
    for outcome in outcomes:
        attributes.update(_clean(outcome.attributes))
    work = _Merging(held.components, _believed(report), locks, at, new_id, identifies)
    components = work.components()
    after = DeviceComponents(modelled_at=at, problem=told, attributes=attributes, components=components)
    return Merged(
        device=report.device,
        after=after,
        notes=tuple(sorted(work.notes, key=lambda note: (note.kind.value, note.name, note.what.value))),
        attributes=_differing(held.attributes, attributes),
        problems=problems,
        left_out=work.left_out,
    )


def rename(held: DeviceComponents, names: Mapping[str, tuple[str, str]], locks: LocksOf) -> DeviceComponents:
    """Give process sets the names that their definitions have now.

    Args:
        held: what is there.
        names: by anchor, the name before and the name after.
        locks: of the components; a locked one keeps its name.
    """
    wanted = {
        one.name: names[one.anchor][1]
        for one in held.components
        if one.kind is ComponentKind.PROCESS_SET
        and names.get(one.anchor, ("", ""))[0] == one.name
        and Lock.UPDATE not in locks(one)
    }
    moves = possible(wanted, [one.name for one in held.components if one.kind is ComponentKind.PROCESS_SET])
    if not moves:
        return held
    after = (
        replace(one, name=moves[one.name]) if one.kind is ComponentKind.PROCESS_SET and one.name in moves else one
        for one in held.components
    )
    return replace(held, components=_in_order(after))


def retire(
    held: DeviceComponents, now: float, days: Callable[[Component], float], is_kept: Callable[[Component], bool]
) -> DeviceComponents:
    """Retire what has been absent for too long.

    Args:
        held: what is there.
        now: epoch seconds.
        days: how long each may be absent.
        is_kept: whether one must not go, because of a lock, or of an alarm that is open.
    """
    if not any(due(one, now, days) and not is_kept(one) for one in held.components):
        return held
    return replace(
        held,
        components=tuple(
            replace(one, retired_at=now) if due(one, now, days) and not is_kept(one) else one for one in held.components
        ),
    )


def due(component: Component, now: float, days: Callable[[Component], float]) -> bool:
    """Whether a component has been absent for so long that it retires."""
    if component.state is not State.ABSENT or component.absent_since is None:
        return False
    return now - component.absent_since >= days(component) * DAY_S


class _Merging:
    """One merge under way."""

    def __init__(
        self,
        held: Sequence[Component],
        believed: Believed,
        locks: LocksOf,
        at: float,
        new_id: Callable[[], str],
        identifies: Identifies,
    ) -> None:
        self._held = {one.key: one for one in held}
        self._believed = believed
        self._locks = locks
        self._at = at
        self._new_id = new_id
        self._identifies = identifies
        self.notes = [Note(what=What.DOUBLE, kind=kind, name=name) for kind, name in believed.doubles]
        self.left_out = 0

    def components(self) -> tuple[Component, ...]:
        """All that is held afterwards, in order of kind and name."""
        found = self._believed.found
        renames, locked = self._renames()
        after = [
            self._renamed(one, renames[key])
            if key in renames
            else self._kept(one, locked[key])
            if key in locked
            else self._seen(one, found[key])
            if key in found
            else self._unseen(one)
            for key, one in self._held.items()
        ]
        known = {(one.kind, one.name) for one in (*renames.values(), *locked.values())}
        known.update(key for key in self._held if key not in renames)
        new = [one for key, one in found.items() if key not in known]
        after = self._with_room(after, len(new))
        after += self._added(new, after)
        return _in_order(after)

    def _renames(self) -> tuple[dict[ComponentKey, FoundComponent], dict[ComponentKey, FoundComponent]]:
        """Which of the new are which of those that are not seen any more, by anchors that one alone has.

        Returns:
            Those that get the new name, and those that a lock keeps from it.
        """
        held, found = self._held, self._believed.found
        gone = _by_anchor(one for key, one in held.items() if one.kind in self._believed.kinds and not self._stays(key))
        come = _by_anchor(one for key, one in found.items() if not self._stays(key))
        stayed = _by_anchor(one for key, one in found.items() if self._stays(key))
        pairs = {
            gone[anchor][0].key: come[anchor][0]
            for anchor in gone.keys() & come.keys() - stayed.keys()
            if len(gone[anchor]) == len(come[anchor]) == 1 and self._identifies(*anchor)
        }
        locked = {key for key in pairs if Lock.UPDATE in self._locks(held[key])}
        moves = {key: (new.kind, new.name) for key, new in pairs.items() if key not in locked}
        kept = {key for key in locked if key not in found and (pairs[key].kind, pairs[key].name) not in held}
        return {key: pairs[key] for key in possible(moves, held)}, {key: pairs[key] for key in kept}

    def _stays(self, key: ComponentKey) -> bool:
        """Whether a name says that what was found is what is held; of process sets the anchor is asked first."""
        held, found = self._held.get(key), self._believed.found.get(key)
        if held is None or found is None:
            return False
        return held.kind is not ComponentKind.PROCESS_SET or held.anchor == found.anchor

    def _kept(self, one: Component, found: FoundComponent) -> Component:
        """It is there under a name that a lock keeps it from."""
        if one.state is not State.PRESENT:
            self._note(What.BACK, one)
        self._note(What.KEPT, one, (FieldChange("name", one.name, found.name), *_changes(one, found)))
        return replace(one, seen_at=self._at, absent_since=None, retired_at=None)

    def _with_room(self, after: Sequence[Component], more: int) -> list[Component]:
        """What is held, without the oldest of what is retired where there is no room for so many more."""
        retired = [one for one in after if one.retired_at is not None and Lock.DELETE not in self._locks(one)]
        retired.sort(key=lambda one: one.retired_at or 0.0)
        dropped = {one.id for one in retired[: max(len(after) + more - MAX_HELD, 0)]}
        return [one for one in after if one.id not in dropped]

    def _seen(self, one: Component, found: FoundComponent) -> Component:
        if one.state is not State.PRESENT:
            self._note(What.BACK, one)
        fields = _changes(one, found)
        there = replace(one, seen_at=self._at, absent_since=None, retired_at=None)
        if not fields and one.attributes == found.attributes:
            return there
        if Lock.UPDATE in self._locks(one):
            if fields:
                self._note(What.KEPT, one, fields)
            return there
        if fields:
            self._note(What.CHANGED, one, fields)
        return replace(there, anchor=found.anchor, attributes=found.attributes)

    def _renamed(self, one: Component, found: FoundComponent) -> Component:
        now = replace(one, name=found.name)
        self.notes.append(Note(what=What.RENAMED, kind=one.kind, name=found.name, before=one.name))
        return self._seen(now, found)

    def _unseen(self, one: Component) -> Component:
        if one.kind not in self._believed.kinds:
            return one
        if one.state is State.PRESENT:
            self._note(What.MISSED, one)
            return replace(one, absent_since=self._at)
        if one.state is State.ABSENT:
            self._note(What.STILL_ABSENT, one)
        return one

    def _added(self, new: Sequence[FoundComponent], others: Iterable[Component]) -> list[Component]:
        held = list(others)
        ids = {one.id for one in held}
        series = {(one.kind, one.series) for one in held}
        room = max(MAX_HELD - len(held), 0)
        self.left_out = max(len(new) - room, 0)
        added = []
        for found in new[:room]:
            id_ = self._new_id()
            while id_ in ids:
                id_ = self._new_id()
            ids.add(id_)
            # The name may be that of the series of a component that has another name by now.
            free = found.name if (found.kind, found.name) not in series else _another(found.name, id_)
            series.add((found.kind, free))
            one = Component(
                id=id_,
                kind=found.kind,
                name=found.name,
                series=free,
                anchor=found.anchor,
                attributes=found.attributes,
                first_seen=self._at,
                seen_at=self._at,
            )
            self._note(What.ADDED, one)
            added.append(one)
        return added

    def _note(self, what: What, one: Component, fields: tuple[FieldChange, ...] = ()) -> None:
        self.notes.append(Note(what=what, kind=one.kind, name=one.name, fields=fields))


def _in_order(components: Iterable[Component]) -> tuple[Component, ...]:
    return tuple(sorted(components, key=lambda one: (one.kind.value, one.name)))


def _problems(report: ModelReport) -> dict[str, str]:
    if report.problem:
        return {"": report.problem}
    return {outcome.plugin: outcome.problem for outcome in report.outcomes if outcome.problem}


def _believed(report: ModelReport) -> Believed:
    """What of a report may be believed: nothing of a kind of which a plugin could not tell."""
    doubted = {kind for outcome in report.outcomes if outcome.problem for kind in outcome.kinds}
    outcomes: list[PluginOutcome] = [outcome for outcome in report.outcomes if not outcome.problem]
    found: dict[ComponentKey, FoundComponent] = {}
    doubles: dict[ComponentKey, None] = {}
    for one in (one for outcome in outcomes for one in outcome.components if one.kind not in doubted):
        key = one.kind, one.name
        if key in found:
            doubles[key] = None
        else:
            found[key] = replace(one, attributes=_clean(one.attributes))
    kinds = frozenset(kind for outcome in outcomes for kind in outcome.kinds) - doubted
    return Believed(found=found, kinds=kinds, doubles=tuple(doubles))


def _clean(attributes: Attributes) -> Attributes:
    """Attributes without figures that are none; JSON has no word for these."""
    if all(not isinstance(value, float) or math.isfinite(value) for value in attributes.values()):
        return attributes
    return {name: value for name, value in attributes.items() if not isinstance(value, float) or math.isfinite(value)}


def _by_anchor(components: Iterable[C]) -> dict[ComponentKey, list[C]]:
    """Components by kind and anchor, those without an anchor left out."""
    found: dict[ComponentKey, list[C]] = {}
    for one in components:
        if one.anchor:
            found.setdefault((one.kind, one.anchor), []).append(one)
    return found


def _changes(one: Component, found: FoundComponent) -> tuple[FieldChange, ...]:
    anchor = (FieldChange("anchor", one.anchor, found.anchor),) if one.anchor != found.anchor else ()
    differing = _differing(one.attributes, found.attributes)
    return anchor + tuple(change for change in differing if change.field not in MOMENTARY)


def _differing(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[FieldChange, ...]:
    return () if before == after else field_changes(before, after, lambda _path: False)


def _another(name: str, id_: str) -> str:
    """A name for series that nobody else has."""
    end = f" ~{id_}"
    return name[: MAX_NAME - len(end)] + end
