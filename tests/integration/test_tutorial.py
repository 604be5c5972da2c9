"""What docs/tutorial.md makes, installed by pip into an environment of its own, with real daemons, up to the graph."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import BIN, Stack, wait_for
from tests.test_tutorial import FOLDERS, blocks

pytest.importorskip("setuptools")
pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), pytest.mark.xdist_group("tutorial")]

PROGRAMS = ("hub", "process", "status", "modeler", "probe", "snmp", "collector")
PNG = b"\x89PNG"


def environment(root: Path) -> Path:
    """An environment that has what this one has; gives the folder of its programs."""
    venv.create(root, with_pip=False, symlinks=True)
    site = sysconfig.get_path("purelib", vars={"base": str(root), "platbase": str(root)})
    ours = sysconfig.get_path("purelib")
    (Path(site) / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    folder = root / "bin"
    for name in ("tocsin", *(f"tocsin-{one}" for one in PROGRAMS)):
        _, _, rest = (BIN / name).read_text().partition("\n")
        (folder / name).write_text(f"#!{folder / 'python'}\n{rest}")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack with the packages of the page, and their files beside its data."""
    with tempfile.TemporaryDirectory(prefix="tocsin-test-") as folder, contextlib.ExitStack() as at_end:
        root = Path(folder)
        programs = environment(root / "venv")
        for name, text in blocks().items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(text)
        pip = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "install", "-q", "--no-index"]
        pip += ["--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--no-warn-script-location"]
        subprocess.run([*pip, *(str(root / name) for name in FOLDERS)], check=True, timeout=300)
        (root / "data").mkdir()
        stack = Stack(root / "data", "--with", "queue,probe", "--host-name", "here", folder=programs)
        at_end.callback(stack.stop)
        stack.start()
        yield stack


@pytest.fixture
def port(stack: Stack) -> Iterator[int]:
    server = stack.data.parent / "queue-collector" / "queue_server.py"
    with subprocess.Popen([sys.executable, str(server), "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline().split()[-1])
        process.kill()


def last(stack: Stack, component: str) -> dict[str, Any]:
    """Newest values, by point; none while there are none."""
    try:
        rows = stack.ask("devices/here/series")["values"]
    except urllib.error.HTTPError:  # nothing has been heard yet
        return {}
    return {row["point"]: row["value"] for row in rows if row["component"] == component}


def on_disk(stack: Stack) -> dict[str, set[float | None]]:
    """What RRD has of the queue, by point."""
    now = int(time.time())
    wanted = f"component=mail&source=queues&point=length&point=wait_each&start={now - 300}&end={now}"
    try:
        fetched = stack.ask(f"devices/here/series/fetch?{wanted}")
    except urllib.error.HTTPError:  # none has been written yet
        return {}
    return {one["point"]: {value for _, value in one["rows"]} for one in fetched["series"]}


def test_from_nothing_to_graph_and_alarm(stack: Stack, port: int) -> None:
    listed = subprocess.run([stack.folder / "tocsin-collector", "list"], capture_output=True, text=True, check=False)
    assert [line.split()[-1] for line in listed.stdout.splitlines()] == ["STATE", "ok", "ok", "ok"], listed
    files = stack.data.parent
    queues = (files / "queue-collector" / "queue.yaml").read_text()
    quick = queues.replace("interval_s: 10", "interval_s: 1").replace("port: 7001", f"port: {port}")
    probe = (files / "host-extras" / "open-files.yaml").read_text().replace("interval_s: 30", "interval_s: 1")
    stack.apply(f"{quick}---\n{probe}")
    stack.tocsin("device", "change", "here", "--bind", "queues", "--bind", "open_files", "--wait")

    mail = wait_for("values of the queue", lambda: (found := last(stack, "mail")) and found.get("wait_each") and found)
    assert mail == {"length": 5, "oldest": 12.5, "wait_each": 2.5}
    assert wait_for("values of the probe", lambda: last(stack, "").get("share")) > 0
    settings = str(stack.data / "etc" / "queue.toml")
    command = [str(stack.folder / "tocsin-collector"), "queue", "run", "--once", "-d", "here", "--config", settings]
    once = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "    mail: length 5 jobs, oldest 12.5 s, wait_each 2.5 s\n" in once.stdout
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"SET mail 7 100\n")
        assert connection.recv(100) == b"7 100.0\n"
    stack.apply(f"{quick.replace('[mail, print]', '[mail, print, fax]')}---\n{probe}")
    assert wait_for("the model", lambda: stack.ask("devices/here")["attributes"].get("time_zone"))
    wanted = {"queue_unknown", "threshold:queues/stuck:oldest"}
    wait_for("both events", lambda: wanted <= {one["event_key"] for one in stack.ask("events")["events"]})

    picture = files / "mail.png"
    stack.tocsin("graph", "here", "mail", "length", "--range", "10m", "-o", str(picture))
    assert picture.read_bytes().startswith(PNG)
    wait_for("rows on disk", lambda: on_disk(stack).get("length", set()) >= {5.0, 7.0})
    assert 2.5 in on_disk(stack)["wait_each"]
