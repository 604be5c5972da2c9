"""A disk that has everything on it, files, spool and what others follow, gets full; and has room again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collectors.framework.rrdreader import Reader
from collectors.framework.samplespool import SampleSpool
from collectors.framework.samplewriter import SampleWriter
from common.conversion import ConversionMode, ConversionQuery
from common.errors import NotFoundError, TransientError
from common.queries import FetchQuery, Rows
from common.series import Layout, Plan
from tests.integration.disks import mounted
from tests.integration.rrd_private import LAYOUT, DataPart, on_reactor, sample, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SETS, ROUNDS = 4, 12
STEP_S = 60
PLAN = Plan(name="small", full_days=1.0, archives=((3600, 10),))
PLAIN = Layout(points=LAYOUT.points[:1], step_s=STEP_S, retention=PLAN)
WIDER = Layout(points=LAYOUT.points[:2], step_s=STEP_S, retention=PLAN)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "data", 4 * 1024 * 1024) as mount:
        yield mount


class Part(DataPart):
    """With somebody who follows the spool, and never comes to read it."""

    def __init__(self, reactor: Any, data_dir: Path) -> None:
        self.problems: list[str] = []
        self.dir = data_dir
        spool = SampleSpool(data_dir / "samples", segment_bytes=4096, followers=[data_dir / "follower"])
        self.writer = SampleWriter(reactor, reactor, time.time, data_dir, self.problems.append, spool=spool, hold_s=0.2)
        self.reader = Reader(reactor, reactor, data_dir, self.writer)


def fill_up(disk: Path) -> None:
    """Not a block is left."""
    with (disk / "ballast").open("ab", buffering=0) as ballast:
        for size in (65536, 512):
            while True:
                try:
                    ballast.write(bytes(size))
                except OSError:
                    break


def test_nothing_is_lost_while_files_spool_and_followers_have_no_room(disk: Path) -> None:
    begin = int(time.time()) // 3600 * 3600 - 7200

    def samples(number: int) -> list[Any]:
        """From some round on with another point, and of sets that have no file yet."""
        names = [f"c{one}" for one in range(SETS if number < 2 else 2 * SETS)]
        layout = PLAIN if number < 4 else WIDER
        values: dict[str, Any] = {point.name: number for point in layout.points}
        return [sample(name, begin + STEP_S * number, layout, **values) for name in names]

    def asked(one: int, point: str, first: int = 0) -> FetchQuery:
        start, end = (begin + STEP_S * number for number in (first, ROUNDS - 1))
        return FetchQuery(device="web1", component=f"c{one}", source="process", points=[point], start=start, end=end)

    async def work(reactor: Any) -> None:
        part = Part(reactor, disk).start()
        part.writer.write(samples(0))
        await until(reactor, "the first are written", lambda: part.writer.queued == 0)
        fill_up(disk)
        for number in range(1, ROUNDS):
            part.writer.write(samples(number))
            await part.writer.fresh()
            fill_up(disk)  # whatever was let go of for the samples
        await until(reactor, "it is noticed", lambda: part.writer.problem)
        assert part.problems[-1] == part.writer.problem
        assert part.writer.queued >= SETS
        with pytest.raises(TransientError, match="is sampled and not in its file yet"):
            await part.reader.answer(asked(0, "memory"))
        with pytest.raises(NotFoundError, match="has no point 'nothing'"):
            await part.reader.answer(asked(0, "nothing"))
        (disk / "ballast").unlink()
        await until(reactor, "all is written", lambda: part.writer.queued == 0, 40.0)
        await part.writer.convert(ConversionQuery(mode=ConversionMode.BEGIN))  # they would be tried again in 10 minutes
        await until(reactor, "no problem", lambda: part.writer.problem == "", 20.0)
        assert part.writer.drops == {}
        for one in range(2 * SETS):
            first = 0 if one < SETS else 2
            rows = await part.reader.answer(asked(one, "cpu", first))
            assert isinstance(rows, Rows)
            assert [row[0] for _, row in rows.rows] == list(range(first, ROUNDS))
        await part.stop()

    on_reactor(work, 100.0)
