from __future__ import annotations

from msgspec.structs import replace

from hub.model import bound as bound_module
from hub.model.change import plan
from hub.model.entities import (
    KIND_COLLECTOR,
    KIND_DEVICE,
    KIND_POOL,
    KIND_PROCESS_SET,
    Collector,
    Device,
    DeviceClass,
    DeviceState,
    Entity,
    Key,
    Pool,
    ProcessSet,
    WhenAlone,
    key_of,
)
from hub.model.entities import Group as DeviceGroup
from hub.model.model import Model
from hub.model.templates import Target, Template, Threshold

WEB = Device(id="web", address="1", class_="/Server/Linux/Web", groups=("g1",))
DB = Device(id="db", address="2", class_="/Server/Linux", properties={"interval_s": 30})
ROUTER = Device(id="router", address="3", class_="/Network", groups=("g1", "g2"))
ALL = ProcessSet(id="all", order=1, include="a")
LINUX = ProcessSet(id="linux", order=2, include="b", applies_to=("/Server/Linux",))
GROUP = ProcessSet(id="group", order=3, include="c", applies_to=("g2", "/Server/Linux/Web"))
MODEL = Model(5, (WEB, DB, ROUTER, ALL, LINUX, GROUP))


def devices(*wanted: Entity, gone: tuple[Key, ...] = ()) -> list[str]:
    return list(plan(MODEL, wanted, gone).devices)


def test_a_set_concerns_those_it_applies_to() -> None:
    assert devices(replace(ALL, confirm=2)) == ["db", "router", "web"]
    assert devices(replace(LINUX, include="x")) == ["db", "web"]
    assert devices(replace(GROUP, required=True)) == ["router", "web"]
    assert devices(ProcessSet(id="new", order=9, include="n", applies_to=("g1",))) == ["router", "web"]
    assert devices(gone=((KIND_PROCESS_SET, "group"),)) == ["router", "web"]


def test_a_set_that_moves_concerns_those_it_leaves_and_those_it_comes_to() -> None:
    assert devices(replace(GROUP, applies_to=("g2", "/Server/Linux"))) == ["db"]
    assert devices(replace(LINUX, applies_to=("/Network",))) == ["db", "router", "web"]


def test_a_set_that_is_not_watched_is_still_looked_for_by_the_modeler() -> None:
    hidden = replace(ALL, monitor=False)
    assert devices(hidden) == ["db", "router", "web"]
    model = MODEL.changed(6, {key_of(hidden): hidden})
    assert plan(model, [replace(hidden, include="other")]).devices == ("db", "router", "web")
    assert plan(model, [replace(hidden, description="better")]).devices == ()


def test_what_no_collector_would_notice_concerns_nobody() -> None:
    assert devices(replace(ALL, description="better")) == []
    assert devices(replace(DB, properties={**DB.properties, "lock": ("delete",), "retire_after_days": 7})) == []
    assert devices(replace(ALL, title="all")) == []  # what it is called without a title
    assert devices(replace(DB, state=DeviceState.MAINTENANCE)) == []
    assert devices(replace(WEB, groups=("g1", "g9"))) == []
    assert devices(replace(WEB, properties={"snmp_port": 161})) == []


def test_a_set_that_is_not_monitored_any_more_concerns_its_devices() -> None:
    assert devices(replace(LINUX, monitor=False)) == ["db", "web"]


HIGH = Threshold(points=("cpu",), maximum=90.0)
BASE = Template(id="base", component=Target.PROCESS_SET, thresholds={"high": HIGH})
HEIR = Template(id="heir", extends="base")
BOUND = MODEL.changed(
    6,
    {
        key_of(one): one
        for one in (
            BASE,
            HEIR,
            Template(id="alone", component=Target.PROCESS_SET),
            DeviceClass(id="/Server", templates=("base",)),
            DeviceGroup(id="g2", templates=("heir",)),
            replace(WEB, templates=("-base",)),
        )
    },
)


def bound(*wanted: Entity, gone: tuple[Key, ...] = ()) -> list[str]:
    return list(plan(BOUND, wanted, gone).devices)


def test_a_template_concerns_those_for_which_it_or_an_heir_of_it_holds() -> None:
    louder = replace(BASE, thresholds={"high": replace(HIGH, maximum=80.0)})
    assert bound(louder) == ["db", "router"]
    assert bound(replace(HEIR, thresholds={"high": HIGH})) == []  # as it was
    assert bound(louder, replace(HEIR, thresholds={"high": HIGH})) == ["db"]
    assert bound(replace(HEIR, thresholds={"low": HIGH})) == ["router"]
    assert bound(replace(BASE, description="better")) == []
    assert bound(Template(id="alone", component=Target.PROCESS_SET, thresholds={"x": HIGH})) == []


def test_a_binding_concerns_those_that_get_or_lose_something_by_it() -> None:
    assert bound(DeviceClass(id="/Server")) == ["db"]
    assert bound(DeviceClass(id="/", templates=("base",))) == []  # router has the same from its heir
    assert bound(DeviceGroup(id="g1", templates=("-heir",))) == ["router"]
    assert bound(DeviceClass(id="/Server", templates=("base", "alone"))) == []
    assert bound(DeviceGroup(id="g1", templates=("base",))) == []
    assert bound(DeviceGroup(id="g2", templates=("-heir",))) == ["router"]
    assert bound(replace(WEB, templates=())) == ["web"]
    assert bound(replace(ROUTER, templates=("base",))) == []  # the same threshold, from another template
    assert bound(replace(DB, templates=("-base",))) == ["db"]


def test_thresholds_of_a_process_set_concern_those_it_applies_to() -> None:
    assert bound(replace(LINUX, thresholds={"t": HIGH})) == ["db", "web"]
    assert bound(replace(LINUX, thresholds={"t": replace(HIGH, enabled=False)})) == []
    assert bound(replace(LINUX, thresholds={"high": replace(HIGH, enabled=False)})) == ["db"]
    assert bound(replace(GROUP, thresholds={"t": HIGH}, monitor=False)) == ["router", "web"]  # no longer watched


def test_a_template_that_few_have_is_found_without_a_look_at_the_others() -> None:
    hosts = [Device(id=f"d{number}", address="x", groups=(f"g{number % 50}",)) for number in range(1000)]
    few = Device(id="few", address="x", templates=("base",))
    model = Model(1, [*hosts, few, BASE, DeviceGroup(id="g7", templates=("base",))])
    louder = replace(BASE, thresholds={})
    change = plan(model, [louder])
    assert change.devices == tuple(sorted([*(f"d{number}" for number in range(7, 1000, 50)), "few"]))
    assert {key[0] for work, key in change.after._shared if work is bound_module._judged} == {
        ("/Server/Linux", ("g7",)), ("/Server/Linux", ()),
    }  # fmt: skip


def test_a_device_concerns_itself() -> None:
    assert devices(replace(DB, address="9")) == ["db"]
    assert devices(replace(DB, collector="far")) == ["db"]
    assert devices(replace(DB, groups=("g2",))) == ["db"]
    assert devices(Device(id="new", address="4")) == ["new"]
    assert devices(gone=((KIND_DEVICE, "db"),)) == ["db"]
    assert devices(DB) == []


EU = Pool(id="eu", members=("eu1", "eu2"), properties={"snmp_port": 1161})
EU1 = Collector(id="eu1", properties={"interval_s": 30, "snmp_community": "hush"})
SITE = MODEL.changed(
    6,
    {
        key_of(one): one
        for one in (
            EU,
            EU1,
            replace(WEB, collector="eu1"),
            replace(DB, collector="eu1"),  # says interval_s itself
            replace(ROUTER, collector="eu"),
            Device(id="printer", address="4", class_="/Printer", collector="eu"),
            DeviceClass(id="/Printer", properties={"snmp_port": 7}),
        )
    },
)


def site(*wanted: Entity, gone: tuple[Key, ...] = ()) -> list[str]:
    return list(plan(SITE, wanted, gone).devices)


def test_the_settings_of_a_collector_concern_those_that_name_it_and_see_the_change() -> None:
    assert site(replace(EU1, properties={**EU1.properties, "interval_s": 40})) == ["web"]
    assert site(replace(EU1, properties={**EU1.properties, "snmp_community": "loud"})) == ["db", "web"]
    assert site(replace(EU1, title="Frankfurt")) == []
    assert site(replace(EU1, properties={**EU1.properties, "snmp_port": 161})) == []  # the default
    assert site(gone=((KIND_COLLECTOR, "eu1"),)) == ["db", "web"]
    assert site(Collector(id="eu2", properties={"interval_s": 5})) == []
    assert site(Collector(id="local", properties={"interval_s": 5})) == []


def test_the_settings_of_a_pool_concern_those_that_name_it_and_see_the_change() -> None:
    assert site(replace(EU, properties={"snmp_port": 1162})) == ["router"]
    assert site(replace(EU, properties={**EU.properties, "retention": "long"})) == ["printer", "router"]
    assert site(replace(EU, title="Europe")) == []


def test_who_is_in_a_pool_and_when_others_take_over_concerns_all_that_name_it() -> None:
    for changed in (
        replace(EU, members=("eu1",)),
        replace(EU, members=("eu1", "eu2", "eu3")),
        replace(EU, failover_after_s=60),
        replace(EU, when_alone=WhenAlone.CONTINUE),
    ):
        assert site(changed) == ["printer", "router"]
    assert site(replace(EU, members=("eu2", "eu1"))) == []  # in another order


def test_a_pool_that_comes_concerns_those_that_name_it_already() -> None:
    before = Model(1, [replace(DB, collector="us"), WEB])
    assert plan(before, [Pool(id="us", members=("us1",))]).devices == ("db",)


def test_a_device_that_moves_to_a_collector_or_pool_concerns_itself() -> None:
    assert site(replace(SITE.devices["web"], collector="eu")) == ["web"]
    assert site(replace(SITE.devices["web"], collector="eu2")) == ["web"]
    assert site(replace(SITE.devices["router"], collector="eu1"), gone=((KIND_POOL, "us"),)) == ["router"]


def test_classes_and_collectors_that_change_together_concern_those_that_see_it() -> None:
    of_class = DeviceClass(id="/Server", properties={"interval_s": 30})
    silent = replace(EU1, properties={"snmp_community": "hush"})
    assert site(of_class, silent) == []  # the same interval from another place
    assert site(of_class, replace(silent, properties={})) == ["db", "web"]
    moved = replace(SITE.devices["web"], collector="eu")
    assert site(moved, silent) == ["web"]
