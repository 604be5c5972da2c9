"""Runs SNMP clients in a process of its own, on the reactor that the engine needs, for tests that have no reactor.

Reads one question a line from stdin, writes one answer a line to stdout; ends when stdin does.
"""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from collectors.framework.snmp import errors
from collectors.framework.snmp.interfaces import ISnmpClient, Oid, SnmpValue, Table
from collectors.framework.snmp.prints import Prints
from common.configs import SnmpConfig, SnmpEngine
from common.errors import TocsinError


class Question(Struct, frozen=True, kw_only=True):
    """`columns` for a table, `oids` for a GET; `again` for a table that is walked twice."""

    address: str
    config: SnmpConfig
    oids: tuple[Oid, ...] = ()
    columns: tuple[Oid, ...] = ()
    max_rows: int = 50_000
    scalars: tuple[Oid, ...] = ()
    again: bool = False


class Driver:
    """The test's end: asks the process, and raises what its client raised."""

    def __init__(self, engine: SnmpEngine) -> None:
        self.engine = engine
        command = [sys.executable, "-m", "tests.contracts.snmp_driver", engine.value]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def get(self, address: str, config: SnmpConfig, oids: Sequence[Oid]) -> list[SnmpValue]:
        answer: list[SnmpValue] = self._ask(Question(address=address, config=self._own(config), oids=tuple(oids)))
        return answer

    def table(
        self,
        address: str,
        config: SnmpConfig,
        columns: Sequence[Oid],
        max_rows: int = 50_000,
        scalars: Sequence[Oid] = (),
    ) -> Table:
        question = Question(
            address=address,
            config=self._own(config),
            columns=tuple(columns),
            max_rows=max_rows,
            scalars=tuple(scalars),
        )
        return Table(**self._ask(question))

    def table_again(self, address: str, config: SnmpConfig, columns: Sequence[Oid]) -> Table:
        question = Question(address=address, config=self._own(config), columns=tuple(columns), again=True)
        return Table(**self._ask(question))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def _own(self, config: SnmpConfig) -> SnmpConfig:
        return msgspec.structs.replace(config, engine=self.engine)

    def _ask(self, question: Question) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(question).decode() + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the driver has ended"
        kind, answer = ast.literal_eval(line)
        if kind == "ok":
            return answer
        raise getattr(errors, kind, AssertionError)(answer)


# --- the process's end ------------------------------------------------------------------------------------------------


async def answer_to(client: ISnmpClient, question: Question) -> object:
    """What the client says, as a literal."""
    if not question.columns:
        return list(await client.get(question.oids))
    if question.again:
        table = await walked_again(client, question.columns)
    else:
        table = await client.table(question.columns, question.max_rows, question.scalars)
    return {field: getattr(table, field) for field in table.__struct_fields__}


async def walked_again(client: ISnmpClient, columns: Sequence[Oid]) -> Table:
    """The second of two walks, its rows put together from what it brought and what was known by the first."""
    first = await client.table(columns, known=Prints(columns))
    known = first.prints or Prints(columns)
    table = await client.table(columns, known=known)
    whole = [dict(column) for column in table.columns]
    differ = range(len(known.indexes)) if table.differ is None else table.differ
    for place in set(range(len(known.indexes))) - set(differ):
        for column, before in zip(whole, first.columns, strict=True):
            column[known.indexes[place],] = before[known.indexes[place],]
    rows = tuple(dict(sorted(column.items())) for column in whole)
    return msgspec.structs.replace(table, columns=rows, differ=None, prints=None)


def main(engine: SnmpEngine) -> None:
    """Serve stdin until it ends."""
    from twisted.internet import asyncioreactor, epollreactor

    (asyncioreactor if engine is SnmpEngine.PYSNMP else epollreactor).install()
    from twisted.internet import reactor as installed
    from twisted.internet.defer import Deferred
    from twisted.internet.stdio import StandardIO
    from twisted.protocols.basic import LineOnlyReceiver

    from collectors.framework.snmp.factory import client_factory

    reactor: Any = installed
    factory = client_factory(reactor, reactor, random.SystemRandom())
    clients: dict[tuple[str, bytes], ISnmpClient] = {}

    async def serve(line: bytes) -> bytes:
        try:
            question = msgspec.json.decode(line, type=Question)
            key = (question.address, msgspec.json.encode(question.config))
            if key not in clients:
                clients[key] = factory(question.address, question.config)
            return repr(("ok", await answer_to(clients[key], question))).encode()
        except TocsinError as error:
            return repr((type(error).__name__, str(error))).encode()
        except Exception as error:
            return repr(("defect", repr(error))).encode()

    class Lines(LineOnlyReceiver):
        delimiter = b"\n"
        MAX_LENGTH = 1 << 20

        def lineReceived(self, line: bytes) -> None:
            Deferred.fromCoroutine(serve(line)).addCallback(self.sendLine)

        def connectionLost(self, reason: Any = None) -> None:
            for client in clients.values():
                client.close()
            if reactor.running:
                reactor.stop()

    StandardIO(Lines(), reactor=reactor)  # type: ignore[no-untyped-call]  # Twisted has no types there
    reactor.run()


if __name__ == "__main__":
    main(SnmpEngine(sys.argv[1]))
