"""Fakes round the SNMP client: a reactor with UDP but no network, and a client without SNMP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from collectors.framework.snmp.interfaces import ISnmpClient, Oid, SnmpValue, Table
from collectors.framework.snmp.prints import Prints
from collectors.framework.snmp.sizing import Sizing

T = TypeVar("T")
AGENT = ("192.0.2.1", 161)
Answer = bytes | tuple[bytes, tuple[str, int]]
Network = Callable[[bytes], Sequence[Answer]]


class FakeUdpPort:
    """Transport of a datagram protocol; hands what is sent to the reactor's network."""

    def __init__(self, reactor: FakeUdpReactor, protocol: Any) -> None:
        self.reactor = reactor
        self.protocol = protocol
        self.open = True
        self.peer: tuple[str, int] | None = None

    def connect(self, host: str, port: int) -> None:
        self.peer = (host, port)

    def write(self, datagram: bytes) -> None:
        assert self.open
        assert self.peer is not None
        self.reactor.sent.append(datagram)
        if self.reactor.send_error is not None:
            raise self.reactor.send_error
        for answer in self.reactor.network(datagram):
            data, source = answer if isinstance(answer, tuple) else (answer, self.peer)
            self.reactor.callLater(self.reactor.delay_s, self.deliver, data, source)

    def deliver(self, data: bytes, source: tuple[str, int]) -> None:
        if self.open:
            self.protocol.datagramReceived(data, source)

    def stopListening(self) -> None:
        self.open = False
        self.reactor.callLater(0, self.protocol.doStop)


class FakeResolver:
    """Knows the names it is told; an unknown one has no address, a name in `silent` is never answered."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.silent: set[str] = set()

    def resolveHostName(self, receiver: Any, name: str, port: int, kinds: Any, semantics: str) -> None:
        if name in self.silent:
            return
        receiver.resolutionBegan(None)
        if name in self.names:
            receiver.addressResolved(IPv4Address("UDP", self.names[name], port))
        receiver.resolutionComplete()


class FakeUdpReactor(Clock):
    """A clock with UDP. `network` gets each datagram that is sent, and says what comes back, and from where."""

    def __init__(self, network: Network = lambda _: ()) -> None:
        super().__init__()
        self.network = network
        self.delay_s = 0.0
        self.sent: list[bytes] = []
        self.ports: list[FakeUdpPort] = []
        self.nameResolver = FakeResolver()
        self.send_error: Exception | None = None

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> FakeUdpPort:
        assert maxPacketSize >= 65507
        made = FakeUdpPort(self, protocol)
        self.ports.append(made)
        protocol.makeConnection(made)
        return made

    def finish(self, awaitable: Awaitable[T], within_s: float = 3600.0, step_s: float = 0.05) -> T:
        """Let time pass until an awaitable is done; return its result, or raise its error."""
        deferred = self.start(awaitable)
        while within_s > 0 and not deferred.called:
            self.advance(0)
            if not deferred.called:
                self.advance(step_s)
                within_s -= step_s
        return result_of(deferred)

    @staticmethod
    def start(awaitable: Awaitable[T]) -> Deferred[T]:
        return Deferred.fromCoroutine(awaitable)  # type: ignore[arg-type]  # what is awaited here are coroutines


def result_of(deferred: Deferred[T]) -> T:
    """Result of a Deferred that has one; raises its error."""
    found: list[Any] = []
    deferred.addBoth(found.append)
    assert found, "no result yet"
    if hasattr(found[0], "raiseException"):
        found[0].raiseException()
    return found[0]  # type: ignore[no-any-return]  # a list of anything


@implementer(ISnmpClient)
class FakeSnmpClient:
    """Reads from a dictionary. What is put into `fail` is raised by the next calls; `cut` ends tables early."""

    def __init__(self, values: Mapping[Oid, SnmpValue]) -> None:
        self.values = dict(values)
        self.fail: Exception | None = None
        self.cut: str = ""
        self.closed = False
        self.asked: list[tuple[Oid, ...]] = []
        self.sizing = Sizing()

    async def get(self, oids: Sequence[Oid], retries: int | None = None) -> list[SnmpValue]:
        self._ask(oids)
        return [self.values.get(oid) for oid in oids]

    async def table(
        self,
        columns: Sequence[Oid],
        max_rows: int = 50_000,
        scalars: Sequence[Oid] = (),
        known: Prints | None = None,
    ) -> Table:
        self._ask([*scalars, *columns])
        found = []
        for column in columns:
            size = len(column)
            rows = sorted((oid[size:], value) for oid, value in self.values.items() if oid[:size] == column)
            found.append(dict(rows[:max_rows]))
        longest = max((len(column) for column in found), default=0)
        over = any(sum(oid[: len(column)] == column for oid in self.values) > max_rows for column in columns)
        problem = self.cut or (f"more than {max_rows} rows" if over else "")
        if self.cut:
            found = [dict(list(column.items())[: longest // 2]) for column in found]
        same, differ, prints = compared(columns, found, known)
        return Table(
            columns=tuple(found),
            complete=not problem,
            problem=problem,
            varbinds=sum(map(len, found)) + same * len(found),
            same=same,
            differ=differ,
            prints=None if problem else prints,
            requests=max(1, longest // 25),
            scalars=tuple(self.values.get(oid) for oid in scalars),
        )

    def close(self) -> None:
        self.closed = True

    def _ask(self, oids: Sequence[Oid]) -> None:
        self.asked.append(tuple(oids))
        if self.fail is not None:
            raise self.fail


def compared(
    columns: Sequence[Oid], found: list[dict[Oid, SnmpValue]], known: Prints | None
) -> tuple[int, list[int] | None, Prints | None]:
    """Take rows that are as they were known out of what was found; tell how many, which others, and the new prints."""
    if known is None or tuple(columns[: len(known.columns)]) != known.columns:
        return 0, None, None
    width = len(known.columns)
    whole = [index for index in found[0] if len(index) == 1 and all(index in column for column in found)]
    now = {index[0]: hash(repr([column[index] for column in found[:width]]).encode()) for index in whole}
    prints = Prints(known.columns, now, [1] * len(now), now.values())
    if not known.indexes or len(columns) > width:
        return 0, None, prints
    differ = [at for at, pid in enumerate(known.indexes) if now.get(pid) != known.hashes[at]]
    same = {pid for at, pid in enumerate(known.indexes) if at not in set(differ)}
    for column in found:
        for pid in same:
            del column[pid,]
    return len(same), differ, prints
