"""`tocsin match` against the real hub and the real collector: drafts find what runs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import Stack, Watched, running_stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.xdist_group("cli-match-stack")]

DEVICE = "thishost"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("--host-name", DEVICE, "--interval", "1") as running:
        yield running


@pytest.fixture
def watched() -> Iterator[Watched]:
    processes = Watched()
    yield processes
    processes.close()


def draft(path: Path, id_: str, include: str, order: int) -> str:
    file = path / f"{id_}.yaml"
    file.write_text(f"kind: ProcessSet\nid: {id_}\norder: {order}\ninclude: '{include}'\n")
    return str(file)


def row_of(document: Any, id_: str) -> Any:
    return next((row for row in document["definitions"] if row["id"] == id_), None)


def test_a_process_that_runs_is_found_by_a_draft_and_nothing_is_applied(
    stack: Stack, watched: Watched, tmp_path: Path
) -> None:
    name = f"match-{uuid.uuid4().hex[:10]}"
    # Of what is shown nothing is longer than 500 characters: only the whole line has the end that is looked for.
    long = f"{name}-{'x' * 800}-end"
    for command in (name, name, long):
        watched.start(command)
    file = draft(tmp_path, name, f"^{name} |-end 600$", 1)
    revision = stack.json("status")["hub"]["revision"]

    def found() -> Any:
        document = stack.json("match", "-f", file, "--device", DEVICE)
        return document if row_of(document, name)["lines"] == 3 else None

    document = wait_for("the draft takes them", found)
    row = row_of(document, name)
    assert (row["draft"], row["state"], row["devices"], row["components"]) == (True, "new", 1, [name])
    assert {"device": DEVICE, "line": f"{name} 600", "count": 2} in row["examples"]
    assert {(change["before"], change["after"]["definition"]) for change in document["changed"]} == {(None, name)}
    text = stack.tocsin("match", "-f", file, "--all").stdout
    assert f"{name} (new) takes 3 lines on 1 of 1 device, as 1 set: {name}" in text
    assert stack.json("status")["hub"]["revision"] == revision
    assert name not in stack.sets(DEVICE)


def test_what_a_draft_would_take_from_another_is_what_it_takes_when_it_is_applied(
    stack: Stack, watched: Watched, tmp_path: Path
) -> None:
    first, second = (f"{word}-{uuid.uuid4().hex[:8]}" for word in ("first", "second"))
    watched.start(f"{first}-{second}")
    stack.apply(Path(draft(tmp_path, first, f"^{first}", 50)).read_text())
    wait_for("it is up", lambda: first in stack.sets(DEVICE))
    behind = stack.json("match", "-f", draft(tmp_path, second, f"^{first}-{second}", 60), "--device", DEVICE)
    assert (row_of(behind, second)["lines"], behind["moves"]) == (0, [])
    before = stack.json("match", "-f", draft(tmp_path, second, f"^{first}-{second}", 40), "--device", DEVICE)
    assert before["moves"] == [{"before": first, "after": second, "lines": 1}]
    (overlap,) = [one for one in before["overlaps"] if second in one["definitions"]]
    assert (overlap["definitions"], overlap["taken_by"]) == ([second, first], second)
    stack.apply((tmp_path / f"{second}.yaml").read_text())
    wait_for("it takes the process", lambda: stack.sets(DEVICE).get(second, {}).get("count") == 1)


def test_a_collector_that_is_not_there_is_exit_code_5_and_the_rest_goes_on(stack: Stack, tmp_path: Path) -> None:
    stack.tocsin("device", "add", "far", "--address", "10.0.0.9", "--collector", "nowhere")
    try:
        file = draft(tmp_path, "anything", ".", 1)
        wait_for("the first scan", lambda: stack.json("ps", DEVICE)["at"])
        done = stack.tocsin("match", "-f", file, "--all", "--json", check=False)
        assert done.returncode == 5
        assert row_of(json.loads(done.stdout), "anything")["devices"] == 1
        assert "1 device of 2 could not be matched" in done.stderr
        assert "far: " in done.stderr
    finally:
        stack.tocsin("device", "remove", "far")


def test_mistakes_and_missing_files_are_those_of_apply(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("kind: ProcessSet\nid: a\ninclude: '('\n")
    for path, code in ((tmp_path / "bad.yaml", 1), (tmp_path / "nosuch.yaml", 2), (Path("/dev/null"), 2)):
        matched = stack.tocsin("match", "-f", str(path), "--device", DEVICE, check=False)
        applied = stack.tocsin("apply", "-f", str(path), check=False)
        assert (matched.returncode, matched.stderr) == (applied.returncode, applied.stderr)
        assert matched.returncode == code
    assert stack.tocsin("match", "-f", draft(tmp_path, "x", "x", 1), "--device", "nosuch", check=False).returncode == 3


def test_lines_of_standard_input_are_matched_with_and_without_the_model(stack: Stack, tmp_path: Path) -> None:
    file = draft(tmp_path, "mill", "^mill", 1)
    alone = stack.tocsin("match", "-f", file, "--stdin", stdin="mill 1\n/usr/sbin/sshd -D\n").stdout
    assert alone.startswith("mill (new) takes 1 line, as 1 set: mill\n")
    done = stack.tocsin("match", "-f", file, "--stdin", "--with-model", "--json", stdin="mill 1\n/usr/sbin/sshd -D\n")
    document = json.loads(done.stdout)
    assert (document["unmatched"]["lines"], document["devices"][0]["taken_before"]) == (0, 1)
