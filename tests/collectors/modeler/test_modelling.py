# mypy: allow-untyped-calls
"""Plugins stand for themselves, and a report can always cross."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from twisted.trial.unittest import SynchronousTestCase

from collectors.modeler.facts import Found, HostRows, Plugin
from collectors.modeler.modelling import fitted, modelled
from collectors.modeler.plugins import processes
from collectors.modeler.plugins.catalogue import PLUGINS, chosen
from collectors.modeler.plugins.interfaces import INTERFACES, NAME
from common.components import ComponentKind, FoundComponent
from common.wire import MAX_COMPONENTS, MAX_MESSAGE_BYTES, ModelReport, PluginOutcome, decode, encode
from tests.collectors.modeler.tables import config, cut, definition, table, tables

WHOLE = tables(
    processes=table(processes.RUNNING, {processes.NAME: b"web"}), interfaces=table(INTERFACES, {NAME: b"lo"})
)
BY = config(definition("web", "web"), plugins=("processes", "interfaces"))


def component(number: int, size: int = 10) -> FoundComponent:
    return FoundComponent(
        kind=ComponentKind.INTERFACE, name=f"if{number}", attributes={"alias": secrets.token_hex(size // 2)}
    )


def outcome(plugin: str, count: int, size: int = 10) -> PluginOutcome:
    return PluginOutcome(plugin=plugin, components=[component(n, size) for n in range(count)])


def plugin(name: str, found: Any) -> Plugin[Any]:
    return Plugin(name=name, of_tables=lambda _: None, found=found)


def test_a_table_that_ends_early_takes_nothing_from_the_others() -> None:
    result = modelled(chosen(BY), cut(WHOLE, "processes"), BY)
    broken, whole = result.outcomes
    assert (broken.plugin, broken.components, broken.kinds) == ("processes", [], [])
    assert "could not be read to its end" in broken.problem
    assert (whole.plugin, whole.problem, [one.name for one in whole.components]) == ("interfaces", "", ["lo"])
    assert (result.problem, result.is_partial) == (f"processes: {broken.problem}", True)


def test_what_an_agent_does_not_have_is_no_alarm_as_long_as_it_has_something() -> None:
    by = config(plugins=("interfaces", "processes"))
    some = modelled(chosen(by), tables(processes=table(processes.RUNNING), interfaces=WHOLE.tables["interfaces"]), by)
    assert some.outcomes[0].problem
    assert some.problem == ""
    none = modelled(chosen(by), tables(processes=table(processes.RUNNING), interfaces=table(INTERFACES)), by)
    assert "processes: " in none.problem
    assert "interfaces: " in none.problem
    assert not none.is_partial


class DefectTests(SynchronousTestCase):
    def test_a_defect_in_a_plugin_takes_nothing_from_the_others(self) -> None:
        plugins = [plugin("bad", lambda *_: 1 / 0), plugin("good", lambda *_: Found(attributes={"a": 1}))]
        first, second = modelled(plugins, WHOLE, BY).outcomes
        self.assertEqual(
            first.problem, "an error of this plugin, which a package brings: ZeroDivisionError: division by zero"
        )
        self.assertEqual(second.attributes, {"a": 1})
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


def test_what_this_host_could_not_be_read_for_is_a_problem_of_that_plugin() -> None:
    host = HostRows(rows={"processes": ["web"]}, problems={"interfaces": "no permission"})
    first, second = modelled(chosen(BY), host, BY).outcomes
    assert [one.name for one in first.components] == ["web"]
    assert (second.problem, second.components) == ("no permission", [])


def test_more_components_than_may_be_told_are_a_problem_not_a_part_of_them() -> None:
    many = tuple(component(n) for n in range(MAX_COMPONENTS + 1))
    (over,) = modelled([plugin("many", lambda *_: Found(components=many))], WHOLE, BY).outcomes
    assert over.components == []
    assert f"found {MAX_COMPONENTS + 1} components" in over.problem
    (fits,) = modelled([plugin("many", lambda *_: Found(components=many[1:]))], WHOLE, BY).outcomes
    assert (len(fits.components), fits.problem) == (MAX_COMPONENTS, "")


@pytest.mark.parametrize(("count", "size"), [(3000, 400), (9000, 2000)])
def test_a_report_that_cannot_cross_loses_its_largest_plugins_whole(count: int, size: int) -> None:
    report = ModelReport(device="box", at=1.0, outcomes=[outcome("small", 5), outcome("large", count, size)])
    fit, size_bytes = fitted(report)
    assert fit.outcomes[0] == report.outcomes[0]
    assert fit.outcomes[1].components == []
    assert f"found {count} components" in fit.outcomes[1].problem
    assert size_bytes == len(encode(fit)) <= MAX_MESSAGE_BYTES
    assert decode(encode(fit), ModelReport) == fit


def test_a_report_that_can_cross_stays_what_it_is() -> None:
    report = ModelReport(device="box", at=1.0, outcomes=[outcome("a", 100)])
    assert fitted(report)[0] is report


def test_a_config_names_plugins_or_gets_all_of_them() -> None:
    assert [one.name for one in chosen(config())] == list(PLUGINS)
    assert [one.name for one in chosen(config(plugins=("hardware", "identity")))] == ["identity", "hardware"]
    assert list(PLUGINS) == ["identity", "processes", "interfaces", "filesystems", "hardware"]
