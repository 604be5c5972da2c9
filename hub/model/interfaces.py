"""The seams of the model's room."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from zope.interface import Interface

T = TypeVar("T")


class IWorker(Interface):
    """Does work that blocks, one piece after the other, in the order in which it was given."""

    async def run(work: Callable[[], T]) -> T:
        """Do a piece of work and return its result, or raise what it raised.

        Raises:
            TransientError: too much is waiting already; the work was not begun.
        """
