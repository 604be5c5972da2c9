"""The daemon's end of the reader process."""

from __future__ import annotations

from pathlib import Path

import msgspec
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from collectors.framework.data.spool.intake import Latest
from collectors.framework.rrdreader import TIMEOUT_S, Reader
from common.errors import TransientError
from common.pipes import framed
from common.queries import Listing, ListQuery
from tests.fakes.processes import FakeProcess, FakeReactor


class NoValues:
    def latest(self, device: str) -> list[Latest]:
        return []

    def numbered(self, after: int, limit: int) -> tuple[list[Latest], int, bool]:
        return [], 0, False

    async def fresh(self, *devices: str) -> bool:
        return True


def started(tmp_path: Path) -> tuple[FakeReactor, Reader, FakeProcess]:
    reactor = FakeReactor()
    reader = Reader(reactor, reactor, tmp_path, NoValues())
    reader.startService()
    return reactor, reader, reactor.started[0]


def asked(reader: Reader, device: str) -> Deferred[object]:
    return Deferred.fromCoroutine(reader.answer(ListQuery(device=device)))


def listing(*, more: bool) -> bytes:
    return framed(msgspec.msgpack.encode(Listing(values=[], more=more)))


def failed(work: Deferred[object]) -> str:
    caught: list[Failure] = []
    work.addErrback(caught.append)
    assert isinstance(caught[0].value, TransientError)
    return caught[0].value.message


def test_the_answer_to_a_question_that_was_given_up_is_not_that_to_the_next(tmp_path: Path) -> None:
    _, reader, process = started(tmp_path)
    first, second = asked(reader, "web1"), asked(reader, "web2")
    first.cancel()
    assert failed(first) == "The question was given up"
    found: list[object] = []
    second.addCallback(found.append)
    process.says(listing(more=True)[:3])
    process.says(listing(more=True)[3:])
    assert found == []
    process.says(listing(more=False))
    assert found == [Listing(values=[], more=False)]


def test_a_process_that_is_new_owes_no_answers(tmp_path: Path) -> None:
    reactor, reader, _ = started(tmp_path)
    first = asked(reader, "web1")
    first.cancel()
    failed(first)
    late = asked(reader, "web2")
    reactor.advance(TIMEOUT_S + 0.1)
    assert "took longer than" in failed(late)
    reactor.advance(1.0)
    found: list[object] = []
    asked(reader, "web3").addCallback(found.append)
    reactor.started[1].says(listing(more=False))
    assert found == [Listing(values=[], more=False)]


def test_an_answer_that_is_too_long_costs_the_process_its_life(tmp_path: Path) -> None:
    reactor, reader, process = started(tmp_path)
    waiting = asked(reader, "web1")
    process.says(b"\xff\xff\xff\xff")
    assert failed(waiting) == "The reader process answered with too much"
    assert process.signals == ["KILL"]
    reactor.advance(1.0)
    assert len(reactor.started) == 2
