"""What of collectors and pools is wrong alone, and beside other documents."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.model.change import plan
from hub.model.entities import Pool, WhenAlone
from hub.model.model import Model
from tests.hub.model.test_documents import read
from tests.hub.model.test_refusing import told
from tests.hub.model.test_templatesoundness import apply, refused

ROOT = Path(__file__).parents[3]
POOL = "kind: Pool\nid: eu\nmembers: [eu1, eu2]\n"
DEVICE = "kind: Device\nid: d{0}\naddress: x\ncollector: {1}\n"


def held(*texts: str) -> Model:
    return plan(Model(), read(*texts)).after


def test_the_example_holds_and_is_what_the_guide_shows() -> None:
    held = read((ROOT / "etc" / "examples" / "pool.yaml").read_text())
    assert plan(Model(), held).summary == "pool eu, collector ship1 added"
    section = (ROOT / "docs" / "guide.md").read_text().split("## Collectors and pools")[1]
    shown = read(section.split("```yaml\n")[1].split("```")[0])
    assert [one.id for one in shown] == [one.id for one in held] == ["eu", "ship1"]


def test_a_pool_says_what_it_says() -> None:
    assert read(POOL) == [Pool(id="eu", members=("eu1", "eu2"), failover_after_s=90, when_alone=WhenAlone.STOP)]
    assert read(POOL + "failover_after_s: 30\nwhen_alone: continue\n") == [
        Pool(id="eu", members=("eu1", "eu2"), failover_after_s=30, when_alone=WhenAlone.CONTINUE)
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("kind: Collector\nid: hub\n", "f1.yaml:2: Collector hub: field 'id'"),
        (POOL.replace("id: eu", "id: hub"), "f1.yaml:2: Pool hub: field 'id'"),
        (POOL.replace("eu2", "hub"), "f1.yaml:3: Pool eu: field 'members[2]'"),
        (DEVICE.format("1", "hub"), "f1.yaml:4: Device d1: field 'collector'"),
    ],
)
def test_no_collector_or_pool_bears_the_hubs_own_name(text: str, place: str) -> None:
    assert told(text) == [f"{place}: 'hub' is the hub itself, whose own events bear that name; choose another"]
    assert read(text.replace("hub", "hubs"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: Pool\nid: eu\n", "f1.yaml:1: Pool eu: field 'members' is missing"),
        (
            POOL.replace("[eu1, eu2]", "[]"),
            "f1.yaml:3: Pool eu: field 'members': is empty; name at least one collector",
        ),
        (
            POOL.replace("[eu1, eu2]", "\n- eu1\n- eu2\n- eu1"),
            "f1.yaml:6: Pool eu: field 'members[3]': 'eu1' stands there twice",
        ),
        (
            POOL + "failover_after_s: 10\n",
            (
                "f1.yaml:4: Pool eu: field 'failover_after_s': got a whole number (10); expected a whole number of "
                "seconds from 30 (a daemon that restarts, or a connection that breaks, is back by then) to 86400 "
                "(a day)"
            ),
        ),
        (POOL + "failover_after_s: true\n", "f1.yaml:4: Pool eu: field 'failover_after_s': got true; expected a whole"),
        (
            POOL + "when_alone: maybe\n",
            "f1.yaml:4: Pool eu: field 'when_alone': got 'maybe'; expected one of stop, continue",
        ),
        (
            POOL + "properties: {lock: [delete]}\n",
            (
                "f1.yaml:4: Pool eu: field 'properties.lock': does not depend on who watches a device; set it on a "
                "class, a group or the device itself. A collector or pool may have full_scan_every, interval_s"
            ),
        ),
        (
            "kind: Collector\nid: eu1\nproperties: {snmp_comunity: hush}\n",
            "f1.yaml:3: Collector eu1: field 'properties': there is no property 'snmp_comunity'; did you mean",
        ),
        (
            "kind: Collector\nid: eu1\nmembers: [x]\n",
            "f1.yaml:3: Collector eu1: there is no field 'members'. Known: id, properties, title",
        ),
    ],
)
def test_what_is_wrong_alone(text: str, expected: str) -> None:
    (sentence,) = told(text)
    assert sentence.startswith(expected)
    assert "hush" not in sentence


def test_collectors_and_pools_have_names_of_their_own() -> None:
    sentence = "there is a collector and a pool of this name; devices could not tell which they mean"
    collector = "kind: Collector\nid: eu\n"
    assert refused(POOL, collector) == [f"f1.yaml:1: Pool eu: {sentence}"]
    assert refused(POOL, model=held(collector)) == [f"f1.yaml:1: Pool eu: {sentence}"]
    assert refused(collector, model=held(POOL)) == [f"f1.yaml:1: Collector eu: {sentence}"]


def test_members_are_collectors() -> None:
    whole = "kind: Pool\nid: world\nmembers: [us1, eu]\n"
    sentence = "Pool world: field 'members': 'eu' is a pool itself; name its collectors (eu1, eu2)"
    assert refused(whole, model=held(POOL)) == [f"f1.yaml:3: {sentence}"]
    assert refused(POOL, model=held(whole)) == [sentence]
    assert refused(POOL.replace("eu1", "eu")) == [
        (
            "f1.yaml:3: Pool eu: field 'members': a pool is no member of itself; give it another name than its "
            "collectors have"
        )
    ]


def test_a_collector_may_be_in_several_pools_and_needs_no_document() -> None:
    change = apply(POOL, POOL.replace("id: eu", "id: other"), "kind: Collector\nid: eu1\n", DEVICE.format(1, "eu"))
    assert len(change.created) == 4


def test_a_pool_that_devices_name_stays() -> None:
    model = held(POOL, *(DEVICE.format(number, "eu") for number in range(3)), DEVICE.format(9, "eu1"))
    other = "kind: Pool\nid: us\nmembers: [us1]\n"
    assert refused(other, model=model, prune=True) == [
        "Pool eu: would be removed, and 3 devices name it (d0, d1, d2); move them to another one first"
    ]
    moved = [DEVICE.format(number, "us") for number in range(2)]
    assert refused(other, *moved, DEVICE.format(2, "eu"), DEVICE.format(9, "us"), model=model, prune=True) == [
        "Pool eu: would be removed, and device d2 names it; move them to another one first"
    ]
    assert apply(other, *moved, DEVICE.format(2, "us"), DEVICE.format(9, "us"), model=model, prune=True).removed == (
        ("Pool", "eu"),
    )


def test_devices_stay_with_a_collector_that_takes_the_name_of_a_pool() -> None:
    model = held(POOL, DEVICE.format(1, "eu"))
    change = plan(model, read("kind: Collector\nid: eu\n"), [("Pool", "eu")])
    assert change.devices == ("d1",)  # it is not one of two members that watches it any more


def test_of_many_devices_some_are_named() -> None:
    model = held(POOL, *(DEVICE.format(number, "eu") for number in range(30)))
    (sentence,) = refused("kind: Pool\nid: us\nmembers: [us1]\n", model=model, prune=True)
    assert "30 devices name it (d0, d1, d10, " in sentence
    assert " and 10 more); move them" in sentence


def test_a_collector_goes_without_a_word() -> None:
    model = held("kind: Collector\nid: eu1\nproperties: {interval_s: 30}\n", POOL, DEVICE.format(1, "eu1"))
    assert plan(model, [], [("Collector", "eu1")]).devices == ("d1",)


def test_properties_that_do_not_go_together_are_refused_for_the_devices() -> None:
    collector = "kind: Collector\nid: eu1\nproperties: {snmp_version: 3}\n"
    assert refused(collector, DEVICE.format(1, "eu1")) == [
        "f2.yaml:1: Device d1: field 'properties': snmp_version 3 needs snmp_user (with what it inherits)"
    ]
    assert apply(collector, DEVICE.format(1, "eu2")).created


def test_where_a_collector_is_wrong_nothing_is_said_that_it_may_put_right() -> None:
    pool = "kind: Pool\nid: us\nmembers: [us1]\n---\nkind: Collector\nid: eu\ntitel: x\n"
    lines = told(pool, model=held(POOL, DEVICE.format(1, "eu")), prune=True)
    assert [line.split(":")[1] for line in lines] == ["7"]
