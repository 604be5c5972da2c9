"""Batches of configs of which a collector cannot read some."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from common.configbatches import read_batch
from common.configs import DeviceConfig, SourceKind
from common.sources import PingSource
from common.wire import ConfigBatch, WireError, encode


def config(device: str) -> DeviceConfig:
    source = PingSource(id="ping", template="ping", interval_s=60)
    return DeviceConfig(device=device, address="", source=SourceKind.SNMP, interval_s=60, sources=(source,))


def batch(*configs: Any) -> bytes:
    told = msgspec.to_builtins(ConfigBatch(revision=7, changed=[], removed=["gone"], epoch="e"))
    return b"\x00" + msgspec.msgpack.encode({**told, "changed": [msgspec.to_builtins(one) for one in configs]})


def with_source(device: str, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.to_builtins(config(device))
    made["sources"] = [{**made["sources"][0], **fields}]
    return made


def test_a_batch_that_can_be_read_is_as_it_is() -> None:
    whole = ConfigBatch(revision=7, changed=[config("a")], removed=["gone"], epoch="e")
    assert read_batch(encode(whole)) == (whole, [])
    assert read_batch(batch(config("a"))) == (whole, [])


def test_a_source_of_a_type_that_comes_later_costs_its_device_alone() -> None:
    found, rejected = read_batch(batch(config("a"), with_source("b", type="quantum"), config("c")))
    assert found == ConfigBatch(revision=7, changed=[config("a"), config("c")], removed=["gone"], epoch="e")
    (one,) = rejected
    assert one.device == "b"
    assert "quantum" in one.reason
    assert "update it" in one.reason


def test_so_does_one_that_is_wrong_and_its_reason_is_bounded() -> None:
    found, rejected = read_batch(batch(with_source("b", type="x" * 9000), with_source("c", interval_s=-1)))
    assert found.changed == []
    assert [one.device for one in rejected] == ["b", "c"]
    assert all(len(one.reason) < 500 for one in rejected)


@pytest.mark.parametrize("wrong", [{"no": "device"}, {"device": 7}, [], 5, None])
def test_what_is_of_no_device_is_no_batch(wrong: Any) -> None:
    with pytest.raises(WireError):
        read_batch(batch(config("a"), wrong))


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\xff" * 50, b"\x02x", b"\x00" + msgspec.msgpack.encode({"a": 1})])
def test_what_is_no_message_is_refused_as_ever(data: bytes) -> None:
    with pytest.raises(WireError):
        read_batch(data)
