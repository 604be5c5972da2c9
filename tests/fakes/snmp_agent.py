"""An SNMP agent as a function: bytes in, bytes out. Serves v1, v2c and v3 from a table of values.

It is proven by the tests that let net-snmp's own commands read it, and it is what the hostile agents are made of.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Mapping

from msgspec import Struct

from collectors.framework.snmp import ber, messages, v3
from collectors.framework.snmp.errors import BadAnswer
from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.framework.snmp.messages import Pdu, PduType
from collectors.framework.snmp.usm import CIPHERS, KEY_BYTES, Extension, Signer, extend, localise, password_to_key
from common.configs import AuthProtocol, PrivProtocol

ENGINE_ID = bytes.fromhex("8000c35a05746f6373696e")
MAX_ANSWER_BYTES = 60_000
NO_CREATION, TOO_BIG, NO_SUCH_NAME = 11, 1, 2


class User(Struct, frozen=True):
    name: str
    auth: AuthProtocol = AuthProtocol.NONE
    auth_password: str = ""
    priv: PrivProtocol = PrivProtocol.NONE
    priv_password: str = ""
    extension: Extension = Extension.BLUMENTHAL


def tlv(value: SnmpValue, tag: int | None = None) -> bytes:
    """A value as it stands in a varbind; the type is guessed unless it is told."""
    if isinstance(value, int):
        return ber.encode_int(value, ber.INTEGER if tag is None else tag)
    if isinstance(value, bytes):
        return ber.encode_tlv(ber.OCTET_STRING if tag is None else tag, value)
    if isinstance(value, tuple):
        return ber.encode_tlv(ber.OBJECT_IDENTIFIER, ber.encode_oid(value))
    return bytes((ber.NULL if tag is None else tag, 0))


def varbind(oid: Oid, value: bytes) -> bytes:
    return ber.encode_tlv(ber.SEQUENCE, ber.encode_tlv(ber.OBJECT_IDENTIFIER, ber.encode_oid(oid)) + value)


def _tag(piece: bytes) -> int:
    """Type of a varbind's value."""
    start, stop = ber.expect(piece, 0, len(piece), ber.SEQUENCE)
    _, name_end = ber.expect(piece, start, stop, ber.OBJECT_IDENTIFIER)
    return piece[name_end]


class Agent:
    """Answers requests.

    Args:
        values: encoded values by OID.
        max_bytes: an answer whose varbinds are larger is `tooBig`; a GETBULK is cut instead, as net-snmp does.
    """

    def __init__(
        self,
        values: Mapping[Oid, bytes],
        community: str = "public",
        users: Iterable[User] = (),
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self.community = community.encode()
        self.users = {user.name.encode(): user for user in users}
        self.max_bytes = max_bytes
        self.cut_bulk = True
        self.engine_id = ENGINE_ID
        self.boots = 3
        self.started_at = -1000.0
        self.answered = 0
        self._keys: dict[tuple[AuthProtocol, str], bytes] = {}
        self._salt = 0
        self.replace(values)

    def replace(self, values: Mapping[Oid, bytes]) -> None:
        """Serve these values from now on."""
        self._varbinds = {oid: varbind(oid, value) for oid, value in values.items()}
        self._oids = sorted(self._varbinds)

    def set(self, oid: Oid, value: bytes) -> None:
        """Change a value that is there already."""
        assert oid in self._varbinds
        self._varbinds[oid] = varbind(oid, value)

    def answer(self, datagram: bytes, now: float = 0.0) -> bytes | None:
        """The answer to a request; None for what an agent leaves unanswered."""
        try:
            at, end = ber.expect(datagram, 0, len(datagram), ber.SEQUENCE)
            version, _ = ber.read_int(datagram, at, end)
            if version == 3:
                return self._answer_v3(datagram, now)
            version, community, pdu = messages.decode_message(datagram)
        except BadAnswer:
            return None
        if community != self.community:
            return None
        return messages.encode_message(version, community, self.respond(pdu, version))

    # --- PDUs ---------------------------------------------------------------------------------------------------------

    def respond(self, pdu: Pdu, version: int) -> bytes:
        """The response PDU to a request."""
        self.answered += 1
        asked = [oid for oid, _, _ in messages.decode_varbinds(pdu)]
        if pdu.kind == PduType.GETBULK:
            found = self._bulk(asked, pdu.status, max(pdu.index, 0))
        else:
            found = [self._one(oid, following=pdu.kind == PduType.GETNEXT) for oid in asked]
        if version == 0:
            for index, piece in enumerate(found, 1):
                if piece[-1] == 0 and piece[-2] in ber.EXCEPTIONS and _tag(piece) in ber.EXCEPTIONS:
                    return self._error(pdu, NO_SUCH_NAME, index)
        body = b"".join(found)
        if len(body) > self.max_bytes:
            return self._error(pdu, TOO_BIG, 0)
        return messages.encode_pdu(PduType.RESPONSE, pdu.request_id, 0, 0, body)

    def _error(self, pdu: Pdu, status: int, index: int) -> bytes:
        body = b"" if status == TOO_BIG else pdu.data[pdu.start : pdu.stop]
        return messages.encode_pdu(PduType.RESPONSE, pdu.request_id, status, index, body)

    def _one(self, oid: Oid, *, following: bool) -> bytes:
        if not following:
            return self._varbinds.get(oid) or varbind(oid, bytes((ber.NO_SUCH_INSTANCE, 0)))
        at = bisect.bisect_right(self._oids, oid)
        if at < len(self._oids):
            return self._varbinds[self._oids[at]]
        return varbind(oid, bytes((ber.END_OF_MIB_VIEW, 0)))

    def _bulk(self, asked: list[Oid], single: int, rows: int) -> list[bytes]:
        found = [self._one(oid, following=True) for oid in asked[:single]]
        places = [bisect.bisect_right(self._oids, oid) for oid in asked[single:]]
        oids, varbinds, last = self._oids, self._varbinds, len(self._oids)
        size = 0
        for row in range(rows):
            for number, place in enumerate(places):
                at = place + row
                if at < last:
                    piece = varbinds[oids[at]]
                else:
                    oid = oids[-1] if last and place < last else asked[single + number]
                    piece = varbind(oid, bytes((ber.END_OF_MIB_VIEW, 0)))
                size += len(piece)
                if size > self.max_bytes and self.cut_bulk and found:
                    return found
                found.append(piece)
        return found

    # --- v3 -----------------------------------------------------------------------------------------------------------

    def _answer_v3(self, datagram: bytes, now: float) -> bytes | None:
        message = v3.decode_message(datagram)
        user = self.users.get(message.user)
        if message.engine_id != self.engine_id:
            return self._report(message, 4, now)
        if user is None:
            return self._report(message, 3, now)
        wants_auth, wants_priv = bool(message.flags & v3.AUTH_FLAG), bool(message.flags & v3.PRIV_FLAG)
        if wants_auth > (user.auth is not AuthProtocol.NONE) or wants_priv > (user.priv is not PrivProtocol.NONE):
            return self._report(message, 1, now)
        if wants_auth:
            if not self._signer(user).verify(datagram, message.mac_at, message.mac_size):
                return self._report(message, 5, now)
            if message.boots != self.boots or abs(message.time_s - self._time_s(now)) > 150:
                return self._report(message, 2, now, user)
        body, at, end = message.data, message.start, message.stop
        if wants_priv:
            body = self._cipher(user).decrypt(body[at:end], message.boots, message.time_s, message.salt)
            at, end = 0, len(body)
        try:
            pdu = v3.decode_scoped(body, at, end)
        except BadAnswer:
            return None  # as net-snmp does with what it cannot decipher
        return self._sealed(message.message_id, message.flags & 3, user, self.respond(pdu, 3), now)

    def _sealed(self, message_id: int, flags: int, user: User, pdu: bytes, now: float) -> bytes:
        origin = v3.Origin(self.engine_id, self.boots, self._time_s(now), user.name.encode())
        body, salt = v3.encode_scoped(self.engine_id, b"", pdu), b""
        if flags & v3.PRIV_FLAG:
            cipher = self._cipher(user)
            self._salt += 1
            salt = cipher.salt(self.boots, self._salt)
            body = ber.encode_tlv(ber.OCTET_STRING, cipher.encrypt(body, self.boots, origin.time_s, salt))
        if not flags & v3.AUTH_FLAG:
            return v3.encode_message(message_id, flags, origin, 0, salt, body)[0]
        signer = self._signer(user)
        message, at = v3.encode_message(message_id, flags, origin, signer.size_bytes, salt, body)
        return message[:at] + signer.sign(message) + message[at + signer.size_bytes :]

    def _report(self, message: v3.Message, number: int, now: float, user: User | None = None) -> bytes:
        oid = (1, 3, 6, 1, 6, 3, 15, 1, 1, number, 0)
        pdu = messages.encode_pdu(PduType.REPORT, message.message_id, 0, 0, varbind(oid, tlv(1, ber.COUNTER32)))
        flags = 0 if user is None else v3.AUTH_FLAG
        return self._sealed(message.message_id, flags, user or User(message.user.decode()), pdu, now)

    def _time_s(self, now: float) -> int:
        return int(now - self.started_at)

    def _key(self, user: User, password: str) -> bytes:
        known = (user.auth, password)
        if known not in self._keys:
            self._keys[known] = password_to_key(user.auth, password.encode())
        return localise(user.auth, self._keys[known], self.engine_id)

    def _signer(self, user: User) -> Signer:
        return Signer(user.auth, self._key(user, user.auth_password))

    def _cipher(self, user: User):  # type: ignore[no-untyped-def]
        key = self._key(user, user.priv_password)
        return CIPHERS[user.priv](extend(user.auth, key, self.engine_id, KEY_BYTES[user.priv], user.extension))


# --- what a host with processes says ----------------------------------------------------------------------------------

HR_SW_RUN: Oid = (1, 3, 6, 1, 2, 1, 25, 4, 2, 1)
HR_SW_RUN_PERF: Oid = (1, 3, 6, 1, 2, 1, 25, 5, 1, 1)
SYS_UP_TIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
HR_SYSTEM_UPTIME: Oid = (1, 3, 6, 1, 2, 1, 25, 1, 1, 0)


class FakeProcess(Struct, frozen=True):
    name: str
    path: str = ""
    parameters: str = ""
    cpu_cs: int = 0
    memory_kib: int = 1024
    status: int = 2


def host_values(processes: Mapping[int, FakeProcess], uptime_cs: int = 100_000) -> dict[Oid, bytes]:
    """The values of HOST-RESOURCES-MIB that a process collector reads."""
    values = {
        SYS_UP_TIME: tlv(uptime_cs, ber.TIMETICKS),
        HR_SYSTEM_UPTIME: tlv(uptime_cs * 2, ber.TIMETICKS),
    }
    for pid, process in processes.items():
        columns = {
            1: tlv(pid),
            2: tlv(process.name.encode()),
            3: tlv((0, 0)),
            4: tlv(process.path.encode()),
            5: tlv(process.parameters.encode()[:128]),
            6: tlv(4),
            7: tlv(process.status),
        }
        values |= {(*HR_SW_RUN, column, pid): value for column, value in columns.items()}
        values[*HR_SW_RUN_PERF, 1, pid] = tlv(process.cpu_cs)
        values[*HR_SW_RUN_PERF, 2, pid] = tlv(process.memory_kib)
    return values
