"""Process sets whose definitions call them otherwise from now on: the same sets, before any modelling says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from common.errors import TransientError
from hub.components.book import ComponentBook
from hub.components.modelrules import fixed_name
from hub.model.model import Model

Renames = Mapping[str, tuple[str, str]]
"""By id of the definition: the name before, and the name after."""


def renames(before: Model, after: Model) -> Renames:
    """Which definitions have another name, and had and have a fixed one."""
    if before.sets is after.sets:
        return {}
    names = {one.id: name for one in before.sets if (name := fixed_name(one))}
    pairs = {one.id: (names[one.id], name) for one in after.sets if one.id in names and (name := fixed_name(one))}
    return {id_: pair for id_, pair in pairs.items() if pair[0] != pair[1]}


class Renaming:
    """Has the book follow the model.

    Collectors get the new names as soon as they are in the model; without this, people would find the sets and their
    series under the old names until the next modelling.
    """

    log = Logger()

    def __init__(self, book: ComponentBook) -> None:
        self._book = book

    def model_changed(self, _revision: int, before: Model, after: Model, _devices: Sequence[str]) -> None:
        """Look what a revision calls otherwise."""
        names = renames(before, after)
        if names:
            Deferred.fromCoroutine(self._book.rename(names)).addErrback(self._failed)

    def _failed(self, failure: Any) -> None:
        if failure.check(TransientError) is None:
            self.log.failure("error while process sets were renamed", failure=failure)
            return
        reason = failure.value.message
        self.log.warn("sets keep their names until the next modelling: {reason}", reason=reason)  # noqa: G010 - its name
