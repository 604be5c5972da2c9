"""Which certificates count, over renewals, revocations and enrolments anew."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from cryptography import x509

from common.edge.authority import Site, ensure_site
from common.edge.certificate import DAY_S, due_at, ends_at
from common.edge.pem import new_key
from common.edge.registry import (
    GRACE_S,
    check_standing,
    collector_name,
    enrol_collector,
    note_login,
    registered,
    registered_names,
    renew_collector,
    revoke_collector,
    revoked_at,
)
from common.errors import PermanentError, SettingsError

Check = Callable[[Site, x509.Certificate | None], object]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return ensure_site(tmp_path / "pki", time.time)


def later(site: Site, seconds: float) -> Site:
    return msgspec.structs.replace(site, wall=lambda: time.time() + seconds)


def enrol(site: Site, name: str = "far") -> x509.Certificate:
    return enrol_collector(site, name, new_key().public_key())


def renew(site: Site, present: x509.Certificate) -> x509.Certificate:
    return renew_collector(site, present, new_key().public_key())


def counts(check: Check, site: Site, certificate: x509.Certificate) -> bool:
    try:
        check(site, certificate)
    except PermanentError:
        return False
    return True


def test_after_a_renewal_both_certificates_count(site: Site) -> None:
    first = enrol(site)
    second = renew(site, first)
    for check in (collector_name, check_standing):
        assert counts(check, site, first)
        assert counts(check, site, second)


def test_once_the_new_one_is_in_use_the_old_one_has_a_day_for_logins_and_its_life_for_sessions(site: Site) -> None:
    first = enrol(site)
    second = renew(site, first)
    note_login(site, first)
    assert counts(collector_name, later(site, 30 * DAY_S), first), "nobody has come with the new one yet"
    note_login(site, second)
    assert counts(collector_name, later(site, GRACE_S - 60), first)
    after = later(site, GRACE_S + 60)
    with pytest.raises(PermanentError, match="replaced by a newer one"):
        collector_name(after, first)
    assert counts(check_standing, after, first)
    assert counts(collector_name, after, second)
    assert not counts(check_standing, later(site, 826 * DAY_S), first)


def test_the_day_begins_with_the_first_login_and_not_with_each(site: Site) -> None:
    first = enrol(site)
    second = renew(site, first)
    note_login(site, second)
    note_login(later(site, GRACE_S / 2), second)
    assert not counts(collector_name, later(site, GRACE_S + 60), first)


def test_a_renewal_whose_answer_was_lost_leaves_the_collector_with_what_it_has(site: Site) -> None:
    first = enrol(site)
    lost = renew(site, first)
    third = renew(site, first)
    assert counts(collector_name, later(site, 30 * DAY_S), first)
    assert counts(collector_name, site, third)
    assert not counts(collector_name, site, lost)


def test_the_one_before_the_one_before_counts_no_longer(site: Site) -> None:
    first = enrol(site)
    second = renew(site, first)
    third = renew(site, second)
    assert [counts(check_standing, site, one) for one in (first, second, third)] == [False, True, True]
    with pytest.raises(PermanentError, match="replaced"):
        renew(site, first)


def test_an_enrolment_anew_ends_all_earlier_certificates_at_once(site: Site) -> None:
    first = enrol(site)
    second = renew(site, first)
    third = enrol(site)
    assert [counts(check_standing, site, one) for one in (first, second, third)] == [False, False, True]


def test_a_revocation_ends_both_certificates_and_says_since_when(site: Site) -> None:
    first = enrol(site)
    second = renew(site, first)
    other = enrol(site, "near")
    assert revoke_collector(site, "far")
    assert not revoke_collector(site, "far")
    for certificate in (first, second):
        for check in (collector_name, check_standing):
            with pytest.raises(PermanentError, match=r"collector far was revoked 20\d\d-.*Z; .*tocsin collector token"):
                check(site, certificate)
    assert counts(collector_name, site, other)
    assert revoked_at(site, "far") == pytest.approx(time.time(), abs=60)
    assert revoked_at(site, "near") is None
    assert registered_names(site) == ["near"]


def test_a_revocation_is_on_disk_when_it_is_said_to_be_done(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(site)
    issued, revoked = site.pki / "issued", site.pki / "revoked"
    real, synced = os.fsync, []

    def fsync(descriptor: int) -> None:
        real(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        synced.append((path, (revoked / "far.crt").exists(), (issued / "far.crt").exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    revoke_collector(site, "far")
    wanted = [(revoked, True, True), (site.pki, True, True), (issued, True, False)]
    assert [one for one in synced if one in wanted] == wanted, "first that it was revoked, then that it is gone"


def test_enrolled_again_after_a_revocation_it_is_back_and_the_revoked_one_is_not(site: Site) -> None:
    first = enrol(site)
    revoke_collector(site, "far")
    second = enrol(site)
    assert collector_name(site, second) == "far"
    assert revoked_at(site, "far") is None
    with pytest.raises(PermanentError, match="was revoked"):
        collector_name(site, first)


def test_names_that_end_like_files_are_told_apart(site: Site) -> None:
    certificates = {name: enrol(site, name) for name in ("a", "a.crt", "a.crt.crt")}
    assert registered_names(site) == ["a", "a.crt", "a.crt.crt"]
    revoke_collector(site, "a.crt")
    assert [counts(collector_name, site, one) for one in certificates.values()] == [True, False, True]


def test_a_damaged_entry_counts_for_nothing_and_is_named(site: Site) -> None:
    certificate = enrol(site)
    (site.pki / "issued" / "far.crt").write_bytes(b"-----BEGIN")
    with pytest.raises(SettingsError, match=r"far\.crt holds no certificate"):
        collector_name(site, certificate)


def test_an_entry_survives_what_was_written_to_it(site: Site) -> None:
    first = enrol(site)
    second = renew(site, first)
    note_login(site, second)
    entry = registered(site, "far")
    assert entry is not None
    assert (entry.newest, entry.before) == (second, first)
    assert entry.in_use_since == pytest.approx(time.time(), abs=60)
    assert registered(site, "nobody") is None


@pytest.mark.parametrize(("days", "due_before_end_days"), [(825, 60), (180, 60), (90, 30), (0.5, 0.5 / 3)])
def test_a_certificate_is_due_sixty_days_before_its_end_or_in_its_last_third(
    site: Site, days: float, due_before_end_days: float
) -> None:
    certificate = enrol(msgspec.structs.replace(site, collector_days=days))
    assert ends_at(certificate) == pytest.approx(time.time() + days * DAY_S, abs=60)
    assert ends_at(certificate) - due_at(certificate) == pytest.approx(due_before_end_days * DAY_S, abs=2)
