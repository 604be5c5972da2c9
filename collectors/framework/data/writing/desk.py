"""Carries out orders in the writer process, a slice at a time, so that samples go on being written between two.

A handler stands in a module of its own. It is a function of the `Writer` and the order, and returns the outcome; one
that takes longer than some 0.1 s is a generator, which yields `Progress` after each slice of that length, and returns
the outcome. It raises a `TocsinError` for what the daemon is to be told. It may be killed at any point, and the order
may come again: it leaves nothing half done that a second run would not put right.
"""

from __future__ import annotations

import sys
import traceback
from collections import deque
from collections.abc import Callable, Generator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from collectors.framework.data.orders import Answer, Convert, Order, Outcome, Progress, Purge
from collectors.framework.data.writing.converting import convert_files
from collectors.framework.data.writing.purge import purge
from collectors.framework.data.writing.writer import Writer
from collectors.framework.moving.adoption import adopt
from collectors.framework.moving.orders import Adopt, ClearAway, PutAway
from collectors.framework.moving.putaway import clear_away, put_away
from common.errors import TocsinError, TransientError

Steps = Generator[Progress, None, Outcome]
Handler = Callable[[Writer, Any], Outcome | Steps]

HANDLERS: Mapping[type, Handler] = MappingProxyType(
    {
        Convert: convert_files,
        Purge: purge,
        Adopt: adopt,
        PutAway: put_away,
        ClearAway: clear_away,
    }
)
"""By the type of the order."""

_order = msgspec.json.Decoder(Order)


class Desk:
    """Orders that came and are not carried out yet, one after the other.

    Attributes:
        answers: for the next report; whoever tells them takes them away.
    """

    def __init__(self, handlers: Mapping[type, Handler] = HANDLERS) -> None:
        self._handlers = handlers
        self._waiting: deque[tuple[int, Order]] = deque()
        self._under_way: tuple[int, Steps] | None = None
        self.answers: list[Answer] = []

    @property
    def busy(self) -> bool:
        """Whether there is something to do."""
        return bool(self._under_way or self._waiting)

    def take(self, line: bytes) -> None:
        """Accept the line of an order, without the word before its token."""
        number, _, text = line.partition(b" ")
        try:
            self._waiting.append((int(number), _order.decode(text)))
        except msgspec.MsgspecError as error:
            self.answers.append(Answer(token=int(number), error=f"This is no order: {error}", lasting=True))

    def refuse(self, sentence: str) -> None:
        """Nothing can be carried out now: all that wait are told so."""
        self.answers += [Answer(token=token, error=sentence) for token, _ in self._waiting]
        self._waiting.clear()

    def step(self, writer: Writer) -> None:
        """Carry out one slice of one order."""
        token = self._under_way[0] if self._under_way else self._waiting[0][0]
        try:
            answer = self._answer(token, self._slice(writer))
        except TocsinError as error:
            answer = Answer(token=token, error=str(error), lasting=not isinstance(error, TransientError))
        except Exception:  # noqa: BLE001 - the supervisor of orders: one that fails ends nothing else
            sys.stderr.write(traceback.format_exc())
            answer = Answer(token=token, error="The writer process failed at this order; see the log", lasting=True)
        if answer.progress is None:
            self._under_way = None
        self.answers.append(answer)

    def _slice(self, writer: Writer) -> Progress | Outcome:
        if self._under_way is None:
            token, order = self._waiting.popleft()
            handled = self._handlers[type(order)](writer, order)
            if not isinstance(handled, Generator):
                return handled
            self._under_way = (token, handled)
        try:
            return next(self._under_way[1])
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome

    @staticmethod
    def _answer(token: int, told: Progress | Outcome) -> Answer:
        if isinstance(told, Progress):
            return Answer(token=token, progress=told)
        return Answer(token=token, outcome=told)
