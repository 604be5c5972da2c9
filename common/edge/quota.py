"""How often somebody may do something: token buckets by name, bounded in number."""

from __future__ import annotations

from collections import OrderedDict

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger


class Quota:
    """A bucket of `burst` turns for each key, refilled at `per_s`.

    The buckets of those who were not heard of for longest are forgotten when there are more than `max_keys`.
    """

    def __init__(self, clock: IReactorTime, per_s: float, burst: int, max_keys: int = 4096) -> None:
        self._clock = clock
        self._per_s = per_s
        self._burst = float(burst)
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str = "") -> bool:
        """Use one turn; False when there is none left."""
        now = self._clock.seconds()
        left, since = self._buckets.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_s)
        granted = left >= 1.0
        self._buckets[key] = (left - 1.0 if granted else left, now)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return granted


class LineQuota:
    """Log lines about peers: ten a minute for each, 300 for all, and the number of those that were kept back.

    The bound for all is for a stranger who has many addresses.
    """

    def __init__(self, clock: IReactorTime, per_minute: int = 10, for_all_per_minute: int = 300) -> None:
        self._quota = Quota(clock, per_minute / 60.0, per_minute)
        self._for_all = Quota(clock, for_all_per_minute / 60.0, for_all_per_minute)
        self.kept_back = 0

    def take(self, peer: str) -> int | None:
        """None when nothing may be written; otherwise how many lines were kept back since the last one."""
        if not self._quota.take(peer) or not self._for_all.take():
            self.kept_back += 1
            return None
        kept_back, self.kept_back = self.kept_back, 0
        return kept_back

    def warn(self, log: Logger, peer: str, what: str) -> None:
        """Write a line about a peer, if it may have one."""
        kept_back = self.take(peer)
        if kept_back is not None:
            log.warn("{peer}: {what} (lines kept back: {kept_back})", peer=peer, what=what, kept_back=kept_back)  # noqa: G010 - its name
