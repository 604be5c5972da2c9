"""What collectors judge of data points, and what they compute from them."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from common.events import CLASS_PERFORMANCE, Severity
from common.names import Slug
from common.series import LEAST_SEASON_S, MOST_SEASON_S, Pace

MOST_TREND_S = 30 * 86_400


class ThresholdForm(enum.Enum):
    """When a value violates a threshold."""

    LIMIT = "limit"
    """It is below the minimum, or above the maximum."""
    BAND = "band"
    """It lies between minimum and maximum."""
    CHANGE = "change"
    """It is not the one before."""
    TREND = "trend"
    """It grows so that it reaches the maximum, or falls so that it reaches the minimum, before long."""
    ABSENCE = "absence"
    """There is none."""
    BASELINE = "baseline"
    """It lies outside of what its own past makes likely."""


class Level(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How bad it is when a value passes these bounds, which are themselves still right; None for no bound."""

    severity: Severity
    minimum: float | None = None
    maximum: float | None = None


MOST_SCANS = 60
MOST_LEARN_S = 60 * 86_400


class BaselineSide(enum.Enum):
    """Which way out of what is likely counts."""

    BOTH = "both"
    OVER = "over"
    UNDER = "under"


class BaselineConfig(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What makes a value unlikely.

    Attributes:
        season_s, pace: as of `common.series.Baseline`.
        width: so many times as far from what is expected as is usual at that time.
        least, least_percent: what is not so far from what is expected, in the point's unit or in percent of that, is
            never unlikely.
        learn_s: for so long nothing is said of a new series.
    """

    season_s: Annotated[int, Meta(ge=LEAST_SEASON_S, le=MOST_SEASON_S, multiple_of=3600)] = 86_400
    pace: Pace = Pace.NORMAL
    width: Annotated[float, Meta(gt=0, le=100)] = 4.0
    side: BaselineSide = BaselineSide.BOTH
    least: Annotated[float, Meta(ge=0)] = 0.0
    least_percent: Annotated[float, Meta(ge=0, le=1000)] = 10.0
    learn_s: Annotated[int, Meta(ge=0, le=MOST_LEARN_S)] = 3 * 86_400


class ScansOf(Struct, frozen=True, array_like=True):
    """So many of the last `of` scans.

    On the wire an array, where collectors that do not know it expect a number: they refuse what they would misjudge.
    """

    needed: Annotated[int, Meta(ge=1, le=MOST_SCANS)]
    of: Annotated[int, Meta(ge=1, le=MOST_SCANS)]


class ThresholdConfig(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A threshold on data points, as a collector judges by it.

    Attributes:
        id: key of its events, with the point.
        points: names, also of derived points; each is judged by itself.
        levels: at least one, the most severe first; a change and an absence have one, without bounds.
        scans: violations in a row before it is said, or so many of the last so many.
        for_s: seconds that it has to last before it is said.
        hysteresis: how far a value has to be back within a bound before it is over; in the point's unit.
        escalate_after: violations in a row after which the severity is one more; None for never.
        definitions: process set definitions whose sets are judged; empty for all.
        within_s, window_s: of a trend: how soon the bound has to be reached, and how long the value is looked at.
        baseline: of a baseline, which needs it.
    """

    id: Slug
    points: tuple[str, ...]
    form: ThresholdForm = ThresholdForm.LIMIT
    levels: Annotated[tuple[Level, ...], Meta(min_length=1, max_length=5)]
    scans: Annotated[int, Meta(ge=1, le=1000)] | ScansOf = 1
    for_s: Annotated[int, Meta(ge=0, le=604800)] = 0
    hysteresis: Annotated[float, Meta(ge=0)] = 0.0
    escalate_after: Annotated[int, Meta(ge=1, le=100000)] | None = None
    event_class: str = CLASS_PERFORMANCE
    definitions: tuple[Slug, ...] = ()
    within_s: Annotated[int, Meta(ge=0, le=MOST_TREND_S)] = 0
    window_s: Annotated[int, Meta(ge=0, le=MOST_TREND_S)] = 0
    baseline: BaselineConfig | None = None


class DerivedConfig(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A data point that is computed from others of the same sample (common.expressions).

    Attributes:
        minimum, maximum: what lies outside is unknown.
    """

    point: str
    expression: Annotated[str, Meta(min_length=1, max_length=1000)]
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
