"""What reads bytes of others, fed with anything: it reads or refuses, within its limits, and does nothing else."""

from __future__ import annotations

import random
import time
import tracemalloc
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.spread.banana import Banana

from common import queries, wire
from common.components import ComponentKind, FoundComponent
from common.configs import ProcessSetConfig, SnmpConfig
from common.edge.expressions import Expression, ExpressionReader, Limits, Refused, encode
from common.errors import RemoteError
from common.events import Event, Severity
from tests.common.edge.test_broker import PAYLOADS
from tests.fakes.sessions import device_config
from tests.faults.figures import told
from tests.faults.length import LIMIT_S, pick

pytestmark = pytest.mark.timeout(LIMIT_S)

FUZZ = settings(
    max_examples=pick(150, 10_000),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=pick(True, False),
)
SECONDS = pick(1.0, 240.0)

# --- expressions ------------------------------------------------------------------------------------------------------

LEAVES = (
    st.integers(0, 2**63 - 1) | st.binary(max_size=60) | st.sampled_from([b"tuple", b"message", b"answer", b"None"])
)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=8), max_leaves=60)
KINDS = st.sampled_from([0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0xFF])
TOKENS = st.builds(
    lambda prefix, kind: bytes(prefix) + bytes([kind]), st.lists(st.integers(0, 127), max_size=11), KINDS
)
STREAMS = st.lists(st.binary(max_size=200) | TREES.map(encode) | TOKENS, max_size=10).map(b"".join)
LIMITS = st.builds(Limits, size_bytes=st.integers(1, 500), items=st.integers(1, 40), depth=st.integers(1, 6))


def depth(expression: Expression) -> int:
    return 1 + max(map(depth, expression), default=0) if isinstance(expression, list) else 0


def items(expression: Expression) -> int:
    return 1 + sum(map(items, expression)) if isinstance(expression, list) else 1


def weight(expression: Expression) -> int:
    """Bytes that stand in it as they came; words of the vocabulary come as numbers."""
    if isinstance(expression, list):
        return sum(map(weight, expression))
    return len(expression) if isinstance(expression, bytes) and expression not in Banana.outgoingVocabulary else 0


def feed(reader: ExpressionReader, data: bytes, piece: int) -> None:
    """Feed a stream in pieces; whatever comes out keeps the limits, and so does what is held back."""
    for start in range(0, len(data), piece):
        try:
            for expression in reader.feed(data[start : start + piece]):
                assert depth(expression) <= reader.limits.depth
                assert items(expression) <= reader.limits.items
                assert weight(expression) <= reader.limits.size_bytes
        except Refused:
            assert reader.held_bytes == 0
            return
        assert reader.held_bytes <= reader.limits.size_bytes + piece + 10  # a prefix is counted when it has ended


@given(STREAMS, LIMITS, st.integers(1, 300))
@FUZZ
def test_any_stream_is_read_or_refused_within_the_limits(data: bytes, limits: Limits, piece: int) -> None:
    feed(ExpressionReader(limits), data, piece)


@given(st.lists(TREES, max_size=4), LIMITS, st.integers(1, 300))
@FUZZ
def test_well_formed_expressions_are_held_to_the_limits_too(trees: list[Any], limits: Limits, piece: int) -> None:
    feed(ExpressionReader(limits), b"".join(map(encode, trees)), piece)


# --- messages ---------------------------------------------------------------------------------------------------------

EVENT = Event(device="web1", event_class="/A", severity=Severity.ERROR, summary="s", at=1.0, details={"a": 1, "b": [1]})
CONFIG = msgspec.structs.replace(
    device_config("web1", sets=3),
    snmp=SnmpConfig(),
    process_sets=(ProcessSetConfig(id="a", title="A", order=1, include="a", name="a", count_max=3),),
)
FOUND = FoundComponent(kind=ComponentKind.FILESYSTEM, name="/", attributes={"size_bytes": 1})
OUTCOME = wire.PluginOutcome(plugin="p", kinds=[ComponentKind.FILESYSTEM], components=[FOUND], attributes={"a": "b"})
MESSAGES: list[Any] = [
    wire.Attach(daemon="process", host="h", software="1", oldest=1, newest=1, spool="s", started_at=1.0),
    wire.Attached(collector="c", version=1, epoch="e", stored_seq=7),
    wire.EventBatch(spool="s", events=[wire.SpooledEvent(n, EVENT) for n in range(1, 5)]),
    wire.EventsStored(5),
    wire.Heartbeat(counts=wire.TaskCounts(devices=3, problem="p")),
    wire.ModelReport(device="web1", at=1.0, outcomes=[OUTCOME], age_s=1.5),
    wire.HeldRequest("a"),
    wire.Held(all="0" * 32, configs=[("a", "1" * 32), ("b", "2" * 32)], more=True),
    wire.ConfigBatch(revision=1, changed=[CONFIG], removed=["a"]),
    wire.ConfigsApplied(live={"a": "0" * 32}, rejected=[wire.Rejected("b", "no")], all="0" * 32),
    wire.Failure(wire.FailureCode.BUSY, "later", ["a"]),
]
QUERIES: list[Any] = [
    queries.ProcessesQuery(device="a"),
    queries.SetsQuery(devices=["a"]),
    queries.ListQuery(device="a"),
    queries.FetchQuery(device="a", component="c", source="s", points=["p"], start=0, end=1),
    queries.LiveConfigQuery("a"),
    queries.RunNowQuery(["a"]),
    queries.DecidedQuery(
        [queries.Decision(device="a", component="c", event_class="/A", event_key="k", severity=4, open=True)]
    ),
    queries.ModelQuery(devices=["a"], run="r"),
]
TYPES = [type(message) for message in MESSAGES]
RAW = [msgspec.msgpack.encode(message) for message in (*MESSAGES, *QUERIES)]
BOMBS = [
    b"\x91" * 100_000,
    b"\x81\xa1x" * 60_000,
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"\xc9\xff\xff\xff\xff\x01",
    b"\x92\xcb\x7f\xf8" + bytes(6),
]
SPLICES = st.tuples(st.integers(0, 10_000), st.integers(0, 12), st.binary(max_size=12) | st.sampled_from(BOMBS[2:6]))


def spliced(raw: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """Cut something out in some places, and put something else there."""
    for place, gone, instead in changes:
        at = place % (len(raw) + 1)
        raw = raw[:at] + instead + raw[at + gone :]
    return raw


def read(data: bytes) -> int:
    """Read bytes as every message that there is; what is read can be said again. How often it was one."""
    found = 0
    for type_ in TYPES:
        try:
            message = wire.decode(data, type_)
        except wire.WireError:
            continue
        found += 1
        assert type(message) is type_
        again = wire.decode(wire.encode(message), type_)
        assert again == message or wire.encode(again) == wire.encode(message)  # a NaN is not itself
    for decode in (wire.decode_query, wire.decode_result, lambda raw: wire.decode_answer(raw, wire.Held)):
        try:
            decode(data)
        except (wire.WireError, RemoteError):
            continue
        found += 1
    return found


@given(st.sampled_from(RAW), st.lists(SPLICES, max_size=4), st.booleans())
@FUZZ
def test_a_message_that_was_changed_is_one_or_is_refused(
    raw: bytes, changes: list[tuple[int, int, bytes]], packed: bool
) -> None:
    body = spliced(raw, changes)
    read(b"\x01" + zstandard.ZstdCompressor().compress(body) if packed else b"\x00" + body)


@given(st.binary(max_size=300))
@FUZZ
def test_any_bytes_are_a_message_or_are_refused(data: bytes) -> None:
    read(data)


def test_unchanged_messages_are_read_and_bombs_are_not() -> None:
    assert all(read(b"\x00" + raw) >= 1 for raw in RAW)
    for bomb in BOMBS:
        assert read(b"\x00" + bomb) == 0
    zeros = zstandard.ZstdCompressor().compress(bytes(64 * 1024 * 1024))
    assert len(zeros) < wire.MAX_MESSAGE_BYTES
    tracemalloc.start()
    try:
        assert read(b"\x01" + zeros) == 0
        assert tracemalloc.get_traced_memory()[1] < 2 * wire.MAX_DECODED_BYTES
    finally:
        tracemalloc.stop()


def test_blind_changes_as_fast_as_they_go() -> None:
    chance = random.Random(24)
    streams = [data for make in PAYLOADS.values() if len(data := make()[:20_000]) > 0]
    limits = Limits(size_bytes=4096)
    ends = time.monotonic() + SECONDS
    count = 0
    while time.monotonic() < ends:
        raw = bytearray(chance.choice(RAW))
        for _ in range(chance.randrange(1, 6)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        read(b"\x00" + bytes(raw))
        stream = bytearray(chance.choice(streams))
        for _ in range(chance.randrange(6)):
            stream[chance.randrange(len(stream))] = chance.randrange(256)
        feed(ExpressionReader(limits), bytes(stream), chance.choice((1 << 15, 1000, 17)))
        count += 1
    told("inputs without an uncaught exception", count, "")
