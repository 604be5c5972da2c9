"""Thresholds and derived points of a config, ready to judge by; devices that have the same share them (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from collectors.framework.judging.judgedfigures import JudgedFigures
from collectors.framework.judging.thresholdwords import Rule, rule_of
from common.judged import DerivedConfig, ThresholdConfig
from common.series import Point

MOST_SHARED = 500
"""So many different collections of thresholds are kept for devices to come that have the same."""


class Rules:
    """Thresholds and derived points, ready to judge by: one object for all devices that have the same.

    Attributes:
        all: one for each point of each threshold.
        figures: makes what they judge.
    """

    def __init__(
        self, thresholds: Sequence[ThresholdConfig], derived: Sequence[DerivedConfig], points: Sequence[Point]
    ) -> None:
        wanted = {point for threshold in thresholds for point in threshold.points}
        self.figures = JudgedFigures(points, derived, wanted)
        floors = {point.name: point.minimum for point in points}
        self.all = [
            rule_of(_sorted(threshold), point, self.figures.units.get(point, ""), floors.get(point))
            for threshold in thresholds
            for point in threshold.points
        ]
        self._of: dict[str, dict[str, Rule]] = {}

    def of(self, definition: str) -> dict[str, Rule]:
        """What judges the sets of a definition, by event key."""
        found = self._of.get(definition)
        if found is None:
            found = self._of[definition] = {
                rule.key: rule
                for rule in self.all
                if not rule.threshold.definitions or definition in rule.threshold.definitions
            }
        return found


rules = lru_cache(MOST_SHARED)(Rules)
"""What judges by some thresholds and derived points; the same object for the same."""


def _sorted(threshold: ThresholdConfig) -> ThresholdConfig:
    levels = sorted(threshold.levels, key=lambda level: level.severity, reverse=True)
    return msgspec.structs.replace(threshold, levels=tuple(levels))
