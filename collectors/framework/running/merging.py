"""One answer of those of several workers (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from common.queries import Sets, SetsQuery
from common.roll import DeviceScan


def merged_sets(query: SetsQuery, answers: Iterable[Sets]) -> Sets:
    """The page that was asked for, of the same page of each worker: in order of device, none of them left out."""
    answers = list(answers)
    scans = sorted((scan for answer in answers for scan in answer.scans), key=lambda scan: scan.device)
    page = scans[: query.limit]
    shown = {scan.device for scan in page}
    by_device: dict[str, list[Any]] = {}
    for answer in answers:
        for status in answer.sets:
            by_device.setdefault(status.device, []).append(status)
    return Sets(
        sets=[status for scan in page for status in by_device.get(scan.device, ())],
        scans=page,
        more=len(scans) > len(shown) or any(answer.more for answer in answers),
    )


def unanswered(query: SetsQuery, devices: Iterable[str], why: str) -> Sets:
    """What is said of the devices of a worker that does not answer."""
    names = sorted(device for device in devices if device > query.after)
    scans = [
        DeviceScan(device=name, at=None, processes=0, duration_s=0.0, problem=why) for name in names[: query.limit]
    ]
    return Sets(sets=[], scans=scans, more=len(names) > len(scans))


def merged_figures(all_figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of several workers as those of one: numbers are added, tables merged, lists joined.

    What differs and is none of these becomes a list.
    """
    merged: dict[str, Any] = {}
    for name in dict.fromkeys(name for figures in all_figures for name in figures):
        merged[name] = _merged([figures[name] for figures in all_figures if name in figures])
    return merged


def _merged(values: list[Any]) -> Any:
    if all(isinstance(value, Mapping) for value in values):
        return merged_figures(values)
    if all(isinstance(value, list) for value in values):
        return [item for value in values for item in value]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return sum(values)
    distinct = [value for number, value in enumerate(values) if value not in values[:number]]
    return distinct[0] if len(distinct) == 1 else distinct
