"""What thresholds of the form baseline say beside the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from common.judged import MOST_LEARN_S, BaselineConfig, BaselineSide, ThresholdForm
from common.series import LEAST_SEASON_S, MOST_SEASON_S, Pace
from hub.model.fields import Fault, FieldSpec, choice, whole
from hub.model.nested import line_of, number
from hub.model.templates import Threshold
from hub.model.yaml import Item

SEASONS_LEARNED = 3
"""So many seasons are learned where a threshold does not say; two are needed before there is anything to say."""
LEAST_LEARN_S = 86_400
HOUR_S = 3600

BASELINE_FIELDS: Mapping[str, FieldSpec] = MappingProxyType(
    {
        "season_s": FieldSpec(whole(LEAST_SEASON_S, MOST_SEASON_S)),
        "adapts": FieldSpec(choice(*(pace.value for pace in Pace))),
        "width": FieldSpec(number(0.1, 100)),
        "side": FieldSpec(choice(*(side.value for side in BaselineSide))),
        "least": FieldSpec(number(minimum=0)),
        "least_percent": FieldSpec(number(0, 1000)),
        "learn_s": FieldSpec(whole(0, MOST_LEARN_S)),
    }
)
_PLAIN = BaselineConfig()


def check_baseline(form: ThresholdForm, values: Mapping[str, Any], item: Item) -> Iterable[Fault]:
    """What is wrong with these fields."""
    if form is not ThresholdForm.BASELINE:
        for name in BASELINE_FIELDS:
            if name in values:
                yield Fault(line_of(item, name), f".{name}", "is for thresholds with form: baseline alone")
        return
    season_s = values.get("season_s", _PLAIN.season_s)
    if season_s % HOUR_S:
        yield Fault(
            line_of(item, "season_s"),
            ".season_s",
            f"{season_s} s are no whole hours; a day is 86400, a week 604800",
        )
    learn_s = values.get("learn_s")
    if learn_s is not None and learn_s < 2 * season_s:
        yield Fault(
            line_of(item, "learn_s"),
            ".learn_s",
            f"it takes two seasons to know what is likely, {2 * season_s} s",
        )


def baseline_config(threshold: Threshold) -> BaselineConfig | None:
    """What makes a value unlikely, as collectors get it; None where it is no baseline."""
    if threshold.form is not ThresholdForm.BASELINE:
        return None
    season_s = threshold.season_s or _PLAIN.season_s
    learn_s = threshold.learn_s
    return BaselineConfig(
        season_s=season_s,
        pace=threshold.adapts or _PLAIN.pace,
        width=_or(threshold.width, _PLAIN.width),
        side=threshold.side or _PLAIN.side,
        least=_or(threshold.least, _PLAIN.least),
        least_percent=_or(threshold.least_percent, _PLAIN.least_percent),
        learn_s=max(SEASONS_LEARNED * season_s, LEAST_LEARN_S) if learn_s is None else learn_s,
    )


def _or(value: float | None, usual: float) -> float:
    return usual if value is None else value
