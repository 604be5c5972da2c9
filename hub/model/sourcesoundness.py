"""What is wrong with the sources of a template, with all that it inherits, and beside other templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from common.processpoints import POINTS as PROCESS_POINTS
from hub.model.fields import unknown
from hub.model.resolution import Effective, extended
from hub.model.sources import Source, SourceType, known_points
from hub.model.templatefields import SOURCES
from hub.model.templates import Target, Template
from hub.model.wrong import Path

TAKEN = {
    "process": "what the process collector keeps of process sets",
    "self": "what collectors keep of themselves",
}
"""Names of sources that series have which no template makes."""


def wrong_sources(template: Effective, templates: Mapping[str, Template]) -> Iterator[tuple[Path, str]]:
    """Tell what is wrong with the sources of a template, by id, beside all templates that there are."""
    first: dict[str, str] = {}
    handler = ""
    for id_, source in template.sources.items():
        path = ("sources", id_)
        of_processes = source.type is SourceType.PROCESS
        if template.component == Target.PROCESS_SET and not of_processes:
            yield path, _OF_SETS.format(source.type.value)
            continue
        for sentence in SOURCES[source.type].fits(source, template.component):
            yield path, sentence
        if id_ in TAKEN and not of_processes:
            yield path, f"series of this name are {TAKEN[id_]}; choose another id"
        if source.is_handler:
            if handler:
                yield path, f"is a handler, and so is '{handler}'; a template has one"
            handler = handler or id_
        elif source.handler:
            yield from ((path, sentence) for sentence in _wrong_handler(template, source.handler, templates))
        for name in _points(source, templates):
            if of_processes and name in PROCESS_POINTS:
                continue
            other = first.setdefault(name, id_)
            if other != id_:
                yield path, f"the point '{name}' is also one of the source '{other}'; a template has each name once"


_OF_SETS = "a source of type {0} cannot measure a process set: its figures are those of the type process"


def _wrong_handler(template: Effective, named: str, templates: Mapping[str, Template]) -> Iterator[str]:
    if named not in templates:
        yield f"handler: {unknown('template', named, templates)}"
        return
    other = extended(templates, named)
    if handler_of(other) is None:
        yield f"handler: the template {named} has no handler: a source of type probe without 'command'"
    elif other.component != template.component:
        yield f"handler: {named} is for {other.component}, this template for {template.component}"


def handler_of(template: Effective) -> tuple[str, Source] | None:
    """The handler of a template, with its id."""
    return next(((id_, source) for id_, source in template.sources.items() if source.is_handler), None)


def points_known(template: Effective, templates: Mapping[str, Template]) -> set[str]:
    """The names of all points that a template may judge and draw; those of a process set are always there."""
    names = {name for source in template.sources.values() for name in _points(source, templates)}
    return names | PROCESS_POINTS.keys() if template.component == Target.PROCESS_SET else names


def _points(source: Source, templates: Mapping[str, Template]) -> set[str]:
    """The names of the points of a source; of one with a handler, those that this has."""
    if source.handler in templates and source.command:
        found = handler_of(extended(templates, source.handler))
        return set(found[1].points) if found is not None else set()
    return {*source.points, *known_points(source)}
