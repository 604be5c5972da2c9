"""The sending process: alone in its folder."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from collectors.framework.outlets.sendingprocess import LOCK
from collectors.framework.outlets.sendingtask import Sent, Task
from collectors.framework.outlets.settings import RemoteWriteSettings


def test_it_waits_for_one_that_a_killed_daemon_left_behind(tmp_path: Path) -> None:
    task = Task(settings=RemoteWriteSettings(url="http://127.0.0.1:1/write"), labels={}, software="tocsin/1")
    lock = os.open(tmp_path / LOCK, os.O_RDWR | os.O_CREAT, 0o640)
    fcntl.flock(lock, fcntl.LOCK_EX)
    command = [sys.executable, "-m", "collectors.framework.outlets.sendingprocess", "--spool", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(task) + b"\n")
        process.stdin.flush()
        told = msgspec.json.decode(process.stdout.readline(), type=Sent)
        assert "another sending process is still at work" in told.problem
        os.close(lock)
        assert msgspec.json.decode(process.stdout.readline(), type=Sent).problem == ""
        process.stdin.close()
        assert process.wait(30) == 0
