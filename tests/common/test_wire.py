"""What crosses the wire comes back the same, and nothing else gets in."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from common import queries, wire
from common.configs import DeviceConfig, ProcessSetConfig, SnmpConfig, SourceKind
from common.errors import RemoteError
from common.events import CLASS_PROCESS, Event, Severity


def config(name: str) -> DeviceConfig:
    return DeviceConfig(
        device=name,
        address="192.0.2.1",
        source=SourceKind.SNMP,
        interval_s=60,
        snmp=SnmpConfig(),
        process_sets=(ProcessSetConfig(id="sshd", title="sshd", order=1, include="sshd", name="sshd"),),
    )


def event(seq: int) -> wire.SpooledEvent:
    return wire.SpooledEvent(
        seq, Event(device="d", event_class=CLASS_PROCESS, severity=Severity.ERROR, summary=f"no {seq}", at=1.5)
    )


@pytest.mark.parametrize(
    "message",
    [
        wire.ConfigBatch(revision=7, changed=[config(f"host{n}") for n in range(40)], removed=["gone"]),
        wire.ConfigBatch(revision=7, changed=[], removed=["gone"], epoch="e"),
        wire.EventBatch(spool="s", events=[event(n) for n in range(1, 30)]),
        wire.Attach(
            daemon="process", host="h", software="0.1", oldest=1, newest=1, spool="a" * 32, started_at=1_800_000_000.25
        ),
        wire.Attach(
            daemon="modeler",
            host="h",
            software="0.1",
            oldest=1,
            newest=1,
            spool="a" * 32,
            started_at=0.0,
            position=wire.Position("e", 7, "0" * 32),
        ),
        wire.Heartbeat(counts=wire.TaskCounts(devices=3, problem="disk full")),
        queries.Picture(form="png", data=bytes(range(256)) * 40),
        queries.Rows(
            points=["a"], units=["%"], step_s=60, start=0, end=120, cf="MAX", rows=[(60, [None]), (120, [0.5])]
        ),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_comes_back_as_it_went(message: object) -> None:
    assert wire.decode(wire.encode(message), type(message)) == message


def test_alike_configs_are_compressed_to_a_fraction() -> None:
    batch = wire.ConfigBatch(revision=1, changed=[config(f"host{n}") for n in range(100)], removed=[])
    assert len(wire.encode(batch)) * 5 < len(msgspec.msgpack.encode(batch))


def test_the_type_of_a_query_is_told_by_its_tag() -> None:
    query = wire.decode_query(wire.encode(queries.LiveConfigQuery("web1")))
    assert query == queries.LiveConfigQuery("web1")


def test_a_refusal_raises_its_code_and_sentence() -> None:
    data = wire.encode(wire.Failure(wire.FailureCode.NOT_FOUND, "no device x", ["there are: y"]))
    with pytest.raises(RemoteError, match="no device x") as raised:
        wire.decode_answer(data, wire.Alive)
    assert raised.value.code == "not_found"
    assert raised.value.details == ("there are: y",)


def test_an_answer_of_another_type_is_refused_by_name() -> None:
    with pytest.raises(wire.WireError, match="type"):
        wire.decode_answer(wire.encode(queries.Done(1)), wire.Attached)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "0 bytes"),
        (b"\x07abc", "form byte 7"),
        (b"\x00\xc1", "Alive"),
        (b"\x00" + b"\x91" * 100_000, "Alive"),
        (b"\x01not zstd", "Alive"),
        (b"\x00" + b"x" * wire.MAX_MESSAGE_BYTES, "bytes"),
    ],
    ids=["empty", "form", "msgpack", "deep", "zstd", "large"],
)
def test_bytes_that_are_no_message_are_refused_with_the_reason(data: bytes, says: str) -> None:
    with pytest.raises(wire.WireError, match=says):
        wire.decode(data, wire.Alive)


def test_a_small_frame_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked() -> None:
    bomb = b"\x01" + zstandard.ZstdCompressor().compress(b"\x00" * (wire.MAX_DECODED_BYTES + 1))
    assert len(bomb) < 10_000
    with pytest.raises(wire.WireError, match="unpacks to"):
        wire.decode(bomb, wire.Alive)


def test_a_frame_that_hides_its_size_is_refused() -> None:
    stream = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    bomb = b"\x01" + stream.compress(b"\x00" * (wire.MAX_DECODED_BYTES * 2)) + stream.flush()
    with pytest.raises(wire.WireError):
        wire.decode(bomb, wire.Alive)


def test_lists_and_texts_over_their_bounds_are_refused_where_they_stand() -> None:
    data = b"\x00" + msgspec.msgpack.encode({"type": "EventsStored", "seq": "7"})
    with pytest.raises(wire.WireError, match=r"\$\.seq"):
        wire.decode(data, wire.EventsStored)
    many = b"\x00" + msgspec.msgpack.encode({"type": "RunNowQuery", "devices": ["x"] * 2001})
    with pytest.raises(wire.WireError, match="2000"):
        wire.decode(many, queries.RunNowQuery)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"at": float("nan")}, r"\$\.at"),
        ({"at": float("-inf")}, r"\$\.at"),
        ({"at": 1e300}, r"\$\.at"),
        ({"outcomes": [{"plugin": "p", "attributes": {"a": "x" * 3000}}]}, "attributes"),
        ({"outcomes": [{"plugin": "p", "components": [{"kind": "cpu", "name": "a\nb"}]}]}, "name"),
        ({"outcomes": [{"plugin": "p", "components": [{"kind": "cpu", "name": "x" * 256}]}]}, "name"),
    ],
)
def test_a_report_of_what_cannot_be_is_refused(fields: dict[str, object], where: str) -> None:
    data = b"\x00" + msgspec.msgpack.encode({"type": "ModelReport", "device": "d", "at": 1.0, **fields})
    with pytest.raises(wire.WireError, match=where):
        wire.decode(data, wire.ModelReport)


def test_a_field_from_a_later_version_is_skipped() -> None:
    data = b"\x00" + msgspec.msgpack.encode({"type": "EventsStored", "seq": 7, "mood": "good"})
    assert wire.decode(data, wire.EventsStored) == wire.EventsStored(7)


def test_what_an_earlier_version_does_not_tell_is_not_known() -> None:
    told = {"type": "Attach", "daemon": "d", "host": "h", "software": "0.0", "oldest": 1, "newest": 1, "spool": "s"}
    attach = wire.decode(b"\x00" + msgspec.msgpack.encode({**told, "started_at": 1.0}), wire.Attach)
    assert attach.position == wire.Position("", 0, "")
    batch = {"type": "ConfigBatch", "revision": 3, "changed": [], "removed": []}
    assert wire.decode(b"\x00" + msgspec.msgpack.encode(batch), wire.ConfigBatch).epoch == ""


@pytest.mark.parametrize("position", [{"all": "no digest"}, {"revision": -1}, {"epoch": "e" * 101}])
def test_a_position_that_cannot_be_is_refused(position: dict[str, object]) -> None:
    told = {"type": "Attach", "daemon": "d", "host": "h", "software": "0.0", "oldest": 1, "newest": 1, "spool": "s"}
    with pytest.raises(wire.WireError, match="position"):
        wire.decode(b"\x00" + msgspec.msgpack.encode({**told, "started_at": 1.0, "position": position}), wire.Attach)


@pytest.mark.parametrize("started_at", [float("nan"), float("inf"), -1.0])
def test_a_start_that_cannot_be_is_refused(started_at: float) -> None:
    told = {"type": "Attach", "daemon": "d", "host": "h", "software": "0.0", "oldest": 1, "newest": 1, "spool": "s"}
    with pytest.raises(wire.WireError, match="started_at"):
        wire.decode(b"\x00" + msgspec.msgpack.encode({**told, "started_at": started_at}), wire.Attach)


def test_a_message_too_large_is_refused_by_the_sender() -> None:
    with pytest.raises(wire.WireError, match="Picture"):
        wire.encode(queries.Picture(form="png", data=zstandard.ZstdCompressor().compress(b"") + bytes(5_000_000)))


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_wire_error(data: bytes) -> None:
    with contextlib.suppress(wire.WireError):
        wire.decode_query(data)
