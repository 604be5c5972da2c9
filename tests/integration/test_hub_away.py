"""Without its hub, a collector collects, writes, keeps its events; it hands them over when the hub is back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import BIN, Stack, Watched, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300), pytest.mark.xdist_group("stack")]

DEVICE = "thishost"
NAME = f"e2e-hub-away-{os.getpid()}"
DOCUMENT = f"kind: ProcessSet\nid: {NAME}\ntitle: {NAME}\ninclude: '^{NAME} '\n"


def figures(config: Path) -> dict[str, Any]:
    """What `tocsin-process stats` prints."""
    done = subprocess.run(
        [str(BIN / "tocsin-process"), "stats", "--json", "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else {}


def runs(config: Path) -> int:
    """How often the device was scanned."""
    return max((int(task["runs"]) for task in figures(config).get("task_list", [])), default=0)


def said_by_daemon(config: Path) -> bool:
    """Whether the set is missing, and a look that knows what the daemon has kept finds no event left to be said."""
    look = subprocess.run(
        [str(BIN / "tocsin-process"), "run", "--once", "-d", DEVICE, "--config", str(config)],
        capture_output=True,
        text=True,
        check=True,
    )
    return f"missing    {NAME}" in look.stdout and f"process_missing {NAME}" not in look.stdout


def test_events_wait_and_series_go_on_while_the_hub_is_away() -> None:
    watched = Watched()
    with tempfile.TemporaryDirectory(prefix="tocsin-test-", ignore_cleanup_errors=True) as folder:
        stack = Stack(Path(folder), "--host-name", DEVICE, "--interval", "1")
        collector: subprocess.Popen[bytes] | None = None
        try:
            process = watched.start(NAME)
            stack.start()
            stack.apply(DOCUMENT)
            wait_for("the set is up", lambda: stack.sets(DEVICE).get(NAME))
            stack.stop()

            config = Path(folder) / "etc" / "process.toml"
            collector = subprocess.Popen(
                [str(BIN / "tocsin-process"), "run", "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_for("it collects without a hub", lambda: figures(config).get("devices", 0) == 1)
            alone_since = time.time()
            watched.kill(process)
            wait_for("its event waits", lambda: said_by_daemon(config))
            wait_for("it is queued", lambda: figures(config).get("queued_events", 0) >= 1)
            enough = runs(config) + 3
            wait_for("more scans", lambda: runs(config) >= enough)
            alone_until = time.time()
            collector.send_signal(signal.SIGTERM)
            assert collector.wait(60) == 0

            stack.start()
            event = wait_for("the event is handed over", lambda: stack.events(device=DEVICE, component=NAME))
            assert [(one["event_key"], one["count"]) for one in event] == [("process_missing", 1)]
            fetched = stack.json("data", "fetch", DEVICE, NAME, "count", "--range", "5m")
            rows = [row for series in fetched["series"] for row in series["rows"]]
            alone = [value for at, value in rows if alone_since < seconds(at) <= alone_until and value is not None]
            assert 0 in alone, rows
        finally:
            if collector is not None and collector.poll() is None:
                collector.terminate()
                collector.wait(60)
            watched.close()
            stack.stop()


def seconds(at: Any) -> float:
    """Epoch seconds of a stamp of the API."""

    return float(at) if isinstance(at, int | float) else datetime.fromisoformat(at).timestamp()
