"""`tocsin model`: what it asks, what it prints, and its exit codes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.api import FakeApi
from tests.hub.cli.conftest import Run


def answer(device: str, *notes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "device": device,
        "problem": "",
        "problems": {},
        "notes": list(notes),
        "attributes": [],
        "left_out": 0,
        **fields,
    }


def note(what: str, kind: str, name: str, *fields: tuple[str, Any, Any], before: str = "") -> dict[str, Any]:
    rows = [{"field": field, "old": old, "new": new} for field, old, new in fields]
    return {"what": what, "kind": kind, "name": name, "before": before, "fields": rows}


@pytest.fixture(autouse=True)
def second_device(fake: FakeApi) -> None:
    fake.state.add_device("web2")


def test_people_read_what_was_found(run: Run, fake: FakeApi) -> None:
    fake.state.answers = [
        answer("web2"),
        answer(
            "web1",
            note("added", "interface", "eth2", ("mtu", None, 1500)),
            note("changed", "filesystem", "/", ("total_bytes", 10, 20)),
            note("renamed", "interface", "lan0", before="eth0"),
            note("back", "process_set", "cron"),
            note("missed", "process_set", "nginx"),
            note("still absent", "cpu", "cpu 3"),
            note("kept", "interface", "eth1", ("mtu", 1500, 9000)),
            attributes=[{"field": "sys_name", "old": "a", "new": "web1"}],
            problems={"hardware": "the walk ended early"},
        ),
    ]
    done = run("model", "web1", "web2")
    assert done.code == 0
    assert done.out.splitlines() == [
        "web1: ~ sys_name a -> web1",
        "web1: + interface eth2",
        "web1: ~ filesystem /: total_bytes 10 -> 20",
        "web1: ~ interface lan0 (was eth0; its history goes on)",
        "web1: + process set cron is back",
        "web1: - process set nginx was not seen: absent from now on, with its history kept",
        "web1: - cpu cpu 3 is still absent",
        "web1: = interface eth1 is kept as it was by its lock: mtu 1500 -> 9000",
        "web1: ! hardware: the walk ended early; what it would find stays as it was",
        "Modelled 2 devices: 1 changed, 1 as before.",
    ]
    assert "the lines with !" in done.err
    (asked,) = fake.state.modelled
    assert (asked.devices, asked.all, asked.dry_run) == (["web1", "web2"], False, False)


def test_programs_read_everything_and_a_dry_run_says_so(run: Run, fake: FakeApi) -> None:
    fake.state.answers = [answer(f"d{number}", note("added", "cpu", "cpu 0")) for number in (3, 1, 2)]
    done = run("model", "--all", "--dry-run", "--json")
    assert done.code == 0
    assert [row["device"] for row in done.json["answers"]] == ["d1", "d2", "d3"]  # over several pages
    assert (done.json["dry_run"], done.json["unanswered"]) == (True, [])
    assert run("model", "--all", "--dry-run").out.endswith(
        "Modelled 3 devices: 3 would change, 0 as before. Nothing was changed (dry run)\n"
    )


def test_those_that_could_not_be_modelled_are_told(run: Run, fake: FakeApi) -> None:
    fake.state.answers = [answer("web1"), answer("web2", problem="no answer from 192.0.2.1")]
    done = run("model", "--class", "/Server")
    assert done.code == 5
    assert "web2: not modelled: no answer from 192.0.2.1" in done.out
    assert "1 device could not be modelled; what was known of them stays" in done.err
    fake.state.answers = fake.state.answers[1:]
    assert run("model", "web2", "--json").code == 1


def test_those_that_do_not_answer_in_time_are_told(run: Run, fake: FakeApi) -> None:
    fake.state.answers, fake.state.unanswered = [answer("web1")], ["web2"]
    done = run("model", "--all", "--timeout", "0.2")
    assert done.code == 5
    assert "Not all devices answered within 0.2 s" in done.err
    assert "web2" in done.err


def test_waiting_means_until_it_is_live(run: Run, fake: FakeApi) -> None:
    fake.state.answers = [answer("web1")]
    done = run("model", "web1", "--wait", "--json")
    assert (done.code, done.json["live"], done.json["revision"]) == (0, True, fake.state.revision)


@pytest.mark.parametrize("arguments", [[], ["web1", "--all"], ["--all", "--class", "/"]])
def test_one_way_to_name_devices_is_wanted(run: Run, arguments: list[str]) -> None:
    done = run("model", *arguments)
    assert done.code == 2
    assert "name the devices to model, or give --class or --all" in done.err


def test_a_device_that_is_not_there(run: Run) -> None:
    assert run("model", "nobody").code == 3
