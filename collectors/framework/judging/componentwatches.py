"""What is remembered of the thresholds of a device (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct, field

from collectors.framework.judging.judgedfigures import CounterBases
from collectors.framework.judging.trend import Window
from collectors.framework.judging.watches import CALM, Watch, silent

NOTHING: dict[str, Any] = {}
"""What most components have of watches and of trends: one object for all of them, which nobody changes."""


def _nothing() -> Mapping[str, Any]:
    return NOTHING


class ComponentWatches(Struct, gc=False):
    """What is remembered of a component; `watches` is by event key, and has nothing that is calm.

    Attributes:
        trends: by event key, what values were over the window of a trend.
        looked: by event key, epoch second of the end of the last part of a season that was judged, of a baseline.
    """

    watches: Mapping[str, Watch] = field(default_factory=_nothing)
    counters: CounterBases = field(default_factory=CounterBases)
    trends: Mapping[str, Window] = field(default_factory=_nothing)
    looked: Mapping[str, int] = field(default_factory=_nothing)

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to remember."""
        return not (self.watches or self.counters.values or self.trends or self.looked)

    def keep_only(self, keys: Collection[str]) -> None:
        """Forget what is of other event keys, but for what watches say."""
        if not self.trends and not self.looked:
            return
        if self.trends.keys() - keys:
            self.trends = {key: window for key, window in self.trends.items() if key in keys} or NOTHING
        if self.looked.keys() - keys:
            self.looked = {key: at for key, at in self.looked.items() if key in keys} or NOTHING


Watches = dict[str, ComponentWatches]
"""What is remembered of a device, by component."""


def share(memory: Watches) -> None:
    """Let what was read from the disk have in common what it had in common before."""
    for kept in memory.values():
        kept.watches, kept.trends = kept.watches or NOTHING, kept.trends or NOTHING
        kept.looked = kept.looked or NOTHING


def forget_alarms(memory: Watches) -> None:
    """Nothing has been said: whatever is wrong is to be said anew."""
    for kept in memory.values():
        for key, watch in list(kept.watches.items()):
            put(kept, key, silent(watch))


def put(kept: ComponentWatches, key: str, watch: Watch) -> None:
    """Remember a watch, unless it is calm."""
    if watch != CALM:
        kept.watches = {**kept.watches, key: watch}
    elif key in kept.watches:
        kept.watches = {one: other for one, other in kept.watches.items() if one != key} or NOTHING
