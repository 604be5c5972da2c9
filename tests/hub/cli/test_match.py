"""`tocsin match`: what it asks, what it prints, and its exit codes."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from hub.cli.match import BATCH
from hub.cli.progress import Bar
from hub.model.entities import ProcessSet
from hub.model.model import Model
from tests.fakes.api import FakeApi
from tests.hub.cli.conftest import Run

SSHD = ProcessSet(id="sshd", order=100, include="sshd")
IDLE = ProcessSet(id="idle", order=200, include="never")
DRAFT = "kind: ProcessSet\nid: mine\norder: 1\ninclude: '-p 80[0-3]$'\n"


def put(fake: FakeApi, device: str, *commands: str, **fields: object) -> None:
    """Have a device with nothing but these processes."""
    fake.state.add_device(device, **fields)
    fake.state.processes[device] = [{"command": command} for command in commands]


@pytest.fixture(autouse=True)
def files(fake: FakeApi, tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(DRAFT)
    fake.state.model = Model(3, [SSHD, IDLE])


def write(tmp_path: Path, text: str) -> None:
    (tmp_path / "d.yaml").write_text(text)


# --- devices ----------------------------------------------------------------------------------------------------------


def test_people_read_what_a_draft_takes_from_whom_and_nothing_is_changed(run: Run, fake: FakeApi) -> None:
    revision = fake.state.revision
    done = run("match", "-f", "d.yaml", "--device", "web1", "--lines", "2")
    assert done.code == 0
    assert done.out == (
        "mine (new) takes 4 lines on 1 of 1 device, as 1 set: mine\n"
        "    web1: /usr/sbin/sshd -D -p 800\n"
        "    web1: /usr/sbin/sshd -D -p 801\n"
        "    and 2 more\n"
        "  - takes 4 lines away from sshd\n"
        "\nMatched by several definitions\n"
        "  mine, sshd: 4 lines; mine takes them\n"
        "    web1: /usr/sbin/sshd -D -p 800\n"
        "    web1: /usr/sbin/sshd -D -p 801\n"
        "    and 2 more\n"
        "\nTake nothing, as now: idle\n"
    )
    assert done.err.startswith("Process tables of ")
    assert (fake.state.applied, fake.state.revision) == ([], revision)


def test_programs_get_one_document(run: Run, fake: FakeApi) -> None:
    done = run("match", "-f", "d.yaml", "--device", "web1", "--device", "box", "--json")
    assert (done.code, done.err) == (0, "")
    assert [row["device"] for row in done.json["devices"]] == ["web1", "box"]
    assert {row["id"]: row["lines"] for row in done.json["definitions"]} == {"mine": 4, "sshd": 8, "idle": 0}
    assert done.json["changed"][0]["after"] == {"definition": "mine", "component": "mine"}
    assert done.json["revision"] == fake.state.revision
    assert set(done.json) == {
        *("revision", "devices", "definitions", "overlaps", "changed", "changed_lines", "moves", "unmatched"),
        "shortened",
    }


@pytest.mark.parametrize(
    ("text", "lines", "said"),
    [
        ("include: nosuch", ("x",), "d (new) takes nothing on 0 of 1 device\n"),
        ("include: x, monitor: false", ("x",), "d (monitor: false) is watched nowhere\n"),
        ("include: 'x (.)', name: 's {1}'", ("x a", "x b"), "takes 2 lines on 1 of 1 device, as 2 sets: s a, s b\n"),
        ("include: ^x", ("x", "x"), "    h: x (×2)\n"),
        ("include: ^x", ("x", "cron"), "\nTaken by nothing: 1 line on 1 device\n    h: cron\n"),
        ("include: -end$", (f"x {'y' * 130}-end",), "  ! over SNMP it would not take 1 line so: "),
        (
            "include: '(.*)', name: '{1}'",
            tuple(f"x {n}" for n in range(101)),
            "  ! it would make more than 100 sets on h;",
        ),
        ("include: sshd, order: 0", ("sshd",), "\nTake nothing any more: sshd\n"),
        ("include: ., order: 900", ("sshd",), "  sshd, d: 1 line; sshd takes it\n"),
    ],
)
def test_each_finding_is_a_sentence(
    run: Run, fake: FakeApi, tmp_path: Path, text: str, lines: tuple[str, ...], said: str
) -> None:
    put(fake, "h", *lines)
    write(tmp_path, f"{{kind: ProcessSet, id: d, {text}}}")
    done = run("match", "-f", "d.yaml", "--device", "h")
    assert done.code == 0
    assert said in done.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("include: sshd -a", "  - gives up 1 line; nothing takes it then\n"),
        ("include: sshd, monitor: false", "(monitor: false) is watched nowhere (2 now)\n  - gives up 2 lines; nothing"),
        ("include: sshd, name: other", "(changed) takes 2 lines (2 now) on 1 of 1 device, as 1 set: other\n"),
        ("include: sshd, name: other", "  ~ 2 lines it has already get another set name\n"),
        ("include: sshd, order: 900", "  - gives up 1 line to rest\n"),
        ("include: sshd, order: 100", "sshd (as it is already) takes 2 lines (2 now) on"),
    ],
)
def test_what_a_changed_definition_loses_is_told(run: Run, fake: FakeApi, tmp_path: Path, text: str, said: str) -> None:
    fake.state.model = Model(3, [SSHD, ProcessSet(id="rest", order=500, include="-b")])
    put(fake, "h", "sshd -a", "sshd -b")
    order = "" if "order" in text else ", order: 100"
    write(tmp_path, f"{{kind: ProcessSet, id: sshd, {text}{order}}}".replace("sshd -a", "'sshd -a'"))
    if "monitor" in text or "include: sshd -a" in text:
        fake.state.model = Model(3, [SSHD])
    assert said in run("match", "-f", "d.yaml", "--device", "h").out


def test_lines_of_a_host_cannot_touch_the_terminal(run: Run, fake: FakeApi) -> None:
    put(fake, "h", "x \x1b[2J\u202e")
    done = run("match", "-f", "d.yaml", "--device", "h")
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out


def test_what_an_agent_may_have_cut_is_a_note(run: Run, fake: FakeApi) -> None:
    put(fake, "h", f"x {'y' * 128}", snmp=True)
    done = run("match", "-f", "d.yaml", "--device", "h")
    assert "may have cut the arguments of 1 line at 128 bytes (h)" in done.err


def test_all_devices_are_asked_for_in_batches_that_become_one_report(run: Run, fake: FakeApi) -> None:
    fake.state.devices.clear()
    for number in range(BATCH + 5):
        put(fake, f"e{number}", "x -p 800", collector="east")
    for number in range(3):
        put(fake, f"w{number}", "x -p 801", "cron", collector="west")
    done = run("match", "-f", "d.yaml", "--all", "--json")
    assert [len(body.devices) for body in fake.state.matched] == [BATCH, 8]
    assert fake.state.matched[0].devices[:7] == ["e0", "w0", "e1", "w1", "e2", "w2", "e3"]
    row = done.json["definitions"][0]
    assert (row["id"], row["lines"], row["devices"], row["applies"]) == ("mine", BATCH + 8, BATCH + 8, BATCH + 8)
    assert (done.json["unmatched"]["lines"], done.json["unmatched"]["devices"]) == (3, 3)
    assert len(row["examples"]) == 3
    assert done.err == ""
    whole = run("match", "-f", "d.yaml", "--all", "--json", "--all-lines").json
    assert len(whole["definitions"][0]["examples"]) == BATCH + 8


def test_all_lines_are_more_than_one_request_may_tell(run: Run, fake: FakeApi) -> None:
    fake.state.devices.clear()
    for number in range(BATCH + 1):
        put(fake, f"h{number}", *(f"x {line} -p 800" for line in range(60)))
    whole = run("match", "-f", "d.yaml", "--all", "--json", "--all-lines").json
    assert len(whole["definitions"][0]["examples"]) == 1000 + 60


def test_a_model_that_changes_meanwhile_is_told_and_so_are_lines_that_were_left_out(run: Run, fake: FakeApi) -> None:
    for number in range(BATCH):
        put(fake, f"h{number}", "x")
    assert "meanwhile" not in run("match", "-f", "d.yaml", "--all").err
    fake.state.match_says = lambda number: {"revision": number, "shortened": True}
    done = run("match", "-f", "d.yaml", "--all")
    assert "The model was changed meanwhile" in done.err
    assert "Some lines were left out" in done.err


def test_what_changes_without_a_draft_and_what_overlaps_already_is_told(run: Run, fake: FakeApi) -> None:
    move = {"before": "sshd", "after": None, "lines": 2}
    fake.state.match_says = lambda _: {"moves": [move]}
    assert "2 lines of sshd would be taken by nothing\n" in run("match", "-f", "d.yaml", "--device", "web1").out
    overlap = {"definitions": ["a", "b"], "taken_by": "a", "lines": 3, "devices": 1, "examples": []}
    fake.state.match_says = lambda _: {"overlaps": [overlap]}
    said = run("match", "-f", "d.yaml", "--device", "web1").out
    assert "\nMatched by several definitions that are there already: 3 lines" in said
    assert "a, b" not in said


def test_a_draft_that_applies_to_no_device_is_told(run: Run, fake: FakeApi) -> None:
    row = run("match", "-f", "d.yaml", "--device", "box", "--json").json["definitions"][0]
    fake.state.match_says = lambda _: {"definitions": [{**row, "applies": 0, "order": None}]}
    assert run("match", "-f", "d.yaml", "--device", "box").out == "mine (new) applies to none of 1 device\n"


def test_a_line_is_cut_where_the_terminal_ends_and_whole_where_nobody_looks(
    run: Run, fake: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(fake, "h", f"x {'y' * 300} -p 800")
    assert "y -p 800\n" in run("match", "-f", "d.yaml", "--device", "h").out
    monkeypatch.setattr("hub.cli.output.PIPED_WIDTH", 60)
    lines = run("match", "-f", "d.yaml", "--device", "h").out.splitlines()
    assert (len(lines[1]), lines[1][-1]) == (59, "…")


def test_a_collector_that_is_away_is_told_and_the_rest_goes_on(run: Run, fake: FakeApi) -> None:
    fake.state.away = {"box", "silent"}
    done = run("match", "-f", "d.yaml", "--all")
    assert done.code == 5
    assert "mine (new) takes 4 lines on 1 of 1 device" in done.out
    assert done.err.endswith(
        "tocsin: 2 devices of 3 could not be matched\n  box, silent: collector local is not connected\n"
    )
    document = run("match", "-f", "d.yaml", "--all", "--json")
    assert document.code == 5
    assert [row["problem"] != "" for row in document.json["devices"]] == [False, True, True]


def test_where_no_device_can_be_asked_only_that_is_said(run: Run, fake: FakeApi) -> None:
    fake.state.away = {"box"}
    done = run("match", "-f", "d.yaml", "--device", "box")
    assert (done.code, done.out) == (5, "")
    row = run("match", "-f", "d.yaml", "--device", "web1", "--json").json["definitions"][0]
    fake.state.match_says = lambda _: {"definitions": [row]}
    assert run("match", "-f", "d.yaml", "--device", "box").out == ""


def test_without_any_device_there_is_nothing_to_look_at(run: Run, fake: FakeApi) -> None:
    fake.state.devices.clear()
    assert run("match", "-f", "d.yaml", "--all").code == 3
    assert run("match", "-f", "d.yaml", "--device", "nosuch").code == 3


# --- lines of text ----------------------------------------------------------------------------------------------------

PS = "COMMAND\n/sbin/init\nmill -p 800\n\nsshd: ann\n"


def test_lines_from_standard_input_need_no_hub(run: Run, fake: FakeApi) -> None:
    fake.close()
    done = run("match", "-f", "d.yaml", "--stdin", stdin=PS)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "mine (new) takes 1 line, as 1 set: mine\n"
        "    mill -p 800\n"
        "\nTaken by nothing: 2 lines\n"
        "    /sbin/init\n"
        "    sshd: ann\n"
    )
    document = run("match", "-f", "d.yaml", "--stdin", "--json", "--lines", "1", stdin=PS).json
    assert len(document["unmatched"]["examples"]) == 1
    assert (document["revision"], document["devices"][0]["device"]) == (None, "<stdin>")
    assert document["devices"][0]["lines"] == 3


def test_alone_drafts_take_lines_wherever_they_apply(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "{kind: ProcessSet, id: d, include: mill, applies_to: [/Elsewhere]}")
    assert "d (new) takes 1 line," in run("match", "-f", "d.yaml", "--stdin", stdin=PS).out


def test_with_the_model_the_hub_matches(run: Run, fake: FakeApi) -> None:
    options = ("--with-model", "--class", "/Server/Linux", "--group", "eu", "--group", "us")
    done = run("match", "-f", "d.yaml", "--stdin", *options, "--json", stdin=PS)
    assert {row["id"]: row["lines"] for row in done.json["definitions"]} == {"mine": 1, "sshd": 1, "idle": 0}
    (body,) = fake.state.matched
    assert (body.class_, body.groups, body.devices) == ("/Server/Linux", ["eu", "us"], [])


def test_bytes_that_are_no_text_are_matched_as_collectors_do(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hub.cli.main import main

    run("status")  # has the environment set up
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"mill \xff -p 800\n"), "utf-8"))
    capsys.readouterr()
    assert main(["match", "-f", "d.yaml", "--stdin", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["definitions"][0]["examples"][0]["line"] == "mill \N{REPLACEMENT CHARACTER} -p 800"


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [("--device", "web1"), ("--stdin",), ("--stdin", "--with-model")], ids=" ".join)
def test_mistakes_of_drafts_are_told_with_file_and_line(run: Run, tmp_path: Path, where: tuple[str, ...]) -> None:
    write(tmp_path, "kind: ProcessSet\nid: a\ninclude: '('\n---\nkind: ProcessSet\nid: b\ninclud: x\n")
    done = run("match", "-f", "d.yaml", *where)
    assert (done.code, done.out) == (1, "")
    for part in ("d.yaml:3:", "d.yaml:7:"):
        assert part in done.err
    assert run("match", "-f", "d.yaml", *where, "--json").json["error"]["code"] == "invalid"


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("-f", "d.yaml"), "one of them"),
        (("-f", "d.yaml", "--all", "--stdin"), "one of them"),
        (("-f", "d.yaml", "--all", "--device", "web1"), "one of them"),
        (("-f", "d.yaml", "--all", "--with-model"), "--with-model goes with --stdin"),
        (("-f", "d.yaml", "--stdin", "--class", "/W"), "go with --with-model"),
        (("-f", "d.yaml", "--stdin", "--group", "eu"), "go with --with-model"),
        (("-f", "-", "--stdin"), "Standard input cannot be both"),
        (("-f", "nosuch.yaml", "--all"), "nosuch.yaml"),
        (("-f", "/dev/null", "--all"), "no document"),
        (("--all",), "--file"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(run: Run, options: tuple[str, ...], part: str) -> None:
    done = run("match", *options)
    assert (done.code, done.out) == (2, "")
    assert part in done.err


def test_devices_among_the_drafts_may_refer_to_secrets(run: Run, fake: FakeApi, tmp_path: Path) -> None:
    host = "kind: Device\nid: h\naddress: 192.0.2.1\nproperties:\n  snmp_community: !secret file:c.txt\n"
    write(tmp_path, f"{DRAFT}---\n{host}")
    assert run("match", "-f", "d.yaml", "--device", "web1").code == 2
    (tmp_path / "c.txt").write_text("hush\n")
    for where in (("--device", "web1"), ("--stdin",)):
        done = run("match", "-f", "d.yaml", *where)
        assert (done.code, "hush" in done.out + done.err) == (0, False)


def test_files_without_a_process_set_are_refused(run: Run, tmp_path: Path) -> None:
    write(tmp_path, "{kind: Device, id: x, address: 192.0.2.1}")
    done = run("match", "-f", "d.yaml", "--stdin")
    assert done.code == 1
    assert "no process set" in done.err


def test_an_answer_of_another_version_is_told(run: Run, fake: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fakes.api.merged", lambda *_: {"moves": 7})
    done = run("match", "-f", "d.yaml", "--all")
    assert done.code == 1
    assert "different versions" in done.err


# --- the bar ----------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "after_s", "shown"), [(True, 0.0, True), (False, 0.0, False), (True, 60.0, False)]
)
def test_a_bar_shows_what_takes_long_and_only_to_people(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, after_s: float, shown: bool
) -> None:
    err = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    bar = Bar("matching devices", 50, after_s)
    bar.start()
    assert (bar._timer.ident is not None) == terminal
    bar.advance(20)
    if shown:
        bar.wait()
    bar.advance(20)
    assert bar._timer.is_alive() == (terminal and not shown)
    bar.close()
    assert bar._timer.finished.is_set()
    assert ("matching devices" in err.getvalue()) == shown
    assert ("40/50" in err.getvalue()) == shown


def test_what_nobody_knows_the_length_of_shows_as_a_line_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    err = Terminal()
    monkeypatch.setattr(sys, "stderr", err)
    line = Bar("applying 2 files", after_s=0.0)
    line.start()
    line.wait()
    line.say("still at it")
    line.close()
    assert "still at it" in err.getvalue()
    assert "0/" not in err.getvalue()
