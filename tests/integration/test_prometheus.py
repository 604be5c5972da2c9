"""A real Prometheus scrapes a collector's page, and gets every sample by remote write, over kills on either side."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from prometheus_client.openmetrics import parser

from tests.fakes.ports import held_port
from tests.integration.stack import BIN, Stack, Watched, running_stack, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600), pytest.mark.xdist_group("stack")]

DEVICE = "thishost"
OWN_WORD = f"e2e-prom-{os.getpid()}"
"""Nobody else on this host runs processes of that name."""
NAME = 'e2e "prom\\etheus'
DOCUMENT = f"kind: ProcessSet\nid: e2e-prom\ntitle: '{NAME}'\ninclude: '^{OWN_WORD} '\n"
CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: tocsin
    file_sd_configs: [{{files: ['{folder}/targets.json'], refresh_interval: 1s}}]
"""


class Prometheus:
    """Debian's, in a folder of its own, on a port that the kernel chose, and that it keeps over restarts."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("prometheus")
        assert program is not None, "Debian's package prometheus is missing; tools/install test installs it"
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._held = held_port()
        self.port: int = self._held.getsockname()[1]
        (folder / "prometheus.yml").write_text(CONFIG.format(folder=folder))
        (folder / "targets.json").write_text("[]")

    def start(self) -> None:
        with (self._folder / "prometheus.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._folder}/prometheus.yml",
                    f"--storage.tsdb.path={self._folder}/data",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--web.enable-remote-write-receiver",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for("Prometheus answers", self._ready)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        self.kill()
        self._held.close()

    def scrape(self, address: str) -> None:
        (self._folder / "targets.json").write_text(json.dumps([{"targets": [address]}]))

    def query(self, expression: str) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{self.port}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return list(json.load(answer)["data"]["result"])

    def value(self, expression: str) -> str:
        """What it has of one series, now or at some scrape of the last minute: a slow page is left out."""
        found = wait_for(expression, lambda: self.query(f"last_over_time({expression}[1m])"))
        return str(found[0]["value"][1])

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "prometheus.log").read_text()[-2000:]
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=60).close()
            return True
        return False


@contextlib.contextmanager
def prometheus() -> Iterator[Prometheus]:
    with tempfile.TemporaryDirectory(prefix="tocsin-prometheus-") as folder:
        server = Prometheus(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.close()


def stats(stack: Stack) -> dict[str, Any]:
    config = str(stack.data / "etc" / "process.toml")
    done = subprocess.run(
        [str(BIN / "tocsin-process"), "stats", "--json", "--config", config],
        capture_output=True,
        text=True,
        check=False,
    )
    return dict(json.loads(done.stdout)) if done.returncode == 0 else {}


def sent(stack: Stack) -> dict[str, Any]:
    """How remote write stands; nothing while the daemon does not tell."""
    return dict(stats(stack).get("remote_write") or {})


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with contextlib.closing(Watched()) as watched, running_stack("--host-name", DEVICE, "--interval", "1") as running:
        watched.start(OWN_WORD)
        running.apply(DOCUMENT)
        config = running.data / "etc" / "process.toml"
        shutil.copy(config, config.with_suffix(".plain"))
        yield running


def with_settings(stack: Stack, more: str) -> str:
    """Have the collector run with more settings than it began with; gives the address of its page."""
    config = stack.data / "etc" / "process.toml"
    config.write_text(config.with_suffix(".plain").read_text() + more)
    subprocess.run([str(BIN / "tocsin-process"), "restart", "--config", str(config)], check=True, capture_output=True)
    return str(wait_for("the page is served", lambda: stats(stack).get("metrics_page")))


def sending_process(stack: Stack) -> int:
    """Pid of the process that sends, a child of the daemon."""
    with contextlib.suppress(psutil.Error):  # one of them has just ended
        for child in psutil.Process(stack.pid_of("process")).children():
            if "collectors.framework.outlets.sendingprocess" in child.cmdline():
                return child.pid
    return 0


def stamps(server: Prometheus) -> list[float]:
    """Times of the samples of the watched set's count that were brought."""
    found = server.query('tocsin_value{device="thishost", component=~"e2e.*", point="count", site="berlin"}[10m]')
    return [at for at, value in found[0]["values"] if value == "1"] if found else []


def kept(stack: Stack) -> set[float]:
    """Times that the collector itself has: a scan that a busy machine left out is no sample for anybody."""
    fetched = stack.json("data", "fetch", DEVICE, NAME, "count", "--range", "10m", "--resolution", "1s")
    rows = [row for series in fetched["series"] for row in series["rows"]]
    return {float(at) for at, value in rows if value == 1}


def test_prometheus_scrapes_the_page_and_gets_every_sample_over_kills_on_either_side(stack: Stack) -> None:
    with prometheus() as server:
        page = with_settings(
            stack,
            '\n[metrics]\nlisten = "127.0.0.1:0"\n'
            f'\n[remote_write]\nurl = "http://127.0.0.1:{server.port}/api/v1/write"\nwait_s = 0.5\n'
            'labels = ["site=berlin"]\n',
        )
        begun = time.time()  # what was sampled before may be there, too
        server.scrape(urllib.parse.urlsplit(page).netloc)

        scraped = 'tocsin_value{job="tocsin", device="thishost", component=~"e2e.*", point="count"}'
        (found,) = wait_for("the page is scraped", lambda: server.query(scraped))
        assert found["metric"]["component"] == NAME
        assert found["value"][1] == "1"
        wait_for("it is up", lambda: server.value("up") == "1")
        assert server.value('tocsin_collector_devices{daemon="tocsin-process"}') == "1"
        assert server.value('tocsin_count_total{job="tocsin", component=~"e2e.*", point="restarts"}') == "0"

        wait_for("samples are brought", lambda: len(stamps(server)) > 2)
        os.kill(wait_for("a process sends", lambda: sending_process(stack)), signal.SIGKILL)
        before = len(stamps(server))
        wait_for("another process goes on", lambda: len(stamps(server)) > before + 2)

        server.kill()
        wait_for("samples wait", lambda: "cannot be reached" in (sent(stack).get("problem") or ""))
        server.start()
        wait_for("what waited is there", lambda: sent(stack).get("problem") == "", 200)
        before = len(stamps(server))
        wait_for("and what comes since", lambda: len(stamps(server)) > before + 1)
        brought = [at for at in stamps(server) if at > begun]
        between = {at for at in kept(stack) if brought[0] <= at <= brought[-1]}
        assert len(between) > 5
        assert sorted(between - set(brought)) == []
        assert wait_for("stats", lambda: sent(stack))["refused"] == 0


def test_the_page_is_open_metrics_and_the_older_format_and_nobody_else_may_read_it(stack: Stack) -> None:
    token = stack.data / "metrics.token"
    token.write_text("a secret of one line\n")
    page = with_settings(stack, f'\n[metrics]\nlisten = "127.0.0.1:0"\ntoken_file = "{token}"\n')

    def ask(query: str = "", **headers: str) -> tuple[int, str]:
        request = urllib.request.Request(page + query, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    assert ask()[0] == 401
    assert ask(Authorization="Bearer another")[0] == 401
    own = {"Authorization": "Bearer a secret of one line"}
    wait_for("a value is there", lambda: "tocsin_value{" in ask(**own)[1])
    read: Any = parser.text_string_to_metric_families
    families = {family.name: family for family in read(ask(**own)[1])}
    assert families["tocsin_collector_cpu_seconds"].type == "counter"
    assert {sample.labels["device"] for sample in families["tocsin_value"].samples} >= {DEVICE}
    older = ask(**own, Accept="text/plain")[1]
    assert "# TYPE tocsin_count_total counter" in older
    assert "# EOF" not in older
    assert "device=" not in ask("?device=nobody", **own)[1]
    check = shutil.which("promtool")
    assert check is not None
    done = subprocess.run([check, "check", "metrics"], input=older, text=True, capture_output=True, check=False)
    assert done.returncode in {0, 3}, done.stdout + done.stderr  # 3: matters of taste
