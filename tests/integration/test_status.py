"""A real tocsin-status of this host: the tree on its own port and through the hub, an item that comes, series."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

BUSY = "import time\nfor _ in range(30_000):\n    sum(range(200_000))\n    time.sleep(0.02)"


def get(url: str, accept: str = "application/json") -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def restarted(stack: Stack, odin: Path, mark: str) -> str:
    """Have tocsin-status go by the file of an odin-control server; where its tree is then."""
    settings = stack.data / "etc" / "status.toml"
    settings.write_text(f'{settings.read_text()}file = "{odin}"\n')
    os.kill(stack.pid_of("status"), signal.SIGTERM)

    def there() -> str:
        log = (stack.data / "status" / "status.log").read_text()
        url = log.rpartition("the status tree is at ")[2].partition("\n")[0]
        try:
            return url if mark in get(f"{url}process")[1] else ""
        except (OSError, http.client.HTTPException, ValueError):  # that of before is gone, or there is none yet
            return ""

    return str(wait_for("the tree of the file", there))


def told(stack: Stack, path: str) -> dict[str, Any]:
    """What the hub says of the tree; nothing while tocsin-status has not logged in again."""
    try:
        return dict(stack.ask(path))
    except urllib.error.HTTPError:
        return {}


def troubled(stack: Stack) -> list[tuple[str, str]]:
    """Device and component of what is open of this host."""
    found = stack.ask("events?class=/Status/Host&state=open")["events"]
    return sorted((one["device"], one["component"]) for one in found)


def test_a_host_is_watched_live_and_into_series() -> None:
    mark = f"busy-{uuid.uuid4().hex}"
    with running_stack("--host-name", "here", "--interval", "1", status=True) as stack:
        coming, odin = stack.data / "coming", stack.data / "odin.cfg"
        key = str(coming).replace("/", "_")
        odin.write_text(
            f"[adapter.status]\ndisks = /, {coming}\ninterfaces = lo\nprocesses = {mark}, none-{mark}\nrate = 5\n"
        )
        busy = subprocess.Popen([sys.executable, "-c", BUSY, mark])
        try:
            url = restarted(stack, odin, mark)

            def whole() -> dict[str, Any]:
                """The tree, once the filesystems have answered."""
                tree: dict[str, Any] = get(url)[1]
                return tree if "total" in tree["disk"]["_"] and "no folder" in tree["disk"][key]["problem"] else {}

            tree = wait_for("a whole tree", whole)
            assert set(tree["disk"]["_"]) == {"total", "used", "free", "percent"}
            assert tree["network"]["lo"]["bytes_recv"] >= 0
            assert tree["process"][f"none-{mark}"] == {}
            assert "there is no folder" in tree["disk"][key]["problem"]
            leaf = get(f"{url}disk/_/percent/", "application/json;metadata=true")[1]
            assert (leaf["type"], leaf["writeable"], leaf["units"]) == ("float", False, "percent")
            assert get(f"{url}disk/_/percent/x") == (400, {"error": "Invalid path: disk/_/percent/x"})

            share = f"status/here/process/{mark}/{busy.pid}/cpu_percent"
            wait_for("a share of a processor", lambda: (told(stack, share).get("value") or 0) > 1)
            assert stack.json("tree", "here", f"process/{mark}/{busy.pid}/memory_rss")["value"] > 0

            missing = ("local", f"none-{mark}")
            wait_for("events", lambda: troubled(stack) == sorted([("local", str(coming)), missing]))
            coming.mkdir()
            wait_for("it is taken up", lambda: told(stack, f"status/here/disk/{key}").get("total"))
            wait_for("one event less", lambda: troubled(stack) == [missing])

            wanted = {("", "load1"), ("", "cpu_busy"), ("/", "percent"), ("lo", "bytes_recv")}
            wait_for("series of the templates that come with Tocsin", lambda: wanted <= values(stack))
        finally:
            busy.kill()
            busy.wait()


def values(stack: Stack) -> set[tuple[str, str]]:
    """Component and point of what is known of the device."""
    found = stack.ask("devices/here/series")["values"]
    return {(one["component"], one["point"]) for one in found if one["value"] is not None}
