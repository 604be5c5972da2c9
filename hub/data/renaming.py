"""Process sets that were renamed: their series keep the name that they began under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from common.queries import LastValue
from common.readings import SeriesFacts, Trail

Named = TypeVar("Named", LastValue, SeriesFacts, Trail)


def as_called_now(found: Sequence[Named], elsewhere: Mapping[str, str]) -> list[Named]:
    """Under the names that process sets have now.

    Args:
        found: what a collector tells of a device.
        elsewhere: by process set the name that its series are kept under, of those that were renamed.
    """
    if not elsewhere:
        return list(found)
    present = {series: name for name, series in elsewhere.items()}
    # What is kept under the name of a set whose series are elsewhere is of the time before its rename was known.
    stray = elsewhere.keys() - present.keys()
    return [called(one, present) for one in found if one.component not in stray]


def called(one: Named, names: Mapping[str, str]) -> Named:
    """The same under another name, where one is told."""
    name = names.get(one.component, one.component)
    return one if name == one.component else msgspec.structs.replace(one, component=name)
