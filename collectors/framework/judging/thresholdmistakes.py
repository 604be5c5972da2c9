"""What of a config's thresholds cannot be run (pure)."""

from __future__ import annotations

from collectors.framework.judging import baselinerules
from collectors.framework.judging.trendrules import mistake
from common.configs import DeviceConfig
from common.events import Severity
from common.judged import ScansOf, ThresholdForm


def mistakes(config: DeviceConfig) -> list[str]:
    """What of a config's thresholds cannot be run, each a sentence.

    A derived point that cannot be computed is no reason to refuse a config: it is unknown, and the rest goes on
    (`derivedpoints`).
    """
    wrong = [
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
    baselines = (one for one in config.thresholds if one.form is ThresholdForm.BASELINE)
    wrong += [f"threshold {one.id}: {why}" for one in baselines if (why := baselinerules.mistake(one))]
    return wrong
