"""The collector of docs/collectors.md does what the page says, and `run --once` tells it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from collectors.framework.daemonsettings import CollectorSettings
from collectors.framework.kit import Collector, main, spec
from collectors.framework.kit.adapted import Adapted
from collectors.framework.running.inprocess import in_process
from collectors.framework.sources.results import Measured, Problem, Result
from common.errors import PermanentError, SettingsError, TransientError
from common.series import Kind, Point
from tests.fakes.kit import NOW, FakeJobs, Kit, device, reading, source
from tests.fakes.stores import done

PAGE = Path(__file__).parents[4] / "docs" / "collectors.md"


def of_the_page() -> type[Collector]:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(code, "collectors.md", "exec"), names)
    return names["LoadCollector"]  # type: ignore[no-any-return]


def test_the_collector_of_the_page_reads_the_load() -> None:
    kit = Kit()
    points = (Point(name="load1"), Point(name="load5"))
    load = source("load", 60, points=points, thresholds=())
    slow = source("slow", 300, points=points, thresholds=())
    runner = in_process(spec(of_the_page()), kit.context, 10, lambda *_: None)
    runner.startService()
    done(runner.run([device(load, slow)]))
    kit.clock.pump([1.0] * 290)
    written = [(sample.key.source, sample.at - NOW) for sample in kit.samples.accepted]
    assert written == [("load", 0), ("slow", 0), *(("load", at) for at in (60, 120, 180, 240))]
    assert all(sample.values["load1"] >= 0 for sample in kit.samples.accepted)  # type: ignore[operator]
    done(runner.stopService())


def test_a_spec_is_a_daemon_of_that_name() -> None:
    made = spec(of_the_page())
    assert (made.service, made.program, made.failure_class) == ("load", "tocsin-load", "/Status/Load")
    assert made.settings_type().folder == Path("var/load")
    assert isinstance(made.settings_type(), CollectorSettings)
    assert made.found_at == ""


@pytest.mark.parametrize("name", ["", "Load", "a b", "-x", "../x", "x" * 51])
def test_a_collector_needs_a_good_name(name: str) -> None:
    bad = type("Bad", (Collector,), {"name": name})
    with pytest.raises(SettingsError, match=r"Bad.name is "):
        spec(bad)


def test_its_command_is_that_of_any_daemon(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(of_the_page(), ["genconf"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Settings of tocsin-load.")
    assert 'folder = "var/load"' in printed


def look(*sources: Any, **fields: Any) -> list[str]:
    kit = Kit()
    jobs = FakeJobs(kit.context)
    jobs.wanted = lambda _: [jobs.job("", 60, 300, **fields), jobs.job("none")]
    adapted = Adapted(jobs, kit.context, "/Status/Fake")
    return done(adapted.once(device(*sources), show_processes=False, show_tables=False))


def test_once_tells_what_was_read_and_what_became_of_it() -> None:
    counter = source("bytes", points=(Point(name="octets", kind=Kind.COUNTER, unit="bytes"),), thresholds=())
    found = [
        replace(reading(NOW, **{"mail": 60, "a\x00": 1}), problems=[Problem(key="slow", summary="slow")]),
        Result(source="bytes", step=int(NOW), rows=[Measured(component="", values={"octets": 7})], complete=False),
    ]
    assert look(source(), counter, behave=lambda _: found) == [
        "web1: 1 job",
        "  warning job 'none' of web1 has no intervals; it needs at least one, in whole seconds",
        "job fake, every 60 s, 300 s",
        "  source queue: 2 rows",
        "    mail: length 60 jobs",
        "  source bytes: 1 row, not all of it",
        "    web1: octets 7 bytes",
        "  left out: component 'a\\x00': its name has control characters",
        "  threshold: error length of mail is 60 jobs, over the limit of 50 jobs (queue/high: alarm)",
        "  event: error mail: length of mail is 60 jobs, over the limit of 50 jobs",
        "  event: warning slow",
        (
            "  event: warning of what source queue reads, 1 was left out: "
            "component 'a\\x00': its name has control characters"
        ),
    ]


def test_once_tells_why_a_job_failed() -> None:
    def behave(_due: Any) -> Any:
        raise TransientError("no answer")

    assert look(behave=behave)[-1] == "  failed: no answer"


def test_a_collector_without_jobs_says_so() -> None:
    bare = type("Bare", (Collector,), {"name": "bare"})
    kit = Kit()
    runner = in_process(spec(bare), kit.context, 10, lambda *_: None)
    ran = done(runner.run([device()]))
    assert "Bare has no jobs()" in ran.refused["web1"]
    with pytest.raises(PermanentError):
        Adapted(bare(kit.context), kit.context, "/x").make_task(device())
