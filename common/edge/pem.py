"""Certificates and keys as files: read with a sentence for each mistake, written whole.

All functions raise SettingsError, which names the file.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from common.errors import SettingsError

Key = ec.EllipticCurvePrivateKey


class Pair(Struct, frozen=True):
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: Key

    def __repr__(self) -> str:
        return f"Pair({self.certificate.subject.rfc4514_string()}, key hidden)"


def load_pair(certificate: Path, key: Path) -> Pair:
    """Read a certificate and the key that belongs to it."""
    pair = Pair(load_certificate(certificate), load_key(key))
    if pair.certificate.public_key() != pair.key.public_key():
        raise SettingsError(f"{key} is not the key of {certificate}; both must come from one issue")
    return pair


def load_certificate(path: Path) -> x509.Certificate:
    """Read a certificate."""
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except ValueError:
        raise SettingsError(f"{path} is not a certificate in PEM form; copy it again") from None


def load_certificates(path: Path) -> tuple[list[x509.Certificate], bytes]:
    """Read all certificates of a file, at least one, and what the file holds."""
    data = _read(path)
    try:
        return x509.load_pem_x509_certificates(data), data
    except ValueError:
        raise SettingsError(f"{path} holds no certificate in PEM form; restore it from a backup") from None


def load_key(path: Path) -> Key:
    """Read a private key that nobody else can read."""
    data = _read(path)
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"{path} can be used by others than its owner: chmod 600 {path}")
    try:
        key = serialization.load_pem_private_key(data, None)
    except (ValueError, TypeError):
        raise SettingsError(f"{path} is not a private key in PEM form without password; copy it again") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SettingsError(f"{path} is not a key on an elliptic curve; use what the hub has issued")
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise SettingsError(f"{path} is missing; enrol this host: `tocsin collector token` on the hub") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None


def make_folder(folder: Path) -> None:
    """Make a folder that is its owner's alone, if it is not there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"folder {folder} cannot be made: {error.strerror}") from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep two programs from changing a folder at once."""
    try:
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def new_key() -> Key:
    """Make a private key, on the curve that all keys of a site are on."""
    return ec.generate_private_key(ec.SECP256R1())


def pem(certificate: x509.Certificate) -> bytes:
    """A certificate as the text of a file."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: Key) -> bytes:
    """A private key as the text of a file."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
