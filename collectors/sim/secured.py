"""v3 around the answers of simulated hosts (RFC 3412, RFC 3414): each has an engine id of its own."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from collectors.framework.snmp import ber, messages, v3
from collectors.framework.snmp.errors import AUTHORIZATION_ERROR, BadAnswer
from collectors.framework.snmp.messages import Pdu, PduType
from collectors.framework.snmp.usm import CIPHERS, AesCipher, DesCipher, KeyCache, Signer
from collectors.sim.encoding import varbind
from collectors.sim.host import Host
from collectors.sim.users import User
from common.configs import AuthProtocol, PrivProtocol

TIME_WINDOW_S = 150
"""RFC 3414, section 2.2.3."""
NO_LEVEL, NOT_IN_TIME, NO_USER, NO_ENGINE, WRONG_DIGEST, UNREADABLE = 1, 2, 3, 4, 5, 6
"""Of usmStats."""
_ENTERPRISE = bytes.fromhex("8000c35a04")  # the last byte: text that an administrator chose (RFC 3411)
_MOST_NAME_BYTES = 27
Respond = Callable[[Host, int, Pdu, float], bytes]


class Keys(Struct, frozen=True):
    """What one host needs to speak with the user."""

    engine_id: bytes
    signer: Signer | None
    cipher: AesCipher | DesCipher | None


class Secured:
    """Speaks v3 for all hosts of a fleet, with one user."""

    def __init__(self, user: User) -> None:
        self._user = user
        self._name = user.name.encode()
        self._flags = (v3.AUTH_FLAG if user.auth is not AuthProtocol.NONE else 0) | (
            v3.PRIV_FLAG if user.priv is not PrivProtocol.NONE else 0
        )
        self._cache = KeyCache()
        self._keys: dict[str, Keys] = {}
        self._salt = 0

    def answer(self, host: Host, datagram: bytes, t: float, respond: Respond) -> bytes | None:
        """The answer to a v3 message; None for what is left unanswered.

        Raises:
            BadAnswer: it is none.
        """
        message = v3.decode_message(datagram)
        keys = self._keys_of(host)
        refused = self._refused(host, message, keys, t)
        if refused:
            return self._report(host, message, keys, refused, t)
        body, at, end = message.data, message.start, message.stop
        if message.flags & v3.PRIV_FLAG and keys.cipher is not None:
            body = keys.cipher.decrypt(body[at:end], message.boots, message.time_s, message.salt)
            at, end = 0, len(body)
        try:
            pdu = v3.decode_scoped(body, at, end)
        except BadAnswer:
            if message.flags & v3.PRIV_FLAG:
                return self._report(host, message, keys, UNREADABLE, t)
            raise
        if message.flags & self._flags != self._flags:  # less than the user must use
            varbinds = pdu.data[pdu.start : pdu.stop]
            answer = messages.encode_pdu(PduType.RESPONSE, pdu.request_id, AUTHORIZATION_ERROR, 1, varbinds)
        else:
            answer = respond(host, messages.VERSION_NUMBERS["3"], pdu, t)
        return self._sealed(host, message, keys, message.flags & (v3.AUTH_FLAG | v3.PRIV_FLAG), answer, t)

    def _refused(self, host: Host, message: v3.Message, keys: Keys, t: float) -> int:
        """Which of usmStats counts a message; 0 when it is right."""
        if message.engine_id != keys.engine_id:
            return NO_ENGINE
        if message.user != self._name:
            return NO_USER
        if message.flags & (v3.AUTH_FLAG | v3.PRIV_FLAG) & ~self._flags:
            return NO_LEVEL
        if message.flags & v3.AUTH_FLAG and keys.signer is not None:
            if not keys.signer.verify(message.data, message.mac_at, message.mac_size):
                return WRONG_DIGEST
            if message.boots != host.boots or abs(message.time_s - int(t - host.agent_since)) > TIME_WINDOW_S:
                return NOT_IN_TIME
        return 0

    def _report(self, host: Host, message: v3.Message, keys: Keys, number: int, t: float) -> bytes | None:
        if not message.flags & v3.REPORTABLE_FLAG:
            return None
        oid = ber.encode_oid((1, 3, 6, 1, 6, 3, 15, 1, 1, number, 0))
        pdu = messages.encode_pdu(PduType.REPORT, 0, 0, 0, varbind(oid, ber.encode_int(1, ber.COUNTER32)))
        signed = v3.AUTH_FLAG if number == NOT_IN_TIME else 0  # that tells the time, which must be believed
        return self._sealed(host, message, keys, signed, pdu, t)

    def _sealed(self, host: Host, message: v3.Message, keys: Keys, flags: int, pdu: bytes, t: float) -> bytes:
        origin = v3.Origin(keys.engine_id, host.boots, int(t - host.agent_since), message.user)
        body, salt = v3.encode_scoped(keys.engine_id, b"", pdu), b""
        if flags & v3.PRIV_FLAG and keys.cipher is not None:
            self._salt += 1
            salt = keys.cipher.salt(origin.boots, self._salt)
            secret = keys.cipher.encrypt(body, origin.boots, origin.time_s, salt)
            body = ber.encode_tlv(ber.OCTET_STRING, secret)
        signer = keys.signer if flags & v3.AUTH_FLAG else None
        return v3.signed_message(message.message_id, flags & ~v3.AUTH_FLAG, origin, salt, body, signer)

    def _keys_of(self, host: Host) -> Keys:
        found = self._keys.get(host.name)
        if found is None:
            found = self._keys[host.name] = self._made_for(_ENTERPRISE + host.name.encode()[:_MOST_NAME_BYTES])
        return found

    def _made_for(self, engine_id: bytes) -> Keys:
        user, auth = self._user, self._user.auth
        if auth is AuthProtocol.NONE:
            return Keys(engine_id, None, None)
        signer = self._cache.signer(auth, user.auth_password, engine_id)
        if user.priv is PrivProtocol.NONE:
            return Keys(engine_id, signer, None)
        key = self._cache.privacy_key(auth, user.priv, user.priv_password, engine_id)
        return Keys(engine_id, signer, CIPHERS[user.priv](key))
