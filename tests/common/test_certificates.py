"""The site's authority: made once, issued from with care, and every mistake in the files is a sentence."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from common.certificates import (
    CA_DAYS,
    HUB_NAME,
    Site,
    collector_name,
    collector_tls_options,
    ensure_collector,
    ensure_site,
    hub_tls_options,
    issue_collector,
    revoke_collector,
)
from common.edge.pem import load_certificate
from common.errors import PermanentError, SettingsError

DAY_S = 86400.0


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return ensure_site(tmp_path / "pki", time.time)


def at(site: Site, days: float) -> Site:
    """The same site, so many days from now."""
    now = time.time() + days * DAY_S
    return Site(site.pki, site.ca, site.hub, lambda: now)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_site_is_made_once_and_loaded_ever_after(tmp_path: Path, site: Site) -> None:
    again = ensure_site(tmp_path / "pki", time.time)
    assert again.ca.certificate == site.ca.certificate
    assert again.hub.certificate == site.hub.certificate
    assert mode(tmp_path / "pki" / "ca.key") == mode(tmp_path / "pki" / "hub.key") == 0o600
    assert mode(tmp_path / "pki") == 0o700


def test_keys_are_secret_from_the_first_moment_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        site = ensure_site(tmp_path / "pki", time.time)
        folder = issue_collector(site, "local", tmp_path / "certs")
    finally:
        os.umask(before)
    assert mode(tmp_path / "pki" / "ca.key") == mode(folder / "collector.key") == 0o600
    assert mode(tmp_path / "pki") == mode(folder) == 0o700


def test_the_hub_is_named_by_address_and_by_its_fixed_name(tmp_path: Path) -> None:
    site = ensure_site(tmp_path / "pki", time.time, ["hub.example.org", "192.0.2.1"])
    names = site.hub.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {HUB_NAME, "localhost", "hub.example.org"} <= set(names.get_values_for_type(x509.DNSName))
    assert "192.0.2.1" in [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    usage = site.hub.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_a_name_the_hub_lacks_is_added_by_issuing_its_certificate_anew(tmp_path: Path, site: Site) -> None:
    more = ensure_site(tmp_path / "pki", time.time, ["hub.example.org"])
    assert more.hub.certificate != site.hub.certificate
    assert more.ca.certificate == site.ca.certificate
    assert ensure_site(tmp_path / "pki", time.time).hub.certificate == more.hub.certificate


def test_the_hubs_certificate_is_renewed_in_good_time(tmp_path: Path, site: Site) -> None:
    later = ensure_site(tmp_path / "pki", lambda: time.time() + 800 * DAY_S)
    assert later.hub.certificate != site.hub.certificate


def test_a_collectors_certificate_says_who_it_is_and_is_registered(tmp_path: Path, site: Site) -> None:
    folder = issue_collector(site, "eu-west.1", tmp_path / "certs" / "local")
    certificate = load_certificate(folder / "collector.crt")
    assert collector_name(site, certificate) == "eu-west.1"
    assert load_certificate(site.pki / "issued" / "eu-west.1.crt") == certificate
    assert sorted(path.name for path in folder.glob("[!.]*")) == ["ca.crt", "collector.crt", "collector.key"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    collector_tls_options(folder, time.time)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a b", "a\nb", "é", "x" * 101, "-x"])
def test_names_that_could_be_more_than_a_name_are_refused(tmp_path: Path, site: Site, name: str) -> None:
    with pytest.raises(SettingsError, match="collector name"):
        issue_collector(site, name, tmp_path / "certs")


def test_what_is_not_in_the_registry_counts_no_longer(tmp_path: Path, site: Site) -> None:
    first = load_certificate(issue_collector(site, "local", tmp_path / "one") / "collector.crt")
    second = load_certificate(issue_collector(site, "local", tmp_path / "two") / "collector.crt")
    with pytest.raises(PermanentError, match="replaced by a newer one"):
        collector_name(site, first)
    assert collector_name(site, second) == "local"
    revoke_collector(site, "local")
    with pytest.raises(PermanentError, match=r"collector local was revoked 20.*`tocsin collector token local`"):
        collector_name(site, second)
    with pytest.raises(PermanentError, match="not known here, or its certificate was revoked"):
        collector_name(site, first)


def test_expired_or_foreign_or_missing_certificates_are_nobodys(tmp_path: Path, site: Site) -> None:
    certificate = load_certificate(issue_collector(site, "local", tmp_path / "one") / "collector.crt")
    with pytest.raises(PermanentError, match="collector local has expired"):
        collector_name(at(site, 900), certificate)
    with pytest.raises(PermanentError, match="not that of a collector"):
        collector_name(site, site.hub.certificate)
    with pytest.raises(PermanentError, match="not that of a collector"):
        collector_name(site, site.ca.certificate)
    with pytest.raises(PermanentError, match="no certificate"):
        collector_name(site, None)


def test_a_certificate_is_issued_again_only_when_it_must(tmp_path: Path, site: Site) -> None:
    folder = tmp_path / "certs"
    first = load_certificate(ensure_collector(site, "local", folder) / "collector.crt")
    assert load_certificate(ensure_collector(site, "local", folder) / "collector.crt") == first
    (folder / "collector.key").write_bytes((site.pki / "hub.key").read_bytes())
    second = load_certificate(ensure_collector(site, "local", folder) / "collector.crt")
    assert second != first
    revoke_collector(site, "local")
    third = load_certificate(ensure_collector(site, "local", folder) / "collector.crt")
    assert third != second
    fourth = load_certificate(ensure_collector(at(site, 800), "local", folder) / "collector.crt")
    assert fourth != third
    other = ensure_site(tmp_path / "other", time.time)
    assert load_certificate(ensure_collector(other, "local", folder) / "collector.crt") != fourth
    assert load_certificate(folder / "ca.crt") == other.ca.certificate


def break_file(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[:100])
    elif how == "open":
        path.chmod(0o644)
    elif how == "folder":
        path.unlink()
        path.mkdir()


@pytest.mark.parametrize(
    ("file", "how", "says"),
    [
        ("collector.key", "missing", "collector.key is missing; enrol"),
        ("collector.crt", "missing", "collector.crt is missing; enrol"),
        ("ca.crt", "missing", "ca.crt is missing; enrol"),
        ("collector.key", "open", "chmod 600"),
        ("collector.key", "truncated", "not a private key"),
        ("collector.key", "empty", "not a private key"),
        ("collector.crt", "truncated", "not a certificate"),
        ("ca.crt", "empty", "not a certificate"),
        ("ca.crt", "folder", "cannot be read"),
    ],
)
def test_each_mistake_in_a_collectors_files_is_a_sentence(
    tmp_path: Path, site: Site, file: str, how: str, says: str
) -> None:
    folder = issue_collector(site, "local", tmp_path / "certs")
    break_file(folder / file, how)
    with pytest.raises(SettingsError, match=says) as raised:
        collector_tls_options(folder, time.time)
    assert str(folder / file) in raised.value.message


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path, site: Site) -> None:
    one, two = issue_collector(site, "one", tmp_path / "one"), issue_collector(site, "two", tmp_path / "two")
    other = ensure_site(tmp_path / "other", time.time)
    (one / "ca.crt").write_bytes((other.pki / "ca.crt").read_bytes())
    with pytest.raises(SettingsError, match=r"not issued by ca\.crt"):
        collector_tls_options(one, time.time)
    (two / "collector.crt").write_bytes((one / "collector.crt").read_bytes())
    with pytest.raises(SettingsError, match="is not the key of"):
        collector_tls_options(two, time.time)


def test_an_expired_certificate_is_named(tmp_path: Path, site: Site) -> None:
    folder = issue_collector(site, "one", tmp_path / "one")
    with pytest.raises(SettingsError, match=r"collector.crt has expired; enrol collector one again"):
        collector_tls_options(folder, at(site, 900).wall)


def test_a_site_without_its_key_is_not_made_anew_behind_everybodys_back(tmp_path: Path, site: Site) -> None:
    (site.pki / "ca.key").unlink()
    with pytest.raises(SettingsError, match="put it back from a backup"):
        ensure_site(tmp_path / "pki", time.time)


def test_a_start_that_was_killed_between_two_files_is_completed(tmp_path: Path) -> None:
    site = ensure_site(tmp_path / "pki", time.time)
    folder = issue_collector(site, "one", tmp_path / "one")
    (site.pki / "ca.crt").unlink()
    (site.pki / "hub.crt").unlink()
    again = ensure_site(tmp_path / "pki", time.time)
    assert again.ca.key.private_numbers() == site.ca.key.private_numbers()
    assert collector_name(again, load_certificate(folder / "collector.crt")) == "one"
    hub_tls_options(again)


def test_an_expired_site_and_an_open_key_say_what_to_do(tmp_path: Path, site: Site) -> None:
    with pytest.raises(SettingsError, match="enrol collectors anew"):
        ensure_site(tmp_path / "pki", lambda: time.time() + (CA_DAYS + 1) * DAY_S)
    (site.pki / "ca.key").chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        ensure_site(tmp_path / "pki", time.time)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SettingsError, match="cannot be made"):
        ensure_site(tmp_path / "file" / "pki", time.time)


def test_no_key_shows_when_a_site_is_printed(site: Site) -> None:
    assert "key hidden" in repr(site)
    assert "PRIVATE" not in repr(site)
