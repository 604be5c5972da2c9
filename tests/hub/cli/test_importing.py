"""`tocsin import` against the fake hub."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hub.cli.files import read_files, with_secrets
from hub.model.documents import SourceFile, read_documents
from tests.fakes.api import FakeApi
from tests.hub.cli.conftest import Run

SITE = Path(__file__).parents[2] / "data" / "zenoss" / "site.batch"
SECRETS = ("site-read", "other-read", "gate-read", "auth-password", "priv-password")
WHOLE = "web1 manageIp='10.0.0.1', setPriority=3\n"


@pytest.fixture
def whole(tmp_path: Path) -> str:
    """A file of which everything that matters has an equivalent."""
    (tmp_path / "whole.batch").write_text(WHOLE)
    return "whole.batch"


def test_a_file_becomes_one_revision(run: Run, fake: FakeApi, whole: str) -> None:
    done = run("import", "zenbatchload", whole)
    assert done.code == 0
    assert done.out.startswith("Taken from whole.batch: 1 device\nNot needed here:\n")
    assert "setPriority" in done.out
    (body,) = fake.state.applied
    assert (body.message, body.dry_run, body.prune) == ("imported from whole.batch", False, False)
    (file,) = body.files
    assert (file.path, file.secrets) == ("whole.batch:1", {})
    assert file.text == "kind: Device\nid: web1\naddress: 10.0.0.1\nclass: /Discovered\n"


def test_templates_that_are_bound_stay_bound(run: Run, fake: FakeApi, tmp_path: Path) -> None:
    root = {"kind": "DeviceClass", "id": "/", "description": "All devices.", "templates": ["process"]}
    fake.state.documents = [{"document": root, "secrets": []}]
    run("import", "zenbatchload", "-", stdin="/Devices zSnmpPort=162\n/A zSnmpPort=163\n")
    first, second = fake.state.applied[0].files
    assert "process" in first.text
    assert "templates" not in second.text
    assert run("import", "zenbatchload", "-", "-o", "out", stdin="/Devices zSnmpPort=162\n").code == 0
    assert any("process" in path.read_text() for path in (tmp_path / "out").rglob("*.yaml"))


def test_files_are_written_where_no_hub_answers(run: Run, whole: str, tmp_path: Path) -> None:
    done = run("--url", "http://127.0.0.1:1", "import", "zenbatchload", whole, "-o", "out")
    assert (done.code, list((tmp_path / "out").rglob("*.yaml")) != []) == (0, True)
    assert "The hub was not asked which templates are bound there" in done.err


def test_what_has_no_equivalent_is_told_and_ends_with_5(run: Run, fake: FakeApi) -> None:
    done = run("import", "zenbatchload", str(SITE), "-m", "over from Zenoss")
    assert done.code == 5
    assert "4 device classes, 2 groups, 5 devices, 3 process sets" in done.out
    assert "Device db server -> db_server (line 14)" in done.out
    assert "Without equivalent:" in done.out
    assert "zDeviceTemplates" in done.out
    (body,) = fake.state.applied
    assert body.message == "over from Zenoss"
    documents = read_documents([SourceFile(file.path, file.text, file.secrets) for file in body.files])
    assert len(documents) == 14
    assert not any(document.warnings for document in documents)
    sent = {secret for file in body.files for secret in file.secrets.values()}
    assert sent == set(SECRETS)
    for secret in SECRETS:
        assert secret not in done.out + done.err + "".join(file.text for file in body.files)


def test_as_a_document(run: Run, fake: FakeApi) -> None:
    done = run("import", "zenbatchload", str(SITE), "--dry-run", "--json")
    assert (done.code, done.json["dry_run"], fake.state.applied[0].dry_run) == (5, True, True)
    report = done.json["import"]
    assert report["taken"] == {"DeviceClass": 4, "Group": 2, "Device": 5, "ProcessSet": 3}
    assert report["renamed"] == [{"kind": "Device", "line": 14, "old": "db server", "new": "db_server"}]
    first = report["losses"][0]
    assert (first["setting"], first["count"], first["lines"], first["needed"]) == ("cRack", 1, [18], True)


def test_files_are_written_and_nothing_is_applied(run: Run, fake: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.yaml").write_text("")
    done = run("import", "zenbatchload", str(SITE), "-o", "out")
    assert (done.code, fake.state.applied) == (5, [])
    assert "Written: 14 documents below out, and 5 secrets in files that only you can read" in done.out
    assert "out/old.yaml" in done.err
    (tmp_path / "out" / "old.yaml").unlink()
    files = with_secrets(read_files(["out"]))
    documents = read_documents([SourceFile(**file) for file in files])  # type: ignore[arg-type]  # as the API reads it
    assert len(documents) == 14
    assert not any(document.warnings for document in documents)
    kept = list((tmp_path / "out" / "secrets").iterdir())
    assert {path.read_text().strip() for path in kept} == set(SECRETS)
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    for path in (tmp_path / "out").rglob("*.yaml"):
        assert not any(secret in path.read_text() for secret in SECRETS)
    again = run("import", "zenbatchload", str(SITE), "-o", "out", "--json")
    assert (again.code, len(again.json["files"]), again.json["others"]) == (5, 19, [])


def test_all_mistakes_are_told_with_their_places_and_nothing_is_applied(run: Run, fake: FakeApi) -> None:
    text = "web1 zA=__import__('os').system('touch hit')\nweb2 zSnmpPort='x'\n'web3\n"
    done = run("import", "zenbatchload", "-", stdin=text)
    assert (done.code, done.out, fake.state.applied) == (1, "", [])
    assert "3 mistakes in <stdin>; nothing was applied" in done.err
    for place in ("<stdin>:1:9: a call is not evaluated", "<stdin>:2:16: zSnmpPort: got text", "<stdin>:3:1: the name"):
        assert place in done.err
    assert not Path("hit").exists()


def test_one_mistake_is_told_as_apply_tells_it(run: Run) -> None:
    assert "one mistake in <stdin>; nothing was applied" in run("import", "zenbatchload", "-", stdin="'web3\n").err


def test_long_names_are_cut_for_people(run: Run) -> None:
    long = "y" * 230
    text = f"'{long}?' manageIp='::1', z{long.upper()}=1\n/Processes/{long}\nx regex='('\n"
    done = run("import", "zenbatchload", "-", "--dry-run", stdin=text)
    assert (done.code, long in done.out, f"{'y' * 60}…" in done.out) == (5, False, True)
    assert long.upper() not in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.batch"], 2, "missing.batch: No such file or directory"),
        (["."], 2, "Is a directory"),
        (["whole.batch", "-o", "x", "--dry-run"], 2, "-o only writes files"),
        (["whole.batch", "-o", "x", "-m", "why"], 2, "-o only writes files"),
        (["whole.batch", "-o", "whole.batch"], 1, "the import is not complete"),
        (["-"], 1, "There is nothing in <stdin> that could be taken"),
        ([], 2, "FILE"),
    ],
)
def test_wrong_usage(run: Run, fake: FakeApi, whole: str, arguments: list[str], code: int, said: str) -> None:
    done = run("import", "zenbatchload", *arguments)
    assert (done.code, fake.state.applied) == (code, [])
    assert said in done.err
