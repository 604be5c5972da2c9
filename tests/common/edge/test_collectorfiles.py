"""A collector's three files: whoever is killed while they change leaves a set that fits."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509

from common.certificates import Site, collector_tls_options, enrol_collector, ensure_site
from common.edge.collectorfiles import NEXT, can_store, load_collector, store_collector
from common.edge.pem import Key, new_key
from common.errors import SettingsError


class Set:
    """A certificate with its key."""

    def __init__(self, site: Site) -> None:
        self.key: Key = new_key()
        self.ca = site.ca.certificate
        self.certificate: x509.Certificate = enrol_collector(site, "far", self.key.public_key())

    def store(self, folder: Path) -> None:
        store_collector(folder, self.ca, self.key, self.certificate)

    def is_in(self, folder: Path) -> bool:
        pair, ca = load_collector(folder)
        assert pair.certificate.public_key() == pair.key.public_key()
        return pair.certificate == self.certificate and ca == self.ca


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return ensure_site(tmp_path / "pki", time.time)


CHANGES = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"}
DIED = 9


def killed_before(change: int, new: Set, folder: Path) -> bool:
    """Store a set in a process that dies before its nth change of the disk; False when it came to its end."""
    pid = os.fork()
    if pid == 0:
        left = change

        def hook(event: str, _arguments: object) -> None:
            nonlocal left
            if event in CHANGES:
                if left == 0:
                    os._exit(DIED)
                left -= 1

        sys.addaudithook(hook)
        try:
            new.store(folder)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == DIED


def test_whenever_it_is_killed_the_old_or_the_new_set_is_whole(tmp_path: Path, site: Site) -> None:
    other = ensure_site(tmp_path / "other", time.time)
    outcomes: list[bool] = []
    killed = True
    while killed:
        folder = tmp_path / f"certs{len(outcomes)}"
        old, new = Set(site), Set(other)
        old.store(folder)
        killed = killed_before(len(outcomes), new, folder)
        outcomes.append(new.is_in(folder))
        assert outcomes[-1] or old.is_in(folder)
        assert not (folder / NEXT).exists()
        collector_tls_options(folder, time.time)
        again = Set(site)
        again.store(folder)
        assert again.is_in(folder)
    assert not outcomes[0]
    assert outcomes[-1]
    assert len(outcomes) > 10
    assert outcomes == sorted(outcomes), "once it is there it stays"


def test_files_are_their_owners_and_only_the_key_is_secret(tmp_path: Path, site: Site) -> None:
    folder = tmp_path / "certs"
    before = os.umask(0o022)
    try:
        Set(site).store(folder)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("[!.]*")}
    assert modes == {"ca.crt": 0o644, "collector.crt": 0o644, "collector.key": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_gives_them_to_whom_it_says(tmp_path: Path, site: Site) -> None:
    folder = tmp_path / "certs"
    new = Set(site)
    store_collector(folder, new.ca, new.key, new.certificate, (12345, 12346))
    assert {(path.stat().st_uid, path.stat().st_gid) for path in (folder, *folder.iterdir())} == {(12345, 12346)}


def test_a_folder_that_cannot_be_used_is_a_sentence(tmp_path: Path, site: Site) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match="cannot be made"):
        can_store(tmp_path / "file" / "certs")
    (tmp_path / "certs" / ".lock").mkdir(parents=True)
    with pytest.raises(SettingsError, match="cannot be written"):
        can_store(tmp_path / "certs")
    can_store(tmp_path / "good")
    assert [path.name for path in (tmp_path / "good").iterdir()] == [".lock"]
