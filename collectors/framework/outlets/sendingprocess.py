"""The sending process: brings every sample to another system, and may be killed at any moment.

Started by the collector daemon as `python -m collectors.framework.outlets.sendingprocess --spool DIR`. The first line
of its standard input is a `Task` in JSON. It tells how it fares in lines of JSON, each a `Sent`. The end of the input
ends it.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import random
import select
import signal
import sys
import time
from pathlib import Path

import msgspec

from collectors.framework.outlets.posting import Poster
from collectors.framework.outlets.sending import Sender
from collectors.framework.outlets.sendingtask import Sent, Task

LOCK = "lock"
TELL_S = 1.0
TROUBLE_S = 5.0
"""After a defect, or a disk that refuses, it is tried again so much later."""


def run(folder: Path, task: Task) -> None:
    """Send until the input ends."""
    post = Poster(task.settings, task.software)
    sender: Sender | None = None
    report = Sent()
    told, told_at = b"", -TELL_S
    while True:
        try:
            if sender is None:
                _take_lock(folder)
                sender = Sender(task.settings, folder, task.labels, post, time.monotonic, time.time, random.Random())  # noqa: S311 (a pause)
                report = sender.report
            wait_s = sender.step()
        except OSError as error:
            report.problem = f"{folder} cannot be used: {error.strerror or error}"
            wait_s = TROUBLE_S if sender is not None else TELL_S
        line = msgspec.json.encode(report)
        now = time.monotonic()
        if line != told and now - told_at >= TELL_S:
            told, told_at = line, now
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
        elif line != told:
            wait_s = min(wait_s, TELL_S)
        ready, _, _ = select.select([0], [], [], wait_s)
        if ready and not os.read(0, 4096):
            if sender is not None:
                sender.close()
            return


def _take_lock(folder: Path) -> None:
    """Wait until one that a killed daemon left behind has ended: it may hang in its last request.

    Raises:
        OSError: it has not yet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # until this process ends
    except BlockingIOError:
        os.close(lock)
        raise OSError("another sending process is still at work there") from None


def main(arguments: list[str]) -> int:
    """Run until the input ends."""
    parser = argparse.ArgumentParser(prog="sendingprocess")
    parser.add_argument("--spool", type=Path, required=True)
    folder = parser.parse_args(arguments).spool
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon, which then ends our input
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    with contextlib.suppress(BrokenPipeError):
        run(folder, msgspec.json.decode(line, type=Task))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
