"""The code of docs/tutorial.md is that of etc/examples, and does what the page says."""

from __future__ import annotations

import re
import socketserver
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.framework.kit import spec
from collectors.framework.kit.adapted import Adapted
from collectors.modeler.facts import HostRows
from collectors.modeler.modelling import modelled
from collectors.modeler.plugins.packages import brought
from common.errors import PermanentError
from common.series import Point
from tests.collectors.modeler.tables import config
from tests.fakes.kit import Kit, device, source
from tests.fakes.packages import install

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "etc" / "examples"
FOLDERS = ("queue-collector", "host-extras")
BLOCK = re.compile(r"^`([\w-]+/[\w.-]+)`:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, str]:
    """The files of the page, by folder and name."""
    return dict(BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text()))


def test_the_page_and_the_examples_are_the_same() -> None:
    files = {
        f"{folder}/{path.name}": path.read_text()
        for folder in FOLDERS
        for path in sorted((EXAMPLES / folder).iterdir())
        if path.suffix in {".py", ".toml", ".yaml"}
    }
    assert len(files) == 9
    assert blocks() == files


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The modules of the page, where Python finds them."""
    made = [name.partition("/")[2] for name in blocks()]
    for name, text in blocks().items():
        (tmp_path / name.partition("/")[2]).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = [Path(name).stem for name in made if name.endswith(".py")]
    held = {name: sys.modules.pop(name) for name in modules if name in sys.modules}
    yield tmp_path
    for name in modules:
        sys.modules.pop(name, None)
    sys.modules.update(held)


def imported(name: str) -> Any:
    return __import__(name)


@pytest.fixture
def port(written: Path) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), imported("queue_server").Talk) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_its_function_tells_rows_and_problems(written: Path, port: int) -> None:
    module = imported("queue_collector")
    rows, problems = module.ask(("127.0.0.1", port), ["mail", "fax"])
    assert [(row.component, row.values) for row in rows] == [("mail", {"length": 5.0, "oldest": 12.5})]
    assert [one.summary for one in problems] == ["queue fax: the server says 'no such queue'"]


def test_its_tests_are_green(written: Path, port: int) -> None:
    tests = imported("test_queue_collector")
    tests.test_each_queue_is_a_row_and_one_that_is_not_there_is_a_problem(("127.0.0.1", port))
    tests.test_a_server_that_is_away_is_a_sentence(None)


def test_its_jobs_are_left_alone_while_nothing_changes_and_mistakes_are_told(written: Path) -> None:
    kit, collector = Kit(), imported("queue_collector").QueueCollector
    points = (Point(name="length"), Point(name="oldest"))
    adapted = spec(collector).make_collector(kit.context)
    assert isinstance(adapted, Adapted)
    queues = source("queues", 10, points=points, thresholds=(), settings=(("queues", ("mail",)),))
    (job,) = collector(kit.context).jobs(device(queues))
    (same,) = collector(kit.context).jobs(device(queues))
    assert (job.id, job.intervals, job.parameters) == ("queues", [10], same.parameters)
    adapted.validate(device(queues))
    with pytest.raises(PermanentError, match="source queues: its settings need `queues`, a list of names"):
        adapted.validate(device(source("queues", 10, points=points, thresholds=())))


def test_its_probe_and_its_plugin(written: Path) -> None:
    figures = imported("open_files").probe()[""]
    assert 0 < int(figures["used"]) < int(figures["most"])
    names = {"time_zone": "time_zone:PLUGIN"}
    install(written, "extras-of-a-test", "tocsin.modeler_plugins", names)
    plugin = brought({}).plugins["time_zone"]
    assert plugin.of_host is not None
    zone = plugin.of_host()
    (outcome,) = modelled([plugin], HostRows(rows={"time_zone": zone}, problems={}), config()).outcomes
    assert (outcome.attributes, outcome.problem) == ({"time_zone": zone}, "")
