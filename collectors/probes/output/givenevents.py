"""Events that a probe tells in its JSON: validated and bounded, each by itself (pure)."""

from __future__ import annotations

from typing import Any

from collectors.probes.output.jsontext import Digits, Items, Node, Table, Text
from collectors.probes.output.names import DEVICE, component_flaw
from collectors.probes.output.parsed import MAX_EVENTS, MAX_SUMMARY, Flaws, GivenEvent
from collectors.probes.output.places import shown
from common.events import Severity, parse_severity

MAX_MESSAGE = 4000
FIELDS = ("summary", "severity", "component", "class", "key", "message")


def events_of(node: Node, flaws: Flaws) -> list[GivenEvent]:
    """The events of an array; what is wrong with one costs that one alone."""
    if not isinstance(node, Items):
        flaws.add(node.offset, "events are an array of objects")
        return []
    found: list[GivenEvent] = []
    for one in node.value:
        event = _event(one, flaws)
        if event is None:
            continue
        if len(found) >= MAX_EVENTS:
            flaws.add(
                one.offset, f"a reading tells at most {MAX_EVENTS} events; this one and those behind are left out"
            )
            break
        found.append(event)
    return found


def _event(node: Any, flaws: Flaws) -> GivenEvent | None:
    if not isinstance(node, Table):
        flaws.add(node.offset, "an event is an object with summary, severity, component, class, key, message")
        return None
    texts: dict[str, str] = {}
    severity = Severity.WARNING
    for key, value in node.value:
        if key.value not in FIELDS or key.value in texts:
            flaws.add(key.offset, f"an event has no second {shown(key.value, 40)}" if key.value in texts else
                      f"an event has no {shown(key.value, 40)}; it has {', '.join(FIELDS)}")  # fmt: skip
            return None
        if key.value == "severity" and isinstance(value, Text | Digits):
            try:
                severity = parse_severity(value.value)
            except ValueError as error:
                flaws.add(value.offset, shown(str(error)))
                return None
        elif not isinstance(value, Text):
            flaws.add(value.offset, f"the {key.value} of an event is a text")
            return None
        texts[key.value] = value.value
    if not texts.get("summary", "").strip():
        flaws.add(node.offset, "an event has a summary, which says what happened")
        return None
    component = "" if texts.get("component", "") == DEVICE else texts.get("component", "")
    wrong = component_flaw(component)
    if wrong:
        flaws.add(node.offset, f"the component {shown(component, 60)!r} of an event {wrong}")
        return None
    return GivenEvent(
        summary=shown(texts["summary"], MAX_SUMMARY),
        severity=severity,
        component=component,
        event_class=shown(texts.get("class", ""), 100),
        key=shown(texts.get("key", ""), 100),
        message="\n".join(shown(line, MAX_SUMMARY) for line in texts.get("message", "").splitlines()[:50])[
            :MAX_MESSAGE
        ],
    )
