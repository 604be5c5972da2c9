"""A request to a simulated host -> its answer, with all that its agent does wrong now."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence

from collectors.framework.snmp import ber, messages
from collectors.framework.snmp.errors import NO_SUCH_NAME, TOO_BIG, BadAnswer
from collectors.framework.snmp.interfaces import Oid
from collectors.framework.snmp.messages import Pdu, PduType
from collectors.framework.snmp.rows import Indexes
from collectors.sim import oids
from collectors.sim.encoding import PREFIX_SIZE, PREFIXES, SCALARS, cell, row, varbind
from collectors.sim.host import Host
from collectors.sim.scenario import Ailment
from collectors.sim.secured import Secured

MOST_ANSWER_BYTES = 60_000
MOST_ROWS = 10_000
_V1, _V3 = 0, 3
_COLUMN_OF = {prefix: number for number, prefix in enumerate(PREFIXES)}
_KEYS: list[Oid] = sorted([*SCALARS, *oids.COLUMNS])
_IS_COLUMN = {column: number for number, column in enumerate(oids.COLUMNS)}
_SCALAR_OF = {ber.encode_oid(oid): oid for oid in SCALARS}
_OBJECTS = frozenset(oid[:-1] for oid in SCALARS) | frozenset(oids.COLUMNS)
_EXCEPTION = {tag: bytes((tag, 0)) for tag in ber.EXCEPTIONS}


class Responder:
    """Answers for all hosts of a fleet.

    Args:
        ailments: what agents do wrong, when they do.
        community: of v1 and v2c; empty for neither.
        began: epoch seconds of t = 0.
        secured: speaks v3; None for nobody.

    Attributes:
        varbinds: how many were sent.
    """

    def __init__(
        self, community: str, ailments: Mapping[str, Ailment], began: float, secured: Secured | None = None
    ) -> None:
        self._community = community.encode()
        self._ailments = ailments
        self._began = began
        self._secured = secured
        self._indexes = Indexes()
        self._columns: dict[tuple[int, ...], tuple[int, ...]] = {}
        self.varbinds = 0

    def answer(self, host: Host, datagram: bytes, t: float) -> bytes | None:
        """The answer to a datagram; None when there is none."""
        host.requests += 1
        if host.deaf:
            return None
        if host.ails and "lossy" in host.ails and host.requests % self._ailments["lossy"].one_in == 0:
            return None
        try:
            if self._secured is not None and _is_v3(datagram):
                return self._secured.answer(host, datagram, t, self.respond)
            version, community, pdu = messages.decode_message(datagram)
            if not community or community != self._community:
                return None
            return messages.encode_message(version, community, self.respond(host, version, pdu, t))
        except BadAnswer:
            return None

    def respond(self, host: Host, version: int, pdu: Pdu, t: float) -> bytes:
        """The response PDU to a request.

        Raises:
            BadAnswer: it is none.
        """
        if pdu.kind in {PduType.RESPONSE, PduType.REPORT}:
            raise BadAnswer("an answer where a request belongs")
        asked = _asked(pdu)
        if pdu.kind == PduType.GETBULK and version != _V1:
            body, count = self._bulk(host, asked, max(pdu.status, 0), min(max(pdu.index, 0), MOST_ROWS), t)
        else:
            following = pdu.kind != PduType.GET
            pieces = [self._next(host, oid, t) if following else self._get(host, oid, t) for oid in asked]
            missing = next((number for number, piece in enumerate(pieces, 1) if piece is None), 0)
            if version == _V1 and missing:
                return self._error(pdu, NO_SUCH_NAME, missing)
            absent = ber.END_OF_MIB_VIEW
            body = b"".join(
                piece or varbind(oid, _EXCEPTION[absent if following else _why_absent(oid)])
                for oid, piece in zip(asked, pieces, strict=True)
            )
            count = len(pieces)
        most = self._ailments["too_big"].over_bytes if host.ails and "too_big" in host.ails else 2 * MOST_ANSWER_BYTES
        if len(body) > most:
            return self._error(pdu, TOO_BIG, 0)
        self.varbinds += count
        return messages.encode_pdu(PduType.RESPONSE, pdu.request_id, 0, 0, body)

    @staticmethod
    def _error(pdu: Pdu, status: int, index: int) -> bytes:
        return messages.encode_pdu(PduType.RESPONSE, pdu.request_id, status, index, pdu.data[pdu.start : pdu.stop])

    # --- single values ------------------------------------------------------------------------------------------------

    def _get(self, host: Host, asked: bytes, t: float) -> bytes | None:
        """A varbind by its name; a process also when the table does not show it."""
        oid = _SCALAR_OF.get(asked)
        if oid is not None:
            return varbind(asked, SCALARS[oid](host, t, self._began + t))
        column = _COLUMN_OF.get(asked[:PREFIX_SIZE])
        if column is None:
            return None
        index = self._index(asked[PREFIX_SIZE:])
        process = host.processes.get(index[0]) if len(index) == 1 else None
        return cell(process, column, t) if process is not None else None

    def _next(self, host: Host, asked: bytes, t: float) -> bytes | None:
        """The varbind that follows a name; None at the end of all."""
        try:
            return self._following(host, ber.decode_oid(asked), t)
        except BadAnswer:
            return None

    def _following(self, host: Host, oid: Oid, t: float) -> bytes | None:
        at = bisect.bisect_right(_KEYS, oid) - 1
        pids = self._shown(host)
        if at >= 0 and (column := _IS_COLUMN.get(_KEYS[at])) is not None and oid[: len(_KEYS[at])] == _KEYS[at]:
            rest = oid[len(_KEYS[at]) :]
            place = self._place(host, pids, rest[0] if rest else -1)
            if place < len(pids):
                return cell(host.processes[pids[place]], column, t)
        for key in _KEYS[at + 1 :]:
            column = _IS_COLUMN.get(key)
            if column is None:
                return varbind(ber.encode_oid(key), SCALARS[key](host, t, self._began + t))
            if pids:
                return cell(host.processes[pids[0]], column, t)
        return None

    # --- many values --------------------------------------------------------------------------------------------------

    def _bulk(self, host: Host, asked: list[bytes], single: int, rows: int, t: float) -> tuple[bytes, int]:
        """Varbinds of a GETBULK, and how many."""
        first = [self._next(host, oid, t) or varbind(oid, _EXCEPTION[ber.END_OF_MIB_VIEW]) for oid in asked[:single]]
        names = asked[single:]
        if not names or not rows:
            return b"".join(first), len(first)
        columns = self._same_row(names)
        if columns is None:
            pieces = self._by_one(host, names, rows, t)
            return b"".join(first + pieces), len(first) + len(pieces)
        index = self._index(names[0][PREFIX_SIZE:])
        pids, processes = self._shown(host), host.processes
        place = self._place(host, pids, index[0] if index else -1)
        pieces, size, last = [], sum(map(len, first)), b""
        for pid in pids[place : place + rows]:
            last = row(processes[pid], columns, t)
            size += len(last)
            if size > MOST_ANSWER_BYTES and pieces:
                break
            pieces.append(last)
        else:
            if len(pieces) < rows:  # one row from behind the columns, so that the walk sees their ends
                end = ber.encode_sub_identifiers((pids[-1],)) if pids else b""
                behind = self._by_one(host, [PREFIXES[column] + end for column in columns], 1, t)
                return b"".join([*first, *pieces, *behind]), len(first) + len(pieces) * len(columns) + len(behind)
        return b"".join([*first, *pieces]), len(first) + len(pieces) * len(columns)

    def _by_one(self, host: Host, names: Sequence[bytes], rows: int, t: float) -> list[bytes]:
        pieces: list[bytes] = []
        size = 0
        current = list(names)
        for _ in range(rows):
            ended = 0
            for number, name in enumerate(current):
                piece = self._next(host, name, t)
                if piece is None:
                    ended += 1
                    piece = varbind(name, _EXCEPTION[ber.END_OF_MIB_VIEW])
                else:
                    current[number] = _name(piece)
                pieces.append(piece)
                size += len(piece)
            if ended == len(current) or size > MOST_ANSWER_BYTES:
                break
        return pieces

    def _same_row(self, names: Sequence[bytes]) -> tuple[int, ...] | None:
        """The columns, when all names are of process tables and of one row; None otherwise."""
        suffix = names[0][PREFIX_SIZE:]
        found = []
        for name in names:
            column = _COLUMN_OF.get(name[:PREFIX_SIZE])
            if column is None or name[PREFIX_SIZE:] != suffix:
                return None
            found.append(column)
        columns = tuple(found)
        return self._columns.setdefault(columns, columns)

    def _index(self, suffix: bytes) -> Oid:
        try:
            return self._indexes[suffix]
        except BadAnswer:
            return ()

    def _shown(self, host: Host) -> list[int]:
        """The pids that the tables show."""
        if host.ails:
            if "only_agent" in host.ails:
                return [host.agent_pid]
            if "truncated" in host.ails:
                return host.pids[: int(self._ailments["truncated"].keep * len(host.pids))]
        return host.pids

    @staticmethod
    def _place(host: Host, pids: list[int], after: int) -> int:
        """Where the row behind a pid stands; a walk that goes in circles begins again from the middle on."""
        place = bisect.bisect_right(pids, after)
        if host.ails and "non_increasing" in host.ails and len(pids) > 2 and place > len(pids) // 2:
            return 0
        return place


def _is_v3(datagram: bytes) -> bool:
    at, end = ber.expect(datagram, 0, len(datagram), ber.SEQUENCE)
    return ber.read_int(datagram, at, end)[0] == _V3


def _asked(pdu: Pdu) -> list[bytes]:
    """Contents of the OIDs in a request.

    Raises:
        BadAnswer: it is malformed.
    """
    data, at, end = pdu.data, pdu.start, pdu.stop
    found = []
    while at < end:
        start, at = ber.expect(data, at, end, ber.SEQUENCE)
        name, stop = ber.expect(data, start, at, ber.OBJECT_IDENTIFIER)
        found.append(data[name:stop])
    return found


def _name(piece: bytes) -> bytes:
    start, stop = ber.expect(piece, 0, len(piece), ber.SEQUENCE)
    name, name_end = ber.expect(piece, start, stop, ber.OBJECT_IDENTIFIER)
    return piece[name:name_end]


def _why_absent(asked: bytes) -> int:
    """The exception noSuchInstance where the object is there, noSuchObject where it is not."""
    try:
        oid = ber.decode_oid(asked)
    except BadAnswer:
        return ber.NO_SUCH_OBJECT
    return (
        ber.NO_SUCH_INSTANCE if any(oid[:size] in _OBJECTS for size in range(1, len(oid) + 1)) else ber.NO_SUCH_OBJECT
    )
