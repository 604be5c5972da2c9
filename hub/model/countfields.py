"""What thresholds say of how many scans count, and those of the form absence beside the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from common.judged import MOST_SCANS, ScansOf, ThresholdForm
from hub.model.fields import Fault
from hub.model.nested import line_of
from hub.model.templates import Threshold
from hub.model.yaml import Item

ABSENT_SCANS = 3
UNLIKELY_PARTS = ScansOf(6, 9)
_ONE_SEVERITY = {
    ThresholdForm.CHANGE: "a change",
    ThresholdForm.ABSENCE: "an absence",
    ThresholdForm.BASELINE: "a baseline",
}
"""Forms without bounds, and so without levels."""


def boundless(form: ThresholdForm) -> str:
    """What a form is called that has no bounds; empty for the others."""
    return _ONE_SEVERITY.get(form, "")


def usual_counts(form: ThresholdForm, values: Mapping[str, Any]) -> dict[str, int]:
    """How many scans count where a threshold does not say."""
    if {"scans", "of", "for_s"} & values.keys():
        in_a_row = form is ThresholdForm.BASELINE and "of" not in values
        return {"of": values["scans"]} if in_a_row and "scans" in values else {}
    if form is ThresholdForm.ABSENCE:
        return {"scans": ABSENT_SCANS}
    if form is ThresholdForm.BASELINE:
        return {"scans": UNLIKELY_PARTS.needed, "of": UNLIKELY_PARTS.of}
    return {}


def scans_of(threshold: Threshold) -> int | ScansOf:
    """How many scans count, as collectors get it."""
    return threshold.scans if threshold.of is None else ScansOf(threshold.scans, threshold.of)


def check_counts(form: ThresholdForm, values: Mapping[str, Any], item: Item) -> Iterable[Fault]:
    """What is wrong with how many scans count."""
    of, for_s = values.get("of"), values.get("for_s")
    scans = values.get("scans", None if of is None else 1)
    if of is not None:
        line = line_of(item, "of")
        if form in {ThresholdForm.CHANGE, ThresholdForm.TREND}:
            yield Fault(line, ".of", f"means nothing to a {form.value}")
        elif scans > of:
            yield Fault(line, ".of", f"{scans} of the last {of} scans can never be")
        elif for_s:
            yield Fault(line, ".of", "counts scans, and for_s counts seconds in a row; say one or the other")
    if form is ThresholdForm.BASELINE and (scans or 0) > MOST_SCANS:
        yield Fault(line_of(item, "scans"), ".scans", f"of a baseline at most {MOST_SCANS} parts count")
    if form is ThresholdForm.BASELINE and for_s:
        yield Fault(line_of(item, "for_s"), ".for_s", "means nothing to a baseline; scans and of count its parts")
    if form is not ThresholdForm.ABSENCE:
        return
    if "hysteresis" in values:
        yield Fault(line_of(item, "hysteresis"), ".hysteresis", "means nothing to an absence")
    if scans == 1 and not for_s:
        yield Fault(
            line_of(item, "scans"),
            ".scans" if "scans" in values else "",
            "after a start the first scan knows no rates; an absence needs 2 scans at least, or for_s",
        )
    if scans is None and for_s == 0:
        yield Fault(line_of(item, "for_s"), ".for_s", "an absence needs some seconds, or scans")
