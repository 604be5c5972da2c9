"""v3 without a network: discovery, time windows, replays, what agents refuse and what we refuse."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.framework.snmp import messages, v3
from collectors.framework.snmp.errors import BadAnswer, SnmpAuthError, SnmpError, SnmpTimeout
from collectors.framework.snmp.exchange import Shared
from collectors.framework.snmp.factory import client_factory
from collectors.framework.snmp.messages import PduType
from collectors.framework.snmp.rows import Indexes
from collectors.framework.snmp.security import UserSecurity
from collectors.framework.snmp.usm import Extension, KeyCache
from common.configs import AuthProtocol, PrivProtocol, SnmpConfig, SnmpVersion
from tests.collectors.framework.snmp.test_client import COLUMNS, PROCESSES, expected
from tests.fakes.snmp import AGENT, FakeUdpReactor
from tests.fakes.snmp_agent import SYS_UP_TIME, Agent, User, host_values

AUTH, PRIV = "auth password", "priv password"


def user(auth: AuthProtocol, priv: PrivProtocol, extension: Extension = Extension.BLUMENTHAL) -> User:
    return User(
        "operator",
        auth,
        "" if auth is AuthProtocol.NONE else AUTH,
        priv,
        "" if priv is PrivProtocol.NONE else PRIV,
        extension,
    )


def config_of(known: User, **changes: object) -> SnmpConfig:
    config = SnmpConfig(
        version=SnmpVersion.V3,
        timeout_s=1.0,
        retries=1,
        user=known.name,
        auth_protocol=known.auth,
        auth_password=known.auth_password,
        priv_protocol=known.priv,
        priv_password=known.priv_password,
    )
    return msgspec.structs.replace(config, **changes)


SHA_AES = user(AuthProtocol.SHA256, PrivProtocol.AES128)
SHA = user(AuthProtocol.SHA1, PrivProtocol.NONE)


class Bench:
    def __init__(self, known: User = SHA_AES, **changes: object) -> None:
        self.agent = Agent(host_values(PROCESSES), users=[known])
        self.reactor = FakeUdpReactor(self.through)
        self.change: Callable[[bytes], list[bytes]] = lambda answer: [answer]
        self.answers: list[bytes] = []
        factory = client_factory(self.reactor, self.reactor, random.Random(3))
        self.client = factory(AGENT[0], config_of(known, **changes))

    def through(self, datagram: bytes) -> list[bytes]:
        answer = self.agent.answer(datagram, self.reactor.seconds())
        if answer is None:
            return []
        self.answers.append(answer)
        return self.change(answer)

    def get(self) -> object:
        return self.reactor.finish(self.client.get([SYS_UP_TIME]))


@pytest.mark.parametrize("auth", list(AuthProtocol))
@pytest.mark.parametrize("priv", list(PrivProtocol))
def test_every_protocol_reads_the_table(auth: AuthProtocol, priv: PrivProtocol) -> None:
    if auth is AuthProtocol.NONE and priv is not PrivProtocol.NONE:
        return
    bench = Bench(user(auth, priv))
    table = bench.reactor.finish(bench.client.table(COLUMNS))
    assert list(table.columns) == expected(sorted(PROCESSES))
    clear = b"name303" in b"".join(bench.answers)
    assert clear == (priv is PrivProtocol.NONE)


@pytest.mark.parametrize("auth", [AuthProtocol.MD5, AuthProtocol.SHA1, AuthProtocol.SHA224])
@pytest.mark.parametrize("priv", [PrivProtocol.AES192, PrivProtocol.AES256])
def test_key_is_lengthened_the_way_the_agent_does(auth: AuthProtocol, priv: PrivProtocol) -> None:
    bench = Bench(user(auth, priv, Extension.REEDER))
    assert bench.get() == [100_000]
    started = bench.reactor.seconds()
    assert bench.get() == [100_000]
    assert bench.reactor.seconds() - started < 0.5  # found once, remembered


def test_engine_is_discovered_once() -> None:
    bench = Bench()
    for _ in range(5):
        assert bench.get() == [100_000]
    assert len(bench.reactor.sent) == 6


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"user": "nobody"}, "does not know the user"),
        ({"auth_password": "wrong password"}, "signature is wrong"),
        ({"auth_protocol": AuthProtocol.SHA512}, "signature is wrong"),
        ({"priv_password": "wrong password"}, "priv_password"),
        ({"priv_protocol": PrivProtocol.AES256}, "priv_password and priv_protocol"),
    ],
)
def test_refusal_names_user_and_setting_but_no_secret(changes: dict[str, object], sentence: str) -> None:
    bench = Bench(SHA_AES, **changes)
    with pytest.raises(SnmpAuthError, match=sentence) as caught:
        bench.get()
    said = str(caught.value)
    assert "192.0.2.1:161" in said
    assert "'nobody'" in said or "'operator'" in said
    assert not any(secret in said for secret in (AUTH, PRIV, "wrong password"))


def test_nothing_is_asked_in_clear_once_privacy_has_worked() -> None:
    bench = Bench()
    bench.get()
    bench.change = lambda _: []
    before = len(bench.reactor.sent)
    with pytest.raises(SnmpTimeout):
        bench.get()
    asked = bench.reactor.sent[before:]
    assert len(asked) == 2
    assert all(v3.decode_message(datagram).flags & v3.PRIV_FLAG for datagram in asked)


def test_level_that_the_user_has_not_is_refused() -> None:
    bench = Bench(SHA, priv_protocol=PrivProtocol.AES128, priv_password=PRIV)
    with pytest.raises(SnmpAuthError, match="security level"):
        bench.get()


def test_agent_that_restarts_is_followed() -> None:
    bench = Bench()
    bench.get()
    bench.agent.boots += 1
    bench.agent.started_at = bench.reactor.seconds()
    assert bench.get() == [100_000]
    assert bench.get() == [100_000]


def test_agent_whose_clock_jumps_is_followed() -> None:
    bench = Bench()
    bench.get()
    bench.agent.started_at -= 5000
    assert bench.get() == [100_000]


def test_agent_that_is_replaced_is_learnt_anew() -> None:
    bench = Bench()
    bench.get()
    bench.agent.engine_id = b"another engine"
    bench.agent.boots = 1
    assert bench.get() == [100_000]


def test_agent_that_goes_back_in_boots_is_believed_after_one_silence() -> None:
    bench = Bench()
    bench.get()
    bench.agent.boots = 1
    with pytest.raises(SnmpTimeout):
        bench.get()
    assert bench.get() == [100_000]


def test_our_clock_runs_on_with_the_engine() -> None:
    bench = Bench()
    bench.get()
    bench.reactor.advance(10_000)
    before = len(bench.reactor.sent)
    assert bench.get() == [100_000]
    assert len(bench.reactor.sent) == before + 1


def test_answer_that_is_changed_on_the_way_is_no_answer() -> None:
    bench = Bench(SHA)
    bench.get()
    bench.change = lambda answer: [answer[:-1] + bytes((answer[-1] ^ 1,))]
    with pytest.raises(SnmpTimeout, match="wrong signature"):
        bench.get()


def test_replayed_answer_is_no_answer() -> None:
    bench = Bench(SHA)
    bench.get()
    old = bench.answers[-1]
    bench.change = lambda _: [old]
    with pytest.raises(SnmpTimeout, match="no request of ours"):
        bench.get()


def test_answer_whose_pdu_answers_another_request_is_no_answer() -> None:
    bench = Bench(SHA)
    bench.get()
    honest = bench.agent.respond

    def other_number(pdu: messages.Pdu, version: int) -> bytes:
        return honest(msgspec.structs.replace(pdu, request_id=pdu.request_id ^ 1), version)

    bench.agent.respond = other_number  # type: ignore[method-assign]
    with pytest.raises(SnmpTimeout, match="another request"):
        bench.get()


def test_endless_reports_end() -> None:
    bench = Bench(SHA)
    bench.agent.started_at = -1000.0
    bench.get()

    def other_engine_each_time(_: bytes) -> list[bytes]:
        bench.agent.engine_id = b"engine %08d" % len(bench.reactor.sent)
        return [bench.agent.answer(bench.reactor.sent[-1]) or b""]

    bench.change = other_engine_each_time
    with pytest.raises(SnmpAuthError, match="again and again"):
        bench.get()
    assert len(bench.reactor.sent) < 20


# --- one message at a time --------------------------------------------------------------------------------------------


def met(known: User) -> tuple[UserSecurity, Agent]:
    agent = Agent(host_values(PROCESSES), users=[known])
    security = UserSecurity(config_of(known), KeyCache(), random.Random(4))
    report = agent.answer(security.discovery(1))
    assert report is not None
    security.heed(security.open(report, 0.0), 0.0)
    return security, agent


def request() -> bytes:
    return messages.encode_pdu(PduType.GET, 5, 0, 0, messages.ask_for_all([SYS_UP_TIME]))


def test_answer_weaker_than_the_request_is_refused() -> None:
    for strong, weak in ((SHA_AES, SHA_AES.auth), (SHA, None)):
        security, agent = met(strong)
        pdu = agent.respond(messages.decode_pdu(request(), 0, len(request())), 3)
        flags = 0 if weak is None else v3.AUTH_FLAG
        with pytest.raises(BadAnswer, match=r"clear|without signature"):
            security.open(agent._sealed(9, flags, strong, pdu, 0.0), 0.0)


def test_answer_of_another_user_or_engine_is_refused() -> None:
    plain = user(AuthProtocol.NONE, PrivProtocol.NONE)
    security, agent = met(plain)
    pdu = agent.respond(messages.decode_pdu(request(), 0, len(request())), 3)
    security.open(agent._sealed(9, 0, plain, pdu, 0.0), 0.0)
    with pytest.raises(BadAnswer, match="user"):
        security.open(agent._sealed(9, 0, msgspec.structs.replace(plain, name="root"), pdu, 0.0), 0.0)
    agent.engine_id = b"another"
    with pytest.raises(BadAnswer, match="engine"):
        security.open(agent._sealed(9, 0, plain, pdu, 0.0), 0.0)


@pytest.mark.parametrize("engine_id", [b"", b"1234", b"x" * 33])
def test_engine_id_of_a_length_that_cannot_be_is_refused(engine_id: bytes) -> None:
    agent = Agent({}, users=[SHA])
    agent.engine_id = engine_id
    security = UserSecurity(config_of(SHA), KeyCache(), random.Random(4))
    reports = agent._report(v3.decode_message(security.discovery(1)), 4, 0.0)
    with pytest.raises((BadAnswer, SnmpAuthError)):
        security.heed(security.open(reports, 0.0), 0.0)
    assert not security.ready


def test_unsigned_report_about_time_does_not_move_the_clock() -> None:
    security, agent = met(SHA)
    agent.boots = 77
    forged = agent._report(v3.decode_message(security.seal(request(), 9, 0.0)), 2, 0.0)
    with pytest.raises(SnmpAuthError, match="time window"):
        security.heed(security.open(forged, 0.0), 0.0)


def test_salts_are_never_used_twice() -> None:
    security, _ = met(SHA_AES)
    salts = {v3.decode_message(security.seal(request(), number, 0.0)).salt for number in range(100)}
    assert len(salts) == 100


@settings(max_examples=300)
@given(st.data())
def test_mutated_messages_are_refused_or_harmless(data: st.DataObject) -> None:
    security, agent = met(data.draw(st.sampled_from([SHA_AES, SHA, user(AuthProtocol.NONE, PrivProtocol.NONE)])))
    answer = bytearray(agent.answer(security.seal(request(), 9, 0.0)) or b"")
    for place, byte in data.draw(
        st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), min_size=1, max_size=5)
    ):
        answer[place % len(answer)] = byte
    if data.draw(st.booleans()):
        del answer[data.draw(st.integers(0, len(answer))) :]
    try:
        opened = security.open(bytes(answer), 0.0)
        messages.decode_varbinds(opened.pdu)
        if opened.pdu.kind == PduType.REPORT:
            security.heed(opened, 0.0)
    except (SnmpError, SnmpAuthError):
        pass


def test_secrets_do_not_show() -> None:
    shared = Shared(None, FakeUdpReactor(), random.Random(1), KeyCache(), Indexes(), print)
    shared.keys.key(AuthProtocol.MD5, AUTH)
    assert AUTH not in repr(shared)
    assert AUTH not in repr(config_of(SHA_AES))
