"""A site as a folder of YAML: applied, exported, changed, compared, rolled back; and who is told of what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), pytest.mark.xdist_group("stack")]

DEVICES = 50
SETS = 12
CLASSES = ("/Site", "/Site/Web", "/Site/Db")

TEMPLATES = """
kind: Template
id: site
component: process_set
sources:
  table: {type: process, points: {each: {derived: memory / count, unit: bytes}}}
---
kind: Template
id: site-web
extends: site
replaces: site
thresholds:
  fat: {points: each, maximum: 1000000000, severity: warning, scans: 3}
---
kind: Template
id: site-db
extends: site
replaces: site
thresholds:
  busy: {points: cpu, maximum: 400, severity: info, for_s: 600}
---
kind: Template
id: uplink
component: interface
sources:
  traffic:
    type: snmp
    oids: [{walk: .1.3.6.1.2.1.31.1.1.1.6}, {walk: .1.3.6.1.2.1.31.1.1.1.1}]
    name: '{$2}'
    points: {in: {kind: counter, unit: bytes, minimum: 0}}
"""


def classes() -> str:
    """Three classes; each says something that the next overrides or adds to.

    Process sets are not modelled: whichever of those that come with Tocsin runs on this machine would be one more.
    """
    return (
        "kind: DeviceClass\nid: /Site\nproperties: {interval_s: 3600, source: local, model_plugins: [interfaces]}\n"
        "templates: [site]\n---\n"
        "kind: DeviceClass\nid: /Site/Web\nproperties: {flap_restarts: 9}\ntemplates: [site-web, uplink]\n---\n"
        "kind: DeviceClass\nid: /Site/Db\ntemplates: [site-db]\n"
    )


def process_set(number: int, include: str = "") -> str:
    """Of the twelve the first applies to all of the site, the others to web servers or databases."""
    where = CLASSES[0] if number == 0 else CLASSES[1 + number % 2]
    pattern = include or f"^/opt/site/daemon{number} "
    return f"kind: ProcessSet\nid: site{number}\norder: {5000 + number}\ninclude: '{pattern}'\napplies_to: {where}\n"


def device(number: int) -> str:
    """Every third is a database."""
    where = "/Site/Db" if number % 3 == 0 else "/Site/Web"
    return f"kind: Device\nid: site-{number:02}\naddress: 127.0.0.1\nclass: {where}\ngroups: [row {number % 4}]\n"


@pytest.fixture
def stack() -> Iterator[Stack]:
    with running_stack("--host-name", "here", "--interval", "60") as running:
        yield running


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "sets").mkdir(parents=True)
    (folder / "classes.yaml").write_text(classes())
    (folder / "templates.yml").write_text(TEMPLATES)
    for number in range(SETS):
        (folder / "sets" / f"{number}.yaml").write_text(process_set(number))
    (folder / "devices.yaml").write_text("---\n".join(device(number) for number in range(DEVICES)))
    return folder


def live(stack: Stack) -> dict[str, dict[str, Any]]:
    """What the collector itself says that it runs: config, and its digest, by device."""
    names = [row["id"] for row in stack.ask("devices")["devices"]]
    return {name: stack.ask(f"configs/process/{name}?live=1") for name in names}


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The fields of a config that differ, before and after."""
    old, new = before["config"], after["config"]
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return {name: (old.get(name), new.get(name)) for name in names}


def test_names_of_collectors_that_nobody_has_are_warned_of(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "pool.yaml"
    path.write_text("kind: Pool\nid: eu\nmembers: [local, locall, eu9]\n")
    for command in ("apply", "diff"):
        arguments = [command, "-f", str(path), *(["--dry-run"] if command == "apply" else [])]
        said = stack.tocsin(*arguments, check=False).stderr
        assert "no collector 'locall' has ever logged in, and no document has it; did you mean 'local'?" in said
        assert "'eu9'; such a member gets no devices before it logs in" in said
        assert "'local';" not in said


def test_a_site_is_applied_exported_changed_compared_and_rolled_back(stack: Stack, site: Path, tmp_path: Path) -> None:
    first = json.loads(stack.tocsin("apply", "-f", str(site), "-m", "the site", "--wait", "--json").stdout)
    assert len(first["created"]) == 3 + 4 + SETS + DEVICES
    assert first["live"]
    assert first["warnings"] == []
    whole = tmp_path / "export"
    stack.tocsin("export", str(whole))
    assert len(list(whole.rglob("*.yaml"))) >= 3 + 4 + SETS + DEVICES
    again = json.loads(stack.tocsin("apply", "-f", str(whole), "--prune", "--json").stdout)
    assert (again["revision"], again["created"], again["changed"], again["removed"]) == (None, [], [], [])

    # A template of the databases, and the regex of a set that all have.
    (site / "templates.yml").write_text(TEMPLATES.replace("maximum: 400", "maximum: 300"))
    (site / "sets" / "0.yaml").write_text(process_set(0, "^/opt/site/daemon0( |$)"))
    differs = stack.tocsin("diff", "-f", str(site), check=False)
    assert differs.returncode == 6
    assert "maximum" in differs.stdout
    assert "^/opt/site/daemon0( |$)" in differs.stdout
    second = json.loads(stack.tocsin("apply", "-f", str(site), "-m", "a change", "--wait", "--json").stdout)
    assert {row["id"] for row in second["changed"]} == {"site-db", "site0"}

    stack.tocsin("rollback", str(first["revision"]), "-m", "back")
    assert stack.tocsin("diff", "-f", str(whole), check=False).returncode == 0
    history = stack.json("history")["revisions"]
    assert [row["number"] for row in history[:3]] == [second["revision"] + 1, second["revision"], first["revision"]]
    assert history[1]["text"] == "a change"
    shown = stack.json("show-revision", str(second["revision"]))
    fields = {row["id"]: [field["field"] for field in row["fields"]] for row in shown["differences"]}
    assert fields["site0"] == ["include"]


CHANGES = [
    (process_set(0, "^/opt/site/other"), set(range(DEVICES))),
    (process_set(2, "^/opt/site/other"), {n for n in range(DEVICES) if n % 3}),
    (process_set(3, "^/opt/site/other"), set(range(0, DEVICES, 3))),
    (TEMPLATES.replace("maximum: 1000000000", "maximum: 2000000000"), {n for n in range(DEVICES) if n % 3}),
    (TEMPLATES, {n for n in range(DEVICES) if n % 3}),
    (TEMPLATES.replace("unit: bytes, minimum: 0", "unit: bytes, minimum: 1"), set()),  # no collector reads it yet
    (classes().replace("flap_restarts: 9", "flap_restarts: 8"), {n for n in range(DEVICES) if n % 3}),
    ("kind: Group\nid: row 2\nproperties: {flap_restarts: 3}\n", set(range(2, DEVICES, 4))),
]
"""What is applied one after the other, and the numbers of the devices whose configs it changes."""


def test_exactly_those_whose_configs_change_are_told(stack: Stack, site: Path) -> None:
    stack.tocsin("apply", "-f", str(site), "--wait")
    path = site.parent / "change.yaml"
    # What its first modelling finds is a part of the config of this host.
    wait_for("this host is modelled", lambda: stack.ask("devices/here")["modelled_at"])
    wait_for("all is live", lambda: stack.ask("status")["revision_live"])
    before = live(stack)
    for text, concerned in CHANGES:
        path.write_text(text)
        names = {f"site-{number:02}" for number in concerned}
        tried = json.loads(stack.tocsin("apply", "-f", str(path), "--dry-run", "--json").stdout)
        assert set(tried["devices"]) == names, text
        assert live(stack) == before, text
        stack.tocsin("apply", "-f", str(path), "--wait")
        after = live(stack)
        differing = {name for name in after if after[name]["digest"] != before[name]["digest"]}
        fields = {name: changed(before[name], after[name]) for name in sorted(differing ^ names)[:2]}
        assert differing == names, f"{fields}, after {text}"
        before = after
