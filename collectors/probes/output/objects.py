"""Components and points out of JSON: what is wrong costs the item that is wrong (pure).

{"worker": {"data": 476, "stack": "136"}}
[{"worker": {"data": 476}}, "process_tracking"]
{"handler": "process_tracking", "components": {"worker": {"data": 476}}, "events": [{"summary": "…"}]}
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from collectors.probes.output.figures import figure
from collectors.probes.output.givenevents import events_of
from collectors.probes.output.jsontext import Digits, Items, JsonError, Node, Table, Text, Word, read
from collectors.probes.output.names import DEVICE, component_flaw, handler_flaw, point_flaw
from collectors.probes.output.parsed import (
    MAX_COMPONENTS,
    MAX_FIGURES,
    MAX_POINTS,
    Flaws,
    GivenEvent,
    Parsed,
)
from collectors.probes.output.places import shown
from common.series import Number

WRAPPED = frozenset({"handler", "components", "events"})
Components = dict[str, dict[str, Number | None]]


def parse_json(text: str) -> Parsed:
    """What a text in JSON says."""
    flaws = Flaws(text)
    try:
        node = read(text)
    except JsonError as error:
        flaws.add(error.offset, f"this is no JSON: {error}")
        return Parsed(form="json", flaws=flaws.kept)
    handler: Any = None
    events: list[GivenEvent] = []
    if isinstance(node, Items):
        body, handler = _pair(node, flaws)
    elif isinstance(node, Table) and _is_wrapped(node):
        body, handler, events = _wrapped(node, flaws)
    else:
        body = node
    components = {} if body is None else _components(body, flaws)
    return Parsed(
        form="json",
        handler=_handler(handler, flaws),
        components=components,
        events=events,
        flaws=flaws.kept,
        more_flaws=flaws.more,
    )


def _pair(node: Items, flaws: Flaws) -> tuple[Node | None, Any]:
    if not 1 <= len(node.value) <= 2:
        flaws.add(node.offset, "an array has two parts: the figures, and the name of the handler")
        return None, None
    return node.value[0], node.value[1] if len(node.value) == 2 else None


def _is_wrapped(node: Table) -> bool:
    """Whether the object is the long form: nothing but its words, and what they stand for."""
    keys = {key.value for key, _ in node.value}
    if not keys or not keys <= WRAPPED:
        return False
    has_texts = isinstance(node.get("events"), Items) or isinstance(node.get("handler"), Text)
    return has_texts or _is_deep(node.get("components"))


def _is_deep(node: Any) -> bool:
    return isinstance(node, Table) and all(isinstance(value, Table) for _, value in node.value)


def _wrapped(node: Table, flaws: Flaws) -> tuple[Node | None, Any, list[GivenEvent]]:
    for key, _ in _doubled(node):
        flaws.add(key.offset, f"{key.value} stands twice; the first one is taken")
    events = node.get("events")
    return node.get("components"), node.get("handler"), [] if events is None else events_of(events, flaws)


def _handler(node: Any, flaws: Flaws) -> str:
    if node is None or (isinstance(node, Word) and node.value is None):
        return ""
    if not isinstance(node, Text):
        flaws.add(node.offset, "the name of a handler is a text")
        return ""
    wrong = handler_flaw(node.value)
    if wrong:
        flaws.add(node.offset, f"the handler {shown(node.value, 60)!r} {wrong}")
        return ""
    return node.value


def _doubled(node: Table) -> list[tuple[Text, Any]]:
    """Those pairs whose key stands in an earlier one already."""
    seen: set[str] = set()
    found = []
    for key, value in node.value:
        if key.value in seen:
            found.append((key, value))
        seen.add(key.value)
    return found


def _components(node: Node, flaws: Flaws) -> Components:
    if not isinstance(node, Table):
        flaws.add(node.offset, 'an object {"component": {"point": number}} was expected')
        return {}
    counts = Counter(_component(key.value) for key, _ in node.value)
    told: set[str] = set()
    found: Components = {}
    figures = 0
    for key, value in node.value:
        name = _component(key.value)
        wrong = component_flaw(name)
        if wrong:
            flaws.add(key.offset, f"the component {shown(name, 60)!r} {wrong}")
        elif counts[name] > 1:
            if name in told:
                flaws.add(key.offset, f"the component {shown(name, 60)!r} stands twice; none of them is taken")
            told.add(name)
        elif not isinstance(value, Table):
            flaws.add(value.offset, _no_table(name))
        elif len(found) >= MAX_COMPONENTS or figures >= MAX_FIGURES:
            flaws.add(
                key.offset,
                f"a reading has at most {MAX_COMPONENTS} components and {MAX_FIGURES} figures; "
                f"this component and those behind are left out, {len(node.value)} there are in all",
            )
            break
        else:
            points = _points(name, value, flaws)
            figures += len(points)
            found[name] = points
    return found


def _component(name: str) -> str:
    return "" if name == DEVICE else name


def _no_table(name: str) -> str:
    what = f"the component {shown(name, 60)!r}"
    return f'{what} has no points: an object {{"point": number}} was expected; the device itself is the component ""'


def _points(component: str, node: Table, flaws: Flaws) -> dict[str, Number | None]:
    counts = Counter(key.value for key, _ in node.value)
    told: set[str] = set()
    found: dict[str, Number | None] = {}
    whose = f" of {shown(component, 60)!r}" if component else ""
    for key, value in node.value:
        what = f"the point {shown(key.value, 40)!r}{whose}"
        wrong = point_flaw(key.value)
        if wrong:
            flaws.add(key.offset, f"{what} {shown(wrong)}")
        elif counts[key.value] > 1:
            if key.value in told:
                flaws.add(key.offset, f"{what} stands twice; none of them is taken")
            told.add(key.value)
        elif len(found) >= MAX_POINTS:
            flaws.add(
                key.offset, f"a component has at most {MAX_POINTS} points; this one and those behind are left out"
            )
            break
        elif isinstance(value, Word) and value.value is None:
            found[key.value] = None
        elif isinstance(value, Digits | Text):
            try:
                found[key.value] = figure(value.value)
            except ValueError as error:
                flaws.add(value.offset, f"{what} {error}")
        else:
            flaws.add(value.offset, f"{what} is no number: a number or the text of one was expected")
    return found
