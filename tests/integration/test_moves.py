"""The files of a device follow it to another collector, whatever happens on the way."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.moving import INTERVAL_S, MoveStack, document, known
from tests.integration.stack import Watched, wait_for

PROCESS = f"mv{os.getpid()}"


@pytest.fixture
def stack() -> Iterator[MoveStack]:
    with tempfile.TemporaryDirectory(prefix="tocsin-test-") as folder:
        stack, watched = MoveStack(Path(folder)), Watched()
        watched.start(PROCESS)
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()
            watched.close()


def test_all_samples_are_there_after_a_move_that_was_killed_and_cut(stack: MoveStack) -> None:
    stack.apply(document(PROCESS))
    wait_for("c1 has some samples", lambda: len(stack.times("host", PROCESS)) >= 2)
    begun = time.monotonic()
    stack.move("host", "c2", "--wait", "--timeout", "1")
    first = wait_for("a part has come", lambda: stack.came("c2"))

    stack.kill("c2")  # with the file half there
    before = stack.came("c2")
    stack.collector("c2")
    wait_for("it goes on where it was", lambda: stack.came("c2") > before or not stack.moves("host")["open"])
    begun_again_s = time.monotonic() - begun
    assert before >= first
    assert stack.tunnel is not None
    stack.tunnel.heal()  # every connection ends

    wait_for("the files are there", lambda: not stack.moves("host")["open"])
    (move,) = stack.moves("host")["moves"]
    assert (move["from"], move["to"], move["state"], move["files"]) == ("c1", "c2", "done", 1)

    (left,) = stack.files("c1", ".rrd.moved")
    assert stack.files("c1") == []
    there = known(left)

    def goes_on() -> dict[int, float]:
        found = stack.served("host", PROCESS)
        return found if max(found, default=0) > max(there) else {}

    served = wait_for("c2 goes on", goes_on)
    assert {at: served[at] for at in there} == there
    assert len(there) >= 2
    hole_s = min(at for at in served if at > max(there)) - max(there)
    assert hole_s <= 3 * INTERVAL_S + begun_again_s

    shown = stack.tocsin("device", "show", "host").stdout
    assert "files of host" not in shown  # nothing is on its way any more
    assert stack.json("device", "show", "host")["moves"][0]["state"] == "done"
