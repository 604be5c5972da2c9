"""The data part of a collector with its real processes, on a reactor of its own."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rrdtool
from msgspec.structs import replace
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import Clock

from collectors.framework.data import writerprocess
from collectors.framework.data.child import Child
from collectors.framework.data.spool.frames import read_progress
from collectors.framework.data.spool.intake import Intake
from collectors.framework.rrdreader import MAX_PICTURES, TIMEOUT_S
from collectors.framework.samplespool import PROGRESS, SampleSpool
from collectors.framework.samplewriter import SampleWriter
from common import rrd
from common.conversion import ConversionMode, ConversionQuery
from common.errors import NotFoundError, TransientError
from common.holdings import HoldingsQuery
from common.queries import FetchQuery, GraphQuery, Listing, ListQuery, Picture, Rows
from common.series import Layout, Point, Retention, Sample, SeriesKey
from tests.contracts.sample_sink import NOW, SampleSinkContract
from tests.integration.disks import mounted
from tests.integration.rrd_private import LAYOUT, DataPart, on_reactor, sample, sleep, until
from tests.integration.writers import dumps, start_writer

pytestmark = pytest.mark.integration

PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wants what is fresh waits also for a writer process that begins late, as on a busy machine."""
    monkeypatch.setattr(writerprocess, "FRESH_TIMEOUT_S", PATIENCE_S)


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="tocsin-data-"))
    yield path
    shutil.rmtree(path)


def now() -> int:
    return int(time.time()) // 10 * 10


def fetch(component: str, start: int, end: int, *points: str) -> FetchQuery:
    return FetchQuery(device="web1", component=component, source="process", points=list(points), start=start, end=end)


def _ignore(_: str) -> None:
    return None


def _standing_clock() -> float:
    return NOW


class TestSampleWriter(SampleSinkContract):
    """The guards of the real sink; no process is needed for these."""

    @pytest.fixture(autouse=True)
    def _folder(self, folder: Path) -> None:
        self.folder = folder

    def make_sink(self) -> Any:
        return SampleWriter(object(), Clock(), _standing_clock, self.folder, _ignore)


def test_what_was_sampled_a_moment_ago_is_read_back(folder: Path) -> None:
    async def work(reactor: Any) -> None:
        part = DataPart(reactor, folder).start()
        at = now() - 100
        for i in range(10):
            part.writer.write(
                [sample(c, at + 10 * i, cpu=i / 3, memory=2**40 + i, restarts=i) for c in ("sshd", "nginx")]
            )
            rows = await part.reader.answer(fetch("sshd", at, at + 10 * i, "cpu", "memory"))
            assert isinstance(rows, Rows)
            assert rows.rows[-1] == (at + 10 * i, [pytest.approx(i / 3), 2**40 + i])
        listing = await part.reader.answer(ListQuery(device="web1"))
        assert isinstance(listing, Listing)
        assert {(v.component, v.point): v.value for v in listing.values}["nginx", "restarts"] == 9
        picture = await part.reader.answer(
            GraphQuery(device="web1", component=None, graph="", start=at, end=at + 100, form="png")
        )
        assert isinstance(picture, Picture)
        assert part.writer.queued == 0
        assert part.writer.drops == {}
        await part.stop()
        assert part.problems == []

    on_reactor(work)


def test_many_viewers_leave_room_for_other_questions(folder: Path) -> None:
    async def work(reactor: Any) -> None:
        part = DataPart(reactor, folder).start()
        at = now() - 100
        part.writer.write([sample("sshd", at, cpu=1)])
        query = GraphQuery(device="web1", component="sshd", graph="", start=at - 100, end=at + 100, form="png")
        await part.reader.answer(query)
        viewers = [Deferred.fromCoroutine(part.reader.answer(query)) for _ in range(30)]
        other = await part.reader.answer(ListQuery(device="web1"))
        assert isinstance(other, Listing)
        ends: list[tuple[bool, Any]] = list(await DeferredList(viewers, consumeErrors=True))
        drawn = [end for done, end in ends if done]
        refused = [end.getErrorMessage() for done, end in ends if not done]
        assert MAX_PICTURES <= len(drawn) < 30
        assert all("too many pictures" in message for message in refused)
        assert all(isinstance(picture, Picture) for picture in drawn)
        await part.reader.answer(query)
        await part.stop()

    on_reactor(work)


def test_samples_are_durable_soon_without_being_asked_for(folder: Path) -> None:
    async def work(reactor: Any) -> None:
        part = DataPart(reactor, folder).start()
        await until(reactor, "the spool is open", (folder / "samples").exists)
        part.writer.write([sample("sshd", now(), cpu=1)])
        await until(reactor, "a segment", lambda: any((folder / "samples").glob("*.seg")))
        await part.stop()

    on_reactor(work)


def test_last_values_outlive_a_restart(folder: Path) -> None:
    at = now()

    async def first(reactor: Any) -> None:
        part = DataPart(reactor, folder).start()
        part.writer.write([sample("sshd", at - 10, cpu=2.5, restarts=2**62)])
        await part.stop()

    async def second(reactor: Any) -> None:
        part = DataPart(reactor, folder).start()
        listing = await part.reader.answer(ListQuery(device="web1"))
        assert isinstance(listing, Listing)
        assert {v.point: v.value for v in listing.values} == {
            "cpu": 2.5, "memory": None, "count": None, "restarts": 2**62,
        }  # fmt: skip
        part.writer.write([sample("sshd", at, cpu=3, restarts=2**62)])
        await part.stop()
        assert rrdtool.last(str(folder / "rrd" / rrd.file_name(SeriesKey("web1", "sshd", "process")))) == at

    on_reactor(first)
    on_reactor(second)


def test_a_killed_writer_comes_back_and_nothing_is_lost(folder: Path) -> None:
    async def work(reactor: Any) -> None:
        part = DataPart(reactor, folder, hold_s=0.2).start()
        at = now() - 2000
        for i in range(100):
            part.writer.write([sample("sshd", at + 10 * i, cpu=i)])
            if i in (20, 60) and (pid := part.writer.writer_pid):
                os.kill(pid, signal.SIGKILL)
            await sleep(reactor, 0.01)
        await until(reactor, "a new writer", lambda: part.writer.writer_pid)
        await until(reactor, "an empty queue", lambda: part.writer.queued == 0)
        rows = await part.reader.answer(fetch("sshd", at, at + 990, "cpu"))
        assert isinstance(rows, Rows)
        assert [row[0] for _, row in rows.rows] == list(range(100))
        await part.stop()

    on_reactor(work)


def test_a_writer_that_hangs_is_told_and_well_again_when_it_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writerprocess, "SILENT_S", 0.5)

    async def work(reactor: Any) -> None:
        part = DataPart(reactor, folder, hold_s=0.2).start()
        part.writer.write([sample("sshd", now() - 20, cpu=1)])
        await until(reactor, "it is written", lambda: part.writer.queued == 0)
        pid = part.writer.writer_pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        part.writer.write([sample("sshd", now() - 10, cpu=1)])
        await until(reactor, "it is told", lambda: "has not answered" in part.writer.problem)
        os.kill(pid, signal.SIGCONT)
        await until(reactor, "all is well", lambda: part.writer.problem == "" and part.writer.queued == 0)
        await part.stop()

    on_reactor(work)


def test_a_reader_that_is_killed_or_hangs_is_replaced(folder: Path) -> None:
    async def work(reactor: Any) -> None:
        part = DataPart(reactor, folder).start()
        part.writer.write([sample("sshd", now(), cpu=1)])
        with pytest.raises(NotFoundError):
            await until_answered(reactor, part, ListQuery(device="nope"))
        for kill in (signal.SIGSTOP, signal.SIGKILL):
            assert part.reader.pid
            os.kill(part.reader.pid, kill)
            part.reader._timeout_s = 0.5  # for whoever hangs; one that begins may take longer
            with pytest.raises(TransientError):
                await part.reader.look(HoldingsQuery())
            part.reader._timeout_s = TIMEOUT_S
            await until_answered(reactor, part, ListQuery(device="web1"))
        await part.stop()

    async def until_answered(reactor: Any, part: DataPart, query: ListQuery) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                await part.reader.answer(query)
                return
            except TransientError:
                assert time.monotonic() < deadline, "the reader does not come back"
                await sleep(reactor, 0.1)

    on_reactor(work)


def test_the_children_end_when_the_daemon_dies(folder: Path) -> None:
    program = (
        "import sys, time, os\nsys.path.insert(0, os.getcwd())\n"
        "from pathlib import Path\nfrom tests.integration.rrd_private import *\n"
        "async def work(reactor):\n"
        f"    part = DataPart(reactor, Path({str(folder)!r})).start()\n"
        "    part.writer.write([sample('sshd', int(time.time()) // 10 * 10, cpu=1)])\n"
        "    spooled = part.dir / 'samples'\n"
        "    await until(reactor, 'it is spooled', lambda: any(one.stat().st_size for one in spooled.glob('*.seg')))\n"
        "    print(part.writer.writer_pid, part.reader.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "on_reactor(work)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pids = [int(pid) for pid in done.stdout.split()]
    deadline = time.monotonic() + PATIENCE_S
    while any(_alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "the children outlive their daemon"
        time.sleep(0.05)
    path = folder / "rrd" / rrd.file_name(SeriesKey("web1", "sshd", "process"))
    assert path.exists()  # what was spooled is in its file


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_that_keeps_dying_is_started_more_and_more_slowly() -> None:
    async def work(reactor: Any) -> None:
        ups: list[float] = []
        downs: list[float] = []
        child = Child(
            reactor, reactor, "no.such.module", [], on_data=lambda _: None,
            on_up=lambda: ups.append(reactor.seconds()), on_down=lambda _: downs.append(reactor.seconds()),
        )  # fmt: skip
        child.start()
        await until(reactor, "four ends", lambda: len(downs) >= 4)
        assert child.failures == len(downs)
        # How long each took to end depends on the machine; the pauses between do not become shorter on any.
        pauses = [up - down for up, down in zip(ups[1:], downs, strict=False)]
        assert all(pause > least for pause, least in zip(pauses, (0.1, 0.3, 0.7), strict=True))
        await child.stop(PATIENCE_S)

    on_reactor(work)


# --- kill -9 at full duty ---------------------------------------------------------------------------------------------

FILES, SAMPLES = 20, 1500
KILLING_S = 600
WIDE = replace(LAYOUT, points=(Point(name="extra"), *LAYOUT.points[1:]))
COARSE = replace(WIDE, step_s=30)


def fill(spool_dir: Path, start: int, *layouts: Layout) -> None:
    """A spool with more than the writer can do in a second; layouts follow each other."""
    intake, spool = Intake(), SampleSpool(spool_dir, segment_bytes=256 * 1024)
    spool.open()
    each = SAMPLES if len(layouts) == 1 else 150
    for i in range(each * len(layouts)):
        at = start + 10 * i
        layout = layouts[i // each]
        values: dict[str, Any] = {"cpu": i * 7919 % 1000 / 7, "count": i % 5, "restarts": i // 3, "extra": i}
        names = {point.name for point in layout.points}
        samples = [
            sample(
                f"c{n}", at, layout,
                **{name: value + n for name, value in values.items() if name in names}, memory=i * n,
            )
            for n in range(FILES)
        ]  # fmt: skip
        intake.accept(samples, at)
        if i % 50 == 49:
            spool.append(intake.series, intake.take())
    spool.append(intake.series, intake.take())
    spool.close()


def stamps(folder: Path) -> dict[str, int]:
    """When each file was changed last."""
    found = {}
    for path in (folder / "rrd").rglob("*.rrd"):
        with contextlib.suppress(FileNotFoundError):
            found[path.name] = path.stat().st_mtime_ns
    return found


@pytest.mark.timeout(2 * KILLING_S)
@pytest.mark.parametrize("layouts", [(LAYOUT,), (LAYOUT, WIDE, COARSE, replace(COARSE, retention=Retention.SHORT))])
def test_kill_9_at_any_moment_leaves_the_files_of_an_undisturbed_run(folder: Path, layouts: tuple[Layout, ...]) -> None:
    start = (now() - 10 * SAMPLES - 1000) // 3600 * 3600
    calm, rough = folder / "calm", folder / "rough"
    fill(calm / "samples", start, *layouts)
    shutil.copytree(calm / "samples", rough / "samples")
    assert start_writer(calm).communicate(timeout=60)[0] is not None
    expected = dumps(calm)
    assert len(expected) == FILES
    number = read_progress(calm / "samples" / PROGRESS)
    if len(layouts) > 1:
        assert all(b"<name> extra </name>" in dump and b"<step>30</step>" in dump for dump in expected.values())
    rng = random.Random(7)
    progress = rough / "samples" / PROGRESS
    kills, deadline = 0, time.monotonic() + KILLING_S
    while read_progress(progress) < number:
        assert time.monotonic() < deadline, f"{kills} kills, and no end"
        before = stamps(rough)
        writer = start_writer(rough)
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
        while stamps(rough) == before and read_progress(progress) < number and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(rng.random() * 0.03 * max(1, kills - 5))  # enough were killed soon
        kills += read_progress(progress) < number  # in the middle of it
        writer.kill()
        writer.communicate()
    assert kills >= 5
    progress.unlink()  # what is written is read once more
    start_writer(rough).communicate(timeout=60)
    assert dumps(rough) == expected
    assert not list((rough / "rrd").rglob("*.rrd?*"))


# --- a full disk ------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 4 MiB where the RRD folder is."""
    with mounted(folder / "rrd", 4 * 1024 * 1024) as mount:
        yield mount


def test_a_full_rrd_disk_loses_nothing_and_heals(folder: Path, small_disk: Path) -> None:
    layout = Layout(points=LAYOUT.points[:1], step_s=60)  # 164 KB a file
    count, minute = 12, int(time.time()) // 60 * 60
    ballast = small_disk / "ballast"

    def samples(i: int) -> list[Sample]:
        return [sample(f"c{n}", minute - 600 + 60 * i, layout, cpu=i + n) for n in range(count)]

    async def work(reactor: Any) -> None:
        part = DataPart(reactor, folder, hold_s=0.2).start()
        part.writer.write(samples(0)[:3])
        assert await part.writer.fresh()
        size = os.statvfs(small_disk)
        ballast.write_bytes(bytes((size.f_bavail - 60) * size.f_frsize))
        for i in range(1, 6):
            part.writer.write(samples(i))
            await part.writer.fresh()
        assert "free some space there" in part.writer.problem
        assert part.problems[-1] == part.writer.problem
        rows = await part.reader.answer(fetch("c0", minute - 540, minute - 300))
        assert isinstance(rows, Rows)
        assert [row[0] for _, row in rows.rows] == [1, 2, 3, 4, 5]  # files that exist go on
        assert part.writer.queued >= 5 * (count - 3) - 5
        ballast.unlink()
        await until(reactor, "an empty queue", lambda: part.writer.queued == 0)
        assert part.writer.problem == ""
        assert part.problems[-1] == ""
        assert part.writer.drops == {}
        for n in range(3, count):
            rows = await part.reader.answer(fetch(f"c{n}", minute - 540, minute - 300))
            assert isinstance(rows, Rows)
            assert [row[0] for _, row in rows.rows] == [i + n for i in range(1, 6)]
        await part.stop()

    on_reactor(work)


def test_on_a_full_disk_files_are_written_as_they_are_until_they_can_be_converted(
    folder: Path, small_disk: Path
) -> None:
    layout = Layout(points=LAYOUT.points[:1], step_s=60)
    wide = replace(layout, points=LAYOUT.points[:2])
    minute = int(time.time()) // 60 * 60
    ballast = small_disk / "ballast"

    async def work(reactor: Any) -> None:
        part = DataPart(reactor, folder, hold_s=0.2).start()
        part.writer.write([sample("sshd", minute - 600, layout, cpu=0)])
        assert await part.writer.fresh()
        size = os.statvfs(small_disk)
        ballast.write_bytes(bytes((size.f_bavail - 30) * size.f_frsize))
        for i in range(1, 4):
            part.writer.write([sample("sshd", minute - 600 + 60 * i, wide, cpu=i, memory=i)])
            assert await part.writer.fresh()
        assert "could not be converted" in part.writer.problem
        assert "full" in part.writer.problem
        assert part.writer.conversions == {"waiting": 0, "done": 0, "failed": 1}
        rows = await part.reader.answer(fetch("sshd", minute - 600, minute - 420, "cpu"))
        assert isinstance(rows, Rows)
        assert [row[0] for _, row in rows.rows] == [0, 1, 2, 3]
        assert part.writer.queued == 0
        ballast.unlink()
        state = await part.writer.convert(ConversionQuery(mode=ConversionMode.BEGIN))
        assert (state.known, state.waiting + state.done) == (1, 1)
        await until(reactor, "converted", lambda: part.writer.conversions["done"] == 1)
        await until(reactor, "no problem", lambda: part.writer.problem == "")
        part.writer.write([sample("sshd", minute - 360, wide, cpu=4, memory=4)])
        rows = await part.reader.answer(fetch("sshd", minute - 600, minute - 360, "cpu", "memory"))
        assert isinstance(rows, Rows)
        assert [row for _, row in rows.rows] == [[0, None], [1, None], [2, None], [3, None], [4, 4]]
        await part.stop()

    on_reactor(work)
    assert not list(small_disk.rglob("*.rrd?*"))


def test_a_full_spool_disk_keeps_samples_in_memory_and_heals(folder: Path) -> None:
    mount, at = folder / "samples", now() - 1000

    async def work(reactor: Any) -> None:
        part = DataPart(reactor, folder).start()
        part.writer.write([sample("sshd", at, cpu=0)])
        assert await part.writer.fresh()
        size = os.statvfs(mount)
        (mount / "ballast").write_bytes(bytes((size.f_bavail) * size.f_frsize))
        big = "x" * 4000
        for i in range(1, 20):
            part.writer.write(
                [sample("sshd", at + 10 * i, cpu=i), *(sample(f"{big}{n}", at + 10 * i, cpu=i) for n in range(3))]
            )
            await part.writer.fresh()
        assert "spooled" in part.writer.problem
        (mount / "ballast").unlink()
        await until(reactor, "a good spool", lambda: part.writer.problem == "")
        rows = await part.reader.answer(fetch("sshd", at, at + 190, "cpu"))
        assert isinstance(rows, Rows)
        assert [row[0] for _, row in rows.rows] == list(range(20))
        assert part.writer.drops == {}
        await part.stop()

    with mounted(mount, 1024 * 1024):
        on_reactor(work)
