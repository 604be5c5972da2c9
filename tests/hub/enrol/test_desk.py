"""Tokens and what they are good for: once, for a while, for one name, at one hub."""

from __future__ import annotations

import stat
from collections.abc import Iterator

import pytest

from common.certificates import ensure_site, fingerprint, registered
from common.edge.pem import new_key
from common.edge.requests import make_request
from common.edge.tokens import Token, read_token, write_token
from common.errors import NotFoundError, PermanentError, SettingsError
from hub.enrol.desk import EnrolDesk
from hub.enrol.tokenbook import REMEMBER_S, TokenBook, TokenError
from tests.fakes.enrolment import EnrolHub, FakeSession

HOUR_S = 3600.0


@pytest.fixture
def hub() -> Iterator[EnrolHub]:
    made = EnrolHub()
    yield made
    made.close()


def test_a_token_gives_a_certificate_in_its_name(hub: EnrolHub) -> None:
    key = new_key()
    certificate = hub.enrol(hub.token("far"), key)
    assert certificate.public_key() == key.public_key()
    entry = registered(hub.site, "far")
    assert entry is not None
    assert (entry.newest, entry.before) == (certificate, None)


def test_there_is_no_token_for_the_hubs_own_name(hub: EnrolHub) -> None:
    with pytest.raises(PermanentError, match="no collector can be called hub"):
        hub.token("hub")
    assert hub.token("hub1")


def test_a_token_is_good_once(hub: EnrolHub) -> None:
    token = hub.token()
    first = hub.enrol(token)
    with pytest.raises(TokenError, match="used already, and is good only once"):
        hub.enrol(token)
    entry = registered(hub.site, "far")
    assert entry is not None
    assert entry.newest == first


def test_whose_answer_was_lost_may_ask_again_with_the_same_key_and_gets_the_same(hub: EnrolHub) -> None:
    token, key = hub.token(), new_key()
    first = hub.enrol(token, key)
    assert hub.enrol(token, key) == first
    hub.clock.advance(HOUR_S)
    with pytest.raises(TokenError, match="expired"):
        hub.enrol(token, key)


def test_a_replay_of_what_was_asked_does_not_undo_a_later_enrolment_or_revocation(hub: EnrolHub) -> None:
    token, key = hub.token(), new_key()
    hub.enrol(token, key)
    later = hub.enrol(hub.token(again=True))
    with pytest.raises(TokenError, match="counts no longer"):
        hub.enrol(token, key)
    entry = registered(hub.site, "far")
    assert entry is not None
    assert entry.newest == later
    hub.desk.revoke("far")
    with pytest.raises(TokenError, match="not known"):
        hub.enrol(token, key)


def test_killed_between_certificate_and_token_the_same_key_gets_it_and_the_token_is_used(hub: EnrolHub) -> None:
    token, key = hub.token(), new_key()
    before = (hub.folder / "pki" / "tokens.json").read_bytes()
    first = hub.enrol(token, key)
    (hub.folder / "pki" / "tokens.json").write_bytes(before)
    hub.desk = hub.make_desk()
    assert hub.enrol(token, key) == first
    with pytest.raises(TokenError, match="used already"):
        hub.enrol(token)


def test_a_token_expires(hub: EnrolHub) -> None:
    token = hub.token(lifetime_s=HOUR_S)
    hub.clock.advance(HOUR_S - 1)
    assert [one.name for one in hub.desk.open_tokens()] == ["far"]
    hub.clock.advance(1)
    with pytest.raises(TokenError, match="expired"):
        hub.enrol(token)
    assert hub.desk.open_tokens() == []
    hub.clock.advance(REMEMBER_S)
    hub.token("other")
    with pytest.raises(TokenError, match="not known"):
        hub.enrol(token)


def test_tokens_survive_a_start_of_the_hub_and_so_does_their_use(hub: EnrolHub) -> None:
    token = hub.token()
    hub.desk = hub.make_desk()
    hub.enrol(token)
    hub.desk = hub.make_desk()
    with pytest.raises(TokenError, match="used already"):
        hub.enrol(token)


def test_no_secret_is_on_disk_and_the_file_is_its_owners(hub: EnrolHub) -> None:
    text = hub.token()
    path = hub.folder / "pki" / "tokens.json"
    token = read_token(text)
    for secret in (token.secret, token.secret.hex().encode(), text.encode()):
        assert secret not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token.secret.hex() not in repr(token)
    assert text not in repr(hub.desk.make_token("near", 60, again=False))


def test_a_newer_token_of_a_collector_ends_the_one_before(hub: EnrolHub) -> None:
    first = hub.token()
    second = hub.token()
    with pytest.raises(TokenError, match="not known"):
        hub.enrol(first)
    hub.enrol(second)


def test_tokens_can_be_withdrawn(hub: EnrolHub) -> None:
    token = hub.token()
    assert hub.desk.withdraw("far") == 1
    with pytest.raises(TokenError, match="not known"):
        hub.enrol(token)
    with pytest.raises(NotFoundError, match="no open token"):
        hub.desk.withdraw("far")


def test_what_was_changed_in_a_token_makes_it_another(hub: EnrolHub) -> None:
    read = read_token(hub.token("far"))
    other = ensure_site(hub.folder / "other", hub.wall).ca.certificate
    for changes, says in (
        ({"name": "near"}, "not known"),
        ({"secret": bytes(24)}, "not known"),
        ({"id": bytes(8)}, "not known"),
        ({"ca": fingerprint(other)}, "of another hub"),
    ):
        fields = {"id": read.id, "name": read.name, "ca": read.ca, "secret": read.secret}
        with pytest.raises(TokenError, match=says):
            hub.enrol(write_token(Token(**{**fields, **changes})))  # type: ignore[arg-type]  # names and bytes
    assert registered(hub.site, "far") is None
    assert registered(hub.site, "near") is None


def test_a_request_for_another_name_costs_the_token_nothing(hub: EnrolHub) -> None:
    token = hub.token("far")
    with pytest.raises(PermanentError, match="names others"):
        hub.desk.enrol(read_token(token), make_request(new_key(), "near"))
    hub.enrol(token)


def test_a_name_that_is_enrolled_needs_again_and_the_old_certificate_ends_with_the_use(hub: EnrolHub) -> None:
    first = hub.enrol(hub.token())
    session = FakeSession("far", "process")
    hub.sessions.append(session)
    with pytest.raises(PermanentError, match=r"enrolled already.*--again"):
        hub.token()
    token = hub.token(again=True)
    assert session.aborted == ""
    entry = registered(hub.site, "far")
    assert entry is not None
    assert entry.newest == first
    hub.enrol(token)
    assert session.aborted == "it was enrolled anew"


def test_an_expired_or_revoked_collector_needs_no_again(hub: EnrolHub) -> None:
    hub.enrol(hub.token())
    hub.desk.revoke("far")
    hub.enrol(hub.token())
    hub.clock.advance(826 * 86400)
    hub.enrol(hub.token())


@pytest.mark.parametrize("name", ["", "../far", "a b", "x" * 101, "é"])
def test_names_that_cannot_be_get_no_token(hub: EnrolHub, name: str) -> None:
    with pytest.raises(SettingsError, match="collector name"):
        hub.token(name)


def test_a_pool_gets_none_and_lifetimes_and_numbers_have_bounds(hub: EnrolHub) -> None:
    hub.pools.add("eu")
    with pytest.raises(PermanentError, match="eu is a pool"):
        hub.token("eu")
    for lifetime_s in (0.0, 59.0, 30 * 86400 + 1, float("inf"), float("nan"), -1.0):
        with pytest.raises(PermanentError, match="between 1 minute and 30 days"):
            hub.token(lifetime_s=lifetime_s)


def test_a_revocation_cuts_all_sessions_of_that_collector_and_withdraws_its_token(hub: EnrolHub) -> None:
    hub.enrol(hub.token())
    token = hub.token(again=True)
    hub.sessions += [FakeSession("far", "process"), FakeSession("far", "modeler"), FakeSession("near", "process")]
    done = hub.desk.revoke("far")
    assert (done.had_certificate, done.cut, done.tokens) == (True, ["process", "modeler"], 1)
    assert [one.aborted for one in hub.sessions] == ["its certificate was revoked"] * 2 + [""]
    with pytest.raises(TokenError, match="not known"):
        hub.enrol(token)
    with pytest.raises(PermanentError, match="far is revoked already") as refused:
        hub.desk.revoke("far")
    assert not isinstance(refused.value, NotFoundError), "it is known"
    standing = hub.desk.standing("far")
    assert (standing.expires, standing.revoked) == (None, hub.wall())


def test_revoking_who_is_not_known_names_those_who_are(hub: EnrolHub) -> None:
    hub.enrol(hub.token())
    with pytest.raises(NotFoundError, match="collector fra has no certificate; those that have one: far"):
        hub.desk.revoke("fra")
    with pytest.raises(SettingsError, match="collector name"):
        hub.desk.revoke("../../etc")


def test_a_damaged_book_of_tokens_is_told(hub: EnrolHub) -> None:
    path = hub.folder / "pki" / "tokens.json"
    path.write_text("[{")
    with pytest.raises(SettingsError, match=r"tokens\.json cannot be read.*remove it"):
        EnrolDesk(hub.site, TokenBook(path, hub.wall), hub.sessions_of)
