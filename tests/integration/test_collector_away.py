"""What is known of a collector that is away is shown with its age, also when nobody has asked for it before."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from typing import Any

import pytest

from tests.integration.stack import BIN, Stack, Watched, running_stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.xdist_group("stack")]

DEVICE = "thishost"
SET = f"e2e-away-{os.getpid()}"
DOCUMENT = f"kind: ProcessSet\nid: {SET}\ntitle: {SET}\ninclude: '^{SET} '\n"


def figures(stack: Stack) -> dict[str, Any]:
    """What `tocsin-hub stats` prints."""
    command = [str(BIN / "tocsin-hub"), "stats", "--json", "--config", str(stack.data / "etc" / "hub.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def gone(stack: Stack) -> bool:
    """Whether the process collector is not connected."""
    return any(one["daemon"] == "process" and not one["connected"] for one in stack.json("status")["collectors"])


def test_last_values_and_lists_are_to_be_had_while_their_collector_is_away() -> None:
    with contextlib.closing(Watched()) as watched, running_stack("--host-name", DEVICE, "--interval", "1") as stack:
        watched.start(SET)
        stack.apply(DOCUMENT)
        stack.stop()
        stack.start()  # from its first scan on the set is among what there is to be heard
        # Nobody has asked: the hub hears by itself. The device, and the collector's own series after a minute.
        wait_for("the hub has heard", lambda: figures(stack).get("heard_devices", 0) >= 1)
        config = stack.data / "etc" / "process.toml"
        hidden = config.rename(config.with_suffix(".hidden"))  # `tocsin up` cannot start it again so soon
        try:
            stack.kill_daemon("process")
            wait_for("the collector is away", lambda: gone(stack))

            last = stack.tocsin("data", "last", DEVICE, SET, "--json", check=False)
            assert last.returncode == 5
            document = json.loads(last.stdout)
            assert document["stale"] is True
            assert "collector local (daemon process) is not connected; last seen 20" in document["problem"]
            values = {row["point"]: row for row in document["values"]}
            assert values["count"]["value"] >= 1
            assert values["count"]["age_s"] > 0

            listed = stack.tocsin("data", "list", DEVICE, check=False)
            assert listed.returncode == 5
            assert SET in listed.stdout
            assert "What is known was heard" in listed.stderr

            for command in (("data", "fetch", DEVICE, SET), ("graph", DEVICE, SET, "-o", str(stack.data / "x.png"))):
                done = stack.tocsin(*command, check=False)
                assert done.returncode == 1
                assert "is not connected; last seen 20" in done.stderr
        finally:
            hidden.rename(config)
