"""What could not be taken of SNMP takes along what cannot hold without it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.cli.importfiles import request_files
from hub.imports.report import Imported, Secret
from hub.imports.zenbatch import read_batch
from hub.imports.zenmodel import documents_of
from hub.model.change import plan
from hub.model.documents import SourceFile, read_documents
from hub.model.model import Model

GOOD = "zSnmpVer='v3', zSnmpSecurityName='u', zSnmpAuthType='SHA', zSnmpAuthPassword='long-enough'"
BAD = "zSnmpVer='v3', zSnmpSecurityName='u', zSnmpAuthType='SHA', zSnmpAuthPassword='short'"


def convert(text: str) -> Imported:
    return documents_of(read_batch(text.encode()))


def planned(imported: Imported) -> Model:
    """The model after what was imported was applied."""
    files = [SourceFile(**file) for file in request_files(imported.made, "f")]  # type: ignore[arg-type]  # as the API
    return plan(Model(), [document.entity for document in read_documents(files)]).after


def properties(imported: Imported, id_: str) -> dict[str, object]:
    (found,) = (made.document.get("properties", {}) for made in imported.made if made.document["id"] == id_)
    return {name: "…" if isinstance(value, Secret) else value for name, value in found.items()}


def told(imported: Imported) -> dict[str, tuple[int, ...]]:
    return {loss.setting: loss.lines for loss in imported.losses}


def test_a_short_password_takes_its_protocol_along() -> None:
    imported = convert(f"/A {GOOD}, zSnmpPrivType='AES', zSnmpPrivPassword='short'\nx\ny\n")
    assert told(imported) == {"zSnmpPrivPassword": (1,), "zSnmpPrivType": (1,)}
    assert properties(imported, "/A").keys() & {"snmp_priv_protocol", "snmp_priv_password"} == set()
    assert properties(imported, "/A")["snmp_auth_protocol"] == "sha1"
    assert planned(imported).devices.keys() == {"x", "y"}


@pytest.mark.parametrize(
    ("text", "expected", "lost"),
    [
        ("zSnmpVer='v3'", {}, {"zSnmpVer"}),
        (
            BAD + ", zSnmpPrivType='AES', zSnmpPrivPassword='long-enough'",
            {"snmp_version": "3", "snmp_user": "u"},
            {"zSnmpAuthType", "zSnmpAuthPassword", "zSnmpPrivType", "zSnmpPrivPassword"},
        ),
        (
            "zSnmpVer='v3', zSnmpSecurityName='u', zSnmpAuthType='ROT13', zSnmpAuthPassword='long-enough'",
            {"snmp_version": "3", "snmp_user": "u"},
            {"zSnmpAuthType", "zSnmpAuthPassword"},
        ),
        ("zSnmpVer='v2c', zSnmpAuthType='SHA'", {"snmp_version": "2c", "snmp_auth_protocol": "sha1"}, set()),
    ],
)
def test_of_a_device(text: str, expected: dict[str, object], lost: set[str]) -> None:
    imported = convert(f"x {text}")
    assert (properties(imported, "x"), set(told(imported))) == (expected, lost)
    planned(imported)


def test_what_others_use_stays_and_the_device_says_otherwise() -> None:
    imported = convert(
        "/A zSnmpVer='v3', zSnmpSecurityName='u', zSnmpAuthType='SHA'\n"
        "good zSnmpAuthPassword='long-enough'\n"
        "bad zSnmpAuthPassword='short'\n"
    )
    assert properties(imported, "/A")["snmp_auth_protocol"] == "sha1"
    assert properties(imported, "good") == {"snmp_auth_password": "…"}
    assert properties(imported, "bad") == {"snmp_auth_protocol": "none"}
    assert told(imported) == {"zSnmpAuthPassword": (3,), "zSnmpAuthType": (3,)}
    planned(imported)


def test_a_password_that_others_use_stays() -> None:
    imported = convert(f"/A {GOOD}\ngood\nopen zSnmpAuthType=''\n")
    assert "snmp_auth_password" in properties(imported, "/A")
    assert properties(imported, "open") == {"snmp_auth_protocol": "none", "snmp_version": "2c"}
    assert told(imported) == {"zSnmpAuthPassword": (3,)}
    planned(imported)


def test_a_class_without_devices_is_left_whole_unless_something_of_it_was_refused() -> None:
    imported = convert("/A zSnmpVer='v3'\n/B zSnmpVer='v3', zSnmpSecurityName='u', zSnmpAuthType='MD5'\n")
    assert imported.losses == ()
    imported = convert("/B zSnmpVer='v3', zSnmpSecurityName='u', zSnmpAuthType='MD5', zSnmpAuthPassword='short'\n")
    assert set(told(imported)) == {"zSnmpAuthType", "zSnmpAuthPassword"}


SETTINGS = {
    "zSnmpVer": ("v1", "v2c", "v3", "v3", "v9"),
    "zSnmpSecurityName": ("u", ""),
    "zSnmpAuthType": ("", "MD5", "SHA", "ROT13"),
    "zSnmpPrivType": ("", "DES", "AES", "ROT13"),
    "zSnmpAuthPassword": ("long-enough", "short", ""),
    "zSnmpPrivPassword": ("long-enough", "short", ""),
    "zSnmpCommunity": ("public", "", "other", "x" * 300),
    "zSnmpTimeout": (1, 90),
    "zSnmpTries": (0, 1, 6),
    "zInterfaceMapIgnoreNames": ("^lo", "(", "(?=x)"),
    "zSnmpCollectionInterval": (60, 1),
    "description": ("", "a\nb", "x" * 5000),
    "setProdState": (1000, 300, -1),
    "setPerformanceMonitor": ("localhost", "", "a b"),
    "setLocation": ("/A/B", "", "/Ü"),
    "setGroups": (["/X", "/Y/Z"], []),
}
settings = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in SETTINGS.items()})
organizers = st.sampled_from(["/", "/Devices/A", "/A/B", "/A/B/C", "/D", "/Locations/A", "/Groups/X"])
processes = st.sampled_from(
    ["/Processes/P", "p regex='x', zFailSeverity=9", "q regex='(', zMonitor=False", "r minProcessCount=4"]
)


@st.composite
def batches(draw: st.DrawFn) -> str:
    """Files with organizers, devices of different names and process classes."""
    lines = []
    for number in range(draw(st.integers(1, 10))):
        name = draw(st.one_of(organizers, st.just(f"d{number}"), st.just(f"d{number}")))
        lines.append(name + " " + ", ".join(f"{word}={value!r}" for word, value in draw(settings).items()))
    return "\n".join([*lines, "/Processes", *draw(st.lists(processes, max_size=3, unique=True))])


@given(batches())
def test_whatever_is_let_through_can_be_applied(text: str) -> None:
    imported = convert(text)
    if not imported.mistakes and imported.made:
        planned(imported)
