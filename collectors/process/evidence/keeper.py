"""Which events have evidence, and whose it is: each alarm that opens stores once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004 - Twisted's, from addTimeout

from collectors.framework.processtable import ProcessRow
from collectors.process.events import RESTARTED
from collectors.process.evidence.files import EvidenceFiles
from collectors.process.evidence.gather import Taken, id_of, piece
from collectors.process.evidence.host import IHostFacts, unknown_host
from collectors.process.memory import SetMemory
from collectors.process.tables import View
from common.configs import DeviceConfig, SourceKind
from common.errors import TocsinError
from common.events import Event, Severity
from common.evidence import EVIDENCE_DETAIL, HostEvidence
from common.masking import masker_of

ASK_S = 3.0
"""How long a host is asked how it is."""


class _Held(Struct, frozen=True):
    """The evidence of an alarm that is open."""

    id: str
    severity: int
    at: float


class Marked(Struct, frozen=True):
    """Events with the ids of their evidence, and what is to be kept once they are; None for nothing."""

    events: list[Event]
    taken: Taken | None = None
    held: Mapping[tuple[str, str], _Held | None] = {}


class EvidenceKeeper:
    """Keeps the evidence of one device.

    Args:
        files: of the daemon.
        clock: of the time that a host has to answer.
        local: tells how this host is.
    """

    def __init__(self, files: EvidenceFiles, clock: Any, local: Callable[[], HostEvidence] | None = None) -> None:
        self._files = files
        self._clock = clock
        self._local = local
        self._held: dict[tuple[str, str], _Held] = {}
        self._vanished: dict[str, dict[int, ProcessRow]] = {}

    def watch(self, sets: Mapping[str, SetMemory], before: View | None) -> None:
        """Remember the last rows of sets that have just gone, and are not said to be missing yet."""
        gone = [name for name, kept in sets.items() if kept.missing_scans]
        if self._vanished or gone:
            kept = {name: self._vanished[name] for name in gone if name in self._vanished}
            if before is not None:
                kept.update({name: rows for name in gone if name not in kept and (rows := before.of(name))})
            self._vanished = kept

    def ended(self, alarms: Iterable[tuple[str, str]]) -> None:
        """Alarms, by component and key, were closed otherwise than by a scan: what opens them again has its own."""
        for key in alarms:
            self._held.pop(key, None)

    def mark(self, config: DeviceConfig, events: list[Event], before: View | None, now: View) -> Marked:
        """Give the events of sets that open an alarm the id of their evidence; nothing is kept yet."""
        if not any(event.severity for event in events):
            return Marked(events, held={_key(event): None for event in events})
        at = now.table.at
        id_ = id_of(config.device, at)
        held: dict[tuple[str, str], _Held | None] = {}
        marked: list[Event] = []
        opened: dict[str, Mapping[int, ProcessRow] | None] = {}
        for event in events:
            key = _key(event)
            old = held[key] if key in held else self._held.get(key)
            if event.severity is Severity.CLEAR:
                held[key] = None
                marked.append(event)
                continue
            if old is None or _is_new(event, old, config):
                old = _Held(id_, int(event.severity), at)
                opened[event.component] = self._last(event.component, before)
            held[key] = old
            marked.append(msgspec.structs.replace(event, details={**event.details, EVIDENCE_DETAIL: old.id}))
        taken = Taken(id_, config.device, at, opened, before, now) if opened else None
        return Marked(marked, taken, held)

    async def store(self, config: DeviceConfig, marked: Marked, source: object) -> None:
        """Keep what was marked, now that the events are safe; whatever fails costs the evidence alone."""
        for key, held in marked.held.items():
            if held is None:
                self._held.pop(key, None)
            else:
                self._held[key] = held
        taken = marked.taken
        if taken is not None:
            host = await self._host(config, source)
            data = piece(taken, host, masker_of(config))
            self._files.write(config.device, taken.id, data, durable=config.source is SourceKind.LOCAL)

    async def _host(self, config: DeviceConfig, source: object) -> HostEvidence:
        if config.source is SourceKind.LOCAL and self._local is not None:
            return self._local()
        if not IHostFacts.providedBy(source):
            return HostEvidence(problem="this source does not tell")
        asking: Deferred[HostEvidence] = Deferred.fromCoroutine(source.host())
        asking.addTimeout(ASK_S, self._clock)
        try:
            return await asking
        except (TocsinError, TimeoutError, CancelledError) as error:
            return unknown_host(error)

    def _last(self, component: str, before: View | None) -> Mapping[int, ProcessRow] | None:
        if component in self._vanished:
            return self._vanished[component]
        return before.of(component) if before is not None else None


def _key(event: Event) -> tuple[str, str]:
    return event.component, event.event_key


def _is_new(event: Event, held: _Held, config: DeviceConfig) -> bool:
    """Whether an alarm that has evidence has become another one: it is worse, or happened again after a while."""
    if event.event_key == RESTARTED and event.at - held.at >= config.flap_window_s:
        return True
    return event.severity > held.severity
