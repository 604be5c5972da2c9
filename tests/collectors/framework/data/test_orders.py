from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from collectors.framework.data.given import MAX_WAITING, SILENT_S, GivenOrders
from collectors.framework.data.orders import MAX_ORDER_BYTES, Answer, Convert, Progress
from collectors.framework.data.writing.desk import Desk, Handler, Steps
from collectors.framework.data.writing.files import Tally
from collectors.framework.data.writing.writer import Report, Writer
from common.conversion import ConversionMode, ConversionState
from common.errors import NotFoundError, PermanentError, TransientError

OUTCOME = ConversionState(known=3, waiting=1, done=2, failed=0)


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    (tmp_path / "samples").mkdir()
    (tmp_path / "rrd").mkdir()
    return Writer(tmp_path / "samples", tmp_path / "rrd", lambda: 1.8e9, lambda: 0.0)


class Ends:
    """Both ends of the way of orders, with no process between them."""

    def __init__(self, handler: Handler) -> None:
        self.clock = Clock()
        self.lines: list[bytes] = []
        self.up = True
        self.given = GivenOrders(self.clock, self._send)
        self.desk = Desk({Convert: handler})
        self.results: list[Any] = []

    def _send(self, line: bytes) -> bool:
        self.lines.append(line)
        return self.up

    def give(self, order: Convert, on_progress: Callable[[Progress], None] = lambda _: None) -> None:
        Deferred.fromCoroutine(self.given.give(order, on_progress)).addBoth(self.results.append)

    def work(self, writer: Writer) -> None:
        """Hand over what was sent, carry out one slice, and tell the answers as a report does."""
        for line in self.lines:
            assert line.startswith(b"order ")
            assert line.endswith(b"\n")
            self.desk.take(line[:-1].removeprefix(b"order "))
        self.lines.clear()
        if self.desk.busy:
            self.desk.step(writer)
        self.tell()

    def tell(self) -> None:
        answers, self.desk.answers = self.desk.answers, []
        report = msgspec.json.encode(Report(done=0, tally=Tally(), answers=answers))
        self.given.heard(msgspec.convert(msgspec.json.decode(report)["answers"], list[Answer]))

    def error(self) -> Any:
        return self.results[-1].value


def test_an_order_gives_its_outcome(writer: Writer) -> None:
    seen: list[Any] = []

    def handler(writer: Writer, order: Any) -> ConversionState:
        seen.append((writer, order))
        return OUTCOME

    ends = Ends(handler)
    ends.give(Convert(devices=["a\nb", "漢"], mode=ConversionMode.LOOK))
    ends.work(writer)
    assert seen == [(writer, Convert(devices=["a\nb", "漢"], mode=ConversionMode.LOOK))]
    assert ends.results == [OUTCOME]


def test_a_long_order_tells_how_far_it_has_come_and_others_wait_for_it(writer: Writer) -> None:
    def handler(_: Writer, order: Convert) -> Steps:
        for number in range(3):
            yield Progress(done=number, of=3)
        return msgspec.structs.replace(OUTCOME, known=len(order.devices))

    ends, told = Ends(handler), list[int]()
    ends.give(Convert(devices=["one"]), lambda progress: told.append(progress.done))
    ends.give(Convert(devices=["one", "two"]))
    for slices in range(1, 4):
        ends.clock.advance(SILENT_S - 1)  # longer than it would be waited for in silence
        ends.work(writer)
        assert told == list(range(slices))
        if slices == 1:
            ends.given.heard([Answer(token=2, progress=Progress(0, 1))])
        ends.given.heard([Answer(token=2, progress=Progress(0, 1))])
    assert ends.results == []
    for _ in range(5):
        ends.work(writer)
    assert [outcome.known for outcome in ends.results] == [1, 2]
    assert not ends.desk.busy
    assert ends.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("raised", "expected", "sentence"),
    [
        (TransientError("The disk is full"), TransientError, "The disk is full"),
        (NotFoundError("There is no such file"), PermanentError, "There is no such file"),
        (ZeroDivisionError(), PermanentError, "failed at this order"),
    ],
)
def test_an_error_is_told_as_what_it_is(
    writer: Writer, capfd: pytest.CaptureFixture[str], raised: Exception, expected: type, sentence: str
) -> None:
    def handler(_: Writer, __: Any) -> ConversionState:
        raise raised

    ends = Ends(handler)
    ends.give(Convert())
    ends.work(writer)
    assert isinstance(ends.error(), expected)
    assert sentence in str(ends.error())
    assert ("Traceback" in capfd.readouterr().err) == isinstance(raised, ZeroDivisionError)
    assert not ends.desk.busy


def test_what_is_no_order_is_refused_and_the_next_one_works(writer: Writer) -> None:
    ends = Ends(lambda _, __: OUTCOME)
    ends.desk.take(b'7 {"type": "melt"}')
    assert [(answer.token, answer.lasting) for answer in ends.desk.answers] == [(7, True)]
    ends.give(Convert())
    ends.work(writer)
    assert ends.results == [OUTCOME]


def test_a_writer_process_without_a_folder_refuses() -> None:
    ends = Ends(lambda _, __: OUTCOME)
    ends.give(Convert())
    ends.desk.take(ends.lines.pop().removeprefix(b"order "))
    ends.desk.refuse("The RRD folder cannot be written")
    ends.tell()
    assert isinstance(ends.error(), TransientError)
    assert "cannot be written" in str(ends.error())


def test_every_order_ends_whatever_happens_to_the_process() -> None:
    ends = Ends(lambda _, __: OUTCOME)
    ends.give(Convert())
    ends.give(Convert())
    ends.given.ended("killed by SIGKILL")
    assert len(ends.results) == 2
    assert "ended at this order (killed by SIGKILL)" in str(ends.error())
    ends.given.heard([Answer(token=1, outcome=OUTCOME)])  # of before
    ends.give(Convert())
    ends.clock.advance(SILENT_S)
    assert "has said nothing" in str(ends.error())
    ends.up = False
    ends.give(Convert())
    assert "not running" in str(ends.error())
    assert all(isinstance(result.value, TransientError) for result in ends.results)
    assert ends.clock.getDelayedCalls() == []


def test_orders_are_bounded() -> None:
    ends = Ends(lambda _, __: OUTCOME)
    ends.give(Convert(devices=["x" * MAX_ORDER_BYTES]))
    assert isinstance(ends.error(), PermanentError)
    for _ in range(MAX_WAITING + 1):
        ends.give(Convert())
    assert len(ends.results) == 2
    assert "too many orders" in str(ends.error())
    assert len(ends.lines) == MAX_WAITING
