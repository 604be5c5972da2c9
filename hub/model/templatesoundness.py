"""What is wrong with templates, and with what binds them, only when all documents are known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from common.expressions import parse
from common.processpoints import POINTS as PROCESS_POINTS
from hub.model.bound import users_of, with_heirs
from hub.model.entities import (
    KIND_DEVICE,
    KIND_DEVICE_CLASS,
    KIND_GROUP,
    KIND_PROCESS_SET,
    Device,
    DeviceClass,
    Group,
    Key,
    ProcessSet,
    key_of,
)
from hub.model.fields import unknown
from hub.model.model import Model
from hub.model.resolution import MAX_CHAIN, Effective, derived_of, extended, lineage_of
from hub.model.sourcesoundness import points_known, wrong_sources
from hub.model.templates import KIND_TEMPLATE, UNBIND, Target, Template, Threshold
from hub.model.unread import ALL_READ, Unread
from hub.model.wrong import Path, Wrong

FIELDS = ("extends", "replaces")
"""Those by which a template names another."""
MAX_NAMED = 20
OWN = "value"
"""In the transform of a curve: the value of its point."""


def wrong_with_templates(after: Model, keys: Collection[Key], unread: Unread = ALL_READ) -> list[Wrong]:
    """Tell what a change would make wrong.

    Args:
        after: the model as it would be.
        keys: of the documents that come, change or go.
        unread: documents that are there and are not in the model; what depends on them is not told.
    """
    changed = {id_ for kind, id_ in keys if kind == KIND_TEMPLATE}
    gone = changed - after.templates.keys()
    look_at = with_heirs((after,), changed) & after.templates.keys() if changed else frozenset()
    look_at |= {id_ for id_, one in after.templates.items() if one.replaces in gone}
    look_at |= (
        with_heirs((after,), users_of((after,), look_at | gone)) & after.templates.keys() if changed else frozenset()
    )
    circles = {field: _circles(after.templates, field) for field in FIELDS} if look_at else {}
    found: list[Wrong] = []
    for id_ in sorted(look_at):
        found += _of_template(after, after.templates[id_], gone, unread, circles)
    touched = set(keys)
    if gone:
        touched |= {(KIND_DEVICE_CLASS, id_) for id_ in after.classes}
        touched |= {(KIND_GROUP, id_) for id_ in after.groups}
        touched |= {(KIND_DEVICE, id_) for template in gone for id_ in after.binders().get(template, ())}
    found += (wrong for key in sorted(touched) for wrong in _of_binder(after, key, gone, unread))
    sets = {key for key in keys if key[0] == KIND_PROCESS_SET}
    if unread.any_of(KIND_TEMPLATE):
        return found  # what templates compute for process sets is not known
    if changed:
        sets |= {key_of(one) for one in after.sets if one.thresholds}
    known = _points_of_sets(after) if sets else set()
    return found + [wrong for key in sorted(sets) for wrong in _of_set(after, key, known)]


# --- references -------------------------------------------------------------------------------------------------------


def _no_template(id_: str, model: Model, gone: Collection[str], but: str = "") -> str:
    if id_ in gone:
        return f"template '{id_}' would be removed, and is still named here"
    return unknown("template", id_, model.templates.keys() - {but})


def _is_there(id_: str, model: Model, unread: Unread) -> bool:
    return id_ in model.templates or unread.may_have((KIND_TEMPLATE, id_))


def _of_binder(model: Model, key: Key, gone: Collection[str], unread: Unread) -> Iterator[Wrong]:
    entity = model.get(key)
    if isinstance(entity, Device | DeviceClass | Group):
        for word in entity.templates:
            id_ = word.removeprefix(UNBIND)
            if not _is_there(id_, model, unread):
                yield Wrong(key, ("templates",), _no_template(id_, model, gone))
    if isinstance(entity, Device) and not unread.any_of(KIND_TEMPLATE):
        yield from _of_components(model, entity)


def _of_components(model: Model, device: Device) -> Iterator[Wrong]:
    """What is said of components of a kind that nobody watches."""
    words = {key.partition("/")[0]: key for key in device.components}
    if strange := words.keys() - set(Target):
        known = {one.component for one in model.templates.values() if one.component} | set(Target)
        for word in sorted(strange - known):
            told = f"no template is for components of this kind; {unknown('kind', word, known - {Target.DEVICE})}"
            yield Wrong(key_of(device), ("components", words[word]), told)


def _of_template(
    model: Model,
    template: Template,
    gone: Collection[str],
    unread: Unread,
    circles: Mapping[str, Mapping[str, list[str]]],
) -> Iterator[Wrong]:
    key = key_of(template)
    templates = model.templates
    for field in FIELDS:
        named = getattr(template, field)
        if named and not _is_there(named, model, unread):
            yield Wrong(key, (field,), _no_template(named, model, gone, but=template.id))
        if circle := circles[field].get(template.id):
            way = " -> ".join([*circle[:MAX_NAMED], *(["…"] if len(circle) > MAX_NAMED else []), circle[0]])
            yield Wrong(key, (field,), f"templates that {field.removesuffix('s')} each other: {way}")
    chain = lineage_of(templates, template.id)
    if len(chain) > MAX_CHAIN:
        yield Wrong(key, ("extends",), f"more than {MAX_CHAIN} templates extend each other; leave some out")
        return
    if chain[0].extends:
        return  # a gap or a circle: what is inherited is not known
    unfit = list(_of_extension(template, chain))
    yield from unfit
    if any(one.path == ("component",) for one in unfit):
        return  # hardly anything of it would be right
    effective = extended(templates, template.id)
    yield from _of_replaced(effective, model)
    inherited = set(_problems(extended(templates, template.extends), templates)) if template.extends else set()
    for path, sentence in _problems(effective, templates):
        if (path, sentence) not in inherited:
            place = path if path[0] == "component" or path[1] in getattr(template, path[0]) else ("extends",)
            yield Wrong(key, place, f"{'.'.join(path)}: {sentence}" if place == ("extends",) else sentence)


def _of_replaced(template: Effective, model: Model) -> Iterator[Wrong]:
    """A template that would stand in place of one for another kind of component."""
    chain = lineage_of(model.templates, template.replaces)
    if not chain or chain[0].extends:
        return  # not there, or a gap: what it is for is not known
    other = extended(model.templates, template.replaces).component
    if other != template.component:
        told = f"{template.replaces} is for {other}, this template for {template.component}"
        yield Wrong((KIND_TEMPLATE, template.id), ("replaces",), f"{told}; it could not stand in its place")


def _circles(templates: Mapping[str, Template], field: str) -> dict[str, list[str]]:
    """The circles of templates that name each other in a field, each by the first of its ids in order, from there."""
    found: dict[str, list[str]] = {}
    done: set[str] = set()
    for start in templates:
        walked: dict[str, None] = {}
        id_ = start
        while id_ in templates and id_ not in done and id_ not in walked:
            walked[id_] = None
            id_ = getattr(templates[id_], field)
        if id_ in walked:
            way = list(walked)
            circle = way[way.index(id_) :]
            first = circle.index(min(circle))
            found[circle[first]] = circle[first:] + circle[:first]
        done.update(walked)
    return found


def _of_extension(template: Template, chain: Sequence[Template]) -> Iterator[Wrong]:
    """What does not fit to what is inherited."""
    key = key_of(template)
    if not template.extends:
        return
    above = extended({one.id: one for one in chain}, template.extends)
    if template.component is not None and template.component != above.component:
        yield Wrong(
            key, ("component",), f"{template.extends}, which it extends, is for {above.component}; leave it out"
        )
    for section in ("sources", "thresholds", "graphs"):
        for id_, entry in getattr(template, section).items():
            inherited = above.section(section)
            if entry is None and id_ not in inherited:
                what = section.removesuffix("s")
                yield Wrong(key, (section, id_), f"drops what is not inherited: {unknown(what, id_, inherited)}")
            elif isinstance(entry, Threshold) and entry.only_silences and id_ not in inherited:
                told = unknown("threshold", id_, inherited)
                yield Wrong(key, (section, id_), f"silences what is not inherited: {told}")


# --- what a template says, with all that it inherits ------------------------------------------------------------------


def _problems(template: Effective, templates: Mapping[str, Template]) -> Iterator[tuple[Path, str]]:
    yield from wrong_sources(template, templates)
    known = points_known(template, templates)
    for id_, threshold in template.thresholds.items():
        for point in threshold.points:
            if point not in known:
                yield ("thresholds", id_), unknown("point", point, known)
    for id_, graph in template.graphs.items():
        for curve in graph.points:
            if curve.point not in known:
                yield ("graphs", id_), unknown("point", curve.point, known)
            for name in sorted(parse(curve.transform).names - known - {OWN}) if curve.transform else ():
                yield ("graphs", id_), f"in the transform of {curve.point}: {unknown('point', name, known | {OWN})}"


# --- process sets -----------------------------------------------------------------------------------------------------


def _points_of_sets(model: Model) -> set[str]:
    """The names of all points that a process set may have: what is measured, and what some template computes."""
    found = set(PROCESS_POINTS)
    for id_ in model.templates:
        template = extended(model.templates, id_)
        if template.component == Target.PROCESS_SET:
            found |= derived_of(template).keys()
    return found


def _of_set(model: Model, key: Key, known: Collection[str]) -> Iterator[Wrong]:
    definition = model.get(key)
    for id_, threshold in (definition.thresholds if isinstance(definition, ProcessSet) else {}).items():
        for point in threshold.points:
            if point not in known:
                yield Wrong(key, ("thresholds", id_), unknown("point", point, known))
