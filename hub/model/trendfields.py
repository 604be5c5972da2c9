"""What thresholds of the form trend say beside the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from common.judged import MOST_TREND_S, ThresholdForm
from hub.model.fields import Fault, FieldSpec, whole
from hub.model.nested import line_of
from hub.model.templates import Threshold
from hub.model.yaml import Item

LEAST_S = 600
LEAST_WINDOW_S = 900
FARTHEST = 8
"""So many windows ahead a trend may tell at most."""

TREND_FIELDS: Mapping[str, FieldSpec] = MappingProxyType(
    {
        "within_s": FieldSpec(whole(LEAST_S, MOST_TREND_S)),
        "window_s": FieldSpec(whole(LEAST_WINDOW_S, MOST_TREND_S)),
    }
)


def window_s(threshold: Threshold) -> int:
    """How long a value is looked at; 0 where it is no trend."""
    if threshold.window_s is not None:
        return threshold.window_s
    return max(threshold.within_s // 2, LEAST_WINDOW_S) if threshold.within_s is not None else 0


def check_trend(form: ThresholdForm, values: Mapping[str, Any], item: Item) -> Iterable[Fault]:
    """What is wrong with these fields, or with a trend that has them not."""
    if form is not ThresholdForm.TREND:
        for name in TREND_FIELDS:
            if name in values:
                yield Fault(line_of(item, name), f".{name}", "is for thresholds with form: trend alone")
        return
    within, window = values.get("within_s"), values.get("window_s")
    if within is None:
        yield Fault(item.line, "", "field 'within_s' is missing: in how many seconds the bound would be reached")
    elif window is not None and within > FARTHEST * window:
        yield Fault(
            line_of(item, "within_s"),
            ".within_s",
            f"a window of {window} s cannot tell what will be in {within} s; at most {FARTHEST} windows, "
            f"{FARTHEST * window} s",
        )
    if values.get("levels") is not None:
        sides = {step.maximum is None for step in values["levels"]}
        if len(sides) > 1:
            yield Fault(line_of(item, "levels"), ".levels", "of a trend all have a maximum, or all a minimum")
