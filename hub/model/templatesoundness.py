"""What is wrong with templates, and with what binds them, only when all documents are known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from common.processpoints import POINTS as PROCESS_POINTS
from hub.model.bound import with_heirs
from hub.model.entities import (
    KIND_DEVICE,
    KIND_DEVICE_CLASS,
    KIND_GROUP,
    KIND_PROCESS_SET,
    Device,
    DeviceClass,
    Group,
    Key,
    Model,
    ProcessSet,
    key_of,
)
from hub.model.fields import unknown
from hub.model.resolution import Effective, derived_of, extended, lineage_of
from hub.model.templates import KIND_TEMPLATE, UNBIND, SourceType, Target, Template

Path = tuple[str, ...]


class Wrong(Struct, frozen=True):
    """Something that is wrong with a document; `path` is the place in it, as far as it is known."""

    key: Key
    path: Path
    sentence: str


def wrong_with_templates(after: Model, keys: Collection[Key]) -> list[Wrong]:
    """Tell what a change would make wrong.

    Args:
        after: the model as it would be.
        keys: of the documents that come, change or go.
    """
    changed = {id_ for kind, id_ in keys if kind == KIND_TEMPLATE}
    gone = changed - after.templates.keys()
    look_at = with_heirs((after,), changed) & after.templates.keys() if changed else frozenset()
    look_at |= {id_ for id_, one in after.templates.items() if one.replaces in gone}
    found = [wrong for id_ in sorted(look_at) for wrong in _of_template(after, after.templates[id_], gone)]
    touched = set(keys)
    if gone:
        touched |= {(KIND_DEVICE_CLASS, id_) for id_ in after.classes}
        touched |= {(KIND_GROUP, id_) for id_ in after.groups}
        touched |= {(KIND_DEVICE, id_) for template in gone for id_ in after.binders().get(template, ())}
    found += (wrong for key in sorted(touched) for wrong in _of_binder(after, key, gone))
    sets = {key for key in keys if key[0] == KIND_PROCESS_SET}
    if changed:
        sets |= {key_of(one) for one in after.sets if one.thresholds}
    known = _points_of_sets(after) if sets else set()
    return found + [wrong for key in sorted(sets) for wrong in _of_set(after, key, known)]


# --- references -------------------------------------------------------------------------------------------------------


def _no_template(id_: str, model: Model, gone: Collection[str]) -> str:
    if id_ in gone:
        return f"template '{id_}' would be removed, and is still named here"
    return unknown("template", id_, model.templates)


def _of_binder(model: Model, key: Key, gone: Collection[str]) -> Iterator[Wrong]:
    entity = model.get(key)
    if isinstance(entity, Device | DeviceClass | Group):
        for word in entity.templates:
            id_ = word.removeprefix(UNBIND)
            if id_ not in model.templates:
                yield Wrong(key, ("templates",), _no_template(id_, model, gone))


def _of_template(model: Model, template: Template, gone: Collection[str]) -> Iterator[Wrong]:
    key = key_of(template)
    templates = model.templates
    for field in ("extends", "replaces"):
        named = {id_: getattr(one, field) for id_, one in templates.items()}
        if named[template.id] and named[template.id] not in templates:
            yield Wrong(key, (field,), _no_template(named[template.id], model, gone))
        circle = circle_from(template.id, named)
        if circle and template.id == min(circle):
            way = " -> ".join([*circle, circle[0]])
            yield Wrong(key, (field,), f"templates that {field.removesuffix('s')} each other: {way}")
    chain = lineage_of(templates, template.id)
    if chain[0].extends:
        return  # a gap or a circle: what is inherited is not known
    unfit = list(_of_extension(template, chain))
    yield from unfit
    if any(one.path == ("component",) for one in unfit):
        return  # hardly anything of it would be right
    effective = extended(templates, template.id)
    inherited = set(_problems(extended(templates, template.extends))) if template.extends else set()
    for path, sentence in _problems(effective):
        if (path, sentence) not in inherited:
            place = path if path[0] == "component" or path[1] in getattr(template, path[0]) else ("extends",)
            yield Wrong(key, place, f"{'.'.join(path)}: {sentence}" if place == ("extends",) else sentence)


def circle_from(start: str, named: Mapping[str, str]) -> list[str]:
    """What one comes by on the way from a name back to it; empty if the way does not lead back."""
    walked = [start]
    while (name := named.get(walked[-1], "")) and name not in walked:
        walked.append(name)
    return walked if name == start else []


def _of_extension(template: Template, chain: Sequence[Template]) -> Iterator[Wrong]:
    """What does not fit to what is inherited."""
    key = key_of(template)
    if not template.extends:
        return
    above = extended({one.id: one for one in chain}, template.extends)
    if template.component is not None and template.component is not above.component:
        yield Wrong(
            key, ("component",), f"{template.extends}, which it extends, is for {above.component.value}; leave it out"
        )
    for section in ("sources", "thresholds", "graphs"):
        for id_, entry in getattr(template, section).items():
            inherited = above.section(section)
            if entry is None and id_ not in inherited:
                what = section.removesuffix("s")
                yield Wrong(key, (section, id_), f"drops what is not inherited: {unknown(what, id_, inherited)}")


# --- what a template says, with all that it inherits ------------------------------------------------------------------


def _problems(template: Effective) -> Iterator[tuple[Path, str]]:
    yield from _wrong_sources(template)
    known = points_known(template)
    for id_, threshold in template.thresholds.items():
        for point in threshold.points:
            if point not in known:
                yield ("thresholds", id_), unknown("point", point, known)
    for id_, graph in template.graphs.items():
        for curve in graph.points:
            if curve.point not in known:
                yield ("graphs", id_), unknown("point", curve.point, known)


def _wrong_sources(template: Effective) -> Iterator[tuple[Path, str]]:
    first: dict[str, str] = {}
    for id_, source in template.sources.items():
        path = ("sources", id_)
        of_processes = source.type is SourceType.PROCESS
        if of_processes != (template.component is Target.PROCESS_SET):
            yield path, _WRONG_PLACE[of_processes].format(source.type.value, template.component.value)
        for name in source.points:
            if of_processes and name in PROCESS_POINTS:
                continue
            other = first.setdefault(name, id_)
            if other != id_:
                yield path, f"the point '{name}' is also one of the source '{other}'; a template has each name once"


_WRONG_PLACE = {
    True: "a source of type {0} belongs in a template with component: process_set, not {1}",
    False: "a source of type {0} cannot measure a process set: its figures are those of the type process",
}


def points_known(template: Effective) -> set[str]:
    """The names of all points that a template may judge and draw; those of a process set are always there."""
    names = {name for source in template.sources.values() for name in source.points}
    return names | PROCESS_POINTS.keys() if template.component is Target.PROCESS_SET else names


# --- process sets -----------------------------------------------------------------------------------------------------


def _points_of_sets(model: Model) -> set[str]:
    """The names of all points that a process set may have: what is measured, and what some template computes."""
    found = set(PROCESS_POINTS)
    for id_ in model.templates:
        template = extended(model.templates, id_)
        if template.component is Target.PROCESS_SET:
            found |= derived_of(template).keys()
    return found


def _of_set(model: Model, key: Key, known: Collection[str]) -> Iterator[Wrong]:
    definition = model.get(key)
    for id_, threshold in (definition.thresholds if isinstance(definition, ProcessSet) else {}).items():
        for point in threshold.points:
            if point not in known:
                yield Wrong(key, ("thresholds", id_), unknown("point", point, known))
