"""A filesystem that really hangs: mounted in a namespace of its own, with a server that never says a word."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, os, sys, threading, time
from twisted.internet import defer, reactor, task
from collectors.status.passes import Wanted
from collectors.status.watcher import Watcher

folder = sys.argv[1]
server = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={server},rootmode=40000,user_id=0,group_id=0".encode()
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(b"fuse", folder.encode(), b"fuse", 0, options):
    sys.exit(f"SKIP {os.strerror(ctypes.get_errno())}")
watcher = Watcher(Wanted(disks=("/",)), reactor, time.time)

async def state(of):
    while (found := (await watcher.look()).items["disks"][of].state.value) == "stuck":
        pass  # it may just be slow
    return found

async def main(_):
    assert await state("/") == "ok"
    watcher.update(Wanted(disks=(folder, "/")))
    for _ in range(5):
        disks = (await watcher.look()).items["disks"]
        print(disks[folder].state.value, disks["/"].state.value, threading.active_count(), flush=True)
    os.close(server)  # the kernel lets go of whoever waits
    while watcher._slow._asked:
        await task.deferLater(reactor, 0.01, lambda: None)
    libc.umount2(folder.encode(), 2)
    for _ in range(2):
        print(await state(folder), flush=True)
    watcher.close()

task.react(lambda reactor: defer.ensureDeferred(main(reactor)))
"""


@pytest.mark.integration
def test_a_mount_that_hangs_is_stuck_takes_one_thread_and_is_read_again_afterwards(tmp_path: Path) -> None:
    if os.geteuid() or not Path("/dev/fuse").exists() or shutil.which("unshare") is None:
        pytest.skip("only root may mount, with /dev/fuse and unshare")
    command = ["unshare", "-m", sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=110, check=False, cwd=Path(__file__).parents[3]
    )
    if "SKIP" in done.stderr or "unshare:" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.stderr == ""
    *stuck, back, again = done.stdout.splitlines()
    assert [line.rpartition(" ")[0] for line in stuck] == ["stuck ok"] * 5
    assert int(stuck[-1].rpartition(" ")[2]) <= 5  # this one, what hangs, who asks for the others, a helper that ends
    assert (back, again) == ("error", "ok")
