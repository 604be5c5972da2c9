"""The status collector as the kit sees it: its job, what it refuses, what it answers."""

from __future__ import annotations

import random
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from collectors.framework.interfaces import CollectorContext
from collectors.framework.kit import Due, Job
from collectors.framework.sources.results import Result
from collectors.status.collector import StatusCollector, together
from collectors.status.main import SPEC
from collectors.status.passes import Pass, ProcessName, State, Wanted
from collectors.status.settings import StatusCollectorSettings, StatusSettings
from common.configs import DeviceConfig, SourceKind
from common.errors import NotFoundError, SettingsError
from common.queries import SetsQuery
from common.settings import genconf, read_settings
from common.sources import Follow, Match, StatusSource
from common.statustree import StatusBranch, StatusQuery
from tests.collectors.status.passes_made import ROOM, a_pass, bad, ok, process, running

T = TypeVar("T")
ETC = Path(__file__).parents[3] / "etc"


class Spool:
    """Takes events, and gives no state back."""

    async def send(self, *_: Any) -> None:
        return

    @staticmethod
    def load(_: str) -> bytes | None:
        return None


def result(waiting: Coroutine[Any, Any, T]) -> T:
    found: list[T] = []
    Deferred.fromCoroutine(waiting).addCallback(found.append)
    (one,) = found
    return one


class FakeWatcher:
    """Takes passes that a test has made."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.wanted: list[Wanted] = []
        self.now = a_pass()
        self.begun: list[float] = []

    def told(self, wanted: Wanted) -> FakeWatcher:
        self.wanted.append(wanted)
        return self

    def update(self, wanted: Wanted) -> None:
        self.wanted.append(wanted)

    async def look(self) -> Pass:
        self.begun.append(self.clock.seconds())
        return msgspec.structs.replace(self.now, monotonic=self.clock.seconds())


class Bench:
    """A collector whose passes a test makes."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock = Clock()
        spool: Any = Spool()

        async def model(_: object) -> Any:
            raise NotImplementedError

        self.problems: list[str] = []
        context = CollectorContext(
            clock=self.clock,
            wall=lambda: 100.5,
            reactor=self.clock,
            rng=random.Random(1),
            events=spool,
            states=spool,
            samples=None,
            data_dir=folder,
            hub_epoch=lambda: "",
            send_model=model,
            settings=StatusCollectorSettings(status=StatusSettings(**{"http": False, **settings})),
            problem_of=lambda part: lambda sentence: self.problems.append(f"{part}: {sentence}"),
            collector=lambda: "east",
        )
        self.watcher = FakeWatcher(self.clock)
        self.collector = StatusCollector(context, lambda _, wanted: self.watcher.told(wanted))
        self.live: Any = self.collector.services()[0]

    def read(self, now: Pass) -> None:
        """This host was read, and is as this pass has it."""
        self.watcher.now = now
        self.live.startService()

    def run(self, job: Job, steps: dict[int, int]) -> list[Result]:
        """A run of a job."""

        async def ran() -> list[Result]:
            return list(await job.run(Due(steps=steps, at=0.0)))

        return result(ran())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def source(item: str, id_: str = "s", interval_s: int = 60, **fields: Any) -> StatusSource:
    return StatusSource(id=id_, template="t", item=item, interval_s=interval_s, **fields)


def config(*sources: StatusSource, kind: SourceKind = SourceKind.LOCAL) -> DeviceConfig:
    return DeviceConfig(device="here", address="x", source=kind, interval_s=60, sources=sources)


def test_a_device_is_one_job_for_all_of_its_sources_and_intervals(bench: Bench) -> None:
    sources = (source("disks"), source("load", "l", 10), source("cpu", "c", 60))
    (job,) = bench.collector.jobs(config(*sources))
    assert (job.id, list(job.intervals), job.parameters) == ("", [10, 60], sources)
    assert list(bench.collector.jobs(config())) == []


def test_a_pass_reads_what_settings_and_sources_name_and_no_more_once_a_device_has_left(tmp_path: Path) -> None:
    bench = Bench(tmp_path, disks="/srv", processes="nginx", more="load", rate=2.0)
    wanted = source("processes", "p", only=("w",), match=Match.EXACT, follow=Follow.TREE)
    list(bench.collector.jobs(config(source("disks", only=("/",)), source("interfaces", "i"), wanted)))
    assert bench.watcher.wanted[-1] == Wanted(
        disks=("/srv", "/"),
        processes=(ProcessName(name="nginx"), ProcessName(name="w", match=Match.EXACT, follow=Follow.TREE)),
        further=frozenset({"load", "interfaces"}),
        every_s=0.5,
    )
    bench.collector.forget("here")
    assert bench.watcher.wanted[-1] == Wanted(
        disks=("/srv",), processes=(ProcessName(name="nginx"),), further=frozenset({"load"}), every_s=0.5
    )
    assert len(bench.watcher.wanted) == 3
    named = Wanted(interfaces=("lo",))
    assert together(named, [source("interfaces", only=("eth0", "lo"))], 1.0).interfaces == ("lo", "eth0")


def test_a_run_gives_the_rows_of_the_sources_that_are_due_and_what_is_wrong_with_them(bench: Bench) -> None:
    sources = (source("disks", only=("/", "/x")), source("interfaces", "i", 10))
    (job,) = bench.collector.jobs(config(*sources))
    found = {"/": ok(ROOM), "/x": bad(State.ABSENT, "there is no /x")}
    bench.read(a_pass(items={**a_pass().items, "disks": found}))
    (one,) = bench.run(job, {10: 90})
    assert (one.source, one.step, [row.component for row in one.rows]) == ("i", 90, ["eth0"])
    assert one.rows[0].values["bytes_recv"] == 1
    disks, _ = bench.run(job, {10: 100, 60: 60})
    assert (disks.source, disks.step) == ("s", 60)
    assert [(row.component, row.values["percent"]) for row in disks.rows] == [("/", 26.3)]
    assert [(problem.key, problem.component) for problem in disks.problems] == [("item_absent", "/x")]


@pytest.mark.parametrize(
    ("state", "complete"), [(State.GONE, True), (State.ABSENT, True), (State.STUCK, False), (State.DENIED, False)]
)
def test_alarms_of_what_does_not_answer_stand_and_those_of_what_is_gone_end(
    bench: Bench, state: State, *, complete: bool
) -> None:
    (job,) = bench.collector.jobs(config(source("disks", only=("/", "/x"))))
    bench.read(a_pass(items={"disks": {"/": ok(ROOM), "/x": bad(state, "no")}}))
    (one,) = bench.run(job, {60: 60})
    assert one.complete is complete


def test_a_pass_that_was_begun_before_something_was_wanted_is_not_what_a_run_gets(bench: Bench) -> None:
    bench.read(a_pass())
    bench.live.stopService()
    bench.clock.advance(0.25)
    (job,) = bench.collector.jobs(config(source("disks")))
    bench.clock.advance(0.25)
    bench.run(job, {60: 60})
    assert bench.watcher.begun == [0.0, 0.5]
    bench.run(job, {60: 60})
    assert bench.watcher.begun == [0.0, 0.5]


def test_a_run_that_finds_an_old_pass_takes_one(bench: Bench) -> None:
    (job,) = bench.collector.jobs(config(source("disks", interval_s=10)))
    bench.read(a_pass())
    bench.live.stopService()
    bench.clock.advance(1.4)
    bench.run(job, {10: 90})
    assert bench.watcher.begun == [0.0]
    bench.clock.advance(1.0)
    bench.run(job, {10: 100})
    assert bench.watcher.begun == [0.0, 2.4]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (source("moon"), "source s: there is no item moon; there are disks"),
        (source("processes"), "needs names of processes"),
        (source("load", only=("x",)), "has no names to choose from"),
        (source("processes", only=("(",), match=Match.REGEX), "is no RE2 pattern"),
        (source("processes", only=("",)), "an empty text"),
        (source("disks", only=("srv",)), "srv is no absolute path"),
        (source("disks", only=("/a/b", "/a_b")), "/a/b and /a_b would both be called _a_b"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused_with_a_sentence(
    bench: Bench, wrong: StatusSource, sentence: str
) -> None:
    said = bench.collector.check(config(wrong))
    assert sentence in " ".join(said)
    assert bench.collector.check(config(source("disks", only=("/",)), source("cpu"))) == []


def test_only_this_host_has_a_status(bench: Bench) -> None:
    said = bench.collector.check(config(source("load"), kind=SourceKind.SNMP))
    assert said == ["only a device with `source: local` has a status: it is this host"]
    assert bench.collector.check(config(kind=SourceKind.SNMP)) == []


def test_the_hub_is_answered_from_the_last_pass_also_in_parts(bench: Bench) -> None:
    many = {ProcessName(name="w"): running(*(process(pid) for pid in range(300)))}
    bench.read(a_pass(processes=many))
    answered = result(bench.collector.answer(StatusQuery(device="here", path="disk/_/total")))
    assert answered == StatusBranch(found=True, data=b'{"value":1000}')
    answered = result(bench.collector.answer(StatusQuery(device="here", path="x")))
    assert answered == StatusBranch(found=False, data=b'{"error":"Invalid path: x"}')
    first: Any = result(bench.collector.answer(StatusQuery(device="here", metadata=True)))
    assert first.parts > 1
    parts: list[Any] = [
        result(bench.collector.answer(StatusQuery(device="here", metadata=True, part=number, digest=first.digest)))
        for number in range(1, first.parts)
    ]
    whole = msgspec.json.decode(b"".join([first.data, *(part.data for part in parts)]))
    assert len(whole["process"]["w"]) == 300
    failed: list[Any] = []
    Deferred.fromCoroutine(bench.collector.answer(SetsQuery())).addErrback(failed.append)
    assert failed[0].check(NotFoundError)


def test_figures_tell_how_passes_go(bench: Bench) -> None:
    assert bench.collector.figures()["live_status"]["seconds_a_pass"] is None
    bench.read(a_pass(races={"ended": 2}))
    told = bench.collector.figures()["live_status"]
    assert (told["passes"], told["seconds_a_pass"], told["left_out_of_the_last_pass"]) == (1, 0.01, {"ended": 2})
    assert len(bench.collector.services()) == 1


def test_a_file_of_an_odin_control_server_that_is_wrong_keeps_the_daemon_from_starting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Bench(tmp_path, file=str(tmp_path / "none"))


def test_the_settings_in_etc_are_those_that_genconf_prints() -> None:
    text = genconf(StatusCollectorSettings, "tocsin-status")
    assert (ETC / "status.toml").read_text() == text, "run: tocsin-status genconf > etc/status.toml"
    assert read_settings(text, StatusCollectorSettings, "x") == StatusCollectorSettings()
    assert (SPEC.service, SPEC.program) == ("status", "tocsin-status")
