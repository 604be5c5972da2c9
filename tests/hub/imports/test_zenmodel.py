"""Entries become documents that can be applied, and a report of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.imports.report import Imported, Secret
from hub.imports.zenbatch import read_batch
from hub.imports.zenmodel import documents_of
from hub.model.documents import read_entity

SITE = Path(__file__).parents[2] / "data" / "zenoss" / "site.batch"


def convert(text: str) -> Imported:
    return documents_of(read_batch(text.encode()))


def documents(imported: Imported, kind: str) -> dict[str, dict[str, Any]]:
    return {
        made.document["id"]: {name: value for name, value in made.document.items() if name not in {"kind", "id"}}
        for made in imported.made
        if made.document["kind"] == kind
    }


def properties(text: str) -> dict[str, Any]:
    """Of a device x that says this."""
    imported = convert(f"x {text}")
    assert imported.mistakes == ()
    found: dict[str, Any] = documents(imported, "Device")["x"].get("properties", {})
    return found


def losses(imported: Imported) -> dict[str, tuple[int, ...]]:
    return {loss.setting: loss.lines for loss in imported.losses}


def mistakes(imported: Imported) -> list[tuple[int, int, str]]:
    return [(one.line, one.column, one.sentence) for one in imported.mistakes]


def test_a_site_is_taken_whole() -> None:
    imported = documents_of(read_batch(SITE.read_bytes()))
    assert mistakes(imported) == []
    assert imported.counts() == {"DeviceClass": 4, "Group": 2, "Device": 5, "ProcessSet": 3}
    assert documents(imported, "Device")["web1"] == {
        "address": "10.0.0.1",
        "class": "/Server/Linux",
        "collector": "local",
        "groups": ["Location Berlin - Hall 2", "System Shop", "Group On call"],
    }
    assert documents(imported, "DeviceClass")["/Server/Linux/Secure"]["properties"] == {
        "snmp_version": "3",
        "snmp_user": "watch",
        "snmp_auth_protocol": "sha1",
        "snmp_auth_password": Secret("snmp_auth_password", "auth-password"),
        "snmp_priv_protocol": "aes128",
        "snmp_priv_password": Secret("snmp_priv_password", "priv-password"),
    }
    assert documents(imported, "ProcessSet")["Web.php-fpm"] == {
        "title": "php-fpm",
        "order": 100,
        "include": r"^php-fpm: pool (\w+).*$",
        "name": "PHP {1}",
        "missing_severity": "critical",
        "restart_severity": "critical",
        "count": {"min": 2},
    }
    assert losses(imported) == {
        "cRack": (18,),
        "process class Zenoss/java": (30,),
        "setProdState": (18,),
        "zCollectorClientTimeout": (7,),
        "zDeviceTemplates": (9,),
        "setHWProductKey": (12,),
        "setLastChange": (12,),
        "setPriority": (10,),
        "title": (14,),
        "zIcon": (8,),
    }
    assert imported.is_partial
    assert [(one.old, one.new) for one in imported.renamed] == [("db server", "db_server")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zSnmpVer='v1'", {"snmp_version": "1"}),
        ("zSnmpTries=6, zSnmpTimeout=1", {"snmp_retries": 5, "snmp_timeout_s": 1.0}),
        ("zSnmpPort='1161'", {"snmp_port": 1161}),
        ("zSnmpAuthType='SHA-256'", {"snmp_auth_protocol": "sha256"}),
        ("zSnmpAuthType=''", {"snmp_auth_protocol": "none"}),
        ("zSnmpPrivType='DES'", {"snmp_priv_protocol": "des"}),
        ("zSnmpContext='c', zSnmpSecurityName='u'", {"snmp_context": "c", "snmp_user": "u"}),
        ("zSnmpCollectionInterval=300", {"interval_s": 300}),
        ("zMaxOIDPerRequest=40", {"snmp_max_repetitions": 40}),
        ("zSnmpMonitorIgnore=True", {"monitor": False}),
        ("zSnmpMonitorIgnore=0", {"monitor": True}),
        ("zMonitor=False", {"monitor": False}),
        ("zMonitor='1'", {"monitor": True}),
        ("zMonitor=True, zSnmpMonitorIgnore=True", {"monitor": False}),
        ("zSnmpMonitorIgnore=False, zMonitor=False", {"monitor": False}),
        ("zFailSeverity=5", {"missing_severity": "critical"}),
        ("zFailSeverity=0", {}),
        ("zModelerLock=1", {"lock": ("delete",)}),
        ("zModelerLock=0", {"lock": ()}),
        ("zInterfaceMapIgnoreNames='^lo|^veth'", {"interfaces_ignore": "^lo|^veth"}),
        ("zProperties={'zSnmpPort': 162}", {"snmp_port": 162}),
        ("zSnmpCommunities=['one']", {"snmp_community": Secret("snmp_community", "one")}),
        ("zSnmpCommunities=['one', 'two']", {}),
        ("zSnmpCommunities=['a', 'b'], zSnmpCommunity='c'", {"snmp_community": Secret("snmp_community", "c")}),
        ("zSnmpTimeout=90", {}),
        ("zSnmpAuthPassword='short'", {}),
        ("zSnmpAuthPassword=''", {}),
        ("zSnmpVer='v4'", {}),
        ("setProdState=400", {}),
        ("setProdState=300", {}),
        ("setProdState=299", {"monitor": False}),
        ("setProdState=-1", {"monitor": False}),
    ],
)
def test_properties(text: str, expected: dict[str, Any]) -> None:
    assert properties(text) == expected


@pytest.mark.parametrize(
    "text",
    ["zSnmpTimeout=90", "zSnmpCommunities=['one', 'two']", "zSnmpAuthPassword='short'", "loader='vmware'", "odd=1"],
)
def test_what_is_left_out_is_told_without_its_value(text: str) -> None:
    imported = convert(f"y\nx {text}")
    assert imported.is_partial
    (loss,) = imported.losses
    assert (loss.setting, loss.lines, loss.count) == (text.partition("=")[0], (2,), 1)
    assert not {"short", "two", "vmware"} & set(loss.why.replace("'", " ").split())


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("x zSnmpPort='many'", (1, 13), "zSnmpPort: got text; expected a whole number"),
        ("x zSnmpPort=True", (1, 13), "zSnmpPort: got true or false; expected a whole number"),
        ("x zSnmpTimeout=[1]", (1, 16), "got a list; expected a number"),
        ("x zSnmpCommunity=None", (1, 18), "got None; expected text"),
        ("x zSnmpCommunity=['secret-one']", (1, 18), "got a list; expected text"),
        ("x zSnmpMonitorIgnore='perhaps'", (1, 22), "expected True or False"),
        ("x zModelerLock=3", (1, 16), "expected 0, 1 or 2"),
        ("x setGroups={'a': 1}", (1, 13), "got a dict; expected text"),
        ("a\nx manageIp='10.0.0.1 '\n'x'", (3, 1), "Device 'x' stands there twice; the first is in line 2"),
        ("'a b'  manageIp='1.1.1.1'\na_b", (2, 1), "would have the id 'a_b' here, as 'a b' in line 1"),
        ("'a b'", (1, 1), "'a b' is no host name; say the address with setManageIp"),
        ("x manageIp='$(id)'", (1, 1), "field 'address'"),
        ("../../etc/passwd manageIp='1.1.1.1'\n'---' manageIp='1'", (2, 1), "field 'id'"),
        ("x setGroups=['/A - B', '/A/B']", (1, 1), "would have the id 'Group A - B' here"),
        ("'/A:B'\n/A_B", (2, 1), "DeviceClass '/A_B' would have the id"),
        ("/Processes\na regex='x'\na regex='y'", (3, 1), "ProcessSet 'a' stands there twice"),
        ("/Processes\na regex='x', sequence='first'", (2, 23), "sequence: got text; expected a whole number"),
        ("x " + "zSnmpPort='" + "x" * 300 + "'", (1, 13), "expected a whole number"),
        ("x" * 300 + " manageIp='::1'", (1, 1), f"Device {'x' * 60}…: field 'id'"),
        ("/Devices/../y zSnmpPort=1\nx", (1, 1), "'/Devices/../y' cannot be a device class"),
        ("/A\nx\n/Devices/../y\n", (3, 1), "'/Devices/../y' cannot be a device class"),
        ("/Devices/../y\nx\nz", (1, 1), "'/Devices/../y' cannot be a device class"),
        ("/a/b/c/d/e/f/g/h/i/j/k", (1, 1), "cannot be a device class"),
        ("/" + "y" * 300, (1, 1), f"'/{'y' * 59}…' cannot be a device class"),
        ("/Locations/" + "y" * 300, (1, 1), f"'Location {'y' * 51}…' cannot be a group"),
        ("y\nx setGroups=['/" + "y" * 300 + "']", (2, 1), f"'Group {'y' * 54}…' cannot be a group"),
        ("'" + "a b" * 66 + "'", (1, 1), f"'{('a b' * 20)}…' is no host name"),
        ("y" * 200 + "\n" + "y" * 200, (2, 1), f"Device '{'y' * 60}…' stands there twice"),
    ],
)
def test_mistakes_have_their_places(text: str, place: tuple[int, int], said: str) -> None:
    (mistake,) = convert(text).mistakes
    assert (mistake.line, mistake.column) == place
    assert said in mistake.sentence
    assert "secret-one" not in mistake.sentence


@pytest.mark.parametrize("text", ["/Devices/../y\nx", "/" + "y" * 300 + "\nx\nz zSnmpPort=1"])
def test_nothing_else_is_blamed_for_the_name_of_an_organizer(text: str) -> None:
    assert [place for *place, _ in mistakes(convert(text))] == [[1, 1]]


def test_what_an_organizer_says_holds_for_its_class_and_for_the_devices_below_its_line() -> None:
    imported = convert(
        "/Devices/A zSnmpPort=1, zSnmpTries=2, setPerformanceMonitor='one', setProdState=300\n"
        "first\n"
        "/Devices/B\n"
        "other\n"
        "/A zSnmpPort=2\n"
        "second zSnmpTries=2\n"
    )
    assert imported.mistakes == ()
    assert documents(imported, "DeviceClass") == {"/A": {"properties": {"snmp_port": 2, "snmp_retries": 1}}}
    assert documents(imported, "Device") == {
        "first": {
            "address": "first",
            "class": "/A",
            "collector": "one",
            "state": "maintenance",
            "properties": {"snmp_port": 1},
        },
        "other": {"address": "other", "class": "/B"},
        "second": {"address": "second", "class": "/A", "properties": {"snmp_retries": 1}},
    }


def test_texts_of_python_2_are_decoded() -> None:
    text = (
        r"/Groups/A description='M\xc3\xbcnchen'"
        "\n"
        r"/Groups/B description=u'M\xfcnchen'"
        "\n/Groups/C description='Ü'"
    )
    said = [one["description"] for one in documents(convert(text), "Group").values()]
    assert said == ["München", "München", "Ü"]


def test_devices_without_an_organizer_are_discovered_ones() -> None:
    devices = documents(convert("a\n/Locations/L address='x'\nb\n/Devices\nc"), "Device")
    assert {id_: fields["class"] for id_, fields in devices.items()} == {
        "a": "/Discovered",
        "b": "/Discovered",
        "c": "/",
    }


def test_process_classes_inherit_from_their_organizers_and_keep_their_order() -> None:
    imported = convert(
        "/Processes/A zMonitor=False\n"
        "late regex='l', replaceRegex='.*', replacement='L'\n"
        "second includeRegex='s', sequence=7, ignoreParameters=True\n"
        "/Processes/A/osProcessClasses/first regex='f', sequence='2', zMonitor=True, excludeRegex='', \\\n"
        "  minProcessCount=3, maxProcessCount=3, zAlertOnRestart=True\n"
        "/Processes zFailSeverity=3\n"
        "bare\n"
        "band regex='b', minProcessCount=5, maxProcessCount=2, maxProcessMemory=1000, zModelerLock=2\n"
        "quiet regex='q', zFailSeverity=0, replaceRegex='\\\\d', replacement='x'\n"
        "/Server\n"
        "loaded loader='process', loader_arg_keys=['regex'], regex='x'\n"
    )
    assert mistakes(imported) == []
    made = documents(imported, "ProcessSet")
    assert list(made) == ["A.first", "A.second", "A.late", "bare", "band", "quiet", "loaded"]
    assert [one["order"] for one in made.values()] == [100, 200, 300, 400, 500, 600, 700]
    assert made["A.first"] == {
        "title": "first",
        "order": 100,
        "include": "^(?s:.*?)(?:f)(?s:.*)$",
        "exclude": "",
        "name": "{0}",
        "missing_severity": "warning",
        "restart_severity": "warning",
        "count": {"min": 3, "max": 3},
    }
    assert (made["A.late"]["monitor"], made["A.late"]["name"]) == (False, "L")
    assert (made["A.second"]["include"], made["A.second"]["name"]) == ("s", "second")
    assert "bare" in made["bare"]["include"]
    assert losses(imported) == {
        "zFailSeverity": (9,), "replaceRegex": (9,), "loader": (11,), "loader_arg_keys": (11,),
    }  # fmt: skip
    assert "count" not in made["band"]
    assert made["band"]["thresholds"] == {
        "count": {"points": ["count"], "form": "band", "minimum": 2, "maximum": 5},
        "memory": {"points": ["memory"], "maximum": 1000},
    }
    assert made["band"]["lock"] == ["delete", "update"]
    for id_, one in made.items():
        read_entity("ProcessSet", {"id": id_, **one})
    assert ("missing_severity" in made["quiet"], made["quiet"]["include"], "name" in made["quiet"]) == (
        False, "q", False,
    )  # fmt: skip


@pytest.mark.parametrize("regex", [r"a(?=b)", r"(a)\\1", "(", "[[:alpha:]]", "a{2000}"])
def test_a_pattern_that_re2_refuses_leaves_its_class_out(regex: str) -> None:
    imported = convert(f"/Processes\nbad regex='{regex}'\ngood regex='x'\n")
    assert (mistakes(imported), list(documents(imported, "ProcessSet"))) == ([], ["good"])
    (loss,) = imported.losses
    assert (loss.setting, loss.lines, loss.needed) == ("process class bad", (2,), True)
    assert loss.why.startswith("is left out: include")


def test_organizers_of_other_kinds_are_left_out_with_all_below() -> None:
    imported = convert("/Services/IpService\nhttp port=80\n/Events/Status\nx\n/Server\nweb1\n")
    assert list(documents(imported, "Device")) == ["web1"]
    told = [(loss.setting, loss.lines) for loss in imported.losses]
    assert told == [("/Events", (3,)), ("/Events", (4,)), ("/Services", (1,)), ("/Services", (2,))]


def test_what_only_tells_about_zenoss_is_no_loss_that_matters() -> None:
    imported = convert("x setTitle='x', setPriority=3, zIcon='a', setHWTag='b', setComments='c', zSnmpEngineId='d'")
    assert not imported.is_partial
    assert sorted(losses(imported)) == ["setComments", "setHWTag", "setPriority", "zIcon", "zSnmpEngineId"]


def test_a_secret_is_not_in_what_is_printed() -> None:
    assert "geheim" not in repr(convert("x zSnmpCommunity='geheim'"))
