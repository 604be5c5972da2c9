"""What of a config's thresholds and derived points cannot be run (pure)."""

from __future__ import annotations

from collectors.framework.judgedfigures import parsed
from collectors.framework.trendrules import mistake
from common.configs import DeviceConfig, ScansOf, ThresholdForm
from common.events import Severity
from common.expressions import ExpressionError


def mistakes(config: DeviceConfig) -> list[str]:
    """What of a config's thresholds and derived points cannot be run, each a sentence."""
    wrong: list[str] = []
    for derived in config.derived:
        try:
            parsed(derived.expression)
        except ExpressionError as error:
            wrong.append(f"derived point {derived.point}: {error}")
    wrong += [
        f"threshold {threshold.id}: {one.needed} of {one.of} scans can never be"
        for threshold in config.thresholds
        if isinstance(one := threshold.scans, ScansOf) and one.needed > one.of
    ]
    wrong += [
        f"threshold {threshold.id}: the severity of a level cannot be clear"
        for threshold in config.thresholds
        if any(level.severity is Severity.CLEAR for level in threshold.levels)
    ]
    trends = (one for one in config.thresholds if one.form is ThresholdForm.TREND)
    wrong += [f"threshold {threshold.id}: {why}" for threshold in trends if (why := mistake(threshold))]
    return wrong
