"""What devices left behind, in memory. It passes the same contract tests as the real store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from zope.interface import implementer

from common.errors import TransientError
from hub.purging.interfaces import IRemnantStore, Key, Remnant


@implementer(IRemnantStore)
class FakeRemnantStore:
    """`broken` makes whatever is recorded fail; `left_at` is when devices were removed."""

    def __init__(self) -> None:
        self.kept: dict[Key, Remnant] = {}
        self.left_at: dict[str, float] = {}
        self.broken = ""

    async def remnants(self) -> list[Remnant]:
        return [self.kept[key] for key in sorted(self.kept)]

    async def record(self, remnants: Iterable[Remnant], gone: Iterable[Key] = ()) -> None:
        if self.broken:
            raise TransientError(self.broken)
        for key in gone:
            self.kept.pop(key, None)
        self.kept.update({one.key: one for one in remnants})

    async def left(self, devices: Collection[str]) -> Mapping[str, float]:
        return {device: at for device, at in self.left_at.items() if device in devices}
