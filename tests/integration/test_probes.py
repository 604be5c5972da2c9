"""Probes with their real processes: the daemon's side, and the range that becomes of what they tell."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec.structs import replace
from twisted.internet.defer import Deferred

from collectors.framework.data import writerprocess
from collectors.framework.interfaces import CollectorContext
from collectors.framework.kit import Due, Job
from collectors.framework.sources.results import Result
from collectors.framework.sources.taking import SourceTaker
from collectors.probes import troubles
from collectors.probes.claims import Claims
from collectors.probes.collector import ProbeCollector, claims_key
from collectors.probes.handlers import Handlers
from collectors.probes.launch.launching import Launching
from collectors.probes.launch.orders import Outcome, Run
from collectors.probes.output.parse import parse
from collectors.probes.plan import Work
from collectors.probes.readings import OWN_SOURCE, Reader
from collectors.probes.settings import ProbeSettings, ProbesSettings
from common.configs import DeviceConfig, SourceKind
from common.errors import TransientError
from common.events import CLASS_PROBE
from common.judged import DerivedConfig
from common.queries import FetchQuery, Rows
from common.series import Point
from common.sources import ProbeSource
from tests.fakes.events import FakeEventSink
from tests.fakes.samples import FakeSampleSink
from tests.integration.rrd_private import DataPart, on_reactor, until

pytestmark = pytest.mark.integration

TRACKING = ProbeSource(
    id="process_tracking",
    template="process_tracking",
    component="process",
    interval_s=60,
    points=(Point(name="data", unit="kB"), Point(name="stack", unit="kB")),
    derived=(DerivedConfig(point="used", expression="data + stack", unit="kB"),),
)
CONFIG = DeviceConfig(device="web1", address="", source=SourceKind.LOCAL, interval_s=60, sources=(TRACKING,))
SEEN = [(476, 136), (900, 100), (400, 800), (500, 200), (480, 140)]


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="tocsin-probes-"))
    yield path
    shutil.rmtree(path)


def context_of(reactor: Any, folder: Path, **fields: Any) -> CollectorContext:
    sink = FakeEventSink()

    async def nothing(_report: Any) -> Any:
        raise NotImplementedError

    plain = CollectorContext(
        clock=reactor,
        wall=time.time,
        reactor=reactor,
        rng=random.Random(1),
        events=sink,
        states=sink,
        samples=FakeSampleSink(time.time),
        data_dir=folder,
        hub_epoch=str,
        send_model=nothing,
        settings=ProbeSettings(folder=folder / "probe", probes=ProbesSettings(folders=("probes",))),
    )
    return replace(plain, **fields)


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_the_range_of_what_is_derived_is_that_of_the_samples_and_not_of_their_parts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writerprocess, "FRESH_TIMEOUT_S", 60.0)  # the writer process may begin late

    async def work(reactor: Any) -> dict[str, Any]:
        part = DataPart(reactor, folder).start()
        begin = int(time.time()) // 600 * 600 - 1200
        context = context_of(reactor, folder, samples=part.writer)
        taker = SourceTaker("probe", CLASS_PROBE, context, CONFIG)
        reader = Reader("web1", Claims())
        probe = Work("tracking", "process_tracking", 60, Run(number=0, argv=["x"]))
        for number, (data, stack) in enumerate(SEEN * 2, 1):
            text = f'[{{"dmkcheckd": {{"data": "{data}", "stack": "{stack}"}}}}, "process_tracking"]'
            outcome = Outcome(number=1, status=0, parsed=parse(text.encode(), 0))
            step = begin + 60 * number
            results, _ = reader.results(probe, outcome, Handlers(CONFIG.sources), step, float(step))
            assert (await taker.take(results, "tracking", interval_s=60)).refused == []
        found = {}
        for cf in ("MIN", "MAX"):
            rows = await part.reader.answer(
                FetchQuery(
                    device="web1", component="dmkcheckd", source="process_tracking", points=["data", "stack", "used"],
                    start=begin, end=begin + 600, cf=cf, resolution_s=600, paged=True,
                )
            )  # fmt: skip
            assert isinstance(rows, Rows)
            found[cf] = [row[1] for row in rows.rows if row[1][0] is not None]
        await part.stop()
        return found

    assert on_reactor(work) == {"MIN": [[400, 100, 612]], "MAX": [[900, 800, 1200]]}


def test_files_that_are_put_there_run_and_what_they_write_is_kept(folder: Path) -> None:
    """From the file to the results, through the process that runs probes."""
    probes = folder / "probes"
    probes.mkdir()
    put(probes, "good.sh", '#!/bin/sh\necho \'[{"worker": {"data": 476, "stack": "136"}}, "process_tracking"]\'\n')

    async def work(reactor: Any) -> None:
        asked: list[str] = []
        context = context_of(reactor, folder, refresh_soon=asked.append)
        collector = ProbeCollector(context)
        for service in collector.services():
            service.startService()
        try:
            jobs = {job.id: job for job in collector.jobs(CONFIG)}
            assert set(jobs) == {"folders", "good"}
            mine, figures = await once(jobs["good"])
            assert (mine.source, mine.problems) == (OWN_SOURCE, [])
            assert [(row.component, row.values) for row in figures.rows] == [("worker", {"data": 476, "stack": 136})]
            assert Claims(context.states.load(claims_key("web1"))).writers("process_tracking") == {"good"}
            put(probes, "more", "no program")
            (probes / "more").chmod(0o644)
            await until(reactor, "it is noticed", lambda: asked)
            (told,) = (await once({job.id: job for job in collector.jobs(CONFIG)}["folders"]))[0].problems
            assert told.key == troubles.REFUSED
            assert told.summary.endswith("more is not run: it is not executable; chmod +x makes it so")
            collector.forget("web1")
            assert context.states.load(claims_key("web1")) is None
        finally:
            await stop(collector)

    on_reactor(work)


def test_nothing_is_left_of_probes_when_a_process_of_ours_is_killed(folder: Path) -> None:
    mark = uuid.uuid4().hex

    def running() -> list[int]:
        return [one.pid for one in psutil.process_iter() if mark in words_of(one)]

    async def work(reactor: Any) -> None:
        launching = Launching(reactor, reactor)
        launching.startService()
        order = Run(
            number=0, argv=["/bin/sh", "-c", f"sleep 1000 & wait # {mark}"], environment={"PATH": "/bin:/usr/bin"}
        )
        for victim in (launcher, keeper):
            waits = Deferred.fromCoroutine(launching.run(order))
            await until(reactor, "it runs", running)
            family = psutil.Process(launching.pid).children(recursive=True)
            os.kill(victim(launching), signal.SIGKILL)
            if victim is keeper:
                assert (await waits).error == "the process that watched it was killed"
            else:
                with pytest.raises(TransientError, match="the process that runs probes ended: killed by SIGKILL"):
                    await waits
            await until(reactor, "all is ended", partial(all_ended, family))
            await until(reactor, "it is begun anew", lambda: launching.pid)
        cancelled = Deferred.fromCoroutine(launching.run(order))
        await until(reactor, "it runs", running)
        cancelled.addErrback(lambda _: None)
        cancelled.cancel()
        await until(reactor, "it is ended with who waits for it", lambda: not running())
        await launching.stopService()

    on_reactor(work)


def launcher(launching: Launching) -> int:
    return launching.pid or 0


def keeper(launching: Launching) -> int:
    return psutil.Process(launching.pid).children()[0].pid


def all_ended(family: list[psutil.Process]) -> bool:
    return not any(map(is_alive, family))


def words_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


async def once(job: Job) -> list[Result]:
    now = int(time.time())
    steps = {int(interval): now // int(interval) * int(interval) for interval in job.intervals}
    return list(await job.run(Due(steps=steps, at=now)))


async def stop(collector: ProbeCollector) -> None:
    for service in reversed(list(collector.services())):
        stopped = service.stopService()
        if stopped is not None:
            await stopped
