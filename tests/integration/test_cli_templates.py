"""Templates against a real hub: bound at a class, replaced at a group, shown, changed, and live at the collector."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.xdist_group("cli-templates")]

DEVICE = "thishost"
DOCUMENTS = """\
kind: DeviceClass
id: /Server
templates: [busy]
---
kind: Group
id: calm
templates: [calm]
---
kind: Template
id: busy
component: process_set
sources: {{table: {{type: process, points: {{each: {{derived: cpu / count, unit: percent}}}}}}}}
thresholds:
  busy: {{points: each, maximum: {busy}, scans: 3}}
  crowd: {{points: count, maximum: 100000}}
---
kind: Template
id: calm
extends: busy
replaces: busy
thresholds: {{busy: }}
"""
OTHERS = """\
kind: Device
id: one
address: 127.0.0.1
properties: {source: local, interval_s: 3600}
---
kind: Device
id: two
address: 127.0.0.1
groups: [calm]
properties: {source: local, interval_s: 3600}
---
kind: Device
id: three
address: 127.0.0.1
class: /Network
properties: {source: local, interval_s: 3600}
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("--host-name", DEVICE, "--interval", "1") as running:
        yield running


@pytest.fixture(scope="module")
def model(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of documents that is live."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "templates.yaml").write_text(DOCUMENTS.format(busy=100000))
    (folder / "devices.yaml").write_text(OTHERS)
    stack.tocsin("apply", "-f", str(folder), "--wait")
    return folder


def live(stack: Stack, device: str) -> dict[str, Any]:
    config = stack.json("config", "show", "process", device, "--live")["config"]
    return {one["id"]: one for one in config.get("thresholds", [])}


def digests(stack: Stack) -> dict[str, str]:
    names = (DEVICE, "one", "two", "three")
    return {name: stack.json("config", "show", "process", name, "--live")["digest"] for name in names}


def of_sets(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """Templates of process sets."""
    return [row for row in shown["templates"] if row["component"] == "process_set"]


def test_what_holds_is_shown_and_runs_at_the_collector(stack: Stack, model: Path) -> None:
    one, two = (stack.json("device", "show", name, "--templates") for name in ("one", "two"))
    assert [(row["id"], row["origin"]) for row in of_sets(one)] == [
        ("busy", "class /Server"),
        ("process", "class /"),
    ]
    assert [row["id"] for row in of_sets(two)] == ["calm", "process"]
    assert two["not_held"] == [
        {"id": "busy", "origin": "class /Server", "why": "replaced by calm, which group calm binds"}
    ]
    told = stack.tocsin("device", "show", "two", "--templates").stdout
    assert "dropped by calm; busy has it" in told
    assert {name: sorted(live(stack, name)) for name in ("one", "two", "three")} == {
        "one": ["busy", "crowd"], "two": ["crowd"], "three": [],
    }  # fmt: skip
    config = stack.json("config", "show", "process", "one", "--live")["config"]
    assert next((point["point"], point["expression"]) for point in config["derived"]) == ("cpu_each", "cpu / count")


def test_a_change_of_a_template_reaches_exactly_those_it_concerns(stack: Stack, model: Path) -> None:
    before = digests(stack)
    (model / "templates.yaml").write_text(DOCUMENTS.format(busy=90000))
    dry = stack.json("apply", "-f", str(model), "--dry-run", "--device", "one")
    assert dry["devices"] == ["one", DEVICE]
    assert dry["plan"]["collectors"] == [{"id": "local", "devices": ["one", DEVICE], "leaving": []}]
    assert dry["plan"]["config"]["fields"] == [
        {
            "field": "thresholds[busy].levels",
            "old": [{"severity": "warning", "minimum": None, "maximum": 100000.0}],
            "new": [{"severity": "warning", "minimum": None, "maximum": 90000.0}],
        }
    ]
    assert digests(stack) == before
    stack.tocsin("apply", "-f", str(model), "--wait")
    after = digests(stack)
    assert {name for name in before if before[name] != after[name]} == {"one", DEVICE}
    assert live(stack, "one")["busy"]["levels"][0]["maximum"] == 90000.0


def test_a_binding_of_one_device_concerns_it_alone(stack: Stack, model: Path) -> None:
    before = digests(stack)
    stack.tocsin("device", "change", "one", "--unbind", "busy", "--wait")
    after = digests(stack)
    assert {name for name in before if before[name] != after[name]} == {"one"}
    assert live(stack, "one") == {}
    stack.tocsin("device", "change", "one", "--bind", "busy", "--wait")
    assert digests(stack) == before
    stack.tocsin("apply", "-f", str(model), "--wait")  # as it was for the other tests


def test_what_is_wrong_is_told_at_once_and_nothing_is_applied(stack: Stack, model: Path, tmp_path: Path) -> None:
    before = stack.json("history", "--limit", "1")
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "kind: Template\nid: a\nextends: b\n---\nkind: Template\nid: b\nextends: a\n---\n"
        "kind: Template\nid: c\nextends: busy\nthresholds: {x: {points: eech, maximum: 1}}\n---\n"
        "kind: Group\nid: g\ntemplates: [bussy]\n"
    )
    done = stack.tocsin("apply", "-f", str(path), "--json", check=False)
    details = json.loads(done.stdout)["error"]["details"]
    assert done.returncode == 1
    assert [detail.split(": ")[0] for detail in details] == [f"{path}:{line}" for line in (3, 12, 16)]
    assert "a -> b -> a" in details[0]
    assert "did you mean 'each'?" in details[1]
    assert "did you mean 'busy'?" in details[2]
    assert stack.json("history", "--limit", "1") == before


def test_a_template_that_is_in_use_cannot_be_pruned(stack: Stack, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "only.yaml"
    path.write_text("kind: Template\nid: only\n")
    done = stack.tocsin("apply", "-f", str(path), "--prune", check=False)
    assert done.returncode == 1
    assert "DeviceClass /Server: field 'templates': template 'busy' would be removed, and is still named" in done.stderr


def open_alarms(stack: Stack) -> list[tuple[str, str]]:
    events = stack.json("events", "list", "--device", DEVICE)["events"]
    return [(one["component"], one["severity_name"]) for one in events if one["event_key"] == "threshold:any:half"]


def stored(stack: Stack, point: str) -> list[float]:
    """What was written of a point of the set; nothing as long as its file does not have it."""
    done = stack.tocsin("data", "fetch", DEVICE, "sleeper", point, "--range", "5m", "--json", check=False)
    series = json.loads(done.stdout).get("series", [])
    return sorted({value for one in series for _, value in one["rows"] if value is not None})


def test_a_template_rings_where_it_is_bound_and_is_quiet_where_it_is_not(
    stack: Stack, model: Path, tmp_path: Path
) -> None:
    seconds = f"98765.{os.getpid()}"  # nobody else on this host sleeps so long
    path = tmp_path / "rings.yaml"
    path.write_text(
        f"kind: ProcessSet\nid: sleeper\norder: 1\ninclude: '^/?\\S*sleep {re.escape(seconds)}$'\n---\n"
        "kind: Template\nid: rings\ncomponent: process_set\n"
        "sources: {table: {type: process, points: {half: {derived: count / 2}}}}\n"
        "thresholds: {any: {points: half, maximum: 0.1, severity: error}}\n"
    )
    with subprocess.Popen(["sleep", seconds]) as sleeper:
        try:
            stack.tocsin("apply", "-f", str(path), "--wait")
            stack.tocsin("device", "change", DEVICE, "--bind", "rings", "--wait")
            wait_for("the alarm", lambda: ("sleeper", "error") in open_alarms(stack))
            wait_for("the file with the new point", lambda: stored(stack, "half") == [0.5], 120)
            stack.tocsin("device", "change", DEVICE, "--unbind", "rings", "--wait")
            wait_for("the end of the alarm", lambda: not open_alarms(stack))
        finally:
            sleeper.kill()
