"""Who was running when, through real daemons and the command line; and secrets that stay in the process table."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import Stack, running_stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

DEVICE = "thishost"
CODE = "import sys, time; sys.stdin.close(); time.sleep(600)"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("--host-name", DEVICE, "--interval", "1", prefix="tocsin-seen-") as running:
        yield running


class Runs:
    """A process with secrets in its arguments."""

    def __init__(self) -> None:
        self.name = f"roll-{uuid.uuid4().hex[:10]}"
        self.secrets = [f"s3cr3t{uuid.uuid4().hex}" for _ in range(4)]
        password, token, pin, url = self.secrets
        arguments = [f"--password={password}", "--db-token", token, "--pin", pin, f"postgres://me:{url}@db/x"]
        self.process = subprocess.Popen(
            [self.name, "-c", CODE, *arguments], executable=sys.executable, stdin=subprocess.DEVNULL
        )

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def row_of(stack: Stack, at: float, runs: Runs) -> dict[str, Any] | None:
    document = stack.ask(f"devices/{DEVICE}/roll?at={at:.3f}")
    found = [row for row in document["processes"] or [] if row["pid"] == runs.process.pid]
    return found[0] if found else None


def test_who_ran_is_told_and_no_secret_gets_anywhere(stack: Stack) -> None:
    stack.tocsin("device", "change", DEVICE, "--set", r"argument_masks=--pin (\S+)", "--wait")
    before = time.time()
    runs = Runs()
    try:
        definition = (
            f"kind: ProcessSet\nid: {runs.name}\ntitle: {runs.name}\ninclude: '^{runs.name} .*{runs.secrets[0][:6]}'\n"
        )
        stack.apply(definition)
        wait_for("it is up", lambda: runs.name in stack.sets(DEVICE))
        running = time.time()
        wait_for("the book has it, and its set", lambda: (row_of(stack, running, runs) or {}).get("set"))
        row = row_of(stack, running, runs)
        assert row is not None
        assert row["set"] == runs.name
        assert row["command"].endswith("--password=*** --db-token *** --pin *** postgres://me:***@db/x")
        assert "-c import sys" in row["command"]
        assert row_of(stack, before - 0.5, runs) is None
        assert runs.name in stack.tocsin("ps", DEVICE, "--at", iso(running), "--set", runs.name).stdout
        answers = [
            stack.tocsin("match", "-f", str(stack.data / "apply.yaml"), "--device", DEVICE, "--json").stdout,
            str(stack.ask(f"devices/{DEVICE}/processes")),
            stack.tocsin("model", DEVICE, "--wait", "--json", check=False).stdout,
        ]
        assert runs.name in answers[0]
        assert runs.name in answers[1]
        runs.end()
        ended = time.time()
    finally:
        runs.end()

    def changes() -> list[dict[str, Any]]:
        document = stack.ask(f"devices/{DEVICE}/roll/changes?start={before:.3f}&set={runs.name}")
        return [change for change in document["changes"] if change["pid"] == runs.process.pid]

    wait_for("its end is in the book", lambda: any(one["what"] == "ended" for one in changes()))
    assert {one["what"] for one in changes()} <= {"started", "ended"}
    told = stack.tocsin("ps", DEVICE, "--between", iso(before), "now").stdout
    assert "ended" in told
    events = f"events?component={runs.name}"
    wait_for("the alarm", lambda: "process_missing" in str(stack.ask(events)))
    answers += [told, str(stack.ask("events?limit=1000"))]

    daemon = stack.pid_of("process")
    os.kill(daemon, signal.SIGKILL)
    wait_for("another daemon", lambda: stack.pid_of("process") not in {0, daemon})
    wait_for("it scans", lambda: _known(stack, time.time() - 0.5))
    assert "its collector did not run" in stack.tocsin("ps", DEVICE, "--between", iso(ended), "now").stdout
    assert row_of(stack, running, runs) is not None, "what was before is still known"
    assert stack.json("ps", DEVICE, "--at", "-1d")["known"] is False

    stack.stop()
    for secret in runs.secrets:
        assert not any(secret in answer for answer in answers)
        assert _files_with(stack.data, secret.encode()) == []
    assert _files_with(stack.data / "process" / "rollbook", runs.name.encode()) or list(
        (stack.data / "process" / "rollbook").rglob("*.zst")
    )


def _known(stack: Stack, at: float) -> bool:
    try:
        return bool(stack.ask(f"devices/{DEVICE}/roll?at={at:.3f}")["known"])
    except OSError:  # the collector is away
        return False


def _files_with(folder: Path, text: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text in path.read_bytes()]
