"""Which templates hold for a device, what each of them says, and why (pure).

Templates are bound by classes from the root down, then by groups, then by the device, each of which may unbind what
those before it have bound. What is bound later goes before what was bound earlier.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from common.sources import DEVICE
from hub.model.sources import DataPoint, Source, can_be_read, points_of
from hub.model.templates import UNBIND, Entry, Graph, Target, Template, Threshold

E = TypeVar("E", Source, Threshold, Graph)

Binding = tuple[str, Sequence[str]]
"""Who says something of templates (`class /Server`, `group web`, `device`), and what: ids, and ids with a `-` before
them."""


class Origin(enum.Enum):
    """How an entry came into a template, or out of it."""

    OWN = "own"
    INHERITED = "inherited"
    REPLACED = "replaced"
    REMOVED = "removed"


class Trace(Struct, frozen=True, kw_only=True):
    """Where an entry of a template comes from.

    Attributes:
        section: `sources`, `thresholds` or `graphs`.
        said_by: id of the template that says it, or drops it.
        instead_of: id of the template whose entry it replaces or drops; empty for none.
    """

    section: str
    id: str
    origin: Origin
    said_by: str
    instead_of: str = ""


class Effective(Struct, frozen=True, kw_only=True):
    """A template with all that it inherits.

    Attributes:
        chain: ids of the templates that it is made of, itself last.
        traces: where each entry comes from; those that were dropped as well.
    """

    id: str
    description: str
    component: str
    replaces: str
    chain: tuple[str, ...]
    sources: Mapping[str, Source]
    thresholds: Mapping[str, Threshold]
    graphs: Mapping[str, Graph]
    traces: tuple[Trace, ...]

    def section(self, name: str) -> Mapping[str, Entry]:
        """The entries of a section."""
        found: Mapping[str, Entry] = getattr(self, name)
        return found


class Hidden(Struct, frozen=True):
    """A point, source, threshold or graph (`what`) of a template, in place of which that of a stronger one holds."""

    what: str
    id: str
    by: str


class Held(Struct, frozen=True, kw_only=True):
    """A template that holds for a device."""

    template: Effective
    bound_by: str
    hidden: tuple[Hidden, ...] = ()


class Unheld(Struct, frozen=True, kw_only=True):
    """A template that somebody binds, and that does not hold all the same; `why` is the rest of a sentence."""

    id: str
    bound_by: str
    why: str


class Resolution(Struct, frozen=True, kw_only=True):
    """What holds for a device.

    Attributes:
        held: the weakest first.
    """

    held: tuple[Held, ...] = ()
    unheld: tuple[Unheld, ...] = ()

    def of(self, component: str) -> list[Effective]:
        """The templates that hold for components of a kind, the weakest first."""
        return [one.template for one in self.held if one.template.component == component]


MAX_CHAIN = 30
"""Templates that extend each other, one after the other."""


def lineage_of(templates: Mapping[str, Template], template_id: str) -> list[Template]:
    """A template and all that it extends, the first of them first.

    A circle or a gap ends it, and so does one more than there may be.
    """
    chain: dict[str, Template] = {}
    while len(chain) <= MAX_CHAIN and template_id not in chain and (template := templates.get(template_id)) is not None:
        chain[template_id] = template
        template_id = template.extends
    return list(reversed(chain.values()))


def extended(templates: Mapping[str, Template], template_id: str) -> Effective:
    """A template with all that it inherits.

    Raises:
        KeyError: there is no such template.
    """
    template = templates[template_id]
    chain = lineage_of(templates, template_id)
    components = [one.component for one in chain if one.component is not None]
    traces: list[Trace] = []
    return Effective(
        id=template.id,
        description=template.description,
        component=components[-1] if components else DEVICE,
        replaces=template.replaces,
        chain=tuple(one.id for one in chain),
        sources=_merged("sources", [(one.id, one.sources) for one in chain], traces),
        thresholds=_merged("thresholds", [(one.id, one.thresholds) for one in chain], traces),
        graphs=_merged("graphs", [(one.id, one.graphs) for one in chain], traces),
        traces=tuple(traces),
    )


def _merged(section: str, said: Sequence[tuple[str, Mapping[str, E | None]]], traces: list[Trace]) -> dict[str, E]:
    """The entries of a section after each template of a chain has said its own."""
    own = said[-1][0]
    found: dict[str, E] = {}
    told: dict[str, Trace] = {}
    for template_id, entries in said:
        for id_, entry in entries.items():
            before = told[id_].said_by if id_ in found else ""
            origin = Origin.REMOVED if entry is None else Origin.REPLACED if before else Origin.OWN
            if template_id != own and entry is not None:
                origin = Origin.INHERITED
            told[id_] = Trace(section=section, id=id_, origin=origin, said_by=template_id, instead_of=before)
            if entry is None:
                found.pop(id_, None)
            else:
                found[id_] = _silenced(found, id_, entry)
    traces += told.values()
    return found


def _silenced(found: Mapping[str, Any], id_: str, entry: Entry) -> Any:
    """An entry, or what is inherited, where the entry only silences that."""
    silences = isinstance(entry, Threshold) and entry.only_silences
    return msgspec.structs.replace(found[id_], enabled=False) if silences and id_ in found else entry


def resolve(templates: Mapping[str, Effective], bindings: Iterable[Binding]) -> Resolution:
    """Tell which templates hold.

    Args:
        templates: all that there are.
        bindings: what is said, the weakest first; templates that are not there bind nothing.
    """
    bound: dict[str, str] = {}
    unheld: dict[str, Unheld] = {}
    for who, words in bindings:
        for word in words:
            id_ = word.removeprefix(UNBIND)
            by = bound.pop(id_, "")
            if not word.startswith(UNBIND):
                if id_ in templates:
                    bound[id_] = who
                    unheld.pop(id_, None)
            elif by:
                unheld[id_] = Unheld(id=id_, bound_by=by, why=f"unbound by {who}")
    replacers = {gone: id_ for id_ in bound if (gone := templates[id_].replaces) in bound}
    for gone in replacers:
        by = _last(replacers, gone)
        unheld[gone] = Unheld(id=gone, bound_by=bound[gone], why=f"replaced by {by}, which {bound[by]} binds")
    held = [(templates[id_], who) for id_, who in bound.items() if id_ not in unheld]
    return Resolution(held=_with_hidden(held), unheld=tuple(unheld.values()))


def _last(replacers: Mapping[str, str], gone: str) -> str:
    """The template that holds in place of another, whose replacement may be replaced in turn; a circle ends it."""
    seen = [gone]
    while seen[-1] in replacers and replacers[seen[-1]] not in seen:
        seen.append(replacers[seen[-1]])
    return seen[-1]


def derived_of(template: Effective) -> dict[str, DataPoint]:
    """The points of a template that are computed, by name."""
    sources = template.sources.values()
    return {name: point for source in sources for name, point in source.points.items() if point.derived}


def _with_hidden(held: Sequence[tuple[Effective, str]]) -> tuple[Held, ...]:
    """Note what of each template a stronger one hides."""
    taken: dict[tuple[str, str, str, bool], str] = {}
    found: list[Held] = []
    for template, who in reversed(held):
        entries = {entry: [(template.component, *entry, local) for local in where] for entry, where in _own(template)}
        hidden = tuple(
            Hidden(*entry, taken[keys[0]]) for entry, keys in entries.items() if all(key in taken for key in keys)
        )
        for keys in entries.values():
            for key in keys:
                taken.setdefault(key, template.id)
        found.append(Held(template=template, bound_by=who, hidden=hidden))
    return tuple(reversed(found))


BOTH = (False, True)


def _own(template: Effective) -> Iterable[tuple[tuple[str, str], Sequence[bool]]]:
    """What a template has, and whether it holds for devices that are not local, for those that are, or for both.

    What can never be read of the same device hides nothing of each other.
    """
    of_sets = template.component == Target.PROCESS_SET
    where = {
        id_: [local for local in BOTH if can_be_read(source, local=local)] for id_, source in template.sources.items()
    }
    yield from ((("point", name), BOTH) for name in (derived_of(template) if of_sets else ()))
    yield from ((("source", id_), held) for id_, held in where.items() if held)
    for id_, threshold in template.thresholds.items():
        judged = {
            local
            for name, source in template.sources.items()
            if not of_sets and any(point in points_of(source) for point in threshold.points)
            for local in where[name]
        }
        yield ("threshold", id_), sorted(judged) or BOTH
    yield from ((("graph", id_), BOTH) for id_ in template.graphs)


def rebound(words: Sequence[str], bind: Iterable[str], unbind: Iterable[str]) -> tuple[str, ...]:
    """What a device says of templates after some are bound and others unbound; the last word on each counts."""
    said = dict.fromkeys(words)
    for word in (*bind, *(UNBIND + id_ for id_ in unbind)):
        said.pop(word.removeprefix(UNBIND), None)
        said.pop(UNBIND + word.removeprefix(UNBIND), None)
        said[word] = None
    return tuple(said)
