"""The record of what runs where.

One line for each pair of collector and device that hub and collector have to agree on. A line is *behind* from the
first revision that is not known to run there; it is settled when the collector has confirmed the config made from it.
The ledger is kept in memory: a collector tells what it holds each time it attaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from common.digests import digest_of_all


class Refusal(Struct, frozen=True):
    """A config that the collector would not run: its digest, and the sentence why."""

    digest: str
    reason: str


class Line(Struct, kw_only=True):
    """What is known of one device on one collector.

    Attributes:
        held: digest of the config that the collector runs; None when it runs none, or has not told yet.
        revision: of the model, that `held` was confirmed at; 0 when that was before this hub started.
        marked: latest revision that concerned the device here.
        since: first revision that is not known to run there; None when all is well.
        flying: a change was sent, and the answer is not there; nobody knows what runs until the collector tells.
        forced: to be sent even if the collector holds it already.
        refusal: the last config that the collector would not run.
        given: the device was, or may have been, that collector's own; otherwise it only says that it holds it, and
            nobody waits for it or believes what it says of the device.
    """

    held: str | None = None
    revision: int = 0
    marked: int = 0
    since: int | None = None
    flying: bool = False
    forced: bool = False
    refusal: Refusal | None = None
    given: bool = False

    @property
    def may_run(self) -> bool:
        """Whether a config of the device runs there, or may."""
        return self.held is not None or self.flying


class Ledger:
    """The lines of one service, by collector and device.

    Attributes:
        told: collectors that have told what they hold since the hub started.
    """

    def __init__(self) -> None:
        self._lines: dict[str, dict[str, Line]] = {}
        self._by_device: dict[str, dict[str, Line]] = {}
        self._behind: dict[str, dict[str, Line]] = {}
        self.told: set[str] = set()

    def line(self, collector: str, device: str) -> Line | None:
        """The line of a pair, or None."""
        return self._lines.get(collector, {}).get(device)

    def lines(self, collector: str) -> Mapping[str, Line]:
        """All lines of a collector by device."""
        return self._lines.get(collector, {})

    def lines_of(self, device: str) -> Mapping[str, Line]:
        """All lines of a device by collector."""
        return self._by_device.get(device, {})

    def behind(self) -> Iterator[tuple[str, str, Line]]:
        """All (collector, device, line) that are behind."""
        for collector, lines in self._behind.items():
            for device, line in lines.items():
                yield collector, device, line

    def behind_on(self, collector: str) -> Mapping[str, Line]:
        """The lines of a collector that are behind, by device."""
        return self._behind.get(collector, {})

    def digest(self, collector: str) -> str:
        """`digest_of_all` of what the collector holds, as far as is known."""
        return digest_of_all(
            {device: line.held for device, line in self.lines(collector).items() if line.held is not None}
        )

    # --- changes ------------------------------------------------------------------------------------------------------

    def mark(self, collector: str, device: str, revision: int, *, since: int | None = None) -> Line:
        """A revision concerns the device here: it is behind, from that one or from `since`, until settled."""
        line = self._open(collector, device)
        start = revision if since is None else since
        line.marked = max(line.marked, revision)
        line.since = start if line.since is None else min(line.since, start)
        self._behind.setdefault(collector, {})[device] = line
        return line

    def settle(self, collector: str, device: str, revision: int) -> None:
        """What runs there is what the model of a revision wants; a later mark keeps the line behind from there on."""
        line = self.line(collector, device)
        if line is None:
            return
        if line.marked > revision:
            line.since = max(revision + 1, line.since or 0)
            return
        line.since = None
        self._behind.get(collector, {}).pop(device, None)
        if line.held is None:
            self._drop(collector, device)

    def tell(self, collector: str, digests: Mapping[str, str]) -> None:
        """Take down all that a collector says it holds; what it refused before may be tried again."""
        self.told.add(collector)
        for device, line in list(self.lines(collector).items()):
            line.held = digests.get(device)
            line.refusal = None
            line.flying = False
            if line.held is None and line.since is None:
                self._drop(collector, device)
        for device, digest in digests.items():
            self._open(collector, device).held = digest

    def release(self, collector: str, device: str) -> None:
        """The collector cannot run it any more, and tells what it holds when it comes back: nothing is behind there."""
        if self.line(collector, device) is not None:
            self._behind.get(collector, {}).pop(device, None)
            self._drop(collector, device)

    def fly(self, collector: str, device: str) -> None:
        """A change is on its way."""
        self._open(collector, device).flying = True

    def confirm(self, collector: str, device: str, digest: str | None, revision: int) -> None:
        """The collector runs this config now; None: it has dropped the device."""
        line = self._open(collector, device)
        line.held = digest
        line.revision = revision
        line.refusal = None
        line.flying = line.forced = False

    def refuse(self, collector: str, device: str, refusal: Refusal) -> None:
        """The collector would not run this config; the one before goes on."""
        line = self._open(collector, device)
        line.refusal = refusal
        line.flying = line.forced = False

    def _open(self, collector: str, device: str) -> Line:
        line = self.line(collector, device)
        if line is None:
            line = self._lines.setdefault(collector, {})[device] = Line()
            self._by_device.setdefault(device, {})[collector] = line
        return line

    def _drop(self, collector: str, device: str) -> None:
        del self._lines[collector][device]
        del self._by_device[device][collector]
        if not self._by_device[device]:
            del self._by_device[device]
