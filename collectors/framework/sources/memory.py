"""What is remembered of the sources of a device from reading to reading, and over restarts of the daemon."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct, field

from collectors.framework.judging.componentwatches import Watches, forget_alarms, share

MOST_KNOWN = 500
MOST_SOURCES = 10_000
"""Of a device, parts of sources counted."""


class Standing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem that has been told, and is not over."""

    component: str
    event_class: str
    key: str
    severity: int
    summary: str = ""
    message: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        """What its events have in common, within a device."""
        return self.component, self.event_class, self.key


class SourceMemory(Struct, omit_defaults=True):
    """A source, or the part of one that somebody reads.

    Attributes:
        source, part, job: whose readings they are; of no source, what a job as a whole has to tell.
        configured: it was a source of the config.
        of_device: as in `plans.SourcePlan`.
        step: epoch second of the last step that was judged.
        thresholds: what is remembered of them, by component.
        problems: those that stand.
    """

    source: str = ""
    part: str = ""
    job: str = ""
    configured: bool = False
    of_device: bool = False
    step: int = 0
    thresholds: Watches = field(default_factory=dict)
    problems: list[Standing] = field(default_factory=list)


class DeviceMemory(Struct):
    """All sources of a device.

    Attributes:
        hub: id of the hub's store that alarms are open in; empty when it is not known.
        sources: by `key_of`.
        known: class and key of problems that there have been, with a blank between; the newest last.
    """

    hub: str = ""
    sources: dict[str, SourceMemory] = field(default_factory=dict)
    known: list[str] = field(default_factory=list)

    def make_room(self) -> None:
        """Forget parts of sources that nothing is remembered of, where names are made up anew and anew."""
        if len(self.sources) >= MOST_SOURCES:
            idle = [key for key, kept in self.sources.items() if not kept.thresholds and not kept.problems]
            for key in idle:
                del self.sources[key]

    def forget_alarms(self) -> None:
        """Nothing has been said: whatever is wrong is to be said anew."""
        for kept in self.sources.values():
            kept.problems.clear()
            forget_alarms(kept.thresholds)

    def is_open(self, identity: tuple[str, str, str]) -> bool:
        """Whether a problem stands, whatever source has it."""
        return any(one.identity == identity for kept in self.sources.values() for one in kept.problems)

    def knows(self, event_class: str, key: str) -> bool:
        """Whether there has been such a problem."""
        return f"{event_class} {key}" in self.known

    def learn(self, event_class: str, key: str) -> None:
        """There is such a problem."""
        if not self.knows(event_class, key):
            self.known = [*self.known, f"{event_class} {key}"][-MOST_KNOWN:]


def key_of(source: str, part: str, *, of_device: bool = False) -> str:
    """Name of a source's memory among those of its device."""
    end = "\n" if of_device else ""
    return f"{source}\n{part}{end}" if part or of_device else source


class _Packed(Struct):
    hub: str
    sources: dict[str, Raw]
    known: list[str] = []


class Memories:
    """Packs the memory of a device, the parts that have not changed as they were packed before."""

    def __init__(self) -> None:
        self._packed: dict[str, Raw] = {}

    def changed(self, key: str) -> None:
        """What is remembered under a key has changed."""
        self._packed.pop(key, None)

    def dump(self, memory: DeviceMemory) -> bytes:
        """As bytes, to be kept."""
        for gone in self._packed.keys() - memory.sources.keys():
            del self._packed[gone]
        for key in memory.sources.keys() - self._packed.keys():
            self._packed[key] = Raw(msgspec.msgpack.encode(memory.sources[key]))
        return msgspec.msgpack.encode(_Packed(memory.hub, self._packed, memory.known))

    def load(self, data: bytes | None) -> DeviceMemory:
        """From bytes; a memory of another shape is forgotten rather than trusted."""
        self._packed.clear()
        if data is None:
            return DeviceMemory()
        try:
            memory = msgspec.msgpack.decode(data, type=DeviceMemory)
        except msgspec.MsgspecError:
            return DeviceMemory()
        for kept in memory.sources.values():
            share(kept.thresholds)
        return memory
