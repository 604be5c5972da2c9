"""How thresholds are read, in templates and in process sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from common.events import Severity
from common.judged import MOST_SCANS, BaselineSide, ThresholdForm
from common.series import MAX_POINT_NAME, POINT_NAME, Pace
from hub.model.baselinefields import BASELINE_FIELDS, check_baseline
from hub.model.countfields import boundless, check_counts, usual_counts
from hub.model.fields import Fault, FieldSpec, Reader, choice, flag, many, severity, text, whole
from hub.model.nested import by_id, line_of, nothing_wrong, number, record
from hub.model.templates import Step, Threshold
from hub.model.trendfields import TREND_FIELDS, check_trend
from hub.model.yaml import Item

POINT_EXPECTED = "the name of a point: 1 to 19 of A-Z a-z 0-9 _ -"
SLUG = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
SLUG_EXPECTED = "up to 100 letters, digits and _ . -, a letter or digit first"
MAX_ENTRIES = 200
WEEK_S = 604_800

_SINGLE = ("severity", "minimum", "maximum")
_FORMS = tuple(form.value for form in ThresholdForm)

_BOUNDS = {"minimum": FieldSpec(number()), "maximum": FieldSpec(number())}
_SILENT = {"properties": {"enabled": {"const": False}}, "required": ["enabled"]}
_step = record(
    {"severity": FieldSpec(severity(none=False), required=True), **_BOUNDS},
    "a mapping with severity, minimum and maximum",
    Step,
    nothing_wrong,
)

point_name = text(POINT_EXPECTED, POINT_NAME, longest=MAX_POINT_NAME)


def _check(values: Mapping[str, Any], item: Item) -> Iterable[Fault]:
    if values == {"enabled": False}:
        return  # silences the threshold that would hold otherwise
    if "points" not in values:
        yield Fault(item.line, "", "field 'points' is missing")
        return
    form = ThresholdForm(values.get("form", ThresholdForm.LIMIT.value))
    if not values["points"]:
        yield Fault(line_of(item, "points"), ".points", "names no point")
    yield from check_trend(form, values, item)
    yield from check_counts(form, values, item)
    yield from check_baseline(form, values, item)
    levels = values.get("levels")
    if levels is None:
        yield from _check_bounds(form, values.get("minimum"), values.get("maximum"), item, "")
        return
    line = line_of(item, "levels")
    both = [name for name in _SINGLE if name in values]
    if both:
        yield Fault(line, ".levels", f"each level has its own {' and '.join(both)}; say one or the other")
    if not levels:
        yield Fault(line, ".levels", "there is no level; leave the field out, or say one")
    if one := boundless(form):
        yield Fault(line, ".levels", f"{one} has no levels; give it a severity")
        return
    for place, step in enumerate(levels, start=1):
        yield from _check_bounds(form, step.minimum, step.maximum, Item({}, line), f".levels[{place}]")
    yield from _check_order(form, levels, line)


def _check_bounds(
    form: ThresholdForm, low: float | None, high: float | None, item: Item, place: str
) -> Iterable[Fault]:
    line = line_of(item, "minimum" if high is None else "maximum")
    if one := boundless(form):
        if low is not None or high is not None:
            yield Fault(line, place, f"{one} has no minimum and no maximum")
    elif form is ThresholdForm.TREND and low is not None and high is not None:
        yield Fault(line, place, "a trend goes to a maximum or to a minimum; make two thresholds of it")
    elif form is ThresholdForm.BAND:
        if low is None or high is None:
            yield Fault(line, place, "a band has a minimum and a maximum, between which no value may be")
        elif low >= high:
            yield Fault(line, place, f"minimum {low:g} is not below maximum {high:g}; nothing lies between them")
    elif low is None and high is None:
        yield Fault(line, place, "has neither minimum nor maximum; nothing would be judged")
    elif low is not None and high is not None and low > high:
        yield Fault(line, place, f"minimum {low:g} is above maximum {high:g}; every value would be wrong")


def _check_order(form: ThresholdForm, levels: Iterable[Step], line: int) -> Iterable[Fault]:
    """A severity stands there once; and what is worse lies farther out, or the lesser level would never be said."""
    mild: Step | None = None
    for step in sorted(levels, key=lambda level: level.severity):
        if mild is not None and mild.severity == step.severity:
            yield Fault(line, ".levels", f"{step.severity.label} stands there twice")
        elif mild is not None and form in {ThresholdForm.LIMIT, ThresholdForm.TREND}:
            for name, sign in (("minimum", -1), ("maximum", 1)):
                inner, outer = getattr(mild, name), getattr(step, name)
                if inner is not None and outer is not None and sign * outer <= sign * inner:
                    yield Fault(
                        line,
                        ".levels",
                        f"{mild.severity.label} is never said: {step.severity.label} has the {name} {outer:g}, which "
                        f"{inner:g} does not come before",
                    )
        mild = step


def _build(**values: Any) -> Threshold:
    form = ThresholdForm(values.pop("form", ThresholdForm.LIMIT.value))
    kinds = {"adapts": Pace, "side": BaselineSide}
    values |= {name: kinds[name](values[name]) for name in kinds if name in values}
    return Threshold(form=form, **values | usual_counts(form, values))


_threshold = record(
    {
        "points": FieldSpec(many(point_name, longest=50)),
        "form": FieldSpec(choice(*_FORMS)),
        "severity": FieldSpec(severity(none=False)),
        **_BOUNDS,
        "levels": FieldSpec(many(_step, longest=len(Severity) - 1)),
        "scans": FieldSpec(whole(1, 1000)),
        "of": FieldSpec(whole(1, MOST_SCANS)),
        "for_s": FieldSpec(whole(0, WEEK_S)),
        "hysteresis": FieldSpec(number(minimum=0)),
        "escalate_after": FieldSpec(whole(1, 100_000)),
        **TREND_FIELDS,
        **BASELINE_FIELDS,
        "event_class": FieldSpec(
            text("an event class such as /Perf/Memory", r"(?:/[A-Za-z0-9][A-Za-z0-9 _.-]*){1,10}")
        ),
        "enabled": FieldSpec(flag),
    },
    "a mapping with points, minimum, maximum and the like",
    _build,
    _check,
)


def thresholds(*, droppable: bool) -> Reader:
    """Read thresholds by id; where they are droppable, nothing behind an id stands for None."""
    return by_id(
        Reader(_threshold.read, {**_threshold.schema, "anyOf": [{"required": ["points"]}, _SILENT]}),
        key="id",
        pattern=SLUG,
        expected=SLUG_EXPECTED,
        longest=MAX_ENTRIES,
        droppable=droppable,
    )
