"""The three files by which a collector's daemons log in: ca.crt, collector.crt, collector.key.

A new set of them is written whole into a folder `next` beside them, and moved from there file by file. Whoever is
killed on the way leaves either no folder `next`, and the old set counts, or a whole one, and the next who looks moves
the rest.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509

from common.durable import sync, write_whole
from common.edge.pem import (
    Key,
    Pair,
    key_pem,
    load_certificate,
    load_pair,
    locked,
    make_folder,
    pem,
)
from common.errors import SettingsError

CA, CERTIFICATE, KEY = "ca.crt", "collector.crt", "collector.key"
NEXT = "next"
_PARTIAL = ".next.partial"
_MODES = {CA: 0o644, CERTIFICATE: 0o644, KEY: 0o600}


def load_collector(folder: Path) -> tuple[Pair, x509.Certificate]:
    """Read a collector's certificate with its key, and the authority.

    Raises:
        SettingsError: one is missing, damaged, open to others, or is not the other's.
    """
    if (folder / NEXT).exists():
        _settle(folder)
    try:
        return _load(folder)
    except SettingsError as error:
        return _look_again(folder, error)


def store_collector(
    folder: Path, ca: x509.Certificate, key: Key, certificate: x509.Certificate, owner: tuple[int, int] | None = None
) -> None:
    """Put a certificate and its key in the place of those that are there, durable on return.

    Args:
        folder: made, for its owner alone, when it is not there.
        ca: the authority that has signed it.
        key: of the certificate.
        certificate: of the collector.
        owner: user and group that all shall belong to, if not to who we are.

    Raises:
        SettingsError: the folder cannot be made or written.
    """
    make_folder(folder)
    with locked(folder):
        _move_the_rest(folder)
        partial = folder / _PARTIAL
        try:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(mode=0o700)
            for name, data in ((CA, pem(ca)), (CERTIFICATE, pem(certificate)), (KEY, key_pem(key))):
                write_whole(partial / name, data, _MODES[name])
            if owner is not None:
                give_away(folder, owner)
            partial.rename(folder / NEXT)
            sync(folder)
        except OSError as error:
            raise SettingsError(f"{folder} cannot be written: {error.strerror or error}") from None
        _move_the_rest(folder)


def stamp_of(folder: Path) -> tuple[int, int] | None:
    """What changes when another certificate is put in the place of the present one; None where there is none."""
    try:
        found = (folder / CERTIFICATE).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def can_store(folder: Path) -> None:
    """Make sure that a certificate could be stored.

    Raises:
        SettingsError: the folder cannot be made or written.
    """
    make_folder(folder)
    with locked(folder):
        _with_folder(folder, lambda: write_whole(folder / ".probe", b"", 0o600))
        (folder / ".probe").unlink()


def give_away(folder: Path, owner: tuple[int, int], *more: str) -> None:
    """Let what we have made in a folder belong to another user and group, and the folder itself.

    Where a link in it leads, nothing is given.

    Args:
        folder: with the three files.
        owner: user and group.
        more: names of files of ours beside those that are made here; they need not be there.

    Raises:
        OSError: it cannot be given away.
    """
    for half_done in (_PARTIAL, NEXT):
        if (folder / half_done).exists():
            for _, _, files, inside in os.fwalk(folder / half_done):
                for name in files:
                    os.chown(name, *owner, dir_fd=inside, follow_symlinks=False)
    for name in (_PARTIAL, NEXT, ".lock", *more):
        with contextlib.suppress(FileNotFoundError):
            os.chown(folder / name, *owner, follow_symlinks=False)
    os.chown(folder, *owner)


@contextmanager
def renewing(folder: Path) -> Iterator[bool]:
    """Be the only one of a host's daemons that asks for a new certificate; gives False when another one is.

    Raises:
        SettingsError: the folder cannot be written.
    """
    try:
        descriptor = os.open(folder / ".renewing", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror or error}") from None
    try:
        yield _takes(descriptor)
    finally:
        os.close(descriptor)


def _takes(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _load(folder: Path) -> tuple[Pair, x509.Certificate]:
    pair = load_pair(folder / CERTIFICATE, folder / KEY)
    return pair, load_certificate(folder / CA)


def _look_again(folder: Path, error: SettingsError) -> tuple[Pair, x509.Certificate]:
    """Another daemon may have been moving files while we read; wait for it, and read once more."""
    if not (folder / ".lock").exists():
        raise error
    try:
        with locked(folder):
            return _load(folder)
    except SettingsError:
        raise error from None


def _settle(folder: Path) -> None:
    """Move what somebody was killed over; who cannot write there has nothing to move."""
    with contextlib.suppress(SettingsError), locked(folder):
        _move_the_rest(folder)


def _move_the_rest(folder: Path) -> None:
    source = folder / NEXT
    if not source.exists():
        return

    def move() -> None:
        for name in (CA, KEY, CERTIFICATE):
            if (source / name).exists():
                (source / name).replace(folder / name)
        sync(folder)
        shutil.rmtree(source)
        sync(folder)

    _with_folder(folder, move)


def _with_folder(folder: Path, work: Callable[[], None]) -> None:
    try:
        work()
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror or error}") from None
