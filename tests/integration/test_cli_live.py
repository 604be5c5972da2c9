"""Every command of `tocsin` against the real hub and the real collector, as an operator would type it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import Stack, Watched, running_stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.xdist_group("cli-stack")]

DEVICE = "thishost"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("--host-name", DEVICE, "--interval", "1", prefix="tocsin-seen-") as running:
        yield running


@pytest.fixture
def watched() -> Iterator[Watched]:
    processes = Watched()
    yield processes
    processes.close()


@pytest.fixture
def name(stack: Stack, watched: Watched) -> str:
    """A process set that is up."""
    made = f"cli-{uuid.uuid4().hex[:10]}"
    watched.start(made)
    stack.apply(f"kind: ProcessSet\nid: {made}\ntitle: {made}\ninclude: '^{made} '\n")
    wait_for("it is up", lambda: made in stack.sets(DEVICE))
    return made


def last(stack: Stack, name: str) -> dict[str, object]:
    return {value["point"]: value["value"] for value in last_of_all(stack) if value["component"] == name}


def last_of_all(stack: Stack) -> list[dict[str, Any]]:
    """What was sampled last of this machine; nothing as long as nothing was."""
    done = stack.tocsin("data", "last", DEVICE, "--json", check=False)
    assert done.returncode in {0, 3}, done.stderr
    return list(json.loads(done.stdout).get("values", []))


def test_the_first_start_has_a_model_and_this_machine(stack: Stack) -> None:
    status = stack.json("status")
    assert status["hub"]["revision"] >= 1
    assert status["devices"] >= 1
    (device,) = [row for row in stack.json("device", "list")["devices"] if row["id"] == DEVICE]
    assert device["properties"]["source"] == "local"
    revisions = stack.json("history", "--limit", "1000")["revisions"]
    assert revisions[-1]["text"] == "first start"


def test_the_roll_is_there_soon_after_the_start(stack: Stack) -> None:
    scan = wait_for("the first scan", lambda: stack.json("ps", DEVICE)["scans"])[0]
    assert scan["problem"] == ""
    assert scan["processes"] > 1
    own = wait_for("our own daemons", lambda: [s for s in stack.sets(DEVICE) if "tocsin" in s])
    assert own


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("device", "list"),
        ("device", "show", DEVICE),
        ("ps", DEVICE),
        ("events", "list", "--state", "all"),
        ("data", "list", DEVICE),
        ("data", "last", DEVICE),
        ("collector", "list"),
        ("config", "show", "process", DEVICE),
        ("config", "show", "process", DEVICE, "--live"),
        ("history",),
        ("push", DEVICE),
    ],
    ids=" ".join,
)
def test_every_reading_command_works_for_people_and_programs(stack: Stack, command: tuple[str, ...]) -> None:
    wait_for("the first sample", lambda: last_of_all(stack))
    text = stack.tocsin(*command)
    assert text.stdout.strip() or text.stderr.strip()
    assert "\x1b" not in text.stdout
    assert isinstance(stack.json(*command), dict)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("device", "show", "nosuch"), 3),
        (("ps", "nosuch"), 3),
        (("ps", DEVICE, "--set", "nosuch"), 3),
        (("events", "show", "999999"), 3),
        (("events", "list", "--device", "nosuch"), 3),
        (("apply", "-f", "/nosuch.yaml"), 2),
        (("apply", "-f", "/dev/null"), 2),
        (("graph", DEVICE, "-o", "/nosuch/x.png"), 2),
        (("events", "ack", "999999"), 3),
        (("device", "remove", "nosuch"), 3),
        (("data", "last", "nosuch"), 3),
        (("data", "last", DEVICE, "nosuch"), 3),
        (("data", "fetch", DEVICE, "nosuch"), 3),
        (("graph", "nosuch", "-o", "/tmp/tocsin-never.png"), 3),
        (("graph", DEVICE, "nosuch", "-o", "/tmp/tocsin-never.png"), 3),
        (("config", "show", "process", "nosuch"), 3),
        (("config", "show", "nosuch", DEVICE), 3),
        (("push", "nosuch"), 3),
        (("device", "add", "x", "--address", "a", "--set", "nosuch=1"), 2),
        (("device", "add", "x", "--address", "a", "--set", "snmp_community=public"), 2),
        (("device", "add", "bad name", "--address", "a"), 1),
        (("device", "add", "x", "--address", "a", "--set", "snmp_version=3"), 1),
        (("--token", "wrong-but-long-enough-token", "status"), 4),
        (("--url", "http://127.0.0.1:1", "status"), 4),
    ],
    ids=repr,
)
def test_what_is_wrong_is_a_sentence_and_an_exit_code(stack: Stack, command: tuple[str, ...], code: int) -> None:
    done = stack.tocsin(*command, check=False)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.startswith("tocsin: ")
    assert "Traceback" not in done.stderr
    assert set(json.loads(stack.tocsin(*command, "--json", check=False).stdout)["error"]) == {
        "code",
        "message",
        "details",
    }


def test_all_mistakes_of_all_files_are_told_and_nothing_is_applied(stack: Stack, tmp_path: Path) -> None:
    before = stack.json("status")["hub"]["revision"]
    (tmp_path / "a.yaml").write_text("kind: ProcessSet\nid: a\ninclude: '('\n---\nkind: ProcessSet\nid: b\ninclud: x\n")
    (tmp_path / "b.yaml").write_text("kind: Device\nid: c\naddress: 10.0.0.1\nproperties: {interval_s: soon}\n")
    (tmp_path / "good.yaml").write_text("kind: ProcessSet\nid: good\ninclude: x\n")
    done = stack.tocsin("apply", "-f", str(tmp_path), check=False)
    assert done.returncode == 1
    for part in ("a.yaml:3:", "a.yaml:7:", "b.yaml:4:"):
        assert part in done.stderr
    assert stack.json("status")["hub"]["revision"] == before


def test_a_change_is_applied_once_and_a_dry_run_not_at_all(stack: Stack, tmp_path: Path) -> None:
    ident = f"dry-{uuid.uuid4().hex[:8]}"
    (tmp_path / "x.yaml").write_text(f"kind: ProcessSet\nid: {ident}\ninclude: '^{ident} '\n")
    command = ("apply", "-f", str(tmp_path / "x.yaml"))
    assert stack.json(*command, "--dry-run")["revision"] is None
    first = stack.json(*command, "--wait", "-m", "why not")
    assert (first["live"], first["created"]) == (True, [{"kind": "ProcessSet", "id": ident}])
    assert stack.json(*command)["revision"] is None
    newest = stack.json("history", "--limit", "1")["revisions"][0]
    assert (newest["number"], newest["text"]) == (first["revision"], "why not")


def test_a_change_is_live_when_the_command_returns(stack: Stack, tmp_path: Path) -> None:
    ident = f"quick-{uuid.uuid4().hex[:8]}"
    (tmp_path / "x.yaml").write_text(f"kind: ProcessSet\nid: {ident}\ninclude: '^{ident} '\n")
    assert stack.json("apply", "-f", str(tmp_path / "x.yaml"), "--wait")["live"] is True


def test_a_device_on_a_collector_that_is_not_there_is_exit_code_5_with_the_reason(stack: Stack) -> None:
    done = stack.tocsin(
        *("device", "add", "far", "--address", "10.0.0.9", "--collector", "nowhere", "--wait", "--timeout", "1"),
        check=False,
    )
    try:
        assert done.returncode == 5
        assert "far on nowhere/process: " in done.stderr
    finally:
        stack.tocsin("device", "remove", "far")


def test_properties_are_inherited_overridden_and_reset(stack: Stack) -> None:
    def told(name: str) -> tuple[object, str]:
        rows = stack.json("device", "show", DEVICE, "--properties")["properties"]
        (row,) = [row for row in rows if row["name"] == name]
        return row["value"], row["origin"]

    assert told("flap_restarts") == (5, "default")
    stack.apply("kind: DeviceClass\nid: /Server\nproperties: {flap_restarts: 6, snmp_community: hush-hush}\n")
    assert told("flap_restarts") == (6, "class /Server")
    assert told("snmp_community") == ("(set)", "class /Server")
    stack.apply("kind: Group\nid: quick\nproperties: {flap_restarts: 7}\n")
    stack.tocsin("device", "move", DEVICE, "--group", "quick", "--wait")
    assert told("flap_restarts") == (7, "group quick")
    stack.tocsin("device", "change", DEVICE, "--set", "flap_restarts=8", "--wait")
    assert stack.json("config", "show", "process", DEVICE, "--live")["config"]["flap_restarts"] == 8
    text = stack.tocsin("device", "show", DEVICE, "--properties").stdout
    assert "7 restarts (group quick), 6 restarts (class /Server), 5 restarts (default)" in text
    assert "hush" not in text
    stack.tocsin("device", "change", DEVICE, "--reset", "flap_restarts", "--wait")
    assert told("flap_restarts") == (7, "group quick")
    assert "Unchanged" in stack.tocsin("device", "change", DEVICE, "--reset", "flap_restarts").stdout
    stack.tocsin("device", "move", DEVICE, "--group", "-", "--wait")
    for command, code in (
        (("change", DEVICE), 2),
        (("change", DEVICE, "--reset", "nosuch"), 2),
        (("change", "nosuch", "--reset", "flap_restarts"), 3),
        (("change", DEVICE, "--set", "flap_restarts=3", "--reset", "flap_restarts"), 2),
        (("change", DEVICE, "--state", "asleep"), 2),
        (("move", DEVICE), 2),
        (("move", DEVICE, "--class", "Server"), 1),
        (("show", "nosuch", "--properties"), 3),
    ):
        done = stack.tocsin("device", *command, check=False)
        assert (done.returncode, done.stdout) == (code, ""), (command, done.stderr)


def test_a_device_that_cannot_be_read_says_why_wherever_it_is_asked_for(stack: Stack) -> None:
    add = ("device", "add", "dumb", "--address", "127.0.0.1", "--set", "snmp_port=9", "--set", "snmp_community=-")
    done = stack.tocsin(*add, "--wait", stdin="secret\n")
    try:
        reason = "Nothing listens at 127.0.0.1:9 (UDP)"
        assert f"dumb is watched, but could not be read yet: {reason}" in done.stderr
        assert f"dumb cannot be read: {reason}" in stack.tocsin("ps", "dumb").stderr
        last = stack.tocsin("data", "last", "dumb", check=False)
        assert (last.returncode, reason in last.stderr) == (3, True)
        wait_for("the event", lambda: stack.events(device="dumb"))
        applied = stack.apply("kind: Device\nid: mute\naddress: 127.0.0.1\nproperties: {snmp_port: 9}\n")
        assert f"mute is watched, but could not be read yet: {reason}" in applied.stderr
    finally:
        stack.tocsin("device", "remove", "dumb", "--wait")
        stack.tocsin("device", "remove", "mute", "--wait", check=False)
    assert stack.events(device="dumb", state="all")


def test_a_definition_with_monitor_false_is_silent(stack: Stack, name: str) -> None:
    stack.apply(f"kind: ProcessSet\nid: {name}\ninclude: '^{name} '\nmonitor: false\n")
    wait_for("it has left the roll", lambda: name not in stack.sets(DEVICE))


def test_events_are_worked_on(stack: Stack, watched: Watched, name: str) -> None:
    watched.kill(watched.running[0])
    event = wait_for("the alarm", lambda: stack.events(device=DEVICE, component=name))[0]
    number = str(event["id"])
    assert stack.json("events", "ack", number)["events"][0]["state"] == "acknowledged"
    assert stack.json("events", "list", "--component", name, "--state", "acknowledged")["events"]
    assert stack.json("events", "close", number)["events"][0]["state"] == "closed"
    assert event["id"] not in {one["id"] for one in stack.events(device=DEVICE, component=name)}
    watched.start(name)  # while its cause goes on, the alarm comes back as a new event, and the old one stays closed
    wait_for("it is up", lambda: stack.sets(DEVICE)[name]["state"] == "up")
    wait_for("it is over", lambda: not stack.events(device=DEVICE, component=name))
    assert stack.json("events", "reopen", number)["events"][0]["state"] == "new"
    shown = stack.json("events", "show", number)
    assert shown["event_key"] == "process_missing"
    done = stack.tocsin("events", "close", number, "999999", check=False)
    assert done.returncode == 5


def test_figures_can_be_fetched_and_drawn(stack: Stack, name: str, tmp_path: Path) -> None:
    wait_for("a value", lambda: last(stack, name).get("memory"))

    def written() -> list[str]:
        done = stack.tocsin("data", "fetch", DEVICE, name, "count", "memory", "--range", "5m", check=False)
        lines = done.stdout.splitlines()
        assert lines[:1] == ["time,count,memory"] or done.returncode, done
        return [line for line in lines[1:] if not line.endswith(",,")]

    rows = wait_for("some rows", lambda: found if len(found := written()) >= 2 else [])
    assert re.fullmatch(r"20[\d-]{8}T[\d:]{8}Z,1(\.0)?,\d+(\.\d+)?(e\+\d+)?", rows[-1]), rows[-1]
    fetched = stack.json("data", "fetch", DEVICE, name, "count", "--range", "5m")["series"][0]
    assert (fetched["point"], fetched["unit"] != "") == ("count", True)
    both = stack.json("data", "fetch", DEVICE, name, "memory", "memory_each", "--range", "5m")["series"]
    assert both[0]["rows"] == both[1]["rows"], "one process has all of it"
    assert [one["unit"] for one in both] == ["bytes", "bytes"]
    drawn = (("cpu", "png", b"\x89PNG"), ("memory", "svg", b"<?xml"), ("memory_each", "png", b"\x89PNG"))
    for graph, suffix, magic in drawn:
        file = tmp_path / f"x.{suffix}"
        stack.tocsin("graph", DEVICE, name, graph, "--range", "5m", "-o", str(file))
        assert file.read_bytes().startswith(magic)
        assert file.stat().st_size > 2000


def test_a_graph_of_a_template_is_drawn_and_listed_and_all_of_them_are_on_a_sheet(
    stack: Stack, name: str, tmp_path: Path
) -> None:
    template = f"drawn-{uuid.uuid4().hex[:8]}"
    stack.apply(f"""
kind: Template
id: {template}
component: process_set
thresholds: {{big: {{points: memory, maximum: 1000000000000000}}}}
graphs: {{{template}: {{title: Mine, points: [{{point: memory, transform: value / count}}], percentiles: 95}}}}
""")
    stack.tocsin("device", "change", DEVICE, "--bind", template, "--wait")
    for one in (name, "tocsin-hub"):
        wait_for("values", lambda one=one: {"cpu", "memory"} <= last(stack, one).keys())  # type: ignore[misc]
    rows = stack.json("graph", DEVICE, name, "--list")["graphs"]
    assert [row["template"] for row in rows if row["graph"] == template] == [template]
    file = tmp_path / "x.pdf"
    told = stack.json("graph", DEVICE, name, template, "--range", "5m", "--compare", "1h", "-o", str(file))
    assert (told["missing"], file.read_bytes()[:5]) == ([], b"%PDF-")
    refused = stack.tocsin("graph", DEVICE, name, "nosuch", "-o", str(file), check=False)
    assert (refused.returncode, template in refused.stderr) == (3, True)
    both = stack.json("graph", DEVICE, "--set", name, "--set", "tocsin-hub", "--graph", "cpu", "-o", str(file))
    assert both["missing"] == []
    sheet = tmp_path / "x.html"
    told = stack.json("graph", DEVICE, name, "--all", "--range", "5m", "-o", str(sheet))
    assert (told["missing"], told["graphs"]) == ([], sheet.read_text().count("<img "))


def test_the_page_and_its_files_are_served_with_safe_headers(stack: Stack) -> None:
    import httpx

    url = stack.env["TOCSIN_URL"]
    for path in (
        "/",
        "/static/app.js",
        "/static/graphs.js",
        "/static/values.js",
        "/static/style.css",
        "/static/icon.svg",
    ):
        answer = httpx.get(url + path, trust_env=False, timeout=60)
        assert answer.status_code == 200
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_a_secret_of_a_document_is_read_from_a_file_and_one_in_plain_text_is_warned_about(
    stack: Stack, tmp_path: Path
) -> None:
    text = "kind: Group\nid: sealed\nproperties:\n  snmp_community: {}\n"
    path = tmp_path / "g.yaml"
    (tmp_path / "c.txt").write_text("geheim-7\n")
    path.write_text(text.format("!secret file:c.txt"))
    assert stack.tocsin("apply", "-f", str(path)).stderr == ""
    path.write_text(text.format("geheim-7"))
    done = stack.tocsin("apply", "-f", str(path))
    assert "1 document unchanged" in done.stderr
    assert "g.yaml:4: Group sealed: snmp_community stands there in plain text" in done.stderr
    assert "geheim" not in done.stdout + done.stderr
    path.write_text(text.format("!secret file:nosuch"))
    assert stack.tocsin("apply", "-f", str(path), check=False).returncode == 2


def test_secrets_are_never_shown(stack: Stack) -> None:
    secret = f"geheim-{uuid.uuid4().hex}"
    stack.tocsin(
        *("device", "add", "quiet", "--address", "127.0.0.1", "--set", "snmp_port=9", "--set", "snmp_community=-"),
        stdin=secret + "\n",
    )
    try:
        shown = [stack.tocsin("device", "show", "quiet", "--json"), stack.tocsin("history", "--json")]
        shown_live = ("config", "show", "process", "quiet", "--live")

        def is_live() -> bool:
            done = stack.tocsin(*shown_live, "--json", check=False)
            return done.returncode == 0 and bool(json.loads(done.stdout)["config"]["snmp"])

        wait_for("it is live", is_live)
        shown += [stack.tocsin(*command) for command in (shown_live[:-1], shown_live)]
        assert all(secret not in done.stdout + done.stderr for done in shown)
        assert "(set)" in shown[0].stdout
        assert "document" in stack.tocsin("secrets", "rotate-key").stdout
        files = stack.contents()
        assert {"hub.db", "configs.journal", "hub.log"} <= {path.name for path in files}
        assert [path for path, data in files.items() if secret.encode() in data] == []
    finally:
        stack.tocsin("device", "remove", "quiet", "--wait")
