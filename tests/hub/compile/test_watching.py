from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from common.configs import DeviceConfig, ExpectedSet, SetOverride
from common.digests import digest
from common.events import Severity
from hub.compile.changes import config_change
from hub.compile.process import ProcessCompiler, compile_device
from hub.model.definitions import to_config
from hub.model.entities import (
    Device,
    DeviceClass,
    Entity,
    ProcessSet,
)
from hub.model.model import Model

WEB = ProcessSet(id="web", order=1, include="x", name="nginx")
JAVA = ProcessSet(id="java", order=2, include="y(.)", name="java {1}", restart_severity=Severity.INFO)
FOUND = (ExpectedSet("java", "java a"), ExpectedSet("java", "java b"), ExpectedSet("web", "nginx"))


def compiled(
    *entities: Entity,
    expected: tuple[ExpectedSet, ...] = FOUND,
    components: dict[str, Any] | None = None,
    **properties: Any,
) -> DeviceConfig:
    device = Device(
        id="d",
        address="x",
        properties=properties,
        components={f"process_set/{name}": said for name, said in (components or {}).items()},
    )
    return compile_device(Model(1, [device, WEB, JAVA, *entities]), "d", lambda _device: expected)


def ids(config: DeviceConfig) -> list[str]:
    return [one.id for one in config.process_sets]


def test_what_a_modelling_found_is_expected() -> None:
    assert compiled().expected == FOUND
    assert compiled().overrides == ()


def test_what_does_not_apply_or_is_not_monitored_is_not_expected() -> None:
    config = compiled(replace(JAVA, monitor=False), replace(WEB, applies_to=("/Other",)))
    assert (config.process_sets, config.expected) == ((), ())
    assert compiled(expected=(ExpectedSet("gone", "x"), ExpectedSet("", "y"))).expected == ()


def test_a_device_says_how_bad_it_is_for_all_its_sets() -> None:
    sets = compiled(missing_severity="critical", restart_severity="none").process_sets
    assert [(one.missing_severity, one.restart_severity) for one in sets] == [(Severity.CRITICAL, None)] * 2
    sets = compiled(restart_severity="warning").process_sets
    assert [(one.missing_severity, one.restart_severity) for one in sets] == [(Severity.ERROR, Severity.WARNING)] * 2
    assert compiled(missing_severity="definition").process_sets == (to_config(WEB), to_config(JAVA))


def test_what_is_said_of_one_set_goes_before_that() -> None:
    config = compiled(
        components={
            "nginx": {"missing_severity": "info", "restart_severity": "none", "lock": ("delete",)},
            "java a": {"restart_severity": "definition", "missing_severity": "definition"},
            "java b": {"retire_after_days": 5},
            "unknown": {"missing_severity": "debug", "restart_severity": "definition"},
        },
        missing_severity="critical",
        restart_severity="error",
    )
    assert config.overrides == (
        SetOverride(name="java a", missing_severity=Severity.ERROR, restart_severity=Severity.INFO),
        SetOverride(name="nginx", missing_severity=Severity.INFO, restart_severity=Severity.CLEAR),
        SetOverride(name="unknown", missing_severity=Severity.DEBUG),
    )


def test_a_definition_that_only_counts_restarts_says_so_again() -> None:
    config = compiled(components={"nginx": {"restart_severity": "definition"}}, restart_severity="error")
    assert config.overrides == (SetOverride(name="nginx", restart_severity=Severity.CLEAR),)


def test_one_set_that_is_not_monitored_is_not_expected_either() -> None:
    config = compiled(components={"java a": {"monitor": False}})
    assert config.overrides == (SetOverride(name="java a", monitor=False),)
    assert [one.name for one in config.expected] == ["java b", "nginx"]
    assert ids(config) == ["web", "java"]


def test_a_device_that_is_not_monitored_watches_no_set() -> None:
    for config in (compiled(monitor=False), compiled(DeviceClass(id="/", properties={"monitor": False}))):
        assert (config.process_sets, config.expected, config.overrides) == ((), (), ())
    config = compiled(monitor=False, components={"nginx": {"missing_severity": "info"}, "strange": {"monitor": True}})
    assert (config.process_sets, config.expected, config.overrides) == ((), (), ())


def test_on_such_a_device_one_set_may_be_monitored_all_the_same() -> None:
    config = compiled(monitor=False, components={"java a": {"monitor": True, "missing_severity": "info"}})
    assert ids(config) == ["web", "java"], "what an earlier definition takes, the later does not get"
    assert ids(compiled(monitor=False, components={"nginx": {"monitor": True}})) == ["web"]
    assert [one.name for one in config.expected] == ["java a"]
    assert config.only_expected, "a set of the same definition that nobody has found yet is not watched"
    assert config.overrides == (SetOverride(name="java a", missing_severity=Severity.INFO),)
    assert not compiled(components={"java a": {"monitor": True}}).only_expected


def test_what_is_said_under_the_name_of_before_goes_for_the_set_that_it_is_now() -> None:
    www = replace(WEB, name="www")
    found: tuple[ExpectedSet, ...] = (ExpectedSet("web", "www", "nginx"),)
    assert compiled(www, expected=found, components={"nginx": {"monitor": False}}).overrides[0].name == "www"
    both = {"www": {"missing_severity": "info"}, "nginx": {"monitor": False}}
    assert compiled(www, expected=found, components=both).overrides == (
        SetOverride(name="www", missing_severity=Severity.INFO),
    )
    found = (ExpectedSet("java", "nginx", "nginx ~1"), ExpectedSet("web", "www", "nginx"))
    assert compiled(www, expected=found, components={"nginx": {"monitor": False}}).overrides[0].name == "nginx"


def test_devices_share_what_is_the_same() -> None:
    devices = [Device(id=id_, address="x") for id_ in "ab"]
    loud = Device(id="c", address="x", properties={"missing_severity": "critical"})
    model = Model(1, [*devices, loud, WEB, JAVA])
    compiler = ProcessCompiler(lambda _device: FOUND)
    a, b, c = (compiler.compile(model, id_) for id_ in "abc")
    assert a.process_sets is b.process_sets
    assert c.process_sets[0].missing_severity is Severity.CRITICAL
    changed = model.changed(2, {("ProcessSet", "web"): replace(WEB, confirm=3)})
    assert compiler.compile(changed, "a").process_sets[0].confirm == 3
    assert digest(compiler.compile(model, "a")) == digest(a)


def test_a_change_tells_sets_one_by_one() -> None:
    before, after = (
        Model(1, [WEB, Device(id="d", address="x", components={"process_set/nginx": {"monitor": watched}})])
        for watched in (True, False)
    )
    told = config_change(before, after, "d", lambda _device: FOUND[2:]).fields
    assert [(one.field, one.old, one.new) for one in told] == [
        ("overrides[nginx].monitor", None, False),
        ("expected[nginx].definition", "web", None),
        ("expected[nginx].series", "", None),
    ]


def test_a_set_that_its_definition_calls_otherwise_by_now_is_expected_under_that_name() -> None:
    """A lock keeps its name at the hub, or the hub could not store the new one yet; the collector sees the new one."""
    found: tuple[ExpectedSet, ...] = (ExpectedSet("java", "java a"), ExpectedSet("web", "old"))
    config = compiled(expected=found, components={"old": {"missing_severity": "info"}})
    assert config.expected == (ExpectedSet("java", "java a"), ExpectedSet("web", "nginx", "old"))
    assert config.overrides == (SetOverride(name="nginx", missing_severity=Severity.INFO),)
    earlier = compiled(expected=(ExpectedSet("web", "old", "oldest"),)).expected
    assert earlier == (ExpectedSet("web", "nginx", "oldest"),)
    back = compiled(expected=(ExpectedSet("web", "old", "nginx"),)).expected
    assert back == (ExpectedSet("web", "nginx"),)


def test_two_sets_that_swap_names_are_expected_under_each_others() -> None:
    other = replace(JAVA, name="old")
    found: tuple[ExpectedSet, ...] = (ExpectedSet("java", "nginx"), ExpectedSet("web", "old"))
    swapped = (ExpectedSet("web", "nginx", "old"), ExpectedSet("java", "old", "nginx"))
    assert compiled(other, expected=found).expected == swapped


def test_of_several_sets_of_a_definition_none_is_taken_for_the_one_with_its_name() -> None:
    for found in (
        (ExpectedSet("web", "mine"), ExpectedSet("web", "old")),
        (ExpectedSet("web", "mine"), ExpectedSet("web", "nginx")),
        (ExpectedSet("java", "nginx"), ExpectedSet("web", "old")),
    ):
        assert compiled(expected=found).expected == found
