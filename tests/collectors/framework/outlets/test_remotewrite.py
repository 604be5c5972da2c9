"""Remote write as the daemon sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.internet.task import Clock

from collectors.framework.data.spool.frames import pack_progress
from collectors.framework.data.spool.tail import SpoolTail
from collectors.framework.outlets.remotewrite import FOLDER, RemoteWrite
from collectors.framework.outlets.sendingtask import PROGRESS
from collectors.framework.outlets.settings import RemoteWriteSettings
from collectors.framework.samplespool import SampleSpool
from common.series import Layout, Point, SeriesKey

SERIES = {1: (1, SeriesKey("web1", "nginx", "table"), Layout(points=(Point(name="cpu"),), step_s=10))}


def test_what_comes_while_nothing_is_to_be_sent_is_no_loss_when_it_is_again(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / PROGRESS).write_bytes(pack_progress(10))
    (folder / f"{5:016x}.seg").write_bytes(b"")
    off = RemoteWrite(None, Clock(), RemoteWriteSettings(), tmp_path, lambda: "c", "tocsin/1", lambda _: None)
    off.startService()
    assert list(folder.glob("*.seg")) == []

    spool = SampleSpool(tmp_path / "samples")
    spool.open()
    spool.append(SERIES, [(1, 1_800_000_000 + 10 * n, [n]) for n in range(90)])
    spool.close()
    on = SampleSpool(tmp_path / "samples", followers=[folder])
    on.open()
    on.append(SERIES, [(1, 1_800_001_000, [1])])
    tail = SpoolTail(folder, folder / PROGRESS, lambda key, _: key)
    assert [first for first, _ in tail.read()] == [91]
    assert tail.lost == 0


def test_a_daemon_has_nothing_of_what_sends() -> None:
    """Nearly all of them send nothing, and it would be 8 MB of each."""
    unwanted = "{'httpx', 'cramjam', 'google.protobuf'}"
    look = f"import sys, collectors.framework.pbdaemon; print(sorted({unwanted} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True).stdout == "[]\n"
