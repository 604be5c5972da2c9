from __future__ import annotations

import threading
from functools import partial

import pytest
from twisted.internet.defer import Deferred

from common.errors import TransientError
from hub.model.worker import MAX_WAITING, NamedThread
from tests.fakes.stores import done


class Calls:
    """Stands for a reactor: collects what threads want it to call."""

    def __init__(self) -> None:
        self.waiting: list[tuple[object, ...]] = []
        self.came = threading.Condition()

    def callFromThread(self, *call: object) -> None:
        with self.came:
            self.waiting.append(call)
            self.came.notify()

    def run(self, number: int) -> None:
        for _ in range(number):
            with self.came:
                assert self.came.wait_for(lambda: self.waiting, timeout=100)
                function, *arguments = self.waiting.pop(0)
            assert callable(function)
            function(*arguments)


def test_work_is_done_in_order_in_a_thread_of_that_name() -> None:
    reactor = Calls()
    thread = NamedThread(reactor, "store")  # type: ignore[arg-type]  # all that it needs of a reactor
    thread.start()
    try:
        names: list[str] = []
        results: list[object] = []

        def work(number: int) -> int:
            names.append(threading.current_thread().name)
            return number

        for number in range(5):
            Deferred.fromCoroutine(thread.run(partial(work, number))).addBoth(results.append)
        failed = Deferred.fromCoroutine(thread.run(lambda: 1 / 0))
        failed.addErrback(lambda failure: results.append(failure.type))
        assert thread.waiting == 6
        reactor.run(6)
        assert results == [0, 1, 2, 3, 4, ZeroDivisionError]
        assert thread.waiting == 0
        assert len(set(names)) == 1
        assert "store" in names[0]
    finally:
        thread.stop()


def test_too_much_work_is_refused() -> None:
    thread = NamedThread(Calls(), "store")  # type: ignore[arg-type]  # all that it needs of a reactor
    for _ in range(MAX_WAITING):
        Deferred.fromCoroutine(thread.run(lambda: None))
    with pytest.raises(TransientError, match="1000 pieces of work are waiting"):
        done(thread.run(lambda: None))
