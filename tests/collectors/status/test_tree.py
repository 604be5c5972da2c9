"""The status tree: what a path leads to, in the plain form and with metadata."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.status.passes import Pass, ProcessName, State
from collectors.status.tree import answer, keys_of, tree_of
from common.sources import Match
from tests.collectors.status.passes_made import ROOM, a_pass, bad, ok, process, running


def ask(path: str, now: Pass | None = None, *, metadata: bool = False, wall: float = 100.5) -> tuple[bool, Any]:
    found, data = answer(tree_of(now or a_pass(), None, inodes=True), path, wall, metadata=metadata)
    return found, json.loads(data)


def test_the_whole_tree_has_the_keys_and_leaves_that_clients_of_odin_control_know() -> None:
    found, tree = ask("", a_pass())
    assert found
    assert set(tree) == {"disk", "network", "process", "inodes"}
    assert tree["disk"] == {key: {"total": 1000, "used": 250, "free": 700, "percent": 26.3} for key in ("_home", "_")}
    assert tree["network"]["eth0"]["bytes_recv"] == 1
    assert tree["process"] == {
        "nginx": {},
        "worker.sh": {
            "77": {
                "cpu_percent": 99.5,
                "cpu_affinity": None,
                "memory_percent": 1.5,
                "memory_rss": 4096,
                "memory_vms": 8192,
                "memory_shared": 1024,
            },
            "812": {
                "cpu_percent": 99.5,
                "cpu_affinity": [0, 1],
                "memory_percent": 1.5,
                "memory_rss": 4096,
                "memory_vms": 8192,
                "memory_shared": 1024,
            },
        },
    }
    assert list(tree["process"]["worker.sh"]) == ["77", "812"]


def test_without_anything_wanted_there_are_the_three_keys_all_the_same() -> None:
    assert ask("", a_pass(items={}, processes={})) == (True, {"disk": {}, "network": {}, "process": {}})


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("disk/_/percent", {"value": 26.3}),
        ("disk/_/percent/", {"value": 26.3}),
        ("disk/_home/", {"total": 1000, "used": 250, "free": 700, "percent": 26.3}),
        ("process/worker.sh/812/cpu_affinity", {"value": [0, 1]}),
        ("process/worker.sh/77/cpu_affinity", {"value": None}),
        ("process/nginx", {}),
        ("disk%2F_%2Ftotal", {"value": 1000}),
        ("inodes/_/free", {"value": 45}),
    ],
)
def test_a_leaf_is_wrapped_and_a_branch_is_not(path: str, wanted: Any) -> None:
    assert ask(path) == (True, wanted)


@pytest.mark.parametrize(
    "path",
    [
        *("nothing", "disk/_/total/foo", "disk/_/total/0", "process/worker.sh/812/cpu_affinity/0", "disk//_", "/disk"),
        *("disk/_//", "/", "//", "disk/%ff", "disk/_/value", "..", "disk/../network", "DISK", "process/worker.sh/+77"),
    ],
)
def test_a_path_that_leads_nowhere_is_said_as_it_was_given(path: str) -> None:
    said = path.replace("%ff", "\ufffd")
    assert ask(path) == (False, {"error": f"Invalid path: {said}"})
    assert ask(path, metadata=True) == (False, {"error": f"Invalid path: {said}"})


def test_a_name_with_a_slash_or_of_other_letters_is_found_quoted() -> None:
    names = {ProcessName(name="/usr/bin/köchin"): running(process(5)), ProcessName(name="a b"): running(process(6))}
    now = a_pass(processes=names)
    assert ask("process/%2Fusr%2Fbin%2Fk%C3%B6chin/5/memory_rss", now) == (True, {"value": 4096})
    assert ask("process/a%20b/6/memory_rss", now)[0]


def test_metadata_says_of_each_leaf_what_it_is_and_how_old() -> None:
    found, told = ask("disk/_/percent", metadata=True)
    assert found
    assert told == {
        "value": 26.3,
        "writeable": False,
        "type": "float",
        "units": "percent",
        "description": "used, of what is used and free",
        "age_s": 0.5,
        "state": "ok",
        "min": 0.0,
        "max": 100.0,
    }
    types = {name: leaf["type"] for name, leaf in ask("process/worker.sh/812", metadata=True)[1].items()}
    assert types["cpu_percent"] == "float"
    assert types["memory_rss"] == "int"
    assert types["cpu_affinity"] == "list"
    assert ask("process/worker.sh/77/cpu_affinity", metadata=True)[1]["type"] == "NoneType"
    assert ask("disk", metadata=True)[1]["_"]["total"]["units"] == "bytes"


def test_what_is_read_seldom_is_as_old_as_it_is_and_never_from_the_future() -> None:
    now = a_pass(items={"disks": {"/": ok(ROOM, at=90.0), "/late": ok(ROOM, at=200.0)}})
    assert ask("disk/_/total", now, metadata=True)[1]["age_s"] == 10.5
    assert ask("disk/_late/total", now, metadata=True)[1]["age_s"] == 0.0


@pytest.mark.parametrize("state", [State.ABSENT, State.DENIED, State.GONE, State.STUCK, State.ERROR])
def test_what_cannot_be_read_says_so_and_hides_nothing_else(state: State) -> None:
    now = a_pass(items={"disks": {"/mnt/x": bad(state, "there is no /mnt/x"), "/": ok(ROOM)}})
    plain = ask("disk", now)[1]
    nothing = {"total": None, "used": None, "free": None, "percent": None}
    assert plain["_mnt_x"] == {**nothing, "problem": "there is no /mnt/x"}
    assert plain["_"]["total"] == 1000
    told = ask("disk/_mnt_x/total", now, metadata=True)[1]
    assert (told["value"], told["type"], told["state"]) == (None, "NoneType", state.value)
    assert told["reason"] == "there is no /mnt/x"


def test_two_disks_that_were_found_and_would_be_called_the_same_are_both_there() -> None:
    keys = keys_of({"/a_b": ok(ROOM), "/a/b": bad(State.GONE, "gone"), "/a/b/c": ok(ROOM)})
    assert {key: found.state for key, found in keys.items()} == {
        "_a_b": State.OK,
        "_a_b~2": State.GONE,
        "_a_b_c": State.OK,
    }


def test_one_name_that_is_wanted_in_two_ways_shows_the_processes_of_both() -> None:
    names = {
        ProcessName(name="w"): running(process(1)),
        ProcessName(name="w", match=Match.EXACT): running(process(2)),
    }
    assert set(ask("process/w", a_pass(processes=names))[1]) == {"1", "2"}


def test_further_items_are_beside_under_names_without_their_prefix() -> None:
    items = {
        "load": {"": ok({"load1": 0.5, "load5": 0.25, "load15": 0.0})},
        "memory": {"": ok({"mem_total": 100, "mem_used": 40})},
        "sensors": {"coretemp/Core 0": ok({"temperature": 41.5}), "fan1": ok({"fan": 900})},
        "users": {"": ok({"users": 1, "names": ("root\udcff",)})},
    }
    tree = ask("", a_pass(items=items, processes={}))[1]
    assert tree["load"] == {"load1": 0.5, "load5": 0.25, "load15": 0.0}
    assert (tree["memory"]["total"], tree["memory"]["cached"]) == (100, None)
    assert tree["sensors"] == {"coretemp/Core 0": {"temperature": 41.5}, "fan1": {"fan": 900}}
    assert tree["users"] == {"users": 1, "names": ["root?"]}


@given(st.text(max_size=60), st.booleans())
def test_any_path_is_answered(path: str, metadata: bool) -> None:
    text = path.encode("utf-8", "replace").decode()
    found, told = ask(text, metadata=metadata)
    assert found or told["error"].startswith("Invalid path: ")
