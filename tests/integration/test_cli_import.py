"""A site of Zenoss taken over by a real hub: applied at once, and by way of files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import Stack, running_stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.xdist_group("cli-import")]

SITE = Path(__file__).parents[1] / "data" / "zenoss" / "site.batch"
SECRETS = ("site-read", "other-read", "gate-read", "auth-password", "priv-password")
HERE = """\
/Devices/Here zSnmpMonitorIgnore=True
here manageIp='127.0.0.1', setPerformanceMonitor='localhost', zSnmpPort=9
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("--host-name", "thishost", "--interval", "1") as running:
        yield running


@pytest.fixture
def clean(stack: Stack) -> Iterator[int]:
    """The newest revision, to which the hub goes back afterwards."""
    number = int(stack.json("history", "--limit", "1")["revisions"][0]["number"])
    yield number
    stack.tocsin("rollback", str(number))


def documents(stack: Stack) -> list[Any]:
    found: list[Any] = stack.json("export", "--with-secrets")["documents"]
    return sorted(found, key=lambda document: (document["kind"], document["id"]))


def test_a_site_is_one_revision_whichever_way_it_goes(stack: Stack, clean: int, tmp_path: Path) -> None:
    done = stack.tocsin("import", "zenbatchload", str(SITE), "-m", "over from Zenoss", check=False)
    assert done.returncode == 5
    (warning,) = done.stderr.splitlines()
    assert "site.batch:13:5: Device web2: " in warning
    assert "'berlin-1', and no document has it" in warning
    assert f"Revision {clean + 1}: " in done.stdout
    assert "zDeviceTemplates" in done.stdout
    shown = stack.tocsin("show-revision", str(clean + 1)).stdout
    assert "over from Zenoss" in shown
    for secret in SECRETS:
        assert secret not in done.stdout + shown
    rows = stack.json("device", "show", "vault.example.org", "--properties")["properties"]
    said = {row["name"]: (row["value"], row["origin"]) for row in rows}
    assert said["snmp_version"] == ("3", "class /Server/Linux/Secure")
    assert said["snmp_retries"] == (2, "class /")
    assert said["monitor"] == (False, "device")
    after = documents(stack)
    assert "gate-read" in str(after)

    out = tmp_path / "site"
    assert stack.tocsin("import", "zenbatchload", str(SITE), "-o", str(out), check=False).returncode == 5
    assert stack.tocsin("diff", "-f", str(out)).stdout == ""
    stack.tocsin("rollback", str(clean))
    stack.tocsin("apply", "-f", str(out))
    assert documents(stack) == after


def test_what_is_imported_is_live(stack: Stack, clean: int, tmp_path: Path) -> None:
    path = tmp_path / "here.batch"
    path.write_text(HERE)
    told = stack.tocsin("import", "zenbatchload", str(path), "--dry-run")
    assert "+ Device here" in told.stdout
    assert "would change" in told.stdout
    result = stack.json("import", "zenbatchload", str(path), "--wait")
    assert (result["live"], result["import"]["losses"]) == (True, [])
    config = stack.json("config", "show", "process", "here", "--live")["config"]
    assert config["snmp"]["port"] == 9
    again = stack.json("import", "zenbatchload", str(path))
    assert (again["revision"], again["unchanged"]) == (None, 2)


def test_what_the_hub_refuses_is_told_with_the_line_it_comes_from(stack: Stack, clean: int, tmp_path: Path) -> None:
    stack.apply("kind: DeviceClass\nid: /Vault\nproperties: {snmp_version: 3}\n")
    path = tmp_path / "half.batch"
    path.write_text("/Server\nfine\n/Vault/Old\nhalf\n")
    done = stack.tocsin("import", "zenbatchload", str(path), check=False)
    assert done.returncode == 1
    assert f"{path}:4:1: Device half: field 'properties': snmp_version 3 needs snmp_user" in done.stderr
    assert int(stack.json("history", "--limit", "1")["revisions"][0]["number"]) == clean + 1
