"""From the agent's counters to the rows of RRD files: a row belongs to its name, wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
import rrdtool
from twisted.internet.defer import Deferred

from collectors.framework.sources.results import Result
from collectors.framework.sources.taking import SourceTaker
from common import rrd
from common.events import CLASS_SNMP
from common.series import Kind, SeriesKey
from common.sources import SERVICE_SNMP
from tests.collectors.framework.test_stored_figures import Store
from tests.collectors.snmp.bench import IN, NAME, START, Bench, interfaces, source
from tests.fakes.snmp import result_of

TRAFFIC = source(walks=(IN, NAME), points={"in": "$1"}, kind=Kind.COUNTER, name="{$2}")
RATES = {"lo": 10, "eth0": 2**33, "eth1": 7}
STEPS = 6


class Kept:
    """A device whose readings end in files."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder)
        self.bench = Bench({}, [TRAFFIC])
        context = msgspec.structs.replace(self.bench.context, samples=self.store)
        self._taker = SourceTaker(SERVICE_SNMP, CLASS_SNMP, context, self.bench.config)

    def step(self, rows: Sequence[tuple[int, str]], counts: dict[str, int]) -> Result:
        """The agent has these rows; a minute later it is read again."""
        self.bench.agent.replace(interfaces({index: (name, counts[name], 0) for index, name in rows}))
        result = self.bench.run()["traffic"]
        result_of(Deferred.fromCoroutine(self._taker.take([result])))
        self.bench.wait(60 - self.bench.reactor.seconds() % 60)
        return result

    def rates(self, name: str) -> list[float | None]:
        """What the file has, from the second step on."""
        path = str(self.store.root / rrd.file_name(SeriesKey("sw1", name, "traffic")))
        first = int(START) // 60 * 60
        _, names, rows = rrdtool.fetch(
            path, "AVERAGE", "-r", "60", "-s", str(first), "-e", str(first + 60 * STEPS - 61)
        )
        return [row[names.index("in")] for row in rows][: STEPS - 1]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path)
    yield kept
    kept.store.close()


def test_a_row_that_is_inserted_leaves_the_rates_of_the_others_as_they_were(kept: Kept) -> None:
    rows = [(10, "lo"), (20, "eth0"), (30, "eth1")]
    for step in range(STEPS):
        counts = {name: 2**40 + rate * 60 * step for name, rate in RATES.items()} | {"tun0": 5 * 60 * step}
        kept.step([*rows, (15, "tun0")] if step >= 3 else rows, counts)
    for name, rate in RATES.items():
        assert kept.rates(name) == [pytest.approx(rate)] * (STEPS - 1), name
    assert kept.rates("tun0") == [None, None, None, pytest.approx(5), pytest.approx(5)]


def test_a_name_that_goes_to_another_row_counts_from_a_new_base(kept: Kept) -> None:
    for step in range(STEPS):
        count = 60 * step if step < 3 else 10**12 + 60 * step  # what the other row has counted is no traffic of now
        kept.step([(1 if step < 3 else 8, "eth0")], {"eth0": count})
    assert kept.rates("eth0") == [pytest.approx(1), pytest.approx(1), None, pytest.approx(1), pytest.approx(1)]
