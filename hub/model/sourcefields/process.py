"""Sources of the type process: the process collector's own points, and what is derived from them."""

from __future__ import annotations

from collections.abc import Iterable

from common.processpoints import POINTS
from hub.model.fields import Fault
from hub.model.sourcefields.shape import SourceFields, Values, check_known
from hub.model.sources import Source
from hub.model.templates import Target
from hub.model.yaml import Item


def _check(values: Values, item: Item) -> Iterable[Fault]:
    yield from check_known(values, item, POINTS, "the process collector")


def _fits(_source: Source, component: str) -> Iterable[str]:
    if component != Target.PROCESS_SET:
        yield f"a source of type process belongs in a template with component: process_set, not {component}"


PROCESS = SourceFields(fields={}, check=_check, fits=_fits)
