"""What makes a PDU a message that an agent accepts, and an answer one that we accept.

No I/O: the client asks these objects for bytes, and hands them the bytes that came.
"""

from __future__ import annotations

import random

from msgspec import Struct

from collectors.framework.snmp import ber, messages, v3
from collectors.framework.snmp.errors import BadAnswer, SnmpAuthError, SnmpConfigError
from collectors.framework.snmp.messages import Pdu, PduType
from collectors.framework.snmp.usm import (
    CIPHERS,
    HASHES,
    MIN_PASSWORD_CHARACTERS,
    AesCipher,
    DesCipher,
    Extension,
    KeyCache,
    Signer,
)
from common.configs import AuthProtocol, PrivProtocol, SnmpConfig

TIME_WINDOW_S = 150  # RFC 3414, section 2.2.3
USM_STATS = (1, 3, 6, 1, 6, 3, 15, 1, 1)
NOT_IN_TIME_WINDOWS = 2
UNKNOWN_ENGINE_IDS = 4
DECRYPTION_ERRORS = 6
REPORTS = {
    1: "does not support this security level for the user; check auth_protocol and priv_protocol",
    NOT_IN_TIME_WINDOWS: "keeps saying that our message is outside its time window; check the agent's clock and boots",
    3: "does not know the user; check the name, and that it was created on this agent",
    UNKNOWN_ENGINE_IDS: "keeps changing its engine id",
    5: "says that the signature is wrong; check auth_password and auth_protocol",
    DECRYPTION_ERRORS: "cannot decipher the request; check priv_password and priv_protocol",
}
"""usmStats objects that come in reports, by their number (RFC 3414, section 5)."""


class Opened(Struct, frozen=True):
    """An answer that passed all checks of its message; `message_id` is what it answers to."""

    message_id: int
    pdu: Pdu
    message: v3.Message | None = None
    authentic: bool = False


class CommunitySecurity:
    """v1 and v2c: a community in clear."""

    ready = True
    privacy_in_doubt = False

    def __init__(self, version: int, community: str) -> None:
        self._version = version
        self._community = community.encode()

    def seal(self, pdu: bytes, message_id: int, now: float) -> bytes:  # noqa: ARG002  v3 needs both
        """The message around a PDU."""
        return messages.encode_message(self._version, self._community, pdu)

    def open(self, datagram: bytes, now: float) -> Opened:  # noqa: ARG002  v3 needs it
        """The answer in a datagram.

        Raises:
            BadAnswer: it is none to us.
        """
        version, community, pdu = messages.decode_message(datagram)
        if version != self._version or community != self._community or pdu.kind != PduType.RESPONSE:
            raise BadAnswer("a message of another version, community or PDU type")
        return Opened(pdu.request_id, pdu)


class UserSecurity:
    """v3: one user at one engine, whose id, boots and time are learnt from the engine itself.

    Attributes:
        private: whether requests are enciphered; switched off only to find out what is wrong with the privacy.
    """

    def __init__(self, config: SnmpConfig, keys: KeyCache, rng: random.Random) -> None:
        check_user(config)
        self._config = config
        self._user = config.user.encode()
        self._keys = keys
        self._salt = rng.getrandbits(64)
        self._engine_id = b""
        self._boots = 0
        self._time_s = 0
        self._learnt_at = 0.0
        self._time_proven = False
        self._signer: Signer | None = None
        self._cipher: AesCipher | DesCipher | None = None
        self._extension = Extension.BLUMENTHAL
        self._privacy_proven = False
        self.private = config.priv_protocol is not PrivProtocol.NONE

    @property
    def ready(self) -> bool:
        """Whether the engine is known."""
        return bool(self._engine_id)

    @property
    def privacy_in_doubt(self) -> bool:
        """Whether the engine is known, but nothing enciphered has come back from it yet."""
        return self._cipher is not None and not self._privacy_proven

    def discovery(self, message_id: int) -> bytes:
        """The message that an engine answers with its id (RFC 3414, section 4)."""
        pdu = messages.encode_pdu(PduType.GET, message_id, 0, 0, b"")
        message, _ = v3.encode_message(
            message_id, v3.REPORTABLE_FLAG, v3.Origin(), 0, b"", v3.encode_scoped(b"", b"", pdu)
        )
        return message

    def seal(self, pdu: bytes, message_id: int, now: float) -> bytes:
        """The message around a PDU, enciphered and signed as the user's settings say."""
        origin = v3.Origin(self._engine_id, self._boots, self._engine_time_s(now), self._user)
        body = v3.encode_scoped(self._engine_id, self._config.context.encode(), pdu)
        flags, salt = v3.REPORTABLE_FLAG, b""
        if self._cipher is not None and self.private:
            self._salt += 1
            salt = self._cipher.salt(self._boots, self._salt)
            body = ber.encode_tlv(ber.OCTET_STRING, self._cipher.encrypt(body, self._boots, origin.time_s, salt))
            flags |= v3.PRIV_FLAG
        return v3.signed_message(message_id, flags, origin, salt, body, self._signer)

    def open(self, datagram: bytes, now: float) -> Opened:
        """The answer or report in a datagram.

        Raises:
            BadAnswer: it is none to us, or weaker protected than the request was.
        """
        message = v3.decode_message(datagram)
        authentic = bool(message.flags & v3.AUTH_FLAG)
        if authentic:
            self._authenticate(message, now)
        pdu = self._scoped(message, authentic)
        if pdu.kind == PduType.REPORT:
            return Opened(message.message_id, pdu, message, authentic)
        if pdu.kind != PduType.RESPONSE or message.engine_id != self._engine_id or message.user != self._user:
            raise BadAnswer("a message of another PDU type, engine or user")
        if authentic < (self._signer is not None):
            raise BadAnswer("an answer without signature to a signed request")
        if self.private and not message.flags & v3.PRIV_FLAG:
            raise BadAnswer("an answer in clear to an enciphered request")
        self._privacy_proven |= self.private
        return Opened(message.message_id, pdu, message, authentic)

    def heed(self, report: Opened, now: float) -> None:
        """Take over what a report tells about the engine, so that the request can be made again.

        Raises:
            SnmpAuthError: repeating will not help; the message is a predicate, its subject the agent.
            BadAnswer: a report that means nothing to us.
        """
        number = report_number(report.pdu)
        message = report.message
        assert message is not None
        if number == UNKNOWN_ENGINE_IDS and message.engine_id != self._engine_id:
            self._meet(message, now)
        elif number == NOT_IN_TIME_WINDOWS and report.authentic:
            self._set_time(message, now)
        elif number != DECRYPTION_ERRORS or not self.try_other_extension():
            raise SnmpAuthError(REPORTS[number])

    def forget(self) -> None:
        """Learn the engine anew: that of a replaced agent may have gone back in boots, which we would never believe."""
        self._engine_id = b""

    def try_other_extension(self) -> bool:
        """Lengthen the privacy key the other way; False when that was tried already, or makes no difference."""
        if self._extension is Extension.REEDER or self._privacy_proven or self._cipher is None:
            return False
        before = self._privacy_key()
        self._extension = Extension.REEDER
        self._cipher = CIPHERS[self._config.priv_protocol](self._privacy_key())
        return self._privacy_key() != before

    def _meet(self, message: v3.Message, now: float) -> None:
        if len(message.engine_id) not in v3.ENGINE_ID_BYTES:
            raise BadAnswer(f"an engine id of {len(message.engine_id)} bytes")
        self._engine_id = message.engine_id
        self._set_time(message, now)  # a first guess: nobody has signed it
        self._time_proven = False
        self._privacy_proven = False
        config = self._config
        if config.auth_protocol is not AuthProtocol.NONE:
            self._signer = self._keys.signer(config.auth_protocol, config.auth_password, self._engine_id)
        if config.priv_protocol is not PrivProtocol.NONE:
            self._cipher = CIPHERS[config.priv_protocol](self._privacy_key())

    def _privacy_key(self) -> bytes:
        config = self._config
        return self._keys.privacy_key(
            config.auth_protocol, config.priv_protocol, config.priv_password, self._engine_id, self._extension
        )

    def _authenticate(self, message: v3.Message, now: float) -> None:
        if self._signer is None or message.engine_id != self._engine_id or message.user != self._user:
            raise BadAnswer("a signed message of another engine or user")
        if not self._signer.verify(message.data, message.mac_at, message.mac_size):
            raise BadAnswer("a wrong signature")
        if not self._time_proven:
            self._set_time(message, now)
            self._time_proven = True
            return
        # RFC 3414, section 3.2, step 7b: a replayed answer carries an old time
        behind = message.boots == self._boots and message.time_s < self._engine_time_s(now) - TIME_WINDOW_S
        if message.boots < self._boots or behind or message.boots == v3.MAX_TIME:
            raise BadAnswer("a signed message from outside the time window")
        if (message.boots, message.time_s) > (self._boots, self._time_s):
            self._set_time(message, now)

    def _scoped(self, message: v3.Message, authentic: bool) -> Pdu:  # noqa: FBT001  private, one caller
        if not message.flags & v3.PRIV_FLAG:
            return v3.decode_scoped(message.data, message.start, message.stop)
        if self._cipher is None or not authentic:
            raise BadAnswer("an enciphered message that was not asked for")
        secret = message.data[message.start : message.stop]
        plain = self._cipher.decrypt(secret, message.boots, message.time_s, message.salt)
        return v3.decode_scoped(plain, 0, len(plain))

    def _set_time(self, message: v3.Message, now: float) -> None:
        self._boots, self._time_s, self._learnt_at = message.boots, message.time_s, now

    def _engine_time_s(self, now: float) -> int:
        return min(self._time_s + int(now - self._learnt_at), v3.MAX_TIME)


Security = CommunitySecurity | UserSecurity


def report_number(pdu: Pdu) -> int:
    """Which of the usmStats a report names.

    Raises:
        BadAnswer: none of them.
    """
    found = messages.decode_varbinds(pdu)
    oid = found[0][0] if found else ()
    if oid[: len(USM_STATS)] != USM_STATS or len(oid) <= len(USM_STATS) or oid[len(USM_STATS)] not in REPORTS:
        raise BadAnswer("a report about something else than the user-based security model")
    return oid[len(USM_STATS)]


def check_user(config: SnmpConfig) -> None:
    """Refuse v3 settings that no agent could accept.

    Raises:
        SnmpConfigError: says which setting, and what it should be.
    """
    if not config.user:
        raise SnmpConfigError("SNMP v3 needs a user: set snmp.user to a name that the agent knows.")
    if config.priv_protocol is not PrivProtocol.NONE and config.auth_protocol is AuthProtocol.NONE:
        raise SnmpConfigError("SNMP v3 has no privacy without authentication: set auth_protocol and auth_password too.")
    parts = (
        ("auth", config.auth_protocol in HASHES, config.auth_password),
        ("priv", config.priv_protocol in CIPHERS, config.priv_password),
    )
    for name, used, password in parts:
        if used and len(password) < MIN_PASSWORD_CHARACTERS:
            raise SnmpConfigError(
                f"snmp.{name}_password has {len(password)} characters, and SNMP v3 demands at least "
                f"{MIN_PASSWORD_CHARACTERS} (RFC 3414, section 11.2): set the password that the agent's user has."
            )


def make_security(config: SnmpConfig, keys: KeyCache, rng: random.Random) -> Security:
    """The security that a device's settings ask for.

    Raises:
        SnmpConfigError: settings that cannot work.
    """
    number = messages.VERSION_NUMBERS[config.version.value]
    return UserSecurity(config, keys, rng) if number == 3 else CommunitySecurity(number, config.community)
