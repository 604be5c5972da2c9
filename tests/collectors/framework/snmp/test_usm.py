from __future__ import annotations

import hashlib
import random

import pytest
from pyasn1.type import univ
from pysnmp.proto.secmod.rfc3414 import localkey

from collectors.framework.snmp import usm
from collectors.framework.snmp.errors import BadAnswer
from collectors.framework.snmp.usm import Extension, KeyCache, Signer, extend, localise, password_to_key
from common.configs import AuthProtocol, PrivProtocol

PASSWORD = b"maplesyrup"
ENGINE_ID = bytes.fromhex("000000000000000000000002")


@pytest.mark.parametrize(
    ("protocol", "key", "localised"),
    [
        (AuthProtocol.MD5, "9faf3283884e92834ebc9847d8edd963", "526f5eed9fcce26f8964c2930787d82b"),
        (
            AuthProtocol.SHA1,
            "9fb5cc0381497b3793528939ff788d5d79145211",
            "6695febc9288e36282235fc7151f128497b38f3f",
        ),
    ],
)
def test_vectors_of_rfc_3414_appendix_a_3(protocol: AuthProtocol, key: str, localised: str) -> None:
    assert password_to_key(protocol, PASSWORD).hex() == key
    assert localise(protocol, bytes.fromhex(key), ENGINE_ID).hex() == localised


@pytest.mark.parametrize(
    ("protocol", "size", "key"),
    [
        (AuthProtocol.MD5, 32, "526f5eed9fcce26f8964c2930787d82b79eff44a90650ee0a3a40abfac5acc12"),
        (
            AuthProtocol.SHA1,
            40,
            "6695febc9288e36282235fc7151f128497b38f3f9b8b6d78936ba6e7d19dfd9cd2d5065547743fb5",
        ),
    ],
)
def test_vectors_of_draft_reeder_3desede(protocol: AuthProtocol, size: int, key: str) -> None:
    localised = localise(protocol, password_to_key(protocol, PASSWORD), ENGINE_ID)
    assert extend(protocol, localised, ENGINE_ID, size, Extension.REEDER).hex() == key


@pytest.mark.parametrize("protocol", list(usm.HASHES))
@pytest.mark.parametrize("password", [b"maplesyrup", b"8 bytes!", b"x" * 77])
def test_keys_agree_with_pysnmp(protocol: AuthProtocol, password: bytes) -> None:
    make_hash = getattr(hashlib, usm.HASHES[protocol])
    theirs = localkey.hash_passphrase(password, make_hash)
    assert password_to_key(protocol, password) == bytes(theirs)
    local = localkey.localize_key(theirs, univ.OctetString(ENGINE_ID), make_hash)
    assert localise(protocol, bytes(theirs), ENGINE_ID) == bytes(local)


def test_key_that_is_long_enough_is_cut() -> None:
    for extension in Extension:
        assert extend(AuthProtocol.SHA512, bytes(range(64)), ENGINE_ID, 32, extension) == bytes(range(32))


def test_password_is_hashed_once() -> None:
    keys = KeyCache()
    assert keys.key(AuthProtocol.MD5, "maplesyrup") is keys.key(AuthProtocol.MD5, "maplesyrup")
    assert keys.key(AuthProtocol.SHA1, "maplesyrup") != keys.key(AuthProtocol.MD5, "maplesyrup")


@pytest.mark.parametrize("protocol", list(usm.HASHES))
def test_signature_is_right_only_for_its_message(protocol: AuthProtocol) -> None:
    signer = Signer(protocol, b"k" * 20)
    size = usm.MAC_BYTES[protocol]
    blank = b"head" + bytes(size) + b"tail"
    message = b"head" + signer.sign(blank) + b"tail"
    assert len(signer.sign(blank)) == size
    assert signer.verify(message, 4, size)
    assert not signer.verify(message.replace(b"tail", b"tall"), 4, size)
    assert not signer.verify(message, 4, size - 1)
    assert not signer.verify(message, 4, 0)


@pytest.mark.parametrize("protocol", list(usm.CIPHERS))
def test_cipher_gives_back_what_it_got(protocol: PrivProtocol) -> None:
    rng = random.Random(1)
    cipher = usm.CIPHERS[protocol](rng.randbytes(usm.KEY_BYTES[protocol]))
    plain = rng.randbytes(1001)
    first, second = cipher.salt(5, 2**64 - 1), cipher.salt(5, 2**64)
    assert len(first) == 8
    assert first != second
    secret = cipher.encrypt(plain, 5, 77, first)
    assert secret[:1001] != plain
    assert cipher.decrypt(secret, 5, 77, first)[:1001] == plain
    assert cipher.decrypt(secret, 5, 77, second)[:1001] != plain
    with pytest.raises(BadAnswer):
        cipher.decrypt(secret, 5, 77, b"short")


def test_enciphering_agrees_with_the_published_example_of_aes_cfb() -> None:
    # NIST SP 800-38A, F.3.13, first segment; the IV is boots, time and salt as RFC 3826 puts them together
    cipher = usm.AesCipher(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c"))
    iv = bytes(range(16))
    boots, time_s = int.from_bytes(iv[:4], "big"), int.from_bytes(iv[4:8], "big")
    secret = cipher.encrypt(bytes.fromhex("6bc1bee22e409f96e93d7e117393172a"), boots, time_s, iv[8:])
    assert secret.hex() == "3b3fd92eb72dad20333449f8e83cfb4a"
