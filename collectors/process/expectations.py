"""What is expected of a device's process sets, and said of single ones against their definitions (pure)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from collectors.process.memory import SetMemory
from common.configs import DeviceConfig, ExpectedSet, ProcessSetConfig
from common.events import Severity
from common.matching import Matcher, SetName

NONE: frozenset[str] = frozenset()


class Expectations:
    """A device's config, as far as it speaks of sets by name.

    Attributes:
        expected: sets that have to run, by component.
        modeled: sets that the modeler has seen.
    """

    def __init__(self, config: DeviceConfig, matcher: Matcher) -> None:
        self._definitions = matcher.by_id
        self._overrides = {override.name: override for override in config.overrides}
        self._effective: dict[tuple[str, str], ProcessSetConfig] = {}
        self._unwatched = {override.name for override in config.overrides if not override.monitor} or NONE
        self._only_modeled = config.only_expected
        self.modeled: Mapping[str, ExpectedSet] = {
            one.name: one for one in config.expected if one.definition in self._definitions
        }
        named = {**matcher.expected(), **{one.name: SetName(one.definition, one.name) for one in self.modeled.values()}}
        self.expected = {name: found for name, found in named.items() if self.is_watched(name)}
        self._series = {one.series or one.name: one.name for one in self.modeled.values()}

    def has(self, definition: str) -> bool:
        """Whether there is such a definition."""
        return definition in self._definitions

    def is_watched(self, component: str) -> bool:
        """Whether a set is judged and written."""
        return component not in self._unwatched and (not self._only_modeled or component in self.modeled)

    def definition_of(self, component: str, definition: str) -> ProcessSetConfig:
        """The definition of a set, with what is said of that set alone.

        Raises:
            KeyError: there is no such definition.
        """
        plain = self._definitions[definition]
        override = self._overrides.get(component)
        if override is None:
            return plain
        found = self._effective.get((component, definition))
        if found is None:
            restart = plain.restart_severity if override.restart_severity is None else override.restart_severity
            missing = plain.missing_severity if override.missing_severity is None else override.missing_severity
            found = self._effective[component, definition] = msgspec.structs.replace(
                plain,
                missing_severity=missing,
                restart_severity=None if restart is Severity.CLEAR else restart,
            )
        return found

    def series_of(self, component: str, kept: SetMemory) -> str | None:
        """What the samples of a set are kept under; None when that belongs to another set."""
        modeled = self.modeled.get(component)
        series = (modeled.series if modeled is not None else kept.series) or component
        return series if self._series.get(series, component) == component else None

    def old_name(self, new: ExpectedSet, sets: Mapping[str, SetMemory]) -> str | None:
        """The set that has been given a new name since: its series go on under that; None when there is none."""
        series = new.series or new.name
        for component, kept in sets.items():
            same = kept.definition == new.definition and (kept.series or component) == series
            if same and component != new.name and component not in self.expected:
                return component
        return None
