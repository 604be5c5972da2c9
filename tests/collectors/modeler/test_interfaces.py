"""Network interfaces by their names, whatever their indexes are."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.framework.snmp.interfaces import SnmpValue
from collectors.modeler.facts import CutShort, Tables, Unbelievable
from collectors.modeler.plugins.interfaces import (
    ADMIN,
    ALIAS,
    DESCR,
    HIGH_SPEED,
    INTERFACES,
    MAC,
    MTU,
    NAME,
    OPER,
    PLUGIN,
    SPEED,
    TYPE,
)
from tests.collectors.modeler.tables import Row, by_name, config, cut, found, indexed, names, tables

A, B = b"\x02\x00\x00\x00\x00\x0a", b"\x02\x00\x00\x00\x00\x0b"


def interface(name: str, mac: bytes = b"", **more: Any) -> Row:
    columns: dict[str, Any] = {"high": HIGH_SPEED, "speed": SPEED, "alias": ALIAS}
    rest: dict[Any, SnmpValue] = {columns[key]: value for key, value in more.items()}
    return {
        DESCR: b"A card",
        TYPE: 6,
        MTU: 1500,
        MAC: mac,
        ADMIN: 1,
        OPER: 2,
        SPEED: 10_000_000,
        NAME: name.encode(),
        **rest,
    }


def told(rows: dict[int, Row]) -> Tables:
    return tables(interfaces=indexed(INTERFACES, rows))


def test_an_interface_with_all_that_is_known_of_it() -> None:
    (one,) = found(PLUGIN, told({7: interface("eth0", A, high=25_000, alias=b"to the\ncore")})).components
    assert (one.name, one.anchor) == ("eth0", "02:00:00:00:00:0a")
    assert one.attributes == {
        "index": 7,
        "descr": "A card",
        "alias": "to the core",
        "type": "ethernet",
        "mtu": 1500,
        "speed_bps": 25_000_000_000,
        "mac": "02:00:00:00:00:0a",
        "admin_status": "up",
        "oper_status": "down",
    }


def test_another_index_or_another_name_leaves_the_anchor() -> None:
    before = found(PLUGIN, told({2: interface("eth0", A), 3: interface("eth1", B)}))
    after = found(PLUGIN, told({5: interface("lan0", A), 2: interface("eth1", B)}))
    assert {one.name: one.anchor[-2:] for one in before.components} == {"eth0": "0a", "eth1": "0b"}
    assert {one.name: one.anchor[-2:] for one in after.components} == {"lan0": "0a", "eth1": "0b"}


def test_without_ifname_the_description_names_it_and_without_that_the_index() -> None:
    bare: Row = {TYPE: 24, DESCR: b"Loopback\0"}
    assert names(found(PLUGIN, told({1: bare, 2: {NAME: b" ", DESCR: b""}}))) == ["Loopback", "if2"]


def test_doubles_are_told_apart_by_their_addresses_not_by_their_indexes() -> None:
    first = by_name(found(PLUGIN, told({1: interface("port", A), 2: interface("port", B)})))
    second = by_name(found(PLUGIN, told({1: interface("port", B), 9: interface("port", A)})))
    assert {name: one.anchor for name, one in first.items()} == {name: one.anchor for name, one in second.items()}
    assert list(first) == ["port", "port #2"]


def test_addresses_of_zeros_are_no_anchor() -> None:
    assert found(PLUGIN, told({1: interface("lo", b"\0" * 6)})).components[0].anchor == ""


@pytest.mark.parametrize(
    ("more", "speed_bps"),
    [
        ({"high": 0, "speed": 64_000}, 64_000),
        ({"high": 0, "speed": 2**32 - 1}, None),
        ({"high": 0, "speed": 0}, None),
        ({"speed": -5}, None),
        ({"high": 2**62}, None),
        ({"high": b"fast", "speed": 5}, 5),
    ],
)
def test_speeds(more: dict[str, Any], speed_bps: int | None) -> None:
    (one,) = found(PLUGIN, told({1: interface("x", **more)})).components
    assert one.attributes.get("speed_bps") == speed_bps


def test_names_that_are_meant_to_harm_are_cut_and_made_printable() -> None:
    rows = {1: interface("../../etc\x00\n\x1b[2J" + "x" * 400), 2: interface("x" * 400), 3: interface("x" * 401)}
    called = names(found(PLUGIN, told(rows)))
    assert len(set(called)) == 3
    assert all(name.isprintable() and len(name) <= 255 for name in called)


def test_an_address_of_any_length_stays_short() -> None:
    (one,) = found(PLUGIN, told({1: interface("x", b"\x01" * 60_000)})).components
    assert len(one.anchor) <= 255


def test_what_is_ignored_is_not_there() -> None:
    rows = {1: interface("lo"), 2: interface("veth1")}
    assert names(found(PLUGIN, told(rows), config(interfaces_ignore="^veth"))) == ["lo"]
    assert names(found(PLUGIN, told(rows), config(interfaces_ignore="."))) == []


def test_a_table_that_ends_early_or_is_empty_says_nothing() -> None:
    with pytest.raises(CutShort, match="interface table"):
        found(PLUGIN, cut(told({1: interface("lo")}), "interfaces"))
    with pytest.raises(Unbelievable, match="shows no interface"):
        found(PLUGIN, told({}))
