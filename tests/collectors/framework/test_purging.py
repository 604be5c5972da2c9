from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from collectors.framework.data.orders import Outcome, Progress, Purge, PurgeDone
from collectors.framework.purging import MOST_KEPT, PATIENCE_S, Purger
from common.conversion import ConversionState
from common.errors import PermanentError, TransientError
from common.holdings import Purged, PurgedDevice, PurgeQuery

GONE = [PurgedDevice("web1", 3, 1000)]


class Files:
    """A writer that carries out orders when the test says so."""

    def __init__(self) -> None:
        self.is_fresh = True
        self.on_fresh: Callable[[], object] = lambda: None
        self.freshened: list[tuple[str, ...]] = []
        self.orders: list[tuple[Any, Callable[[Progress], None], Deferred[Outcome]]] = []

    async def fresh(self, *devices: str) -> bool:
        self.freshened.append(devices)
        self.on_fresh()
        return self.is_fresh

    async def order(self, order: Any, on_progress: Callable[[Progress], None]) -> Outcome:
        done: Deferred[Outcome] = Deferred()
        self.orders.append((order, on_progress, done))
        return await done


class Bench:
    def __init__(self) -> None:
        self.clock, self.files = Clock(), Files()
        self.here = {"here"}
        self.purger = Purger(self.clock, self.files, lambda device: device in self.here)

    def ask(self, *devices: str, token: str = "t1") -> list[Any]:
        results: list[Any] = []
        query = PurgeQuery(devices=list(devices or ("web1",)), token=token, by="ann")
        Deferred.fromCoroutine(self.purger.answer(query)).addBoth(results.append)
        return results


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_what_waits_is_written_then_all_is_deleted(bench: Bench) -> None:
    results = bench.ask("web1", "web2")
    assert bench.files.freshened == [("web1", "web2")]
    ((order, _, done),) = bench.files.orders
    assert order == Purge(devices=["web1", "web2"])
    done.callback(PurgeDone(devices=GONE))
    assert results == [Purged(done=True, devices=GONE)]
    assert bench.clock.getDelayedCalls() == []


def test_what_is_collected_here_stays_and_nothing_else_goes_either(bench: Bench) -> None:
    (failure,) = bench.ask("web1", "here")
    assert failure.check(PermanentError)
    assert failure.value.message == "here is collected here, and its files stay"
    assert (bench.files.freshened, bench.files.orders) == ([], [])


def test_what_comes_back_while_its_samples_are_written_stays(bench: Bench) -> None:
    bench.files.on_fresh = lambda: bench.here.add("web1")
    (failure,) = bench.ask("web1")
    assert failure.check(PermanentError)
    assert bench.files.orders == []


def test_a_long_purge_is_asked_after_and_begun_once(bench: Bench) -> None:
    first = bench.ask()
    ((_, progress, done),) = bench.files.orders
    progress(Progress(500, 1200))
    bench.clock.advance(PATIENCE_S)
    assert first == [Purged(done=False, files=500, of=1200)]
    second, third = bench.ask(), bench.ask()
    assert len(bench.files.orders) == 1
    done.callback(PurgeDone(devices=GONE))
    assert second == third == [Purged(done=True, devices=GONE)]
    assert bench.ask() == [Purged(done=True, devices=GONE)]  # the answer was lost on its way
    assert len(bench.files.orders) == 1


def test_one_that_failed_is_begun_anew(bench: Bench) -> None:
    first = bench.ask()
    bench.files.orders[0][2].errback(TransientError("The disk is full"))
    assert first[0].value.message == "The disk is full"
    bench.ask()
    assert len(bench.files.orders) == 2


def test_nothing_is_deleted_while_samples_wait_that_would_make_files_anew(bench: Bench) -> None:
    bench.files.is_fresh = False
    (failure,) = bench.ask()
    assert failure.check(TransientError)
    assert bench.files.orders == []


def test_another_outcome_than_that_of_a_purge_is_none(bench: Bench) -> None:
    results = bench.ask()
    bench.files.orders[0][2].callback(ConversionState(known=0, waiting=0, done=0, failed=0))
    assert results[0].check(TransientError)


def test_so_many_are_remembered(bench: Bench) -> None:
    for number in range(MOST_KEPT + 5):
        bench.ask(token=f"t{number}")
        bench.files.orders[-1][2].callback(PurgeDone(devices=[]))
    assert len(bench.purger._works) == MOST_KEPT
