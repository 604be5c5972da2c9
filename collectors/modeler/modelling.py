"""One modelling: what was read goes through the plugins, and becomes a report that can cross (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from twisted.logger import Logger

from collectors.modeler.facts import CutShort, Facts, Found, HostRows, Plugin, Unbelievable
from collectors.modeler.plugins.catalogue import is_own
from collectors.modeler.plugins.packages import check
from common.configs import DeviceConfig
from common.wire import MAX_COMPONENTS, MAX_REASON, ModelReport, PluginOutcome, WireError, encode

_log = Logger()


class Modelled(Struct, frozen=True, kw_only=True):
    """What the plugins made of a device.

    Attributes:
        cut_short: plugins that would have found something, had their tables been read to the end.
    """

    outcomes: list[PluginOutcome]
    cut_short: list[str]

    @property
    def problem(self) -> str:
        """What an event says of it; empty when there is nothing to say."""
        wrong = [one for one in self.outcomes if one.problem]
        if len(wrong) < len(self.outcomes):
            wrong = [one for one in wrong if one.plugin in self.cut_short]
        return "; ".join(f"{one.plugin}: {one.problem}" for one in wrong)

    @property
    def is_partial(self) -> bool:
        """Whether at least something may be believed."""
        return any(not one.problem for one in self.outcomes)


def modelled(plugins: Sequence[Plugin[Any]], facts: Facts, config: DeviceConfig) -> Modelled:
    """Run plugins over what was read; each stands for itself."""
    cut_short: list[str] = []
    outcomes = [_outcome(plugin, facts, config, cut_short) for plugin in plugins]
    return Modelled(outcomes=outcomes, cut_short=cut_short)


def fitted(report: ModelReport) -> tuple[ModelReport, int]:
    """A report as it can cross, and its bytes on the wire: the largest plugin that does not fit has nothing found.

    Nothing is ever left out of what a plugin found: what is missing there would count as gone.
    """
    while True:
        try:
            return report, len(encode(report))
        except WireError:
            sizes = [len(msgspec.msgpack.encode(outcome)) for outcome in report.outcomes]
            number = max(range(len(sizes)), key=sizes.__getitem__)
            large = report.outcomes[number]
            outcomes = [*report.outcomes[:number], _too_much(large), *report.outcomes[number + 1 :]]
            report = replace(report, outcomes=outcomes)


def _outcome(plugin: Plugin[Any], facts: Facts, config: DeviceConfig, cut_short: list[str]) -> PluginOutcome:
    try:
        rows = _rows(facts, plugin) if isinstance(facts, HostRows) else plugin.of_tables(facts)
        found: Found = plugin.found(rows, config)
        if not is_own(plugin):
            check(plugin, found, config)
    except Unbelievable as error:
        if isinstance(error, CutShort) or not is_own(plugin):
            cut_short.append(plugin.name)
        return PluginOutcome(plugin=plugin.name, problem=error.message[:MAX_REASON])
    except Exception as error:  # noqa: BLE001 - the supervisor of plugins: a defect in one must not stop the others
        _log.failure("defect in the plugin {plugin} on {device}", plugin=plugin.name, device=config.device)
        cut_short.append(plugin.name)
        whose = "an error of ours" if is_own(plugin) else "an error of this plugin, which a package brings"
        return PluginOutcome(plugin=plugin.name, problem=f"{whose}: {type(error).__name__}: {error}"[:MAX_REASON])
    outcome = PluginOutcome(
        plugin=plugin.name,
        kinds=list(found.kinds),
        components=list(found.components),
        attributes=dict(found.attributes),
    )
    return outcome if len(found.components) <= MAX_COMPONENTS else _too_much(outcome)


def _rows(facts: HostRows, plugin: Plugin[Any]) -> object:
    if plugin.name in facts.problems:
        raise CutShort(facts.problems[plugin.name])
    return facts.rows[plugin.name]


def _too_much(outcome: PluginOutcome) -> PluginOutcome:
    return PluginOutcome(
        plugin=outcome.plugin,
        problem=f"it found {len(outcome.components)} components, more than one report can hold: have some of them "
        "ignored, narrow the definitions of process sets, or leave this plugin out of model_plugins",
    )
