"""Every command against a hub: what it prints, what it sends, and its exit code."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hub.cli.output import Column, table
from hub.cli.status import uncollected_line
from tests.fakes.api import PNG, FakeApi, Refusal, iso
from tests.hub.cli.conftest import Run

READING = [
    ("status",),
    ("device", "list"),
    ("device", "show", "web1"),
    ("ps", "web1"),
    ("ps", "web1", "--set", "sshd"),
    ("events", "list"),
    ("events", "show", "1"),
    ("data", "list", "web1"),
    ("data", "last", "web1"),
    ("data", "last", "web1", "sshd"),
    ("data", "fetch", "web1", "sshd", "cpu", "memory", "--range", "30m"),
    ("collector", "list"),
    ("config", "show", "process", "web1"),
    ("config", "show", "process", "web1", "--live"),
    ("history",),
    ("push", "web1"),
]


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_json_is_one_document_and_nothing_else(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command, "--json")
    assert (done.code, done.err) == (0, "")
    assert isinstance(done.json, dict)


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_people_get_text_without_escape_sequences_where_there_is_no_terminal(
    run: Run, command: tuple[str, ...]
) -> None:
    done = run(*command)
    assert done.code == 0
    assert done.out.strip()
    assert "\x1b" not in done.out + done.err
    assert not re.search(r" $", done.out, re.MULTILINE)


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_no_hub_is_exit_code_4_with_what_to_do(run: Run, fake: FakeApi, command: tuple[str, ...]) -> None:
    fake.close()
    done = run(*command)
    assert (done.code, done.out) == (4, "")
    assert "connection refused" in done.err
    assert "tocsin up" in done.err
    assert run(*command, "--json").json["error"]["code"] == "unreachable"


def test_a_wrong_token_is_exit_code_4_and_says_where_it_came_from(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_TOKEN", "wrong-token")
    done = run("status")
    assert done.code == 4
    assert "TOCSIN_TOKEN" in done.err
    assert "wrong-token" not in done.err
    assert len(done.err.splitlines()) == 1


def test_a_missing_token_is_exit_code_4_and_says_where_it_was_looked_for(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOCSIN_TOKEN")
    done = run("status")
    assert done.code == 4
    assert "none was found" in done.err
    assert "tokens/127.0.0.1_" in done.err


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999"])
def test_an_address_that_is_none_is_a_usage_error(run: Run, url: str) -> None:
    assert run("--url", url, "status").code == 2


def test_another_server_is_recognised(run: Run, fake: FakeApi) -> None:
    done = run("--url", f"{fake.url}/static/nosuch", "status")
    assert done.code == 4
    assert "no Tocsin hub" in done.err


@pytest.mark.parametrize(
    ("scheme", "said", "sentence"),
    [
        ("http", b"220 mail.example ESMTP\r\n\r\n", "What answers at {} is no Tocsin hub (no HTTP). Name"),
        ("http", b"", "No hub answers at {}: the connection was closed before an answer came. Start"),
        (
            "https",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "What answers at {} is no Tocsin hub (no TLS as https wants it).",
        ),
    ],
)
def test_what_speaks_no_http_is_told_in_one_sentence(run: Run, scheme: str, said: bytes, sentence: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        done = run("--url", url, "status")
        thread.join()
    assert done.code == 4
    assert sentence.format(url) in done.err
    assert ".." not in done.err


@pytest.mark.parametrize(
    "command",
    [
        ("device", "show", "nosuch"),
        ("ps", "nosuch"),
        ("events", "show", "99"),
        ("device", "remove", "nosuch"),
        ("graph", "nosuch", "-o", "x.png"),
        ("config", "show", "process", "nosuch"),
        ("config", "show", "nosuch", "web1"),
        ("push", "nosuch"),
        ("data", "last", "nosuch"),
        ("data", "last", "web1", "nosuch"),
        ("ps", "web1", "--set", "no"),
        ("data", "fetch", "web1", "nosuch"),
        ("data", "fetch", "web1", "sshd", "nosuch"),
        ("events", "ack", "99"),
        ("data", "fetch", "web1", "sshd", "--source", "nosuch"),
        ("events", "list", "--device", "nosuch"),
        ("events", "list", "--device", "nosuch", "--state", "all"),
        ("data", "list", "nosuch"),
        ("data", "last", "silent"),
        ("data", "fetch", "silent", "sshd"),
    ],
    ids=" ".join,
)
def test_a_name_that_stands_for_nothing_is_exit_code_3(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command)
    assert (done.code, done.out) == (3, "")
    assert len(done.err) > 20
    assert run(*command, "--json").json["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "command",
    [
        ("nosuch",),
        ("device", "add", "x"),
        ("push",),
        ("push", "web1", "--all"),
        ("graph", "web1", "-o", "x.gif"),
        ("data", "fetch", "web1", "sshd", "--range", "soon"),
        ("events", "list", "--severity", "fatal"),
        ("events", "list", "--state", "odd"),
        ("events", "list", "--since", "soon"),
        ("events", "show", "x"),
        ("device", "add", "x", "--address", "y", "--set", "nosuch=1"),
        ("status", "--nosuch"),
        ("apply",),
        ("apply", "-f", "nosuch.yaml"),
        ("graph", "web1", "-o", "nosuch/x.png"),
        ("device", "add", "x", "--address", "y", "--set", "snmp_community=@nosuch"),
    ],
    ids=" ".join,
)
def test_a_typing_mistake_is_exit_code_2(run: Run, fake: FakeApi, command: tuple[str, ...]) -> None:
    done = run(*command)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("tocsin: ")
    assert fake.state.put == {}


def test_a_timeout_of_the_hub_is_exit_code_5_and_other_refusals_are_1(run: Run, fake: FakeApi) -> None:
    fake.state.fail_with = Refusal(504, "timeout", "collector local did not answer within 15 s")
    assert run("ps", "web1").code == 5
    fake.state.fail_with = Refusal(503, "collector_unavailable", "collector local is not connected")
    done = run("ps", "web1")
    assert (done.code, done.err) == (1, "tocsin: collector local is not connected\n")


def test_an_unexpected_error_is_a_sentence_and_a_file(run: Run, tmp_path: Path, fake: FakeApi) -> None:
    fake.state.series["web1"] = [{"component": {}, "source": [], "step_s": "x", "age_s": 1.0}]
    done = run("data", "last", "web1")
    assert done.code == 1
    assert "Traceback" not in done.err
    assert "Traceback" in (tmp_path / "state" / "tocsin" / "error.log").read_text()
    assert "Traceback" in run("--debug", "data", "last", "web1").err


HOSTILE = "\x1b]0;owned\x07[red]x[/red]\r\n\u202eevil"


@pytest.mark.parametrize(
    "command",
    [
        ("ps", "web1"),
        ("events", "list"),
        ("events", "show", "4"),
        ("device", "list"),
        ("collector", "list"),
        ("status",),
        ("data", "last", "web1"),
        ("data", "list", "web1"),
        ("device", "show", HOSTILE),
        ("device", "show", "no" + HOSTILE),
    ],
    ids=repr,
)
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_text_of_a_hostile_host_is_harmless(
    run: Run, fake: FakeApi, command: tuple[str, ...], form: tuple[str, ...]
) -> None:
    fake.state.add_event(
        summary=HOSTILE, message=HOSTILE, device=HOSTILE, component=HOSTILE, details={HOSTILE: HOSTILE}
    )
    fake.state.add_device(HOSTILE, address=HOSTILE, groups=[HOSTILE])
    fake.state.add_set("web1", HOSTILE)
    fake.state.add_series("web1", HOSTILE)
    fake.state.scans["web1"]["problem"] = HOSTILE
    fake.state.collectors[0]["problem"] = fake.state.collectors[0]["host"] = HOSTILE
    fake.state.processes["web1"][0] |= {"command": HOSTILE, "set": HOSTILE, "name": HOSTILE}
    done = run(*command, *form)
    for char in "\x1b\x07\r\u202e":
        assert char not in done.out
        assert char not in done.err
    if not form:
        assert "[red]x[/red]" in done.out + done.err


def test_the_lines_of_a_message_are_lines_of_the_screen_below_each_other(run: Run, fake: FakeApi) -> None:
    event = fake.state.add_event(message="the store is an older one\n\nclose this event by hand")
    lines = run("events", "show", str(event["id"])).out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("message"))
    assert lines[at].split(None, 1)[1] == "the store is an older one"
    assert lines[at + 1] == ""
    assert lines[at + 2].strip() == "close this event by hand"
    assert lines[at + 2].startswith("  ")


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_a_device_is_added_with_typed_properties_and_a_secret_from_standard_input(run: Run, fake: FakeApi) -> None:
    done = run(
        *("device", "add", "new", "--address", "10.0.0.9", "--class", "/Server/Linux", "--group", "a", "--group", "b"),
        *("--set", "snmp_port=1161", "--set", "snmp_community=-", "-m", "new box", "--wait"),
        stdin="geheim\n",
    )
    assert done.code == 0
    assert re.fullmatch(r"Added new, live after \d+\.\d\d s \(revision 4\)\n", done.out)
    body = fake.state.put["new"]
    assert body.properties == {"snmp_port": 1161, "snmp_community": "geheim"}
    assert (body.address, body.class_, body.groups, body.message) == (
        "10.0.0.9",
        "/Server/Linux",
        ["a", "b"],
        "new box",
    )
    assert body.author
    assert "geheim" not in done.out + done.err


def test_a_secret_on_the_command_line_is_refused_before_anything_is_sent(run: Run, fake: FakeApi) -> None:
    done = run("device", "add", "new", "--address", "x", "--set", "snmp_community=geheim")
    assert done.code == 2
    assert "geheim" not in done.err
    assert fake.state.requests == []


def test_a_name_with_odd_characters_reaches_the_hub_whole(run: Run, fake: FakeApi) -> None:
    fake.state.add_device("../events/1?x=#%2f")
    assert run("device", "show", "../events/1?x=#%2f", "--json").json["id"] == "../events/1?x=#%2f"


def test_wait_returns_when_it_is_live_and_says_so_in_json(run: Run, fake: FakeApi) -> None:
    fake.state.live_after_asks = 2
    document = run("device", "add", "new", "--address", "x", "--wait", "--json").json
    assert (document["live"], document["behind"], document["created"]) == (True, [], True)


def test_not_live_in_time_is_exit_code_5_with_where_and_why(run: Run, fake: FakeApi) -> None:
    fake.state.behind = [{"device": "new", "collector": "local", "daemon": "process", "reason": "not connected"}]
    done = run("device", "add", "new", "--address", "x", "--wait", "--timeout", "0.3")
    assert done.code == 5
    assert "new on local/process: not connected" in done.err
    done = run("device", "remove", "new", "--wait", "--timeout", "0.3", "--json")
    assert (done.code, done.json["live"]) == (5, False)


def test_a_rejected_config_ends_the_wait_at_once(run: Run, fake: FakeApi) -> None:
    fake.state.behind = [
        {"device": "web1", "collector": "local", "daemon": "process", "reason": "rejected by the collector: x"}
    ]
    done = run("device", "add", "new", "--address", "x", "--wait", "--timeout", "600")
    assert done.code == 5
    assert "rejected" in done.err


def test_a_folder_is_applied_whole_in_order_and_each_file_once(run: Run, fake: FakeApi, tmp_path: Path) -> None:
    for name in ("b.yaml", "sub/a.yml", "a.yaml", "notes.txt"):
        (tmp_path / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "model" / name).write_text(f"kind: {name}\n")
    done = run("apply", "-f", "model", "-f", "model/a.yaml", "-m", "why", "--wait")
    assert done.code == 0
    (body,) = fake.state.applied
    assert [file.path for file in body.files] == ["model/a.yaml", "model/b.yaml", "model/sub/a.yml"]
    assert [file.text for file in body.files] == ["kind: a.yaml\n", "kind: b.yaml\n", "kind: sub/a.yml\n"]
    assert (body.message, body.dry_run) == ("why", False)
    assert done.out.startswith("+ ProcessSet nginx\nRevision 4: ")


def test_a_dry_run_says_what_would_change(run: Run, fake: FakeApi) -> None:
    done = run("apply", "-f", "-", "--dry-run", stdin="kind: ProcessSet\n")
    assert done.code == 0
    assert "would change" in done.out
    assert fake.state.applied[0].dry_run is True
    assert fake.state.revision == 3


def test_all_mistakes_of_a_document_are_told_with_file_and_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("ok\nBAD\nok\nBAD\n")
    done = run("apply", "-f", "x.yaml")
    assert done.code == 1
    assert "x.yaml:2: include:" in done.err
    assert "x.yaml:4: include:" in done.err
    assert len(run("apply", "-f", "x.yaml", "--json").json["error"]["details"]) == 2


def test_a_file_that_is_no_utf8_is_named_with_its_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"one\ntwo: \xff\n")
    done = run("apply", "-f", "x.yaml")
    assert done.code == 1
    assert "x.yaml:2: byte 0xff" in done.err


def test_an_empty_folder_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run("apply", "-f", "empty")
    assert (done.code, "file in empty" in done.err) == (2, True)


@pytest.mark.parametrize("text", ["", "# a comment\n\n", "---\n", "%YAML 1.2\n--- # none\n...\n"])
def test_a_file_without_documents_is_named_and_a_usage_error_when_there_is_no_other(
    run: Run, fake: FakeApi, tmp_path: Path, text: str
) -> None:
    (tmp_path / "empty.yaml").write_text(text)
    (tmp_path / "full.yaml").write_text("---\nkind: ProcessSet\n")
    done = run("apply", "-f", "empty.yaml")
    assert (done.code, done.err) == (2, "tocsin: There is no document in empty.yaml; nothing was applied\n")
    assert fake.state.applied == []
    done = run("apply", "-f", "empty.yaml", "-f", "full.yaml")
    assert (done.code, done.err) == (0, "empty.yaml has no document\n")


def test_events_are_acknowledged_closed_and_reopened(run: Run, fake: FakeApi) -> None:
    for verb, state in (("ack", "acknowledged"), ("close", "closed"), ("reopen", "new")):
        done = run("events", verb, "1")
        assert done.code == 0
        assert fake.state.events[0]["state"] == state


def test_one_unknown_event_among_several_is_exit_code_5_and_the_others_are_done(run: Run, fake: FakeApi) -> None:
    done = run("events", "close", "1", "99", "2", "--json")
    assert done.code == 5
    assert [event["id"] for event in done.json["events"]] == [1, 2]
    assert "There is no event 99" in done.err
    assert fake.state.events[1]["state"] == "closed"


def test_filters_of_events_are_sent(run: Run, fake: FakeApi) -> None:
    rows = run("events", "list", "--severity", "error", "--device", "silent", "--json").json["events"]
    assert [row["event_key"] for row in rows] == ["snmp_timeout"]
    run("events", "list", "--class", "/Status", "--component", "x", "--since", "2h", "--limit", "7", "--state", "all")
    sent = fake.state.requests[-1][1]
    for part in ("class=%2FStatus", "component=x", "limit=7", "state=new%2Cacknowledged%2Cclosed%2Caged", "since=20"):
        assert part in sent


def test_followed_events_are_one_json_document_a_line(run: Run, fake: FakeApi) -> None:
    start = len(fake.state.changes)

    def ring() -> None:
        """Once somebody follows."""
        wanted, deadline = f"/api/v1/events/follow?after={start}&", time.monotonic() + 60
        while not any(path.startswith(wanted) for _, path in fake.state.requests) and time.monotonic() < deadline:
            time.sleep(0.01)
        with fake.state.lock:
            fake.state.add_event(summary="first")
            fake.state.add_event(summary="second")

    ringing = threading.Thread(target=ring)
    ringing.start()
    done = run("events", "follow", "--for", "1", "--json")
    ringing.join()
    assert done.code == 0
    assert [json.loads(line)["summary"] for line in done.out.splitlines()] == ["first", "second"]


def test_csv_has_a_column_for_each_point_and_gaps_are_empty(run: Run) -> None:
    lines = run("data", "fetch", "web1", "sshd", "cpu", "memory", "--range", "1h").out.splitlines()
    assert lines[0] == "time,cpu,memory"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d0Z,0\.0,0\.0", lines[1])
    assert lines[2].endswith("Z,,")


def test_fetch_without_points_takes_all_of_the_source(run: Run, fake: FakeApi) -> None:
    assert run("data", "fetch", "web1", "sshd", "--cf", "max").out.splitlines()[0] == "time,count,cpu,memory"
    assert "cf=MAX" in fake.state.requests[-1][1]


def test_an_unknown_point_names_those_there_are(run: Run) -> None:
    assert "process: count, cpu, memory" in run("data", "fetch", "web1", "sshd", "cpus").err


def test_a_graph_is_written_as_the_name_of_its_file_says(run: Run, tmp_path: Path) -> None:
    assert run("graph", "web1", "sshd", "cpu", "--range", "1d", "-o", "x.png").code == 0
    assert (tmp_path / "x.png").read_bytes() == PNG
    done = run("graph", "web1", "-o", "x.SVG", "--json")
    assert done.json["format"] == "svg"
    assert (tmp_path / "x.SVG").read_bytes().startswith(b"<svg")


@pytest.mark.parametrize("output", ["nosuch/x.png", "folder.png"])
def test_a_picture_where_no_file_can_be_is_a_usage_error_before_anything_is_asked(
    run: Run, fake: FakeApi, tmp_path: Path, output: str
) -> None:
    (tmp_path / "folder.png").mkdir()
    done = run("graph", "web1", "-o", output)
    assert done.code == 2
    assert f"-o {output}: " in done.err
    assert fake.state.requests == []


def test_a_graph_that_cannot_be_written_leaves_nothing(run: Run, tmp_path: Path) -> None:
    done = run("graph", "web1", "-o", "/proc/x.png")
    assert done.code == 1
    assert "/proc/x.png cannot be written" in done.err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_ps_shows_the_sets_and_the_processes_they_take(run: Run) -> None:
    done = run("ps", "web1")
    lines = done.out.splitlines()
    assert lines[1].split()[:3] == ["✖", "missing", "nginx"]
    assert sum("/usr/sbin/sshd" in line for line in lines) == 4
    assert "8 processes in no set" in done.err
    assert sum("/usr/sbin/sshd" in line for line in run("ps", "web1", "--all").out.splitlines()) == 12
    document = run("ps", "web1", "--set", "sshd", "--json").json
    assert {row["set"] for row in document["processes"]} == {"sshd"}
    assert [row["set"] for row in document["sets"]] == ["sshd"]


def test_ps_of_a_device_that_cannot_be_read_says_that_and_nothing_else(run: Run, fake: FakeApi) -> None:
    done = run("ps", "silent")
    assert done.err.splitlines() == [
        f"silent cannot be read: {fake.state.scans['silent']['problem']}",
        "  `tocsin events list --device silent` shows since when",
    ]
    assert "unknown" in done.out
    assert "PID " not in done.out
    fake.state.sets.clear()
    done = run("ps", "silent")
    assert (done.code, done.out, len(done.err.splitlines())) == (0, "", 2)


def test_ps_before_the_first_scan_says_so(run: Run, fake: FakeApi) -> None:
    fake.state.add_device("new")
    fake.state.scans["new"] = {**fake.state.bad_scan("new"), "problem": ""}
    done = run("ps", "new")
    assert (done.out, done.err) == ("", "new was not scanned yet\n")


def test_values_that_are_missing_because_the_device_cannot_be_read_lead_to_its_events(run: Run) -> None:
    done = run("data", "last", "silent")
    assert "silent has no series yet, for it cannot be read: 10.0.0.7 does not answer SNMP" in done.err
    assert "tocsin events list --device silent" in done.err


def test_the_age_of_a_value_counts_from_the_end_of_its_step(run: Run, fake: FakeApi) -> None:
    fake.state.series["web1"] = fake.state.series["web1"][:3]
    for row, age_s in zip(fake.state.series["web1"], (4.0, 17.0, 400.0), strict=True):
        row["age_s"] = age_s
    lines = run("data", "last", "web1").out.splitlines()
    assert lines[0].split()[-2:] == ["STEP", "AGE"]
    assert [line.split("10s ")[1].strip() for line in lines[1:]] == ["0s", "7s", "6m 30s"]


def test_a_counter_is_told_with_its_rate(run: Run, fake: FakeApi) -> None:
    row = fake.state.series["web1"][0]
    row |= {"kind": "counter", "unit": "bytes", "value": 2**40, "rate": 2048.0}
    fake.state.series["web1"] = [row, row | {"rate": None}]
    lines = run("data", "last", "web1").out.splitlines()
    assert ["1.0 TiB (2.0 KiB/s)" in line for line in lines[1:]] == [True, False]
    assert ["1.0 TiB" in line for line in lines[1:]] == [True, True]
    row |= {"unit": "percent", "value": 1_831_952, "rate": 2.88}  # milliseconds that a disk was busy
    assert "1 831 952 (2.88 percent)" in run("data", "last", "web1").out
    row["rate"] = None
    assert "percent" not in run("data", "last", "web1").out.splitlines()[1]


def test_a_value_of_a_clock_that_is_ahead_says_so(run: Run, fake: FakeApi) -> None:
    fake.state.series["web1"] = fake.state.series["web1"][:2]
    for row, age_s in zip(fake.state.series["web1"], (-3.0, -400.0), strict=True):
        row["age_s"] = age_s
    lines = run("data", "last", "web1").out.splitlines()
    assert [line.split("10s ")[1].strip() for line in lines[1:]] == ["0s", "6m 40s ahead"]


def test_all_points_are_listed_on_a_narrow_terminal(run: Run, fake: FakeApi) -> None:
    shown = io.StringIO()
    columns = (Column("component", wraps=True), Column("points", wraps=True))
    Console(file=shown, width=44).print(table(columns, [["a-long-name-of-a-set", "count, cpu, memory, restarts"]]))
    words = shown.getvalue().split()
    assert {"a-long-name-of-a-set", "count,", "cpu,", "memory,", "restarts"} <= set(words)
    assert "…" not in shown.getvalue()
    assert "count, cpu, memory" in run("data", "list", "web1").out


def test_a_list_of_devices_counts_components_and_before_a_modelling_definitions(run: Run, fake: FakeApi) -> None:
    head, first, *_ = run("device", "list").out.splitlines()
    assert "COMPONENTS" in head
    assert "  6 " in first
    assert re.search(r"^definitions +6$", run("device", "show", "web1").out, re.MULTILINE)
    fake.state.devices["web1"] |= {"modelled_at": "2026-01-01T00:00:00Z", "attributes": {"sysName": "web1.example"}}
    shown = run("device", "show", "web1").out
    assert re.search(r"^components +6$", shown, re.MULTILINE)
    assert re.search(r"^  sysName +web1.example$", shown, re.MULTILINE)


def test_what_a_device_says_and_what_was_found_on_it_stand_below_headings_of_their_own(run: Run, fake: FakeApi) -> None:
    fake.state.devices["web1"] |= {"properties": {"monitor": False, "words": ["a", True]}, "attributes": {"os": "x"}}
    lines = [line.split(maxsplit=1) for line in run("device", "show", "web1").out.splitlines()]
    assert lines[-5:] == [["properties"], ["monitor", "false"], ["words", "a, true"], ["attributes"], ["os", "x"]]


def test_a_device_that_is_live_but_cannot_be_read_is_told_with_what_to_look_at(run: Run, fake: FakeApi) -> None:
    fake.state.scans["new"] = fake.state.bad_scan("new")
    done = run("device", "add", "new", "--address", "x", "--wait")
    assert done.code == 0
    assert done.err.startswith("new is watched, but could not be read yet: 10.0.0.7 does not answer SNMP")
    assert "`tocsin ps new`" in done.err
    assert "`tocsin events list --device new`" in done.err
    assert run("device", "add", "other", "--address", "x", "--wait").err == ""


def test_a_device_that_is_changed_has_the_time_of_a_scan_before_it_is_called_unreadable(
    run: Run, fake: FakeApi
) -> None:
    bad, good = fake.state.bad_scan("box"), fake.state.good_scan("box")
    looks = 0

    class Scans(dict[str, dict[str, Any]]):
        """Those of before, until somebody looks again."""

        def items(self) -> Any:
            nonlocal looks
            looks += 1
            return {**self, "box": bad if looks < 2 else good}.items()

    fake.state.scans = Scans(fake.state.scans)
    done = run("device", "add", "box", "--address", "x", "--wait")
    assert (done.code, done.err) == (0, "")
    assert looks == 2


def test_a_collector_or_pool_that_nobody_knows_is_told_without_waiting_too(run: Run, fake: FakeApi) -> None:
    documents = ({"kind": "Pool", "id": "eu"}, {"kind": "Collector", "id": "eu1"}, {"kind": "Device", "id": "nosuch"})
    fake.state.documents = [{"document": document, "secrets": []} for document in documents]
    done = run("device", "add", "new", "--address", "x", "--collector", "nosuch")
    assert done.code == 0
    assert done.err == (
        "No collector nosuch has ever logged in, and no document of a collector or pool has that name (collectors: "
        "eu1, local; pools: eu); new is watched once a collector nosuch logs in\n"
    )
    for name in ("local", "eu", "eu1"):
        assert run("device", "add", "new", "--address", "x", "--collector", name).err == ""


def test_events_of_a_device_that_was_removed_and_of_a_collector_are_listed(run: Run, fake: FakeApi) -> None:
    fake.state.add_event(device="gone", summary="it was there once", state="closed")
    done = run("events", "list", "--device", "gone")
    assert (done.code, done.err) == (0, "No open event\n")
    assert "it was there once" in run("events", "list", "--device", "gone", "--state", "all").out
    assert run("events", "list", "--device", "local").code == 0


@pytest.mark.parametrize(("since_s", "connected", "shown"), [(2, True, "–"), (60, True, "0"), (None, False, "0")])
def test_devices_of_a_collector_that_has_not_reported_yet_are_not_zero(
    run: Run, fake: FakeApi, since_s: int | None, connected: bool, shown: str
) -> None:
    since = None if since_s is None else iso(time.time() - since_s)
    fake.state.collectors[0] |= {"since": since, "connected": connected, "devices": 0, "tasks": 0}
    line = run("collector", "list").out.splitlines()[1]
    assert re.split(r" {2,}", line)[4] == shown


def test_push_names_devices_or_all(run: Run, fake: FakeApi) -> None:
    run("push", "web1", "box")
    run("push", "--all")
    assert [(body.devices, body.all) for body in fake.state.pushed] == [(["web1", "box"], False), ([], True)]


def test_status_says_what_is_not_live(run: Run, fake: FakeApi) -> None:
    fake.state.behind = [{"device": "box", "collector": "far", "daemon": "process", "reason": "not connected"}]
    out = run("status").out
    assert "3, 1 device behind" in out
    assert "not live: box on far/process: not connected" in out


@pytest.mark.parametrize(
    ("service", "collector", "told"),
    [
        ("snmp", "local", "no tocsin-snmp has logged in at collector local; `tocsin up --with snmp` starts it"),
        (
            "queue",
            "local",
            "no tocsin-collector queue has logged in at collector local; `tocsin up --with queue` starts",
        ),
        ("snmp", "far", "no tocsin-snmp has logged in at collector far"),
    ],
)
def test_status_says_which_daemon_is_missing_and_what_starts_it(service: str, collector: str, told: str) -> None:
    line = uncollected_line({"service": service, "collector": collector, "devices": 2})
    assert line.startswith(f"{service} sources of 2 devices are not collected: {told}")
    assert ("starts it" in line) is (collector == "local")


def test_status_counts_a_device_once_whose_services_are_behind(run: Run, fake: FakeApi) -> None:
    row = {"device": "box", "collector": "local", "reason": "its config cannot be made: device box: no such class"}
    fake.state.behind = [{**row, "daemon": daemon} for daemon in ("process", "modeler")]
    out = run("status").out
    assert "3, 1 device behind" in out
    for daemon in ("process", "modeler"):
        assert f"not live: box on local/{daemon}: its config cannot be made: device box: no such class" in out


def test_status_names_the_first_that_are_not_live_and_counts_the_rest(run: Run, fake: FakeApi) -> None:
    row = {"collector": "far", "daemon": "process", "reason": "not connected"}
    fake.state.behind = [{**row, "device": f"d{number}"} for number in range(30)]
    out = run("status").out
    assert out.count("not live:") == 20
    assert "and 10 more" in out


def test_collectors_are_listed_with_the_revision_that_is_live_there(run: Run, fake: FakeApi) -> None:
    fake.state.collectors[0].update(revision=2, behind=7)
    lines = run("collector", "list").out.splitlines()
    heads, row = lines[0].split(), lines[-1].split()
    assert heads.index("BEHIND") == heads.index("REVISION") + 1
    assert row[row.index("2") + 1] == "7"


@pytest.mark.parametrize("command", [(), ("device",), ("events",)], ids=" ".join)
def test_no_command_at_all_is_plain_help_and_a_usage_error(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"Usage: {' '.join(('tocsin', *command))} [OPTIONS]")
    assert "See `" not in done.err


def test_every_command_has_help(run: Run) -> None:
    text = run("--help").out
    commands = re.findall(r"^  ([a-z]+) ", text.split("Commands:")[1], re.MULTILINE)
    assert set(commands) >= {"up", "status", "device", "apply", "ps", "events", "data", "graph", "collector", "push"}
    for command in commands:
        done = run(command, "--help")
        assert done.code == 0
        assert "Usage: tocsin" in done.out


def test_the_error_document_is_json_too(run: Run) -> None:
    error = json.loads(run("ps", "nosuch", "--json").out)["error"]
    assert set(error) == {"code", "message", "details"}


def test_whether_process_events_are_listened_to_is_said_where_one_looks(run: Run, fake: FakeApi) -> None:
    row = fake.state.collectors[0]
    for figures, said in (
        ({}, None),
        ({"listening": 1, "deaf": 0}, "local/process: process events: on"),
        ({"listening": 0, "deaf": 1}, "process events: off, scans alone; `tocsin-process status` on testhost says why"),
    ):
        row.update(figures)
        for command in (("status",), ("collector", "list")):
            text = " ".join(run(*command).out.split())
            assert said in text if said else "process events" not in text
    row["connected"] = False
    assert "process events" not in run("status").out

    assert "process events" not in run("device", "show", "web1").out
    fake.state.scans["web1"]["process_events"] = "process events: off: it is forbidden"
    line = next(line for line in run("device", "show", "web1").out.splitlines() if "process events" in line)
    assert line.split() == ["process", "events", "off:", "it", "is", "forbidden"]
