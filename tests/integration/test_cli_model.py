"""The model as code against a real hub: what is compared, exported, applied again, and taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import Stack, running_stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.xdist_group("cli-model")]

DEVICE = "thishost"
SECRET = "geheim-und-lang"
SET = "kind: ProcessSet\nid: mill\ntitle: Mill\ninclude: '^{} '\norder: 7\n"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("--host-name", DEVICE, "--interval", "1") as running:
        yield running


@pytest.fixture
def mill(stack: Stack, tmp_path: Path) -> Path:
    """A file whose definition is live, and differs from nothing."""
    path = tmp_path / "mill.yaml"
    path.write_text(SET.format("mill"))
    stack.tocsin("apply", "-f", str(path), "--wait")
    return path


@pytest.fixture
def quiet(stack: Stack) -> Iterator[str]:
    """A device with a secret."""
    stack.tocsin(
        *("device", "add", "quiet", "--address", "127.0.0.1", "--set", "snmp_port=9", "--set", "snmp_community=-"),
        stdin=SECRET + "\n",
    )
    yield "quiet"
    stack.tocsin("device", "remove", "quiet", "--wait")


def newest(stack: Stack) -> int:
    return int(stack.json("history", "--limit", "1")["revisions"][0]["number"])


def model(stack: Stack) -> Any:
    return stack.json("export", "--with-secrets")["documents"]


def test_a_difference_is_told_field_by_field_and_changes_nothing(stack: Stack, mill: Path) -> None:
    assert stack.tocsin("diff", "-f", str(mill)).stdout == ""
    before = newest(stack)
    mill.write_text(SET.format("quern"))
    done = stack.tocsin("diff", "-f", str(mill), "--device", DEVICE, check=False)
    assert (done.returncode, done.stderr) == (6, "")
    assert done.stdout == (
        "~ ProcessSet mill\n"
        "    include: '^mill ' -> '^quern '\n"
        f"The config of {DEVICE}:\n"
        "    process_sets[mill].include: '^mill ' -> '^quern '\n"
        f"Collector local: 1 device would get a new config: {DEVICE}\n"
    )
    dry = stack.tocsin("apply", "-f", str(mill), "--dry-run", "--device", DEVICE)
    assert dry.stdout.startswith(done.stdout)
    assert newest(stack) == before
    missing = stack.tocsin("diff", "-f", str(mill), "--device", "nobody", check=False)
    assert (missing.returncode, "nobody" in missing.stderr) == (3, True)


def test_pruning_removes_what_the_files_do_not_have_of_their_kinds(stack: Stack, mill: Path) -> None:
    other = mill.with_name("other.yaml")
    other.write_text(SET.format("other").replace("id: mill", "id: other"))
    stack.tocsin("apply", "-f", str(mill.parent), "--wait")
    everything = mill.parent / "all"
    stack.tocsin("export", str(everything), "--without-secrets")
    (everything / "ProcessSet" / "other.yaml").unlink()
    told = stack.tocsin("diff", "-f", str(everything / "ProcessSet"), "--prune", check=False)
    assert told.returncode == 6
    assert told.stdout.startswith("- ProcessSet other\n")
    result = stack.json("apply", "-f", str(everything / "ProcessSet"), "--prune", "--wait")
    assert (result["removed"], result["live"]) == ([{"kind": "ProcessSet", "id": "other"}], True)
    assert DEVICE in {row["id"] for row in stack.json("device", "list")["devices"]}


@pytest.mark.parametrize("where", ["model", "model.yaml", None])
def test_what_is_exported_and_applied_again_changes_nothing(
    stack: Stack, mill: Path, quiet: str, tmp_path: Path, where: str | None
) -> None:
    before = newest(stack)
    if where is None:
        text = stack.tocsin("export", "--with-secrets").stdout
        result = json.loads(stack.tocsin("apply", "-f", "-", "--prune", "--json", stdin=text).stdout)
    else:
        path = tmp_path / where
        stack.tocsin("export", str(path), "--with-secrets")
        assert stack.tocsin("diff", "-f", str(path), "--prune").stdout == ""
        result = stack.json("apply", "-f", str(path), "--prune")
    assert (result["revision"], result["unchanged"]) == (None, len(model(stack)))
    assert newest(stack) == before


def test_secrets_leave_only_when_it_is_said_so(stack: Stack, quiet: str, tmp_path: Path) -> None:
    refused = stack.tocsin("export", str(tmp_path / "model"), check=False)
    assert (refused.returncode, "Device quiet: snmp_community" in refused.stderr) == (2, True)
    assert not (tmp_path / "model").exists()
    shown = stack.tocsin("export", "--without-secrets")
    assert "# snmp_community is set; not exported\n" in shown.stdout
    revision = str(newest(stack))
    changed = stack.tocsin("diff", "-f", "-", stdin=shown.stdout, check=False)
    assert "~ Device quiet\n    properties.snmp_community: (set) -> (not set)\n" in changed.stdout
    for done in (refused, shown, changed, stack.tocsin("show-revision", revision)):
        assert SECRET not in done.stdout + done.stderr
    assert SECRET in stack.tocsin("export", "--with-secrets").stdout


def test_the_model_goes_back_and_forth(stack: Stack, mill: Path) -> None:
    first = newest(stack)
    before = model(stack)
    mill.write_text(SET.format("quern"))
    second = stack.json("apply", "-f", str(mill), "--wait", "-m", "a quern")["revision"]
    after = model(stack)
    shown = stack.tocsin("show-revision", str(second)).stdout
    assert "a quern" in shown
    assert "~ ProcessSet mill\n    include: '^mill ' -> '^quern '\n" in shown

    told = stack.tocsin("rollback", str(first), "--dry-run").stdout
    assert "    include: '^quern ' -> '^mill '\n" in told
    assert newest(stack) == second
    back = stack.json("rollback", str(first), "--wait", "-m", "too coarse")
    assert (back["revision"], back["live"], model(stack)) == (second + 1, True, before)
    assert stack.json("rollback", str(first))["revision"] is None
    assert stack.json("history", "--limit", "1")["revisions"][0]["text"] == f"rollback to revision {first}: too coarse"
    config = stack.json("config", "show", "process", DEVICE, "--live")["config"]
    assert "^mill " in {one["include"] for one in config["process_sets"]}

    assert stack.json("rollback", "0", "--wait")["live"] is True
    assert model(stack) == []
    stack.tocsin("rollback", str(second), "--wait")
    assert model(stack) == after
    for command in ("rollback", "show-revision"):
        done = stack.tocsin(command, "999999", check=False)
        assert (done.returncode, "there is no revision 999999" in done.stderr) == (3, True)


def test_a_secret_comes_back_with_the_rest(stack: Stack, quiet: str) -> None:
    first = newest(stack)
    stack.tocsin("apply", "-f", "-", stdin="kind: Device\nid: quiet\naddress: 127.0.0.1\n")
    assert SECRET not in json.dumps(model(stack))
    told = stack.tocsin("rollback", str(first), "--dry-run")
    assert "    properties.snmp_community: (not set) -> (set)\n" in told.stdout
    stack.tocsin("rollback", str(first))
    assert SECRET in json.dumps(model(stack))
    kept = {path: data for path, data in stack.contents().items() if path.is_relative_to(stack.data / "hub")}
    assert {"hub.db", "hub.db-wal"} <= {path.name for path in kept}
    assert [path for path, data in kept.items() if SECRET.encode() in data] == []


def test_the_schema_is_printed(stack: Stack) -> None:
    assert json.loads(stack.tocsin("schema").stdout)["$schema"].endswith("2020-12/schema")
