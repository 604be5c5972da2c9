"""The model as code: diff, export, revisions, the way back, and the schema, against the fake hub."""

from __future__ import annotations

import io
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.model.documents import SourceFile, read_documents
from tests.fakes.api import FakeApi
from tests.hub.cli.conftest import Run

FILE = "kind: ProcessSet\nid: nginx\ninclude: x\n"
HOSTILE = "\x1b[31m\u202e"


def field(name: str, old: Any, new: Any) -> dict[str, Any]:
    return {"field": name, "old": old, "new": new}


def document(what: str, id_: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "Device", "id": id_, "what": what, "fields": list(fields)}


def collector(id_: str, devices: list[str], leaving: list[str] | None = None) -> dict[str, Any]:
    return {"id": id_, "devices": devices, "leaving": leaving or []}


@pytest.fixture
def changed(fake: FakeApi) -> dict[str, Any]:
    """A hub to which the files say something new."""
    fake.state.plan["differences"] = [
        document("created", "web9", field("address", None, "10.0.0.9"), field("groups", None, ["a", "it's"])),
        document(
            "changed",
            "web1",
            field("state", "production", "maintenance"),
            field("count.min", None, 2),
            field("required", True, False),
            field("levels", [], [{"severity": "error", "minimum": None, "on": True}]),
            field("properties.snmp_community", "(set)", "(set)"),
            field("description", f"a\n{HOSTILE}", ""),
        ),
        document("removed", "web2", field("properties.snmp_community", "(set)", None)),
    ]
    fake.state.plan["collectors"] = [collector("far", ["web1"]), collector("local", ["web9"], ["web1", "web2"])]
    return fake.state.plan


def test_diff_tells_every_field_and_where_configs_change(run: Run, fake: FakeApi, changed: dict[str, Any]) -> None:
    done = run("diff", "-f", "-", "--prune", stdin=FILE)
    assert done.code == 6
    assert done.out == (
        "+ Device web9\n"
        "    address: '10.0.0.9'\n"
        "    groups: ['a', 'it''s']\n"
        "~ Device web1\n"
        "    state: 'production' -> 'maintenance'\n"
        "    count.min: (not set) -> 2\n"
        "    required: true -> false\n"
        "    levels: [] -> [{severity: 'error', minimum: null, on: true}]\n"
        "    properties.snmp_community: (set), changes\n"
        "    description: 'a\\n\\x1b[31m\\u202e' -> ''\n"
        "- Device web2\n"
        "    properties.snmp_community: (set)\n"
        "Collector far: 1 device would get a new config: web1\n"
        "Collector local: 1 device would get a new config: web9\n"
        "Collector local: 2 devices would not be watched by it any more: web1, web2\n"
    )
    (body,) = fake.state.applied
    assert (body.dry_run, body.prune, body.device) == (True, True, "")
    assert fake.state.revision == 3


def test_diff_as_a_document(run: Run, changed: dict[str, Any]) -> None:
    done = run("diff", "-f", "-", "--json", stdin=FILE)
    assert (done.code, done.json["plan"]) == (6, changed)


def test_nothing_differs_is_exit_code_0(run: Run) -> None:
    done = run("diff", "-f", "-", stdin=FILE)
    assert (done.code, done.out, done.err) == (0, "", "Nothing differs: 2 documents unchanged\n")
    done = run("diff", "-f", "-", "--json", stdin=FILE)
    assert (done.code, done.json["dry_run"], done.err) == (0, True, "")


def test_a_failure_is_not_taken_for_a_difference(run: Run) -> None:
    assert run("diff", "-f", "-", stdin="BAD").code == 1
    assert run("diff", "-f", "nosuch").code == 2
    assert run("diff").code == 2


def test_the_first_twenty_devices_are_named(run: Run, changed: dict[str, Any]) -> None:
    names = [f"d{number:02}" for number in range(18)]
    changed["collectors"] = [collector("a", names), collector("b", ["x1", "x2", "x3"]), collector("c", ["y1"])]
    lines = run("diff", "-f", "-", stdin=FILE).out.splitlines()[-3:]
    assert lines[0].endswith(": " + ", ".join(names))
    assert lines[1:] == [
        "Collector b: 3 devices would get a new config: x1, x2, and 1 more",
        "Collector c: 1 device would get a new config",
    ]
    changed["collectors"] = []
    assert run("diff", "-f", "-", stdin=FILE).out.endswith("No device would get a new config\n")


def test_a_long_value_stays_on_its_line(run: Run, changed: dict[str, Any]) -> None:
    changed["differences"] = [document("changed", "web1", field("include", "x" * 4000, "y" * 4000))]
    assert run("diff", "-f", "-", stdin=FILE).out.splitlines()[1] == f"    include: '{'x' * 4000}' -> '{'y' * 4000}'"


def config(**fields: Any) -> dict[str, Any]:
    return {
        "device": "web1", "collector_before": "local", "collector_after": "local", "fields": [], "problem": "",
    } | fields  # fmt: skip


def test_the_config_of_a_device_before_and_after(run: Run, fake: FakeApi, changed: dict[str, Any]) -> None:
    def told(**fields: Any) -> str:
        changed["config"] = config(**fields)
        return run("diff", "-f", "-", "--device", "web1", stdin=FILE).out

    changed["differences"] = []
    assert told().startswith("The config of web1 stays as it is\n")
    assert told(fields=[field("snmp.port", 161, 1161)]).startswith("The config of web1:\n    snmp.port: 161 -> 1161\n")
    moved = told(collector_after="far")
    assert "    collector: local -> far\n" in moved
    assert "could not be made any more: no address\n" in told(problem="no address")
    assert "    address: 'x'\n" in told(collector_after="", fields=[field("address", "x", None)])
    assert fake.state.applied[0].device == "web1"


def test_apply_dry_run_shows_the_same_and_prunes(run: Run, fake: FakeApi, changed: dict[str, Any]) -> None:
    done = run("apply", "-f", "-", "--dry-run", "--prune", "--device", "web1", stdin=FILE)
    assert done.code == 0
    assert "    state: 'production' -> 'maintenance'\n" in done.out
    assert done.out.endswith(
        "Nothing was changed (dry run): the config of 1 device would change, 2 documents unchanged\n"
    )
    done = run("apply", "-f", "-", "--prune", stdin=FILE)
    assert done.out.startswith("+ ProcessSet nginx\nRevision 4: ")
    assert [(body.dry_run, body.prune, body.device) for body in fake.state.applied] == [
        (True, True, "web1"),
        (False, True, ""),
    ]
    done = run("apply", "-f", "-", "--device", "web1", stdin=FILE)
    assert (done.code, "give it with --dry-run" in done.err) == (2, True)


def test_a_terminal_gets_colours_and_a_pipe_none(
    changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hub.cli.differences import show_plan

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    show_plan(changed)
    assert "\x1b[32m+ Device web9\x1b[0m" in terminal.getvalue()
    assert HOSTILE not in terminal.getvalue()


# --- revisions --------------------------------------------------------------------------------------------------------


def test_a_revision_is_shown_with_each_field(run: Run, changed: dict[str, Any]) -> None:
    done = run("show-revision", "2")
    assert done.code == 0
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0] == ["revision", "2"]
    assert ["author", "root"] in lines
    assert ["message", "why"] in lines
    assert "    state: 'production' -> 'maintenance'" in done.out
    assert run("show-revision", "2", "--json").json["differences"] == changed["differences"]
    for number, code in (("9", 3), ("-1", 2), ("x", 2)):
        assert run("show-revision", number).code == code


def test_rollback_goes_back_or_only_says_what_it_would(run: Run, fake: FakeApi, changed: dict[str, Any]) -> None:
    done = run("rollback", "2", "--dry-run", "--device", "web1")
    assert (done.code, fake.state.revision) == (0, 3)
    assert "~ Device web1\n" in done.out
    done = run("rollback", "2", "-m", "too loud", "--wait")
    assert done.code == 0
    assert done.out.startswith(
        "- ProcessSet nginx\nRevision 4: the config of 1 device changes, 1 document unchanged; live "
    )
    assert [(number, body.message, body.dry_run, body.device) for number, body in fake.state.rolled_back] == [
        (2, "", True, "web1"),
        (2, "too loud", False, ""),
    ]
    done = run("rollback", "4")
    assert (done.code, done.out, done.err) == (0, "", "Nothing to do: the model says what it said at revision 4\n")


def test_rollback_to_what_is_not_there(run: Run, fake: FakeApi) -> None:
    done = run("rollback", "9")
    assert (done.code, "there is no revision 9; the newest is 3" in done.err) == (3, True)
    assert run("rollback", "1", "--device", "web1").code == 2
    assert run("rollback", "-1").code == 2
    assert fake.state.rolled_back == []
    help_text = " ".join(run("rollback", "--help").out.split())
    assert "REVISION 0 is the empty model: nothing is watched any more. Look at it with --dry-run first." in help_text


# --- export -----------------------------------------------------------------------------------------------------------

PLAIN = {"kind": "ProcessSet", "id": "nginx", "include": "^nginx\\b", "description": "one\ntwo", "order": 5}
SECRET = {"kind": "Device", "id": "db:1", "address": "x", "properties": {"snmp_port": 1, "snmp_community": "hush"}}


@pytest.fixture
def filled(fake: FakeApi) -> FakeApi:
    fake.state.documents = [{"document": PLAIN, "secrets": []}]
    return fake


@pytest.fixture
def secretive(filled: FakeApi) -> FakeApi:
    filled.state.documents.append({"document": SECRET, "secrets": ["snmp_community"]})
    return filled


def read(folder: Path) -> list[Any]:
    paths = sorted(folder.rglob("*.yaml")) if folder.is_dir() else [folder]
    return [one.entity for one in read_documents([SourceFile(str(path), path.read_text()) for path in paths])]


def test_without_secrets_in_the_model_nothing_has_to_be_said(run: Run, filled: FakeApi) -> None:
    done = run("export")
    assert done.code == 0
    assert done.out == "kind: ProcessSet\nid: nginx\ninclude: ^nginx\\b\ndescription: |-\n  one\n  two\norder: 5\n"
    assert done.err == "Revision 3: 1 document\n"


def test_secrets_are_never_exported_unasked(run: Run, secretive: FakeApi, tmp_path: Path) -> None:
    for arguments in (("export",), ("export", "model"), ("export", "m.yaml"), ("export", "--json")):
        done = run(*arguments)
        assert done.code == 2
        assert "hush" not in done.out + done.err
        assert "1 secret would be in the export" in done.err
        assert "Device db:1: snmp_community" in done.err
    assert [path.name for path in tmp_path.iterdir()] == []
    assert all("secrets" not in path for _, path in secretive.state.requests)


def test_secrets_are_left_out_or_written_as_it_is_said(run: Run, secretive: FakeApi, tmp_path: Path) -> None:
    left_out = run("export", "--without-secrets")
    assert left_out.out.endswith("properties:\n  snmp_port: 1\n# snmp_community is set; not exported\n")
    assert "Left out: 1 secret. Applied as it is, this export would remove it from the hub" in left_out.err
    assert "  snmp_community: hush\n" in run("export", "--with-secrets").out
    shown = run("export", "--without-secrets", "--json").json
    assert shown["documents"][1]["properties"] == {"snmp_port": 1}
    assert (shown["secrets"], shown["secrets_left_out"]) == (["Device db:1: snmp_community"], True)
    assert run("export", "--with-secrets", "--json").json["documents"] == [PLAIN, SECRET]


def test_a_folder_gets_a_file_for_each_document(run: Run, secretive: FakeApi, tmp_path: Path) -> None:
    done = run("export", "model", "--with-secrets")
    assert (done.code, done.out) == (0, "")
    assert done.err == "Revision 3: 2 documents in 2 files below model\n"
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["model/Device/db%3A1.yaml", "model/ProcessSet/nginx.yaml"]
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in found} == {0o600}
    assert [entity.id for entity in read(tmp_path / "model")] == ["db:1", "nginx"]
    assert run("export", "model", "--with-secrets", "--json").json["files"] == [found[1], found[0]]


def test_a_folder_that_has_other_documents_is_told(run: Run, filled: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "model/ProcessSet").mkdir(parents=True)
    (tmp_path / "model/ProcessSet/old.yml").write_text("kind: ProcessSet\n")
    (tmp_path / "model/README.md").write_text("words")
    done = run("export", "model")
    assert done.code == 0
    assert "not of this export: model/ProcessSet/old.yml." in done.err
    assert (tmp_path / "model/ProcessSet/old.yml").exists()


def test_a_path_that_ends_in_yaml_is_one_file(run: Run, secretive: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text("what was there")
    assert run("export", "all.yaml", "--without-secrets").err.startswith("Revision 3: 2 documents in all.yaml\n")
    assert [entity.id for entity in read(tmp_path / "all.yaml")] == ["nginx", "db:1"]
    assert [path.name for path in tmp_path.iterdir()] == ["all.yaml"]


def test_what_cannot_be_written_is_a_sentence(run: Run, filled: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("export", "file/model")
    assert done.code == 1
    assert "Not a directory; the export is not complete" in done.err


# --- schema -----------------------------------------------------------------------------------------------------------


def test_the_schema_needs_no_hub(run: Run, fake: FakeApi) -> None:
    schema = run("--url", "http://127.0.0.1:1", "schema").json
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "ProcessSet" in schema["$defs"]
    assert fake.state.requests == []
