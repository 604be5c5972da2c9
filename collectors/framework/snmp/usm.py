"""Keys, signatures and ciphers of the user-based security model (RFC 3414, RFC 3826, RFC 7860).

AES with 192 and 256 bits is no standard. Where the authentication protocol's hash is shorter than the cipher's key, two
ways to lengthen it are in use: draft-blumenthal-aes-usm-04 (net-snmp's AES-192, AES-256) and
draft-reeder-snmpv3-usm-3desede (Cisco; net-snmp's AES-192-C, AES-256-C).
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from collectors.framework.snmp.errors import BadAnswer, SnmpConfigError
from common.configs import AuthProtocol, PrivProtocol

try:
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:  # cryptography before 47
    from cryptography.hazmat.primitives.ciphers.modes import CFB

from cryptography.hazmat.primitives.ciphers.modes import CBC

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:  # a cryptography that has dropped it
    TripleDES = None  # type: ignore[assignment,misc]  # the name stays, so that one sentence can refuse DES

HASHES = {
    AuthProtocol.MD5: "md5",
    AuthProtocol.SHA1: "sha1",
    AuthProtocol.SHA224: "sha224",
    AuthProtocol.SHA256: "sha256",
    AuthProtocol.SHA384: "sha384",
    AuthProtocol.SHA512: "sha512",
}
MAC_BYTES = {
    AuthProtocol.MD5: 12,
    AuthProtocol.SHA1: 12,
    AuthProtocol.SHA224: 16,
    AuthProtocol.SHA256: 24,
    AuthProtocol.SHA384: 32,
    AuthProtocol.SHA512: 48,
}
"""RFC 3414, section 6; RFC 7860, section 4.2."""

KEY_BYTES = {PrivProtocol.DES: 16, PrivProtocol.AES128: 16, PrivProtocol.AES192: 24, PrivProtocol.AES256: 32}

PASSWORD_STREAM_BYTES = 1_048_576  # RFC 3414, appendix A.2
MIN_PASSWORD_CHARACTERS = 8  # RFC 3414, section 11.2
MAX_CACHED_KEYS = 10_000
DES_BLOCK_BYTES = 8


class Extension(enum.Enum):
    """How a localised key is made longer."""

    BLUMENTHAL = "blumenthal"
    REEDER = "reeder"


def password_to_key(protocol: AuthProtocol, password: bytes) -> bytes:
    """Ku: the hash of the password, repeated to one megabyte (RFC 3414, appendix A.2). Takes over a millisecond."""
    repeated = password * (PASSWORD_STREAM_BYTES // len(password) + 1)
    return hashlib.new(HASHES[protocol], repeated[:PASSWORD_STREAM_BYTES], usedforsecurity=False).digest()


def localise(protocol: AuthProtocol, key: bytes, engine_id: bytes) -> bytes:
    """Kul: the key of a user at one engine (RFC 3414, section 2.6)."""
    return hashlib.new(HASHES[protocol], key + engine_id + key, usedforsecurity=False).digest()


def extend(protocol: AuthProtocol, key: bytes, engine_id: bytes, size: int, extension: Extension) -> bytes:
    """A localised key, cut or lengthened to `size` bytes."""
    longer, last = key, key
    while len(longer) < size:
        if extension is Extension.BLUMENTHAL:
            last = hashlib.new(HASHES[protocol], longer, usedforsecurity=False).digest()
        else:
            last = localise(protocol, password_to_key(protocol, last), engine_id)
        longer += last
    return longer[:size]


class KeyCache:
    """Keeps what `password_to_key` made, for each protocol and password; one for all clients of a daemon."""

    def __init__(self) -> None:
        self._keys: dict[tuple[AuthProtocol, str], bytes] = {}

    def key(self, protocol: AuthProtocol, password: str) -> bytes:
        """Ku of a password."""
        found = self._keys.get((protocol, password))
        if found is None:
            if len(self._keys) >= MAX_CACHED_KEYS:
                self._keys.clear()
            found = self._keys[protocol, password] = password_to_key(protocol, password.encode())
        return found

    def signer(self, protocol: AuthProtocol, password: str, engine_id: bytes) -> Signer:
        """What signs the messages of a user at one engine."""
        return Signer(protocol, localise(protocol, self.key(protocol, password), engine_id))

    def privacy_key(
        self,
        auth: AuthProtocol,
        priv: PrivProtocol,
        password: str,
        engine_id: bytes,
        extension: Extension = Extension.BLUMENTHAL,
    ) -> bytes:
        """The key of a user's cipher at one engine, as long as the cipher wants it."""
        local = localise(auth, self.key(auth, password), engine_id)
        return extend(auth, local, engine_id, KEY_BYTES[priv], extension)


class Signer:
    """Signs messages of one user at one engine."""

    def __init__(self, protocol: AuthProtocol, key: bytes) -> None:
        self.size_bytes = MAC_BYTES[protocol]
        self._hash = HASHES[protocol]
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """The authentication parameters of a message whose own place for them is zeros."""
        return hmac.digest(self._key, message, self._hash)[: self.size_bytes]

    def verify(self, message: bytes, at: int, size: int) -> bool:
        """Whether the parameters at `message[at:at+size]` are right."""
        blank = message[:at] + bytes(size) + message[at + size :]
        return size == self.size_bytes and hmac.compare_digest(message[at : at + size], self.sign(blank))


class AesCipher:
    """CFB128-AES (RFC 3826, section 3.1); the key's length chooses the variant."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = AES(key)

    def salt(self, boots: int, number: int) -> bytes:  # noqa: ARG002  DES makes its salt of both
        """Privacy parameters of the message that has this number, unique for the key."""
        return (number & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "big")

    def encrypt(self, plain: bytes, boots: int, time_s: int, salt: bytes) -> bytes:
        """A scoped PDU, enciphered."""
        return self._cipher(boots, time_s, salt).encryptor().update(plain)

    def decrypt(self, secret: bytes, boots: int, time_s: int, salt: bytes) -> bytes:
        """A scoped PDU in clear.

        Raises:
            BadAnswer: privacy parameters that cannot be.
        """
        if len(salt) != 8:
            raise BadAnswer(f"privacy parameters of {len(salt)} bytes")
        return self._cipher(boots, time_s, salt).decryptor().update(secret)

    def _cipher(self, boots: int, time_s: int, salt: bytes) -> Cipher[CFB]:
        return Cipher(self._algorithm, CFB(boots.to_bytes(4, "big") + time_s.to_bytes(4, "big") + salt))


class DesCipher:
    """CBC-DES (RFC 3414, section 8), as triple DES with one key three times."""

    def __init__(self, key: bytes) -> None:
        if TripleDES is None:
            raise SnmpConfigError(
                "The privacy protocol des cannot be used: the installed `cryptography` library has no DES any more. "
                "Give the agent's user AES, and set priv_protocol to aes128."
            )
        self._algorithm = TripleDES(key[:8] * 3)
        self._pre_iv = key[8:16]

    def salt(self, boots: int, number: int) -> bytes:
        """Privacy parameters of the message that has this number, unique for the key."""
        return boots.to_bytes(4, "big") + (number & 0xFFFFFFFF).to_bytes(4, "big")

    def encrypt(self, plain: bytes, boots: int, time_s: int, salt: bytes) -> bytes:  # noqa: ARG002  AES needs them
        """A scoped PDU, padded and enciphered."""
        return self._cipher(salt).encryptor().update(plain + bytes(-len(plain) % DES_BLOCK_BYTES))

    def decrypt(self, secret: bytes, boots: int, time_s: int, salt: bytes) -> bytes:  # noqa: ARG002  AES needs them
        """A scoped PDU in clear, its padding still there.

        Raises:
            BadAnswer: privacy parameters or a length that cannot be.
        """
        if len(salt) != DES_BLOCK_BYTES or len(secret) % DES_BLOCK_BYTES:
            raise BadAnswer("privacy parameters or an enciphered PDU of a length that DES cannot have")
        return self._cipher(salt).decryptor().update(secret)

    def _cipher(self, salt: bytes) -> Cipher[CBC]:
        iv = bytes(a ^ b for a, b in zip(self._pre_iv, salt, strict=True))
        return Cipher(self._algorithm, CBC(iv))


CIPHERS: dict[PrivProtocol, Callable[[bytes], AesCipher | DesCipher]] = {
    PrivProtocol.DES: DesCipher,
    PrivProtocol.AES128: AesCipher,
    PrivProtocol.AES192: AesCipher,
    PrivProtocol.AES256: AesCipher,
}
